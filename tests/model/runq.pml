/* The run queue of a P: runtime/src/parts/runq.c, one atomic step per shared access. The owner puts ITEMS goroutines into
 * a ring of SIZE, takes some out itself, and when the ring is full moves half of it out by one compare-and-swap; two
 * thieves, one of which comes twice, read up to half of it and take it by one compare-and-swap. head and tail start
 * shortly before they wrap around, and places of the ring are used again. Checked in every interleaving: each goroutine
 * is taken exactly once, and none is left behind.
 * Planted bugs, which must be found: BUG=1 a thief moves head without comparing. BUG=2 the owner puts into a full ring.
 * BUG=3 a thief reads the places after it has moved head. BUG=4 the owner takes without comparing. BUG=5 a thief reads
 * tail before head and does not check that the two are of one moment. */
#ifndef BUG
#define BUG 0
#endif

#define SIZE 4
#define MASK 3
#define ITEMS 5
#define THIEVES 2

byte head = 253, tail = 253;
byte ring[SIZE];
byte taken[6];   /* by number; 0 is not used */
byte thieves_done;

inline got(item) { d_step { assert(item > 0 && item <= ITEMS); taken[item]++; assert(taken[item] == 1) } }

/* cas(&head, from, to) */
inline move_head(from, to, ok)
{
    d_step {
        if
        :: head == from -> head = to; ok = true
        :: else -> ok = false
        fi
    }
}

/* rti_runq_put; what overflows counts as taken: it is in the global queue */
inline put(item)
{
    do
    :: true ->
        h = head;
#if BUG == 2
        if
        :: ((tail - h) & 255) <= SIZE ->
#else
        if
        :: ((tail - h) & 255) < SIZE ->
#endif
            ring[tail & MASK] = item;
            tail = tail + 1;
            break
        :: else ->
            a = ring[h & MASK];
            b = ring[(h + 1) & MASK];
            move_head(h, (h + 2) & 255, ok);
            if
            :: ok -> got(a); got(b); got(item); break
            :: else -> skip
            fi
        fi
    od
}

/* rti_runq_get */
inline get()
{
    h = head;
    do
    :: h == tail -> break
    :: else ->
        a = ring[h & MASK];
#if BUG == 4
        head = (h + 1) & 255; ok = true;
#else
        move_head(h, (h + 1) & 255, ok);
#endif
        if
        :: ok -> got(a); break
        :: else -> h = head
        fi
    od
}

proctype Owner()
{
    byte i = 1, h, a, b;
    bool ok;
    do
    :: i <= ITEMS ->
        put(i);
        atomic { i++; h = 0; a = 0; b = 0; ok = false }
        if
        :: get()
        :: skip
        fi
    :: else -> break
    od;
    thieves_done == THIEVES;
    do
    :: head != tail -> get()
    :: else -> break
    od;
    i = 1;
    do
    :: i <= ITEMS -> assert(taken[i] == 1); i++
    :: else -> break
    od
}

/* grab of rti_runq_steal */
proctype Thief(byte tries)
{
    byte h = 0, t = 0, n = 0, a = 0, b = 0;
    bool ok;
    do
    :: tries > 0 ->
        tries--;
#if BUG == 5
        t = tail;
        h = head;
#else
        h = head;
        t = tail;
#endif
        d_step { n = (t - h) & 255; n = n - n / 2 } /* what is not shared is no step */
        if
        :: n == 0 -> skip
#if BUG != 5
        :: n > SIZE / 2 -> skip /* not of one moment: again */
        :: n > 0 && n <= SIZE / 2 ->
#else
        :: n > 0 ->
#endif
#if BUG == 3
            move_head(h, (h + n) & 255, ok);
            a = ring[h & MASK];
            b = ring[(h + 1) & MASK];
#else
            a = ring[h & MASK];
            if
            :: n > 1 -> b = ring[(h + 1) & MASK]
            :: else -> skip
            fi;
#if BUG == 1
            head = (h + n) & 255; ok = true;
#else
            move_head(h, (h + n) & 255, ok);
#endif
#endif
            if
            :: ok ->
                got(a);
                if
                :: n > 1 -> got(b)
                :: else -> skip
                fi
            :: else -> skip
            fi
        fi;
        atomic { h = 0; t = 0; n = 0; a = 0; b = 0; ok = false }
    :: else -> break
    od;
    thieves_done++
}

init
{
    atomic {
        run Owner();
        run Thief(2);
        run Thief(1)
    }
}
