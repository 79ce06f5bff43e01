#include "sched/netpoll.h"

#include "base/atomic.h"
#include "parts/pollset.h"
#include "proc/g.h"
#include "proc/m.h"
#include "proc/p.h"
#include "sched/round.h"
#include "sched/sched.h"
#include "sched/timers.h"
#include "sched/wake.h"
#include <rt/check.h>

struct rti_pollset *rti_netpoll_set(void)
{
    struct rti_pollset *set = load_acq(&rti_world.pollset); /* pairs with cas below */
    if (LIKELY(set != NULL))
        return set;
    int err = rti_pollset_new(&set);
    if (err < 0)
        rt_throw("cannot make the netpoller: epoll_create1, eventfd or epoll_ctl failed (errno %d)", -err);
    struct rti_pollset *none = NULL;
    if (cas_acq_rel(&rti_world.pollset, &none, set)) /* pairs with load_acq above */
        return set;
    rti_pollset_free(&set);
    return none;
}

void rti_netpoll_free(void)
{
    struct rti_pollset *set = load_rlx(&rti_world.pollset);
    store_rlx(&rti_world.pollset, NULL);
    rti_pollset_free(&set);
}

bool rti_netpoll_has_waiters(void)
{
    struct rti_pollset *set = load_acq(&rti_world.pollset); /* pairs with cas in rti_netpoll_set */
    return set && rti_pollset_waiters(set) > 0;
}

/* Makes the Gs ready and links them; they were handed out once, so they are ours. */
static struct rti_gqueue collect(struct g **ready, int n)
{
    struct rti_gqueue list = {0};
    for (int i = 0; i < n; i++) {
        rti_g_move(ready[i], RTI_G_WAITING, RTI_G_RUNNABLE);
        rti_gqueue_push(&list, &ready[i]->link);
    }
    return list;
}

static struct rti_gqueue poll_now(void)
{
    struct g *ready[RTI_POLLSET_READY_MAX];
    return collect(ready, rti_pollset_wait(rti_netpoll_set(), 0, ready));
}

/* One to run, the others to the queue of the P that the caller holds. */
static struct g *deliver(struct rti_gqueue *list)
{
    int n = (int)list->len;
    struct g *g = (struct g *)rti_gqueue_pop(list);
    if (list->head)
        rti_round_submit_list(list);
    if (n > 0)
        rti_pollset_delivered(rti_netpoll_set(), n);
    return g;
}

struct g *rti_netpoll_look(struct m *m)
{
    (void)m;
    if (load_rlx(&rti_world.poll_until) != 0 || !rti_netpoll_has_waiters())
        return NULL;
    struct rti_gqueue list = poll_now();
    return deliver(&list);
}

bool rti_netpoll_is_next(void)
{
    struct m *m = rti_m_self();
    return m && m->p && !rti_world.odd && load_rlx(&rti_world.poll_until) == 0 && load_rlx(&rti_world.runq_len) == 0 &&
           rti_runq_is_empty(&m->p->runq);
}

enum { NETPOLL_STALE_NS = 50000 };

struct g *rti_netpoll_look_stale(struct m *m)
{
    if (LIKELY(!rti_netpoll_has_waiters()))
        return NULL;
    int64_t now = rti_sched_now();
    if (now - load_rlx(&rti_world.last_poll) < NETPOLL_STALE_NS)
        return NULL;
    store_rlx(&rti_world.last_poll, now);
    return rti_netpoll_look(m);
}

void rti_netpoll_look_late(int64_t since)
{
    if (load_rlx(&rti_world.last_poll) > since || load_rlx(&rti_world.poll_until) != 0 || !rti_netpoll_has_waiters())
        return;
    store_rlx(&rti_world.last_poll, rti_sched_now());
    struct rti_gqueue list = poll_now();
    int n = (int)list.len;
    if (n == 0)
        return;
    rti_round_submit_batch(&list);
    rti_pollset_delivered(rti_netpoll_set(), n); /* after: the Ms may all be asleep, and this is no M */
}

bool rti_netpoll_claim_locked(void)
{
    if (rti_world.polling || (!rti_netpoll_has_waiters() && rti_timers_next() == INT64_MAX))
        return false;
    rti_world.polling = true;
    return true;
}

/* One blocking wait: the ready Gs. Says until when first, so that a timer added meanwhile knows whom to hurry. */
static struct rti_gqueue wait_once(void)
{
    struct g *ready[RTI_POLLSET_READY_MAX];
    /* Before we say that we wait: a break (the stop's, or a hurry's) that finds no set yet is not repeated. */
    struct rti_pollset *set = rti_netpoll_set();
    store_rlx(&rti_world.poll_until, INT64_MAX);
    fence_full(); /* pairs with the fence in hurry: it sees INT64_MAX, or we see its timer; the same with the stop */
    int64_t next = rti_timers_next();
    int64_t timeout = -1;
    if (next != INT64_MAX) {
        store_rlx(&rti_world.poll_until, next);
        timeout = next - rti_sched_now();
        timeout = timeout > 0 ? timeout : 0;
    }
    int n = 0;
    if (!load_rlx(&rti_world.stopping))
        n = rti_pollset_wait(set, timeout, ready);
    store_rlx(&rti_world.poll_until, 0);
    return collect(ready, n);
}

void rti_netpoll_left(void)
{
    fence_full(); /* poll_until is 0, now look at sysmon; pairs with the fence in sysmon's nap */
    rti_wake_watch(rti_timers_next());
}

/* The wait is over: takes a P if one idles. Without one, the list goes to the global queue and m to the idle list. */
static bool take_p(struct m *m, struct rti_gqueue *list)
{
    rti_lock_acquire(&rti_world.lock);
    rti_world.polling = false;
    struct p *p = load_rlx(&rti_world.stopping) ? NULL : rti_world_take_idle_p_locked();
    if (p) {
        rti_world_bind_locked(m, p);
        rti_wake_spin(m);
    } else {
        rti_world_push_locked(list);
        rti_world_put_idle_m_locked(m);
    }
    rti_lock_release(&rti_world.lock);
    rti_netpoll_left();
    return p != NULL;
}

struct g *rti_netpoll_wait(struct m *m)
{
    struct rti_gqueue list = {0};
    while (!list.head && !load_rlx(&rti_world.stopping) && rti_timers_next() > rti_sched_now())
        list = wait_once();
    store_rlx(&rti_world.last_poll, rti_sched_now());
    int n = (int)list.len;
    if (take_p(m, &list))
        return deliver(&list);
    if (n > 0)
        rti_pollset_delivered(rti_netpoll_set(), n); /* after: before that m counted as asleep */
    return NULL;
}

void rti_netpoll_hurry(int64_t when)
{
    fence_full(); /* pairs with the fence in wait_once */
    int64_t until = load_rlx(&rti_world.poll_until);
    if (until > when)
        rti_netpoll_break();
    else if (until == 0) { /* nobody waits: an idle P's M shall; the timer's own P may be busy for long */
        rti_wake_maybe();
        rti_wake_watch(when);
    }
}

void rti_netpoll_break(void)
{
    struct rti_pollset *set = load_acq(&rti_world.pollset); /* pairs with cas in rti_netpoll_set */
    if (set)
        rti_pollset_break(set);
}
