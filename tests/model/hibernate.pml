/* Taking a parked goroutine's stack away without a read-modify-write on the wake path: runtime/src/sched/hibernate.c, one
 * atomic step per shared access. One goroutine is parked and woken TURNS times by a processor that buffers its stores
 * (x86 TSO): that it made the goroutine RUNNABLE reaches memory some time after it has looked at `hib`, at the latest
 * with its next read-modify-write, or when the hibernator calls membarrier. Checked in every interleaving:
 *   - the goroutine always finds its stack as it left it (H: hib and the stack are changed by one side at a time);
 *   - nobody waits for ever (invalid end states).
 * Planted bugs, which must be found: BUG=1 no membarrier between claim and second look. BUG=2 no second look. BUG=3 the
 * stack is dropped without a compare-and-swap from CLAIMED. BUG=4 a goroutine that finds DROPPING does not wait. BUG=5
 * the wake path gives a claim up by a plain store. */
#ifndef BUG
#define BUG 0
#endif
#define TURNS  3
#define LOOKS  2
#define NONE     0
#define CLAIMED  1
#define DROPPING 2
#define SAVED    3
#define GONE     255

bool waiting;     /* the status in memory */
bool buffered;    /* "not waiting any more" is still in the processor's buffer */
byte hib;
byte stack;       /* what is on the stack: the number of the turn, or GONE */
byte saved;
bool lock;        /* the hibernator's */
byte turn;

proctype Drain()
{
end:
    do
    :: atomic { buffered -> buffered = false; waiting = false }
    od
}
inline flush() { if :: buffered -> buffered = false; waiting = false :: else -> skip fi }

/* Whoever makes the goroutine ready, runs it and sees it park again; all on one processor, the worst case. */
proctype Runner()
{
    byte seen;
    do
    :: turn == TURNS -> break
    :: else ->
        buffered = true;         /* ready: a plain store to the status */
retry:  seen = hib;              /* start: one plain load */
        if
        :: seen == NONE -> skip
        :: seen == CLAIMED ->
#if BUG == 5
            hib = NONE
#else
            d_step {             /* a compare-and-swap: drains the buffer */
                flush();
                if
                :: hib == CLAIMED -> hib = NONE; seen = NONE
                :: else -> skip
                fi
            }
            if
            :: seen != NONE -> goto retry
            :: else -> skip
            fi
#endif
        :: seen == DROPPING ->
#if BUG != 4
            atomic { !lock -> flush() } /* through the hibernator's lock and on */
            goto retry
#endif
        :: seen == SAVED ->
            stack = saved;
            hib = NONE
        fi;
        assert(stack == turn);   /* it runs, and finds what it left */
        turn++;
        stack = turn;
        atomic { flush(); waiting = true } /* parks: store-release after all it wrote; the buffer is first in, first out */
    od
}

proctype Hibernator()
{
    byte n = 0, copy;
    bool mine;
    do
    :: n == LOOKS -> break
    :: else ->
        n++;
        atomic { !lock -> lock = true }
        if
        :: waiting && hib == NONE ->
            hib = CLAIMED;
#if BUG != 1
            d_step { flush() }   /* membarrier: every processor's buffer is empty, the own one too */
#endif
            mine = true;
#if BUG != 2
            mine = waiting;      /* still? then whoever readies it from here on sees the claim */
#endif
            if
            :: mine ->
                copy = stack;
#if BUG == 3
                hib = DROPPING;
#else
                d_step {
                    if
                    :: hib == CLAIMED -> hib = DROPPING
                    :: else -> mine = false
                    fi
                }
#endif
            :: else ->
                d_step {
                    if
                    :: hib == CLAIMED -> hib = NONE
                    :: else -> skip
                    fi
                }
            fi;
            if
            :: mine ->
                stack = GONE;
                saved = copy;
                hib = SAVED
            :: else -> skip
            fi
        :: else -> skip
        fi;
        lock = false
    od
}

init
{
    atomic {
        waiting = true;
        stack = 0;
        run Drain();
        run Runner();
        run Hibernator()
    }
}
