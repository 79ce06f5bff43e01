#include "boot/sysmon.h"

#include "base/clock.h"
#include "base/debugvars.h"
#include "boot/procs.h"
#include "observe/schedtrace.h"
#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/handoff.h"
#include "sched/hibernate.h"
#include "sched/netpoll.h"
#include "sched/preempt.h"
#include "sched/resize.h"
#include "sched/thread.h"
#include "sched/thrift.h"
#include "sched/timers.h"
#include "sched/wake.h"

enum { UPDATE_NS = 1000000000 };
enum { SHORTEST_NS = 20000, LONGEST_NS = 10000000, CALM_ROUNDS = 50, SLICE_NS = 10000000, LATE_POLL_NS = 10000000 };
enum { SEEDED_CALL_NS = 100000000 };
enum { STACKS_NS = 1000000 }; /* between two looks at the stacks of parked goroutines, while there are more */

/* A due timer of a P that runs waits for the P's next look at its timers. After RTI_WAKE_LATE_NS whoever runs is asked
 * to give way for it. One that is later than that by far was asked for and cannot be helped. */
enum { HOPELESS_NS = 2000000 };

/* A goroutine that has run for a whole slice, or past a timer, is asked to yield. */
static void end_slice(struct p *p, int64_t now)
{
    uint32_t tick = load_rlx(&p->tick);
    bool over = tick == p->seen.tick && now - p->seen.tick_ns >= SLICE_NS;
    bool late = load_rlx(&p->timer_next) <= now - RTI_WAKE_LATE_NS;
    if (tick != p->seen.tick) {
        p->seen.tick = tick;
        p->seen.tick_ns = now;
    }
    if (!over && !late)
        return;
    if (!(load_rlx(&p->preempt) & (RTI_PREEMPT_SLICE | RTI_PREEMPT_TIMER))) {
        rti_lock_acquire(&rti_world.lock);
        rti_preempt_ask_locked(p, over ? RTI_PREEMPT_SLICE : RTI_PREEMPT_TIMER);
        rti_lock_release(&rti_world.lock);
    }
    rti_preempt_press(p, now);
}

/* How long to sleep: to the next timer that end_slice may have to see to, if that is sooner. While somebody polls he
 * wakes for it, and tells us if he stops (rti_netpoll_left). */
static int64_t until_timer(int64_t now, int64_t sleep_ns)
{
    if (load_rlx(&rti_world.watching) && sleep_ns > RTI_THRIFT_CALM_NS)
        sleep_ns = RTI_THRIFT_CALM_NS;
    int64_t next = rti_timers_next();
    bool far = next == INT64_MAX || next < now - HOPELESS_NS;
    if (far || load_rlx(&rti_world.poll_until) != 0 || rti_debugvars.seed) /* seeded time is not this clock's */
        return sleep_ns;
    int64_t left = next + RTI_WAKE_LATE_NS - now;
    left = left > SHORTEST_NS ? left : SHORTEST_NS;
    return left < sleep_ns ? left : sleep_ns;
}

/* Between two rounds. Who adds a timer that we would see too late wakes us: either it sees until when we sleep, or we
 * see the timer. */
static void nap(int64_t now, int64_t sleep_ns)
{
    store_rlx(&rti_world.sysmon_until, now + sleep_ns);
    fence_full(); /* says how long, then looks; pairs with the fences before rti_wake_watch */
    int64_t left = until_timer(now, sleep_ns);
    store_rlx(&rti_world.sysmon_until, now + left);
    if (rti_note_sleep_for(&rti_world.sysmon_note, left))
        rti_note_clear(&rti_world.sysmon_note);
    store_rlx(&rti_world.sysmon_until, 0);
    fence_full(); /* cleared, then looks: what another waker meant comes to light in this round */
}

/* After one round in a call the P is taken if there is something for it to do, or nobody else to do what comes;
 * otherwise after 10 ms. True if it was taken, or shall be if it lasts: then the next look has to come soon, or a
 * row of calls, each shorter than a calm sysmon sleeps, would never be seen twice. */
static bool retake(struct p *p, int64_t now)
{
    struct m *m = load_acq(&p->m);
    uint32_t call = m ? load_rlx(&m->call) : 0;
    if (!(call & 1)) {
        p->seen.call = 0;
        return false;
    }
    bool others = load_rlx(&rti_world.idle_ps) + load_rlx(&rti_world.spinning) > 0;
    bool work = !rti_runq_is_empty(&p->runq) || load_rlx(&rti_world.runq_len) || load_rlx(&p->timer_next) <= now;
    if (call != p->seen.call) {
        p->seen.call = call;
        p->seen.call_ns = now;
        return work;
    }
    if (!work && others && now - p->seen.call_ns < SLICE_NS)
        return false;
    return rti_handoff_retake(p, call);
}

/* At most once a second: as many Ps as the system grants us now, unless the number was set by hand. */
static void follow_limits(int64_t now)
{
    static int64_t last; /* sysmon's */
    if (!load_rlx(&rti_world.procs_auto) || now - last < UPDATE_NS)
        return;
    last = now;
    rti_resize_try(rti_procs_default());
}

/* With GODEBUG=seed nothing may depend on real time; but a call that others must end would hold everybody for ever. */
static void retake_seeded(struct p *p, int64_t now)
{
    struct m *m = load_acq(&p->m);
    uint32_t call = m ? load_rlx(&m->call) : 0;
    if (call != p->seen.call) {
        p->seen.call = call;
        p->seen.call_ns = now;
    } else if ((call & 1) && now - p->seen.call_ns >= SEEDED_CALL_NS) {
        (void)rti_handoff_retake(p, call);
    }
}

static void round_trip_seeded(int64_t now)
{
    uint32_t ps = rti_world_ps();
    for (uint32_t i = 0; i < ps; i++)
        if (load_rlx(&rti_world.allp[i]->state) == RTI_P_RUNNING)
            retake_seeded(rti_world.allp[i], now);
    rti_thread_reap(false);
}

static bool round_trip(int64_t now)
{
    bool busy = false;
    uint32_t ps = rti_world_ps();
    for (uint32_t i = 0; i < ps; i++) {
        struct p *p = rti_world.allp[i];
        if (load_rlx(&p->state) != RTI_P_RUNNING)
            continue;
        end_slice(p, now);
        busy |= retake(p, now);
    }
    rti_thread_reap(false);
    follow_limits(now);
    rti_netpoll_look_late(now - LATE_POLL_NS);
    return rti_wake_mend(now) || busy;
}

/* Everybody idles: until somebody takes a P, or there are stacks or threads to give back (until_ns). */
static void sleep_deep(int64_t until_ns)
{
    rti_lock_acquire(&rti_world.lock);
    /* The duty to look (sched/thrift.h) may have come since the last round; the P of whoever gave it went idle under
     * this lock, after that. With it asleep here nobody would be woken any more. */
    bool idle = load_rlx(&rti_world.idle_ps) == rti_world_ps() && !load_rlx(&rti_world.stopping) &&
                !load_rlx(&rti_world.watching) && !rti_thread_is_short();
    rti_world.sysmon_waiting = idle;
    rti_lock_release(&rti_world.lock);
    if (!idle)
        return;
    if (until_ns == INT64_MAX)
        rti_note_sleep(&rti_world.sysmon_note);
    else
        (void)rti_note_sleep_for(&rti_world.sysmon_note, until_ns - rti_clock_monotonic());
    rti_lock_acquire(&rti_world.lock);
    rti_world.sysmon_waiting = false; /* whoever wakes it does so under the lock: so nobody is about to */
    rti_note_clear(&rti_world.sysmon_note);
    rti_lock_release(&rti_world.lock);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void rti_sysmon_run(void)
{
    int64_t sleep_ns = SHORTEST_NS, now = rti_clock_monotonic();
    for (int calm = 0; !load_acq(&rti_world.stopping); calm++) { /* pairs with the exchange in rti_boot_stop */
        nap(now, sleep_ns);
        now = rti_clock_monotonic();
        rti_world_stamp(now);
        if (rti_debugvars.seed) {
            sleep_ns = LONGEST_NS / 2;
            round_trip_seeded(now);
            rti_schedtrace_round(now);
            continue;
        }
        if (round_trip(now))
            calm = 0;
        bool stacks = rti_hibernate_step(now);
        int64_t look_ns = rti_thrift_look(now);
        if (calm == 0)
            sleep_ns = SHORTEST_NS;
        else if (calm > CALM_ROUNDS)
            sleep_ns = sleep_ns * 2 < LONGEST_NS ? sleep_ns * 2 : LONGEST_NS;
        if (stacks)
            sleep_ns = sleep_ns < STACKS_NS ? sleep_ns : STACKS_NS;
        sleep_ns = sleep_ns < look_ns ? sleep_ns : look_ns;
        int64_t trim_ns = rti_thread_trim(now);
        if (!rti_schedtrace_round(now) && sleep_ns == LONGEST_NS && !load_rlx(&rti_world.watching))
            sleep_deep(earlier(trim_ns, rti_hibernate_next()));
    }
}

void rti_sysmon_wake(void)
{
    rti_lock_acquire(&rti_world.lock);
    rti_world.sysmon_waiting = false;
    rti_note_wake(&rti_world.sysmon_note);
    rti_lock_release(&rti_world.lock);
}
