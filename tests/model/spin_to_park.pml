/* From spinning to parked: how a P goes idle while others submit work (S3; runtime/src/sched/{findwork,wake}.c, the rule
 * of Go's proc.c). SUBMITS goroutines are made runnable by a thread outside (it pushes into the global queue), WORKERS
 * threads look for them, spin, and park. Checked in every interleaving:
 *   - no goroutine is left in a queue while every thread is parked (the end state "all parked, queue not empty");
 *   - a wake-up is never given to a thread that is not parked (tickets balance);
 *   - there is never more than one wake-up under way per submit.
 * With thrift on (runtime/src/sched/thrift.c; it may come and go at any moment) who claims the right to wake may leave it to
 * sysmon if a worker runs, and a worker that goes idle may leave what it sees to one that runs. sysmon then wakes a worker
 * with that claim, or gives the claim up, whenever it likes; it sleeps for good unless it has the claim or is woken.
 * Spin explores sequential consistency; the full fences at both sides (submit: publish, fence, look at the spinners;
 * going idle: count down, fence, look at the queues) are what makes the hardware do the same.
 * Planted bugs, which must be found: BUG=1 who stops spinning does not look at the queues again. BUG=2 the submitter
 * looks at the spinners before it publishes. BUG=3: sysmon gives its claim up and does not look again. BUG=4: sysmon looks
 * whether it has the claim before it says that it sleeps. */
#ifndef BUG
#define BUG 0
#endif
#define WORKERS 2
#define SUBMITS 2

byte queue;             /* runnable goroutines */
byte spinning;          /* threads that look for work and have none */
byte idle;              /* parked or about to: in the idle list, under the scheduler's lock */
byte wakeups[WORKERS];  /* the note of each thread */
bool in_idle[WORKERS];
byte done;
bool watching;          /* one of `spinning` is sysmon's */
bool sysmon_sleeps, sysmon_kicked;

#define SOMEBODY_RUNS (!in_idle[0] || !in_idle[1])

/* Takes a thread out of the idle list, who inherits the caller's claim; or gives that back. */
inline wake_claimed()
{
    atomic { /* under the lock */
        if
        :: in_idle[0] -> in_idle[0] = false; idle--; assert(wakeups[0] == 0); wakeups[0] = 1
        :: in_idle[1] -> in_idle[1] = false; idle--; assert(wakeups[1] == 0); wakeups[1] = 1
        :: else -> spinning-- /* the idle one found work itself meanwhile */
        fi
    }
}

/* wake_one: claims the right to wake (spinning 0 -> 1), takes a thread out of the idle list, wakes it as a spinner. */
inline wake_one()
{
    bool claimed;
    claimed = false;
    atomic {
        if
        :: spinning == 0 && idle > 0 -> spinning = 1; claimed = true
        :: else -> skip
        fi
    }
    if
    :: claimed ->
        if
        :: SOMEBODY_RUNS -> /* thrift */
            watching = true; /* fence */
            if
            :: sysmon_sleeps -> sysmon_kicked = true
            :: else -> skip
            fi
        :: wake_claimed()
        fi
    :: else -> skip
    fi
}

proctype Submit()
{
    byte n = 0;
#if BUG == 2
    bool nobody;
#endif
    do
    :: n < SUBMITS ->
#if BUG == 2
        nobody = (spinning == 0 && idle > 0);
        queue++;
        if
        :: nobody -> wake_one()
        :: else -> skip
        fi;
#else
        queue++; /* publish; fence */
        wake_one();
#endif
        n++
    :: else -> break
    od
}

proctype Worker(byte me)
{
    bool spins = false, found, last;
    do
    :: done == SUBMITS -> break
    :: else ->
        /* look */
        atomic {
            if
            :: queue > 0 -> queue--; found = true
            :: else -> found = false
            fi
        }
        if
        :: found ->
            if
            :: spins -> /* the last spinner that finds work wakes another */
                spins = false;
                atomic { spinning--; last = (spinning == 0) }
                if
                :: last -> wake_one()
                :: else -> skip
                fi
            :: else -> skip
            fi;
            done++ /* runs it */
        :: else ->
            if
            :: !spins && spinning == 0 -> spins = true; spinning++ /* spin: look once more */
            :: else ->
                atomic { in_idle[me] = true; idle++ } /* give the P away, under the lock */
                if
                :: spins ->
                    spins = false;
                    spinning-- /* fence */
                :: else -> skip
                fi;
#if BUG != 1
                /* look again at everything */
                if
                :: queue > 0 && SOMEBODY_RUNS -> wake_one() /* thrift: they shall do it; somebody watches */
                :: queue > 0 ->
                    atomic {
                        if
                        :: in_idle[me] -> in_idle[me] = false; idle--; spins = true; spinning++
                        :: else -> skip /* somebody is waking us */
                        fi
                    }
                :: else -> skip
                fi;
#endif
                if
                :: spins -> skip /* got the P back */
                :: else ->
end_parked:         if
                    :: wakeups[me] == 1 -> wakeups[me] = 0; spins = true /* inherits the claim */
                    :: done == SUBMITS -> break
                    fi
                fi
            fi
        fi
    od
}

proctype Sysmon()
{
    bool look;
    do
    :: watching && in_idle[0] + in_idle[1] > 0 -> watching = false; wake_claimed()
    :: watching ->
        watching = false;
        spinning--; /* fence */
#if BUG != 3
        if
        :: queue > 0 -> wake_one()
        :: else -> skip
        fi
#endif
    :: !watching ->
#if BUG == 4
        look = watching;
        sysmon_sleeps = true; /* fence */
#else
        sysmon_sleeps = true; /* fence */
        look = watching;
#endif
        if
        :: look -> skip
        :: else ->
end_asleep: sysmon_kicked
        fi;
        sysmon_sleeps = false;
        sysmon_kicked = false
    od
}

/* Comes to rest only when all is done: a thread parked with work in the queue and nobody awake is an invalid end. */
proctype Watch()
{
    done == SUBMITS;
    assert(queue == 0)
}

init
{
    atomic {
        run Submit();
        run Worker(0);
        run Worker(1);
        run Sysmon();
        run Watch()
    }
}
