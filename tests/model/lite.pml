/* Goroutines that share a stack: runtime/src/sched/lite.c. GS of them were born on one stack and run on two Ps, TURNS
 * times each; whoever parks is copied out, may be made ready from then on, and lets the stack go. One that yields does
 * so only if somebody waits for the stack. Checked in every interleaving:
 *   - each finds on the stack what it left there, and nobody else writes there while it runs (S6);
 *   - nobody waits for ever (invalid end states).
 * Planted bugs, which must be found: BUG=1 who parks stays the holder until it lets go, so that it enters when it was
 * made ready before. BUG=2 the stack is let go before the copy is made. BUG=3 who lets go does not look for waiters.
 * BUG=4 who yields lets others in without a copy. */
#ifndef BUG
#define BUG 0
#endif
#define GS      3
#define TURNS   2
#define NOBODY  0
#define LEAVING 9

chan queue = [GS] of { byte };   /* runnable */
chan waiters = [GS] of { byte }; /* for the stack */
byte holder = NOBODY;            /* goroutines count from 1 */
byte stack;                      /* whose words are there */
bool saved[4];
bool parked[4];
byte turns[4];
byte ended;

inline let_go()
{
    atomic {
        if
#if BUG != 3
        :: len(waiters) > 0 -> waiters?n; holder = n; queue!n
#endif
        :: BUG == 3 || len(waiters) == 0 -> holder = NOBODY
        fi
    }
}

inline park(g)
{
#if BUG == 2
    let_go();
#endif
    assert(stack == g);  /* the copy */
    saved[g] = true;
#if BUG != 1
    holder = (BUG == 2 -> holder : LEAVING);
#endif
    parked[g] = true;    /* the commit: the waker may find it */
#if BUG != 2
    let_go()
#endif
}

inline yield(g)
{
    bool wanted = (len(waiters) > 0);
    if
    :: wanted ->
#if BUG != 4
        assert(stack == g);
        saved[g] = true;
#endif
        holder = LEAVING;
        queue!g;
        let_go()
    :: else -> queue!g
    fi
}

active [2] proctype P()
{
    byte g, n;
    bool mine;
end:
    do
    :: queue?g ->
        atomic {
            mine = (holder == NOBODY || holder == g);
            if
            :: mine -> holder = g
            :: else -> waiters!g
            fi
        }
        if
        :: mine ->
            if
            :: saved[g] -> stack = g; saved[g] = false
            :: else -> skip
            fi;
            assert(stack == g); /* it runs: what it left is there */
            turns[g]++;
            assert(stack == g); /* and stays */
            if
            :: turns[g] == TURNS -> ended++; let_go()
            :: turns[g] < TURNS -> park(g)
            :: turns[g] < TURNS -> yield(g)
            fi
        :: else -> skip
        fi
    od
}

active proctype Waker()
{
    do
    :: ended == GS -> break
    :: parked[1] -> parked[1] = false; queue!1
    :: parked[2] -> parked[2] = false; queue!2
    :: parked[3] -> parked[3] = false; queue!3
    od
}

init
{
    atomic {
        saved[1] = true;
        saved[2] = true;
        saved[3] = true;
        queue!1;
        queue!2;
        queue!3
    }
}
