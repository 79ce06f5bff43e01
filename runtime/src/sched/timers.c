#include "sched/timers.h"

#include "base/atomic.h"
#include "base/probe.h"
#include "proc/g.h"
#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/netpoll.h"
#include "sched/round.h"
#include "sched/sched.h"
#include <rt/check.h>

enum { BATCH_LEAST = 8, BATCH_MOST = 64 };

bool rti_timers_due(struct p *p)
{
    int64_t next = load_rlx(&p->timer_next);
    return UNLIKELY(next != INT64_MAX) && next <= rti_sched_now();
}

static void publish_next_locked(struct p *p)
{
    store_rlx(&p->timer_next, rti_timerheap_next(&p->timers));
}

static uint32_t pop(struct p *p, int64_t now_ns, struct rti_timer_fire *fires, uint32_t max)
{
    rti_lock_acquire(&p->timer_lock);
    uint32_t n = rti_timerheap_pop_due(&p->timers, now_ns, fires, max);
    publish_next_locked(p);
    rti_lock_release(&p->timer_lock);
    return n;
}

bool rti_timers_pop(struct p *p, int64_t now_ns, struct rti_timer_fire *fire)
{
    return pop(p, now_ns, fire, 1) == 1;
}

/* The goroutine that it makes ready, or has made. */
static struct g *call(const struct rti_timer_fire *fire)
{
    struct g *g = fire->fn(fire->arg, fire->seq);
    if (g && rti_g_state(g) == RTI_G_WAITING) {
        rti_g_move(g, RTI_G_WAITING, RTI_G_RUNNABLE);
        RTI_PROBE1(goroutine__ready, g->id);
        __builtin_prefetch(g->ctx.sp); /* it has slept: its stack is cold, and it runs soon */
        __builtin_prefetch((char *)g->ctx.sp + 64);
    }
    return g;
}

void rti_timers_fire(const struct rti_timer_fire *fire)
{
    struct g *g = call(fire);
    if (g)
        rti_round_submit_any(g);
}

/* Calls all; true if anybody was made ready. The first one runs next, the others queue behind what is there: each as
 * next one would push out the one before. */
static bool fire_all(const struct rti_timer_fire *fires, uint32_t n)
{
    struct g *first = NULL;
    struct rti_gqueue rest = {0};
    for (uint32_t i = 0; i < n; i++) {
        struct g *g = call(&fires[i]);
        if (g && first)
            rti_gqueue_push(&rest, &g->link);
        else if (g)
            first = g;
    }
    if (rest.head)
        rti_round_submit_list(&rest);
    if (first)
        rti_round_submit_any(first);
    return first != NULL;
}

/* No more than the caller's ring takes: the rest would go through the global queue, and be cold once more when it runs.
 * But some, however full it is. */
static uint32_t batch_of(void)
{
    struct rti_runq *q = &rti_m_self()->p->runq;
    uint32_t room = rti_runq_room(q) / 2, len = rti_runq_ring_len(q);
    uint32_t n = room > len ? room - len : 0;
    n = n < BATCH_MOST ? n : BATCH_MOST;
    return n > BATCH_LEAST ? n : BATCH_LEAST;
}

bool rti_timers_run(struct p *p)
{
    if (!rti_timers_due(p))
        return false;
    struct rti_timer_fire fires[BATCH_MOST];
    int64_t now = rti_sched_now();
    for (bool any = false;; any = true) {
        uint32_t max = batch_of(), n = pop(p, now, fires, max);
        bool ready = fire_all(fires, n);
        if (n < max || ready)
            return any || n > 0;
    }
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

/* Both sets at once: a timer is in one of them at any time, so who stops it finds it. Locks by address. */
void rti_timers_move_all(struct p *from, struct p *to)
{
    struct rti_lock *a = from < to ? &from->timer_lock : &to->timer_lock;
    struct rti_lock *b = from < to ? &to->timer_lock : &from->timer_lock;
    rti_lock_acquire(a);
    rti_lock_acquire(b);
    rti_timerheap_move_all(&to->timers, &from->timers, to);
    int64_t next = rti_timerheap_next(&to->timers);
    publish_next_locked(to);
    publish_next_locked(from);
    rti_lock_release(b);
    rti_lock_release(a);
    if (next != INT64_MAX)
        rti_netpoll_hurry(next);
}

/* Threads without a P put their timers here. */
static NOINLINE struct p *of_foreigners(void)
{
    if (load_acq(&rti_world.procs) == 0) /* pairs with the store at boot */
        rt_throw("a timer was started while no rt_main runs");
    return rti_world.allp[0];
}

/* The set that t has a slot in, locked; NULL if it has none in any. It may move while we wait for the lock. */
static struct p *lock_home(struct rti_timer *t)
{
    while (load_acq(&t->slots) > 0) {     /* pairs with let_go in the set */
        struct p *p = load_acq(&t->home); /* pairs with lock_new_home, and move_all */
        rti_lock_acquire(&p->timer_lock);
        if (LIKELY(p == load_acq(&t->home) && load_rlx(&t->slots) > 0))
            return p;
        rti_lock_release(&p->timer_lock);
    }
    return NULL;
}

static struct p *lock_new_home(struct rti_timer *t)
{
    struct m *m = rti_m_self();
    struct p *p = m && m->p ? m->p : of_foreigners();
    store_rel(&t->home, p); /* pairs with load_acq in lock_home */
    rti_lock_acquire(&p->timer_lock);
    return p;
}

bool rti_timers_set(struct rti_timer *t, int64_t when_ns)
{
    struct p *p = lock_home(t);
    if (!p)
        p = lock_new_home(t);
    bool was = t->live;
    bool first = rti_timerheap_set(&p->timers, t, when_ns);
    publish_next_locked(p);
    rti_lock_release(&p->timer_lock); /* t may fire and be gone from here on */
    if (first)
        rti_netpoll_hurry(when_ns);
    return was;
}

bool rti_timers_stop(struct rti_timer *t)
{
    struct p *p = lock_home(t);
    if (!p)
        return false;
    bool was = rti_timerheap_stop(&p->timers, t);
    publish_next_locked(p);
    rti_lock_release(&p->timer_lock);
    return was;
}
