#include "sched/timers.h"

#include "base/atomic.h"
#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/netpoll.h"
#include "sched/sched.h"
#include <rt/check.h>

bool rti_timers_due(struct p *p)
{
    int64_t next = load_rlx(&p->timer_next);
    return UNLIKELY(next != INT64_MAX) && next <= rti_sched_now();
}

bool rti_timers_pop(struct p *p, int64_t now_ns, struct rti_timer_fire *fire)
{
    rti_lock_acquire(&p->timer_lock);
    bool due = rti_timerheap_pop_due(&p->timers, now_ns, fire);
    store_rlx(&p->timer_next, rti_timerheap_next(&p->timers));
    rti_lock_release(&p->timer_lock);
    return due;
}

bool rti_timers_run(struct p *p)
{
    if (!rti_timers_due(p))
        return false;
    struct rti_timer_fire fire;
    int64_t now = rti_sched_now();
    bool any = false;
    for (; rti_timers_pop(p, now, &fire); any = true)
        fire.fn(fire.arg, fire.seq);
    return any;
}

int64_t rti_timers_next(void)
{
    int64_t first = INT64_MAX;
    uint32_t ps = rti_world_ps();
    for (uint32_t i = 0; i < ps; i++) {
        int64_t next = load_rlx(&rti_world.allp[i]->timer_next);
        first = next < first ? next : first;
    }
    return first;
}

/* Threads without a P put their timers here. */
static NOINLINE struct p *of_foreigners(void)
{
    if (load_acq(&rti_world.procs) == 0) /* pairs with the store at boot */
        rt_throw("a timer was started while no rt_main runs");
    return rti_world.allp[0];
}

void rti_timers_start(struct rti_timer *t)
{
    struct m *m = rti_m_self();
    struct p *p = m && m->p ? m->p : of_foreigners();
    int64_t when = t->when_ns; /* t may have fired and be gone once the lock is open */
    store_rel(&t->home, p);    /* pairs with load_acq in lock_home */
    rti_lock_acquire(&p->timer_lock);
    bool first = rti_timerheap_add(&p->timers, t);
    store_rlx(&p->timer_next, rti_timerheap_next(&p->timers));
    rti_lock_release(&p->timer_lock);
    if (first)
        rti_netpoll_hurry(when);
}

/* The heap t is in, locked; NULL when it never was in one. It may move while we wait for the lock. */
static struct p *lock_home(struct rti_timer *t)
{
    for (struct p *p; (p = load_acq(&t->home)); rti_lock_release(&p->timer_lock)) { /* pairs with start */
        rti_lock_acquire(&p->timer_lock);
        if (p == load_acq(&t->home))
            return p;
    }
    return NULL;
}

bool rti_timers_stop(struct rti_timer *t)
{
    struct p *p = lock_home(t);
    if (!p)
        return false;
    bool was = rti_timerheap_remove(&p->timers, t);
    store_rlx(&p->timer_next, rti_timerheap_next(&p->timers));
    rti_lock_release(&p->timer_lock);
    return was;
}

bool rti_timers_move(struct rti_timer *t, int64_t when_ns)
{
    struct p *p = lock_home(t);
    if (!p)
        return false;
    bool was = rti_timerheap_move(&p->timers, t, when_ns);
    bool first = was && rti_timerheap_next(&p->timers) == when_ns;
    store_rlx(&p->timer_next, rti_timerheap_next(&p->timers));
    rti_lock_release(&p->timer_lock);
    if (first)
        rti_netpoll_hurry(when_ns);
    return was;
}
