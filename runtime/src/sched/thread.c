#include "sched/thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/pages.h"
#include "base/peek.h"
#include "proc/m.h"
#include "sched/preempt.h"
#include "sched/round.h"
#include "sched/safepoint.h"
#include "sched/sched.h"
#include <rt/check.h>

/* Idle Ms that are kept beyond one per P, and how long there must be more. */
enum { SPARE = 8, END_EVERY_NS = 1000000 };
static _Atomic(int64_t) patience_ns = INT64_C(5000000000);
static struct {
    int64_t look_ns;  /* when to count again; 0: not begun */
    uint32_t surplus; /* still to end, not all at once: it takes locks that those who work need */
    int64_t end_ns;   /* the next of them */
} trim;               /* sysmon's */

/* Threads that the kernel does not give us. */
enum { RETRY_NS = 1000000, NS_PER_S = 1000000000 };
static const int64_t HOPELESS_NS = 10 * (int64_t)NS_PER_S;
static struct {
    _Atomic(int) err; /* of the last try, 0: it went well; no other data hangs on it */
    /* under the world's lock */
    int64_t last_ns;   /* the last refusal */
    int64_t since_ns;  /* the first of those between which nobody ran */
    uint64_t progress; /* at the last refusal */
} refused;

enum { SYSTEM_STACK = 1 << 20, SIGNAL_ROOM = 32 << 10 };
#ifndef AT_MINSIGSTKSZ
enum { AT_MINSIGSTKSZ = 51 };
#endif

/* The signal frame alone can be 11 KiB (AVX-512, AMX), so its size comes from the kernel, not from MINSIGSTKSZ. The old
 * one is put back at the end: ASan unmaps whatever it finds there. */
static void signal_stack_on(struct m *m)
{
    size_t frame = getauxval(AT_MINSIGSTKSZ);
    m->sigstack.bytes = ((frame ? frame : 4096) + SIGNAL_ROOM + 2 * RTI_PAGE - 1) & ~(size_t)(RTI_PAGE - 1);
    m->sigstack.at = rti_pages_take(m->sigstack.bytes);
    /* Below lies somebody else's memory. Without a guard for want of mappings it is as it was before there were any. */
    (void)!rti_pages_guard(m->sigstack.at, RTI_PAGE, rti_pages_guard_kind());
    stack_t ours = {.ss_sp = (char *)m->sigstack.at + RTI_PAGE, .ss_size = m->sigstack.bytes - RTI_PAGE}, old;
    if (sigaltstack(&ours, &old) != 0)
        rt_throw("sigaltstack failed (errno %d)", errno);
    m->sigstack.old_at = old.ss_sp;
    m->sigstack.old_bytes = old.ss_size;
    m->sigstack.old_flags = old.ss_flags;
}

static void signal_stack_off(struct m *m)
{
    stack_t old = {.ss_sp = m->sigstack.old_at, .ss_size = m->sigstack.old_bytes, .ss_flags = m->sigstack.old_flags};
    sigaltstack(&old, NULL);
    rti_pages_release(m->sigstack.at, m->sigstack.bytes);
}

static void *run(void *arg)
{
    struct m *m = arg;
    rti_m_current = m;
    m->tid = gettid();
    rti_stackhints_thread(&m->hints);
    signal_stack_on(m);
    rti_preempt_thread(m);
    rti_round_loop(m);
    if (m->p)
        rti_safepoint_done(m->p, RTI_SAFEPOINT_END);
    signal_stack_off(m);
    rti_m_current = NULL;
    if (!m->left) /* else whoever comes by joins it */
        rti_note_wake(&m->done);
    return NULL;
}

struct m *rti_thread_new_locked(void)
{
    if (rti_world.m_count >= RTI_MAX_MS)
        rt_throw("thread exhaustion: program exceeds %d-thread limit", RTI_MAX_MS);
    struct m *m = rti_world.free_m;
    if (m) {
        rti_world.free_m = m->idle_next;
        rti_m_reset(m, ++rti_world.m_made);
    } else {
        m = rti_m_new(++rti_world.m_made); /* 0 is the thread of rt_main, which runs sysmon */
    }
    rti_world.m_count++;
    m->all_prev = NULL;
    m->all_next = rti_world.all_m;
    if (m->all_next)
        m->all_next->all_prev = m;
    rti_world.all_m = m;
    return m;
}

int rti_thread_try_start(struct m *m)
{
    pthread_attr_t attr;
    int err = pthread_attr_init(&attr);
    if (err)
        return -err;
    pthread_attr_setstacksize(&attr, SYSTEM_STACK);
    err = pthread_create(&m->thread, &attr, run, m);
    pthread_attr_destroy(&attr);
    return -err;
}

static void unlist_locked(struct m *m)
{
    if (m->all_prev)
        m->all_prev->all_next = m->all_next;
    else
        rti_world.all_m = m->all_next;
    if (m->all_next)
        m->all_next->all_prev = m->all_prev;
    rti_world.m_count--;
}

/* The kernel has refused threads for so long, and no P has got to another goroutine meanwhile. */
NORETURN static void die_short(int err)
{
    struct rlimit user = {.rlim_cur = RLIM_INFINITY};
    char limit[24] = "unlimited";
    getrlimit(RLIMIT_NPROC, &user);
    if (user.rlim_cur != RLIM_INFINITY)
        snprintf(limit, sizeof limit, "%llu", (unsigned long long)user.rlim_cur);
    rt_throw(
        "cannot start a thread: pthread_create failed (errno %d) for %d s, and no other can go on; %u run. "
        "Perhaps a limit is reached: RLIMIT_NPROC (ulimit -u: %s, of all this user's threads), the cgroup's pids.max, "
        "kernel.threads-max, or memory",
        err, (int)(HOPELESS_NS / NS_PER_S), rti_world.m_count, limit);
}

bool rti_thread_start(struct m *m)
{
    int err = rti_thread_try_start(m);
    store_rlx(&refused.err, -err);
    return err == 0;
}

/* Grows while any goroutine runs. */
static uint64_t progress(void)
{
    uint64_t sum = 0;
    uint32_t ps = rti_world_ps();
    for (uint32_t i = 0; i < ps; i++)
        sum += load_rlx(&rti_world.allp[i]->count.switches) + load_rlx(&rti_world.allp[i]->count.calls);
    return sum;
}

void rti_thread_refused_locked(struct m *m, int64_t now)
{
    uint64_t done = progress();
    bool stuck = done == refused.progress; /* also when one computes all that time: the others starve behind it */
    bool again = now - refused.last_ns <= NS_PER_S; /* in between there may have been nothing to do */
    unlist_locked(m);
    m->left = true;
    m->idle_next = rti_world.free_m;
    rti_world.free_m = m;
    refused.last_ns = now;
    refused.progress = done;
    if (!stuck || !again)
        refused.since_ns = now;
    else if (now - refused.since_ns >= HOPELESS_NS)
        die_short(load_rlx(&refused.err));
}

bool rti_thread_may_start_locked(void)
{
    return load_rlx(&refused.err) == 0 || rti_sched_now() - refused.last_ns >= RETRY_NS;
}

bool rti_thread_is_short(void)
{
    return load_rlx(&refused.err) != 0;
}

void rti_thread_leave_locked(struct m *m)
{
    unlist_locked(m);
    m->left = true;
    m->idle_next = load_rlx(&rti_world.dead_m);
    store_rlx(&rti_world.dead_m, m);
}

void rti_thread_reap(bool wait)
{
    if (LIKELY(!load_rlx(&rti_world.dead_m)))
        return;
    rti_lock_acquire(&rti_world.lock);
    struct m *m = load_rlx(&rti_world.dead_m), *next;
    store_rlx(&rti_world.dead_m, NULL);
    rti_lock_release(&rti_world.lock);
    for (; m; m = next) {
        next = m->idle_next;
        int err = wait ? pthread_join(m->thread, NULL) : pthread_tryjoin_np(m->thread, NULL);
        rti_lock_acquire(&rti_world.lock);
        if (err == 0) {
            m->idle_next = rti_world.free_m;
            rti_world.free_m = m;
        } else {
            m->idle_next = load_rlx(&rti_world.dead_m);
            store_rlx(&rti_world.dead_m, m);
        }
        rti_lock_release(&rti_world.lock);
    }
}

void rti_thread_set_patience(int64_t ns)
{
    store_rlx(&patience_ns, ns);
}

/* Ends the M that went idle last: the one that is found without a search. */
static bool end_one(uint32_t keep)
{
    rti_lock_acquire(&rti_world.lock);
    bool more = rti_world.idle_m_count > keep && !load_rlx(&rti_world.stopping);
    struct m *m = more ? rti_world_take_idle_m_locked() : NULL;
    if (m)
        rti_thread_leave_locked(m); /* before it wakes, so that idle and counted Ms match (sched/deadlock.c) */
    rti_lock_release(&rti_world.lock);
    if (m)
        rti_note_wake(&m->note);
    return m != NULL;
}

/* How many more than keep were idle all the time since the last call. */
static uint32_t count_surplus(uint32_t keep)
{
    rti_lock_acquire(&rti_world.lock);
    uint32_t low = rti_world.idle_m_low;
    rti_world.idle_m_low = rti_world.idle_m_count;
    rti_lock_release(&rti_world.lock);
    return low > keep ? low - keep : 0;
}

int64_t rti_thread_trim(int64_t now)
{
    uint32_t keep = load_rlx(&rti_world.procs) + SPARE;
    if (trim.surplus == 0) {
        if (rti_peek_u32(&rti_world.idle_m_count) <= keep) {
            trim.look_ns = 0;
            return INT64_MAX;
        }
        if (trim.look_ns == 0)
            (void)count_surplus(keep); /* from now on */
        else if (now >= trim.look_ns)
            trim.surplus = count_surplus(keep);
        if (now >= trim.look_ns)
            trim.look_ns = now + load_rlx(&patience_ns);
    }
    if (trim.surplus > 0 && now >= trim.end_ns) {
        trim.surplus = end_one(keep) ? trim.surplus - 1 : 0;
        trim.end_ns = now + END_EVERY_NS;
    }
    return trim.surplus > 0 ? trim.end_ns : trim.look_ns;
}
