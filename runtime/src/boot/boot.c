#include <rt/rt.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "base/debugvars.h"
#include "base/membarrier.h"
#include "base/print.h"
#include "base/throw.h"
#include "boot/crash.h"
#include "boot/fork.h"
#include "boot/procs.h"
#include "boot/sysmon.h"
#include "observe/fatal.h"
#include "observe/schedtrace.h"
#include "proc/g.h"
#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/findwork.h"
#include "sched/handoff.h"
#include "sched/hibernate.h"
#include "sched/lite.h"
#include "sched/netpoll.h"
#include "sched/preempt.h"
#include "sched/points.h"
#include "sched/resize.h"
#include "sched/safepoint.h"
#include "sched/seeded.h"
#include "sched/spawn.h"
#include "sched/stopworld.h"
#include "sched/thread.h"
#include "sched/thrift.h"
#include "sched/wake.h"
#include <rt/check.h>

/* rt_main is running (or left threads behind, and cannot run again). */
static _Atomic(uint32_t) taken;

/* Of GODEBUG=tinyqueues. */
enum { TINY_QUEUE = 4 };
/* A thread inside a blocking call is left behind after the first; one that is not will end, however busy the machine.
 */
enum { JOIN_NS = 100000000, PRESS_NS = 5000000, JOIN_BUSY_MS = 10000, NS_PER_MS = 1000000 };

static int parse_godebug(const struct rt_config *config)
{
    char bad[64];
    const char *texts[] = {getenv("GODEBUG"), config ? config->godebug : NULL};
    rti_debugvars_reset(&rti_debugvars);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (rti_debugvars_parse(&rti_debugvars, texts[i], bad, sizeof bad) == 0)
            continue;
        rti_print_text("lode: GODEBUG: '%s' %s\n", bad, rti_debugvars_why(bad));
        return -EINVAL;
    }
    return 0;
}

static int count_procs(const struct rt_config *config)
{
    store_rlx(&rti_world.procs_auto, 0);
    if (config && config->procs != 0) {
        if (config->procs > 0 && config->procs <= RTI_MAX_PROCS)
            return config->procs;
        rti_print_text("lode: procs is %d: not 1 to %d\n", config->procs, RTI_MAX_PROCS);
        return -EINVAL;
    }
    const char *text = getenv("GOMAXPROCS");
    int n = rti_procs_parse(text);
    store_rlx(&rti_world.procs_auto, (!text || !*text) && rti_debugvars.updatemaxprocs);
    if (n < 0)
        rti_print_text("lode: GOMAXPROCS is '%s': not 1 to %d\n", text, RTI_MAX_PROCS);
    return n;
}

static int make_stacks(void)
{
    /* Sanitizers map shadow for what is reserved, and TSan knows 8128 fibers at most: no need for more. */
    size_t mib = RTI_STACKHINTS_SANITIZED ? 16 << 10 : 256 << 10;
    enum rti_guard guard = rti_pages_guard_kind();
    if (rti_debugvars.stackmib > 0)
        mib = (size_t)rti_debugvars.stackmib;
    if (rti_debugvars.guardpages < 2)
        guard = rti_debugvars.guardpages == 1 ? RTI_GUARD_MPROTECT : RTI_GUARD_NONE;
    return rti_stackpool_init(&rti_world.stacks, mib << 20, guard);
}

/* The switches that look for races: in the order in which they are looked for. Undone by tear_down. */
static void make_odd(void)
{
    rti_world.odd = rti_debugvars.seed || rti_debugvars.alwaysmigrate || rti_debugvars.stealfirst;
    if (rti_debugvars.seed)
        rti_seeded_begin(rti_debugvars.seed);
    if (rti_debugvars.seed || rti_debugvars.randompreempt)
        rti_points_arm();
}

static void make_ps(int procs)
{
    uint64_t seed = rti_debugvars.seed ? rti_debugvars.seed : (uint64_t)rti_clock_monotonic();
    for (int i = procs - 1; i >= 0; i--) {
        if (!rti_world.allp[i])
            rti_world.allp[i] = rti_p_new((uint32_t)i, seed);
        rti_world.allp[i]->runq.cut = rti_debugvars.tinyqueues ? RTI_RUNQ_SIZE - TINY_QUEUE : 0;
        store_rlx(&rti_world.allp[i]->preempt, rti_points_armed ? RTI_PREEMPT_POINT : 0);
    }
    store_rel(&rti_world.ps, (uint32_t)procs);    /* pairs with load_acq in rti_world_ps */
    store_rel(&rti_world.procs, (uint32_t)procs); /* all Ps are there; pairs with load_acq in rt_procs */
    rti_lock_acquire(&rti_world.lock);
    for (int i = rti_debugvars.seed ? 0 : procs - 1; i >= 0; i--) /* seeded: one M changes between all of them */
        rti_world_put_idle_p_locked(rti_world.allp[i]);
    rti_lock_release(&rti_world.lock);
}

struct main_call {
    int (*app)(void *arg);
    void *arg;
};

/* From here every M ends at its next scheduling point. */
static void stop(void)
{
    xchg_acq_rel(&rti_world.stopping, 1); /* pairs with load_acq in rti_sysmon_run */
    or_acq_rel(&rti_world.attention, RTI_ATTENTION_END);
    rti_lock_acquire(&rti_world.lock);
    uint32_t ps = rti_world_ps();
    for (uint32_t i = 0; i < ps; i++)
        rti_safepoint_ask_locked(rti_world.allp[i], RTI_PREEMPT_END);
    rti_lock_release(&rti_world.lock);
    rti_handoff_stop();
    rti_wake_all();
    rti_sysmon_wake();
}

static void main_goroutine(void *arg)
{
    struct main_call *call = arg;
    rti_world.main_result = call->app(call->arg);
    stop();
}

/* The first M, started by hand so that an error can still be returned. */
static int start_first(struct main_call *call)
{
    struct rt_go_attr attr = {.name = "main", .stack = RT_STACK_1M};
    struct g *g = rti_spawn_prepare(&attr, main_goroutine, call, NULL);
    struct rti_gqueue one = {0};
    rti_gqueue_push(&one, &g->link);
    rti_lock_acquire(&rti_world.lock);
    rti_world_push_locked(&one);
    struct m *m = rti_thread_new_locked();
    rti_world_bind_locked(m, rti_world_take_idle_p_locked());
    rti_lock_release(&rti_world.lock);
    return rti_thread_try_start(m);
}

static bool join_one(struct m *m, int64_t start)
{
    for (int64_t until = start + JOIN_NS, now; (now = rti_clock_monotonic()) < until;) {
        rti_preempt_press_all(); /* again: a signal may meet a section where it calls something else */
        int64_t left = until - now;
        if (rti_note_sleep_for(&m->done, left < PRESS_NS ? left : PRESS_NS))
            return true;
    }
    bool in_call = load_acq(&m->call) & 1; /* pairs with the stores of enter and exit (sched/handoff.c) */
    return !in_call && rti_note_sleep_for(&m->done, start + (int64_t)JOIN_BUSY_MS * NS_PER_MS - rti_clock_monotonic());
}

/* Waits for the threads; false when some had to be left behind. */
static bool join_all(void)
{
    bool all = true;
    int64_t start = rti_clock_monotonic();
    /* Under the lock: whoever started a thread before seeing the stop has linked it by then, and nobody does later. */
    rti_lock_acquire(&rti_world.lock);
    struct m *m = rti_world.all_m;
    rti_lock_release(&rti_world.lock);
    for (; m; m = m->all_next) {
        if (join_one(m, start)) {
            if (!m->left) /* else it never got a thread */
                pthread_join(m->thread, NULL);
        } else {
            pthread_detach(m->thread);
            all = false;
        }
    }
    rti_thread_reap(true);
    return all;
}

/* Nobody runs any more. Gs, Ms and Ps stay in their slabs; the rest is as before boot. */
static void tear_down(void)
{
    for (uint32_t i = 0; i < RTI_MAX_PROCS && rti_world.allp[i]; i++) {
        rti_timerheap_free(&rti_world.allp[i]->timers);
        rti_safepoint_keep(rti_world.allp[i]);
        rti_p_retire(rti_world.allp[i]);
        rti_world.allp[i] = NULL;
    }
    for (struct m *m = rti_world.all_m, *next; m; m = next) {
        next = m->all_next;
        m->idle_next = rti_world.free_m;
        rti_world.free_m = m;
    }
    store_rlx(&rti_world.procs, 0);
    store_rlx(&rti_world.ps, 0);
    rti_spawn_reclaim_all();
    rti_hibernate_destroy();
    rti_netpoll_free();
    rti_stackpool_destroy(&rti_world.stacks);
    rti_world.runq = (struct rti_gqueue){0};
    store_rlx(&rti_world.runq_len, 0);
    store_rlx(&rti_world.idle_ps, 0);
    store_rlx(&rti_world.spinning, 0);
    rti_thrift_reset();
    store_rlx(&rti_world.stopping, 0);
    store_rlx(&rti_world.attention, 0);
    rti_stopworld_reset();
    rti_world.idle_p = NULL;
    rti_world.idle_m = rti_world.all_m = NULL;
    rti_world.idle_m_count = rti_world.m_count = rti_world.m_made = rti_world.m_waiting = 0;
    rti_world.polling = rti_world.sysmon_waiting = rti_world.helper_starved = false;
    rti_note_clear(&rti_world.sysmon_note);
    store_rlx(&rti_world.sysmon_until, 0);
    rti_points_disarm();
    if (rti_debugvars.seed)
        rti_seeded_end();
    rti_world.odd = false;
    rti_throw_set_dump(NULL);
}

/* In this order: what later steps use comes first. Undone in reverse by tear_down. */
static int bring_up(const struct rt_config *config, struct main_call *call)
{
    TRY(parse_godebug(config));      /* switches for all that follows */
    int procs = count_procs(config); /* how many Ps */
    TRY(procs);
    TRY(make_stacks());                                                           /* address space, guard pages */
    rti_world.membarrier = rti_debugvars.membarrier && rti_membarrier_register(); /* cheap blocking calls */
    rti_hibernate_init();                                                         /* stacks of parked goroutines */
    rti_lite_init();                                                              /* and those that are shared */
    store_rlx(&rti_world.id_next, 1);                                             /* the main goroutine is 1 */
    rti_world_stamp(rti_clock_monotonic());                                       /* who parks first says when */
    rti_schedtrace_reset();                       /* its clock starts with its first line */
    rti_throw_set_dump(rti_fatal_dump);           /* fatal errors list the goroutines */
    rti_throw_set_last(rti_seeded_print_replay);  /* and how to see them again */
    rti_crash_install();                          /* stack overflow has a name */
    rti_fork_install();                           /* a forked child that uses us is told so */
    rti_preempt_install();                        /* a stop reaches goroutines that never look */
    prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* inherited by the Ms: 50 us less late */
    make_odd();                                   /* the order of running may be a debugging switch's */
    make_ps(procs);
    int err = start_first(call);
    if (err < 0)
        tear_down();
    return err;
}

int rt_main(const struct rt_config *config, int (*app)(void *arg), void *arg)
{
    struct main_call call = {app, arg};
    if (xchg_acq_rel(&taken, 1)) /* pairs with store_rel below */
        return -EBUSY;
    int err = bring_up(config, &call);
    if (err < 0) {
        store_rel(&taken, 0);
        return err;
    }
    rti_sysmon_run();
    if (!join_all())
        return rti_world.main_result; /* taken stays: what was left behind still uses the world */
    int result = rti_world.main_result;
    tear_down();
    store_rel(&taken, 0); /* pairs with the exchange above */
    return result;
}

int rt_procs(void)
{
    return (int)load_acq(&rti_world.procs); /* pairs with store_rel in make_ps */
}

int rt_set_procs(int n)
{
    if (n >= 1)
        store_rlx(&rti_world.procs_auto, 0);
    return rti_resize_set(n);
}

const char *rt_version(void)
{
    return LODE_VERSION;
}
