#include "sched/sched.h"

#include "base/clock.h"
#include "base/rand.h"
#include "parts/timerheap.h"
#include "proc/g.h"
#include "proc/m.h"
#include "proc/p.h"
#include "sched/findwork.h"
#include "sched/handoff.h"
#include "sched/netpoll.h"
#include "sched/park.h"
#include "sched/round.h"
#include "sched/timers.h"

struct g *rti_sched_self(void)
{
    struct m *m = rti_m_self();
    return m ? m->curg : NULL;
}

void rti_sched_park(bool (*commit)(struct g *g, void *arg), void *arg, enum rti_wait why)
{
    rti_park_wait(commit, arg, why);
}

void rti_sched_park_unlock(struct rti_lock *lock, enum rti_wait why)
{
    rti_park_unlock(lock, why);
}

void rti_sched_ready(struct g *g)
{
    rti_park_ready(g);
}

void rti_sched_ready_list(struct g *head)
{
    rti_park_ready_list(head);
}

struct g **rti_sched_link(struct g *g)
{
    return (struct g **)(void *)&g->link.next; /* link is g's first member, so a node is its G */
}

void rti_sched_yield(void)
{
    rti_round_yield();
}

struct rti_waitbox *rti_sched_waitbox(struct g *g)
{
    return &g->box;
}

uint64_t rti_sched_goid(const struct g *g)
{
    return g->id;
}

int64_t rti_sched_now(void)
{
    return rti_clock_now();
}

uint32_t rti_sched_random(void)
{
    struct m *m = rti_m_self();
    if (m && m->p)
        return rti_rand_next(&m->p->rand);
    static _Atomic(uint64_t) outside; /* threads without a P: any number does, but not the same one twice */
    struct rti_rand r = {add_rlx(&outside, 1)};
    return rti_rand_next(&r);
}

bool rti_sched_timer_set(struct rti_timer *t, int64_t when_ns)
{
    return rti_timers_set(t, when_ns);
}

bool rti_sched_timer_stop(struct rti_timer *t)
{
    return rti_timers_stop(t);
}

struct rti_pollset *rti_sched_pollset(void)
{
    return rti_netpoll_set();
}

void rti_sched_enter_blocking(void)
{
    rti_handoff_enter();
}

void rti_sched_exit_blocking(void)
{
    rti_handoff_exit();
}
