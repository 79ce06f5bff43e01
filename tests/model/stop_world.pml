/* Stopping the world: runtime/src/sched/{stopworld,handoff}.c, one atomic step per shared access. A stopper stops and
 * starts the world twice; WORKERS threads hold a P each and run: they reach scheduling points, and go into blocking
 * calls and come back. Checked in every interleaving:
 *   - while the world stands, nobody runs with a P (S7);
 *   - the stopper does not wait for ever, and nobody sleeps after the last start (invalid end states).
 * Stores to `call` and `taken` are the ones that the hardware may delay: as in x86 TSO each worker's store to `call` goes
 * through a buffer, which the stopper's membarrier empties. Planted bugs, which must be found: BUG=1 the stopper looks
 * for calls only once. BUG=2 it looks at `call` before the membarrier. BUG=3 who stops at a scheduling point reads the
 * epoch after it has let go of the lock. */
#ifndef BUG
#define BUG 0
#endif

#define WORKERS 2
#define STOPS 2

byte lock;                 /* the world's; 0 open, else 1 + holder (WORKERS: the stopper) */
bool wanted;               /* RTI_ATTENTION_STOP */
byte left, epoch;
bool stopped[WORKERS];     /* the P that the worker has or had is STOPPED */
bool has_p[WORKERS];
bool call[WORKERS];        /* in memory */
bool buffered[WORKERS];    /* a store to call is still in the buffer, of this value: */
bool value[WORKERS];
bool taken[WORKERS];
bool runs[WORKERS];        /* runs a goroutine */
bool stands;
byte ended;

inline acquire(who) { atomic { lock == 0 -> lock = 1 + who } }
inline release(who) { d_step { assert(lock == 1 + who); lock = 0 } }
inline drain(w) { if :: buffered[w] -> call[w] = value[w]; buffered[w] = false :: else -> skip fi }
inline store_call(w, v) { d_step { drain(w); buffered[w] = true; value[w] = v } }

proctype Drain(byte w)
{
end:
    do
    :: atomic { buffered[w] -> call[w] = value[w]; buffered[w] = false }
    od
}

/* rti_stopworld_pause_sys */
inline pause(w)
{
    runs[w] = false;
    acquire(w);
    skip;
    d_step { drain(w); e = epoch; stop_here = wanted && has_p[w] && !stopped[w] };
    if
    :: stop_here -> d_step { stopped[w] = true; left-- }
    :: else -> skip
    fi;
    release(w);
    if
    :: stop_here ->
#if BUG == 3
        e = epoch;
#endif
        (epoch != e)
    :: else -> skip
    fi;
    runs[w] = true
}

proctype Worker(byte w)
{
    byte e, turns = 0;
    bool stop_here;
    do
    :: turns < 3 ->
        turns++;
        if
        :: wanted -> pause(w)
        :: true -> skip
        :: true -> /* a blocking call */
            runs[w] = false;
            store_call(w, true);
            if
            :: skip
            :: true -> (ended == 1) /* a long one */
            fi;
            store_call(w, false);
            if
            :: taken[w] -> /* exit_slow */
                acquire(w);
                d_step { drain(w); taken[w] = false };
                release(w);
                if
                :: has_p[w] -> skip
                :: else -> has_p[w] /* stranded: until it gets a P at the start */
                fi;
                runs[w] = true
            :: else -> runs[w] = true /* reads its own buffer: it believes that it still has its P */
            fi
        fi;
        assert(!(runs[w] && stands)) /* S7 */
    :: turns == 3 -> break
    od;
    /* To the end it stays at scheduling points. */
    do
    :: ended == 1 -> break
    :: wanted -> pause(w)
    od
}

/* rti_handoff_take_calls_locked, lock held */
inline take_calls()
{
    i = 0;
    do
    :: i < WORKERS ->
#if BUG == 2
        seen[i] = !stopped[i] && has_p[i] && call[i];
#endif
        if
        :: !stopped[i] && has_p[i] && call[i] -> taken[i] = true
        :: else -> skip
        fi;
        i++
    :: else -> break
    od;
    skip;
    d_step { drain(0); drain(1) }; /* membarrier */
    i = 0;
    do
    :: i < WORKERS ->
#if BUG == 2
        if
        :: seen[i] && taken[i] -> d_step { has_p[i] = false; stopped[i] = true; left-- }
#else
        if
        :: !stopped[i] && has_p[i] && call[i] && taken[i] -> d_step { has_p[i] = false; stopped[i] = true; left-- }
#endif
        :: else -> skip
        fi;
        i++
    :: else -> break
    od
}

active proctype Stopper()
{
    byte i, n = 0;
    bool seen[WORKERS];
    atomic { has_p[0] = true; has_p[1] = true; runs[0] = true; runs[1] = true };
    atomic { run Drain(0); run Drain(1); run Worker(0); run Worker(1) };
    do
    :: n < STOPS ->
        n++;
        acquire(WORKERS);
        d_step { wanted = true; left = WORKERS };
        take_calls();
        release(WORKERS);
        do
        :: left == 0 -> break
#if BUG != 1
        :: left > 0 && ((has_p[0] && !stopped[0] && call[0]) || (has_p[1] && !stopped[1] && call[1])) ->
            acquire(WORKERS);
            take_calls();
            release(WORKERS)
#endif
        od;
        stands = true;
        assert(!runs[0] && !runs[1]); /* S7 */
        stands = false;
        acquire(WORKERS);
        d_step { wanted = false; stopped[0] = false; stopped[1] = false; has_p[0] = true; has_p[1] = true; epoch++ };
        release(WORKERS)
    :: else -> break
    od;
    ended = 1
}
