#include "sched/wake.h"

#include "base/atomic.h"
#include "base/probe.h"
#include "proc/m.h"
#include "proc/p.h"
#include "sched/findwork.h"
#include "sched/locked.h"
#include "sched/netpoll.h"
#include "sched/preempt.h"
#include "sched/resize.h"
#include "sched/sched.h"
#include "sched/stopworld.h"
#include "sched/thread.h"
#include "sched/thrift.h"
#include "sched/timers.h"
#include <rt/check.h>

/* m got no thread: its P waits on the idle list for somebody who has. */
static void no_thread(struct m *m)
{
    rti_lock_acquire(&rti_world.lock);
    struct p *p = m->p;
    bool surplus = false;
    if (m->spinning)
        sub_seq(&rti_world.spinning, 1);
    rti_world_unbind_locked(m);
    if (rti_stopworld_wanted()) {
        rti_stopworld_gave_up_locked(p);
    } else if ((surplus = rti_resize_is_surplus(p))) {
        rti_resize_put_away_locked(p);
    } else {
        rti_world_put_idle_p_locked(p);
    }
    rti_thread_refused_locked(m, rti_sched_now());
    rti_note_wake(&m->done); /* if the world ends, somebody may wait for that */
    rti_lock_release(&rti_world.lock);
    if (surplus)
        rti_resize_tidy();
}

void rti_wake_run_p_unlock(struct p *p, bool spinning)
{
    struct m *m = rti_world_take_idle_m_locked();
    bool fresh = !m;
    if (fresh)
        m = rti_thread_new_locked();
    m->spinning = spinning;
    rti_world_bind_locked(m, p);
    struct m *self = rti_m_self();
    if (self) /* stopped here we would keep p from stopping: its M does not run yet */
        rti_preempt_disable(self);
    RTI_PROBE2(m__start, m->id, p->id);
    rti_lock_release(&rti_world.lock);
    if (!fresh)
        rti_note_wake(&m->note);
    else if (!rti_thread_start(m))
        no_thread(m);
    if (self)
        rti_preempt_enable(self);
}

NOINLINE void rti_wake_one(void)
{
    uint32_t none = 0;
    if (!cas_seq(&rti_world.spinning, &none, 1)) /* one at a time */
        return;
    if (!rti_thrift_defers())
        rti_wake_claimed();
}

void rti_wake_claimed(void)
{
    rti_lock_acquire(&rti_world.lock);
    bool may = !load_rlx(&rti_world.stopping) && (rti_world.idle_m || rti_thread_may_start_locked());
    struct p *p = may ? rti_world_take_idle_p_locked() : NULL;
    if (!p) {
        /* Still under the lock: a P that goes idle later finds nobody counted as spinning on our behalf. */
        sub_seq(&rti_world.spinning, 1);
        rti_lock_release(&rti_world.lock);
        return;
    }
    rti_wake_run_p_unlock(p, true);
}

bool rti_wake_mend(int64_t now)
{
    if (load_rlx(&rti_world.idle_ps) == 0 || load_rlx(&rti_world.spinning) != 0)
        return false;
    int64_t next = rti_timers_next();
    bool unwatched = load_rlx(&rti_world.poll_until) == 0 && (rti_netpoll_has_waiters() || next != INT64_MAX);
    if (!rti_findwork_visible() && !unwatched && next > now)
        return false;
    rti_wake_one();
    return true;
}

void rti_wake_watch(int64_t when_ns)
{
    /* Twice: it need not be woken for what it would see to nearly as soon by itself. */
    if (load_rlx(&rti_world.sysmon_until) - when_ns > 2 * RTI_WAKE_LATE_NS)
        rti_note_wake(&rti_world.sysmon_note);
}

void rti_wake_spin(struct m *m)
{
    m->spinning = true;
    add_seq(&rti_world.spinning, 1);
}

void rti_wake_unspin(struct m *m, bool found)
{
    if (!m->spinning)
        return;
    m->spinning = false;
    uint32_t before = sub_seq(&rti_world.spinning, 1);
    CHECK(before > 0);
    if (!found)
        return;
    fence_full_after_rmw(); /* no longer spinning, now look at who idles; pairs with the fence in findwork's rest */
    rti_wake_maybe();
}

void rti_wake_all(void)
{
    rti_lock_acquire(&rti_world.lock);
    for (struct m *m; (m = rti_world_take_idle_m_locked());)
        rti_note_wake(&m->note);
    rti_locked_wake_all_locked();
    rti_lock_release(&rti_world.lock);
    rti_netpoll_break();
}
