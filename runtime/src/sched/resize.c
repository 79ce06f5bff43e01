#include "sched/resize.h"

#include <errno.h>

#include "base/clock.h"
#include "base/debugvars.h"
#include "proc/m.h"
#include "sched/netpoll.h"
#include "sched/round.h"
#include "sched/spawn.h"
#include "sched/stopworld.h"
#include "sched/timers.h"
#include "sched/wake.h"
#include <rt/check.h>

void rti_resize_put_away_locked(struct p *p)
{
    struct rti_gqueue batch = {0};
    DCHECK(load_rlx(&p->m) == NULL && rti_resize_is_surplus(p)); /* S4 */
    for (struct rti_qnode *n; (n = rti_runq_take_next(&p->runq));)
        rti_gqueue_push(&batch, n);
    for (struct rti_qnode *n; (n = rti_runq_get(&p->runq));)
        rti_gqueue_push(&batch, n);
    rti_world_push_locked(&batch);
    rti_spawn_flush(p);
    rti_stackpool_flush(&rti_world.stacks, &p->stacks);
    and_rlx(&p->preempt, ~(uint32_t)(RTI_PREEMPT_SLICE | RTI_PREEMPT_TIMER));
    store_rlx(&p->state, RTI_P_AWAY);
}

static bool is_empty(struct p *p)
{
    return load_rlx(&p->state) == RTI_P_AWAY && load_rlx(&p->timers.count) == 0;
}

void rti_resize_tidy(void)
{
    uint32_t ps = rti_world_ps();
    for (uint32_t i = 1; i < ps; i++) {
        struct p *p = rti_world.allp[i];
        if (load_rlx(&p->state) == RTI_P_AWAY && load_rlx(&p->timers.count) > 0)
            rti_timers_move_all(p, rti_world.allp[0]);
    }
    rti_lock_acquire(&rti_world.lock);
    for (ps = rti_world_ps(); ps > load_rlx(&rti_world.procs) && is_empty(rti_world.allp[ps - 1]);)
        ps--;
    store_rel(&rti_world.ps, ps); /* pairs with load_acq in rti_world_ps */
    rti_lock_release(&rti_world.lock);
}

/* New Ps, or those of old, STOPPED: the start makes them idle. */
static void change_stw(uint32_t n)
{
    uint64_t seed = (uint64_t)rti_clock_monotonic();
    rti_lock_acquire(&rti_world.lock);
    for (uint32_t i = 0; i < n; i++) {
        struct p *p = rti_world.allp[i];
        if (!p)
            p = rti_world.allp[i] = rti_p_new(i, seed);
        else if (load_rlx(&p->state) != RTI_P_AWAY)
            continue;
        store_rlx(&p->state, RTI_P_STOPPED);
    }
    if (n > rti_world_ps())
        store_rel(&rti_world.ps, n); /* all are there; pairs with load_acq in rti_world_ps */
    store_rel(&rti_world.procs, n);  /* pairs with load_acq in rt_procs */
    rti_lock_release(&rti_world.lock);
}

static int change_and_start(int n)
{
    int old = (int)load_rlx(&rti_world.procs);
    change_stw((uint32_t)n);
    rti_stopworld_start();
    rti_resize_tidy();
    return old;
}

int rti_resize_set(int n)
{
    if (n > RTI_MAX_PROCS)
        return -EINVAL;
    int old = (int)load_acq(&rti_world.procs);   /* pairs with store_rel in change_stw and at boot */
    if (n < 1 || n == old || rti_debugvars.seed) /* seeded: one M changes between as many Ps as there were at boot */
        return old;
    if (!rti_stopworld_stop(RTI_STOP_PROCS))
        return old;
    old = change_and_start(n);
    struct m *m = rti_m_self();
    if (m && m->curg && rti_resize_is_surplus(m->p))
        rti_round_yield();
    return old;
}

void rti_resize_try(int n)
{
    if (n != (int)load_rlx(&rti_world.procs) && rti_stopworld_try_stop(RTI_STOP_PROCS))
        change_and_start(n);
}

void rti_resize_retire_sys(struct m *m)
{
    if (LIKELY(!rti_resize_is_surplus(m->p)))
        return;
    rti_lock_acquire(&rti_world.lock);
    if (rti_stopworld_wanted()) { /* the number may change again: stop first */
        rti_lock_release(&rti_world.lock);
        return;
    }
    struct p *p = m->p;
    bool counted = false;
    rti_world_unbind_locked(m);
    rti_resize_put_away_locked(p);
    p = rti_world_take_idle_p_locked();
    if (p) {
        rti_world_bind_locked(m, p);
    } else {
        counted = m->spinning; /* before m is on the list: from there on it is its waker's to write */
        m->spinning = false;
        rti_world_put_idle_m_locked(m);
    }
    rti_lock_release(&rti_world.lock);
    if (counted)
        sub_seq(&rti_world.spinning, 1);
    rti_resize_tidy();
    fence_full(); /* goroutines published, now look who idles; pairs with the fence in findwork's rest */
    rti_wake_mend(rti_clock_monotonic());
}
