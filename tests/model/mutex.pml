/* The mutex: runtime/src/api/mutex.c, one atomic step per shared access. Two goroutines lock and unlock, twice each, on
 * two processors that buffer their stores (x86 TSO): the plain store of an unlock reaches memory some time later, at the
 * latest before the next read-modify-write of that processor, or when another one calls membarrier. Checked in every
 * interleaving:
 *   - one at a time is inside;
 *   - nobody sleeps for ever (invalid end states): no wake-up is lost, though the fast unlock has no fence.
 * The owner may clear FENCED at an unlock that sees nothing else (here: whenever it likes).
 * Planted bugs, which must be found: BUG=1 the first waiter does not call membarrier. BUG=2 it calls it before it has
 * announced itself. BUG=3 a waiter sleeps without a second look at the lock. BUG=4 FENCED is cleared without the bucket's lock. */
#ifndef BUG
#define BUG 0
#endif

#define GS 2
#define TURNS 2

byte locked;            /* in memory */
bool buffered[GS];      /* a store of 0 to `locked` is still in that processor's buffer */
byte count;             /* waiters: COUNT */
bool fenced;            /* waiters: FENCED */
bool woken_flag;        /* waiters: WOKEN */
byte bucket;            /* lock of the bucket: 0 open, else 1 + holder */
bool queued[GS];
bool wake[GS];          /* ready() was called */
byte inside;

/* The buffer drains whenever it likes. */
proctype Drain(byte cpu)
{
end:
    do
    :: atomic { buffered[cpu] -> buffered[cpu] = false; locked = 0 }
    od
}

/* A read-modify-write first drains its own processor's buffer. Reads see the own buffer first. */
inline flush(cpu) { if :: buffered[cpu] -> buffered[cpu] = false; locked = 0 :: else -> skip fi }
inline membarrier() { d_step { flush(0); flush(1) } }

inline take(me, ok)
{
    d_step { flush(me); ok = (locked == 0); if :: ok -> locked = 1 :: else -> skip fi }
}
inline lock_bucket(me) { atomic { bucket == 0 -> flush(me); bucket = 1 + me } }
inline open_bucket(me) { d_step { assert(bucket == 1 + me); flush(me); bucket = 0 } }

inline wake_one(me, other)
{
    lock_bucket(me);
    hit = false;
    if
    :: locked == 0 && !woken_flag && queued[other] ->
        d_step { queued[other] = false; count--; woken_flag = true; hit = true }
    :: else -> skip
    fi;
    open_bucket(me);
    if
    :: hit -> wake[other] = true
    :: else -> skip
    fi
}

proctype G(byte me)
{
    byte turns = 0, other = 1 - me;
    bool ok, again, first, hit, zero, busy;
    do
    :: turns < TURNS ->
        /* rt_mutex_lock */
        take(me, ok);
        again = false;
        do
        :: ok -> break
        :: else ->
            lock_bucket(me);
            first = !fenced;
#if BUG == 2
            if :: first -> membarrier() :: else -> skip fi;
#endif
            d_step {
                flush(me);
                count++;
                if :: first -> fenced = true :: else -> skip fi;
                if :: again -> woken_flag = false :: else -> skip fi
            }
#if BUG != 1 && BUG != 2
            if :: first -> membarrier() :: else -> skip fi;
#endif
#if BUG == 3
            ok = false;
#else
            take(me, ok);
#endif
            if
            :: ok -> d_step { count--; again = false }; open_bucket(me); break
            :: else ->
                queued[me] = true;
                open_bucket(me); /* after the switch */
                wake[me] -> wake[me] = false;
                again = true
            fi;
            take(me, ok)
        od;
        if
        :: again -> d_step { flush(me); woken_flag = false } /* woken, and got it */
        :: else -> skip
        fi;
        inside++;
        assert(inside == 1);
        inside--;
        /* rt_mutex_unlock */
        d_step { zero = (count == 0 && !fenced && !woken_flag) }
        if
        :: zero -> /* fast: a plain store, then a load; the store may come later */
            buffered[me] = true;
            d_step { busy = (count > 0) }
        :: else ->
            if
            :: fenced && count == 0 && !woken_flag ->
#if BUG != 4
                lock_bucket(me);
#endif
                d_step { flush(me); if :: count == 0 && !woken_flag -> fenced = false :: else -> skip fi };
#if BUG != 4
                open_bucket(me)
#endif
            :: true -> skip
            fi;
            d_step { flush(me); locked = 0 }
            d_step { busy = (count > 0 && !woken_flag) }
        fi;
        if
        :: busy -> wake_one(me, other)
        :: else -> skip
        fi;
        turns++
    :: else -> break
    od
}

init
{
    atomic {
        run Drain(0);
        run Drain(1);
        run G(0);
        run G(1)
    }
}
