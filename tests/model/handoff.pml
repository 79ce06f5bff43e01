/* Taking the P of an M that is in a blocking call: runtime/src/sched/handoff.c, one atomic step per shared access. The M
 * makes CALLS calls; its two stores to `call` go through a store buffer (x86 TSO) and have no fence. sysmon looks, sets
 * `taken`, passes membarrier (which empties the buffer), and looks at `call` again: odd means that the M will see `taken`.
 * Then the P is another M's, until that one makes it idle. Checked in every interleaving:
 *   - never two Ms touch the P (S4);
 *   - an M that comes back ends up with the P, or sees that it has none.
 * With OFFER the M gives the P away itself once it is in the call (calls from that place last), while sysmon may take it
 * just then: the P becomes idle, and Other, who came back from a call of its own, may take it before the M does.
 * Planted bugs, which must be found: BUG=1 no membarrier. BUG=2 `taken` is set after the second look. BUG=3 the M looks
 * at `taken` before it ends the call. BUG=4 who comes back and sees `taken` does not ask whose the P is.
 * OFFER and BUG=5: it does not set its own `taken`. OFFER and BUG=6: it does not ask under the lock whether the P is still its own. */
#ifndef BUG
#define BUG 0
#endif

#define CALLS 3
#define ROUNDS 3

mtype = { MINE, OTHERS, IDLE };
mtype p = MINE;          /* whose the P is; changes under the lock */
byte call;               /* in memory; odd: in a call */
bool buffered;           /* a store of `pending` to call is still in the M's buffer */
byte pending;
bool taken;
byte lock;               /* the world's: 0 open, else 1 + holder */
byte inside;             /* Ms that touch the P */
bool ended;

inline flush() { d_step { if :: buffered -> buffered = false; call = pending :: else -> skip fi } }
inline store_call(v) { atomic { flush(); buffered = true; pending = v } }
inline acquire(who) { atomic { lock == 0 -> lock = 1 + who } }
inline release(who) { d_step { assert(lock == 1 + who); lock = 0 } }
inline touch() { inside++; assert(inside == 1); inside-- }

/* The buffer drains whenever it likes. */
proctype Drain()
{
end:
    do
    :: atomic { buffered -> buffered = false; call = pending }
    od
}

proctype M()
{
    byte n = 0, mine = 0;
    bool saw, have = true;
    do
    :: n < CALLS && have ->
        touch();
        mine++;
        store_call(mine); /* enter */
        mine++;
#ifdef OFFER
        atomic { lock == 0 -> flush(); lock = 1 } /* give_up */
        if
#if BUG == 6
        :: true ->
#else
        :: p == MINE ->
#endif
#if BUG != 5
            taken = true;
#endif
            p = IDLE
        :: else -> skip
        fi;
        release(0);
#endif
#if BUG == 3
        saw = taken;
        store_call(mine);
#else
        store_call(mine); /* exit */
        saw = taken;
#endif
        if
        :: saw ->
            atomic { lock == 0 -> flush(); lock = 1 }
            taken = false;
#if BUG != 4
            if
            :: p == IDLE -> p = MINE
            :: else -> skip
            fi;
            have = (p == MINE);
#endif
            release(0)
        :: else -> skip
        fi;
        n++
    :: else -> break
    od;
    if
    :: have -> touch()
    :: else -> skip
    fi;
    ended = true
}

proctype Sysmon()
{
    byte n = 0, seen;
    do
    :: n < ROUNDS ->
        n++;
        seen = call;
        if
        :: seen & 1 ->
            acquire(1);
            if
            :: p == MINE && call == seen ->
#if BUG != 2
                taken = true;
#endif
#if BUG != 1
                flush(); /* membarrier */
#endif
                if
                :: call == seen ->
#if BUG == 2
                    taken = true;
#endif
                    p = OTHERS
                :: else -> skip
                fi
            :: else -> skip
            fi;
            release(1)
        :: else -> skip
        fi
    :: else -> break
    od
}

/* Another M that is given the P, or takes it, and makes it idle. */
proctype Other()
{
    byte n = 0;
end:
    do
#ifdef OFFER
    :: n < CALLS && p == IDLE ->
        n++;
        acquire(2);
        if
        :: p == IDLE -> p = OTHERS
        :: else -> skip
        fi;
        release(2)
#endif
    :: p == OTHERS ->
        touch();
        acquire(2);
        p = IDLE;
        release(2)
    od
}

init
{
    atomic {
        run Drain();
        run M();
        run Sysmon();
        run Other()
    }
}
