#include <rt/time.h>

#include "api/chan.h"
#include "api/time.h"
#include "base/slab.h"
#include "parts/timerheap.h"
#include "sched/sched.h"
#include <rt/check.h>
#include <rt/go.h>

/* A timer is never given back to the kernel: a firing that was under way when it was freed finds a timer, and by its
 * epoch that it is not meant. */
struct rt_timer {
    struct rt_chan chan;   /* its lock guards the rest, also of a timer without a channel. */
    struct rti_timer heap; /* in a P's heap while armed; written only after it was taken out */
    uint64_t epoch;        /* rises with every stop and reset: a firing of an earlier one is stale */
    void (*fn)(void *arg); /* NULL: it sends */
    void *arg;
    int64_t tick;      /* the buffer of chan */
    bool armed, after; /* armed: it will fire. after: of rt_after(), freed by rt_chan_free() */
    struct rt_timer *next_free;
} CACHE_ALIGNED;

static struct {
    struct rti_lock lock; /* rank API, held alone; guards free_list */
    struct rt_timer *free_list;
    struct rti_slab slab;
} pool = {.lock = RTI_LOCK_INIT(RTI_RANK_API), .slab = RTI_SLAB_INIT(sizeof(struct rt_timer))};

int64_t rt_now(void)
{
    return rti_sched_now();
}

int64_t rt_deadline(int64_t ns)
{
    int64_t when;
    return __builtin_add_overflow(rti_sched_now(), ns > 0 ? ns : 0, &when) ? RT_NO_DEADLINE : when;
}

/* --- sleep --- */

static void wake_sleeper(void *arg, uint64_t seq UNUSED)
{
    rti_sched_ready(arg);
}

/* Off the sleeper's stack: it may fire on another P before this returns. */
static bool arm_after_switch(struct g *g, void *arg)
{
    struct rti_timer *t = arg;
    t->arg = g;
    rti_sched_timer_start(t);
    return true;
}

void rt_sleep(int64_t ns)
{
    if (ns <= 0)
        return;
    struct rti_timer *t = &rti_waiter_self()->box.timer;
    *t = (struct rti_timer){.when_ns = rt_deadline(ns), .fn = wake_sleeper};
    rti_sched_park(arm_after_switch, t, RTI_WAIT_SLEEP);
}

/* --- firing, on the system stack --- */

static void fire_send(void *arg, uint64_t seq)
{
    struct rt_timer *t = arg;
    struct g *wake = NULL;
    rti_lock_acquire(&t->chan.lock);
    int64_t now = rti_sched_now(); /* under the lock: ticks that fire on two Ps arrive in the order of their times */
    if (seq == t->epoch) {
        if (t->heap.period_ns == 0)
            t->armed = false;
        /* a full channel is a tick that the receiver is too slow for: dropped */
        (void)rti_chan_send_locked(&t->chan, &now, &wake);
    }
    rti_lock_release(&t->chan.lock);
    if (wake)
        rti_sched_ready(wake);
}

static void fire_go(void *arg, uint64_t seq)
{
    struct rt_timer *t = arg;
    rti_lock_acquire(&t->chan.lock);
    void (*fn)(void *) = seq == t->epoch ? t->fn : NULL;
    void *fn_arg = t->arg;
    if (fn)
        t->armed = false;
    rti_lock_release(&t->chan.lock);
    if (fn)
        rt_go(fn, fn_arg);
}

/* --- arming --- */

static void arm_locked(struct rt_timer *t, int64_t ns, int64_t period_ns)
{
    t->armed = true;
    t->heap.when_ns = rt_deadline(ns);
    t->heap.period_ns = period_ns;
    t->heap.fn = t->fn ? fire_go : fire_send;
    t->heap.arg = t;
    t->heap.seq = t->epoch;
    rti_sched_timer_start(&t->heap);
}

/* True: a firing was prevented, or its value taken back out of the channel (Go 1.23). */
static bool disarm_locked(struct rt_timer *t)
{
    bool pending = t->armed;
    t->epoch++; /* a firing under way is stale now: that is why `armed` alone decides */
    t->armed = false;
    if (pending) /* else it was taken out of its heap before: by the firing, or by a stop */
        (void)rti_sched_timer_stop(&t->heap);
    if (load_rlx(&t->chan.count) > 0) {
        struct g *none;
        (void)rti_chan_recv_locked(&t->chan, NULL, &none);
        pending = true;
    }
    return pending;
}

static struct rt_timer *make(int64_t ns, int64_t period_ns, void (*fn)(void *arg), void *arg)
{
    rti_lock_acquire(&pool.lock);
    struct rt_timer *t = pool.free_list;
    if (t)
        pool.free_list = t->next_free;
    rti_lock_release(&pool.lock);
    if (!t) {
        t = rti_slab_take(&pool.slab);
        rti_chan_init(&t->chan, sizeof(t->tick), 1, (char *)&t->tick);
        t->chan.timer = t;
    }
    rti_lock_acquire(&t->chan.lock);
    t->fn = fn;
    t->arg = arg;
    t->after = false;
    arm_locked(t, ns, period_ns);
    rti_lock_release(&t->chan.lock);
    return t;
}

struct rt_timer *rt_timer_new(int64_t ns)
{
    return make(ns, 0, NULL, NULL);
}

struct rt_timer *rt_ticker_new(int64_t period_ns)
{
    if (period_ns <= 0)
        rt_throw("non-positive interval for NewTicker");
    return make(period_ns, period_ns, NULL, NULL);
}

struct rt_timer *rt_after_func(int64_t ns, void (*fn)(void *arg), void *arg)
{
    return make(ns, 0, fn, arg);
}

struct rt_chan *rt_after(int64_t ns)
{
    struct rt_timer *t = make(ns, 0, NULL, NULL);
    t->after = true; /* nobody else knows t but a firing, which does not look at it */
    return &t->chan;
}

struct rt_chan *rt_timer_chan(struct rt_timer *self)
{
    return self->fn ? NULL : &self->chan;
}

bool rt_timer_stop(struct rt_timer *self)
{
    rti_lock_acquire(&self->chan.lock);
    bool pending = disarm_locked(self);
    rti_lock_release(&self->chan.lock);
    return pending;
}

bool rt_timer_reset(struct rt_timer *self, int64_t ns)
{
    rti_lock_acquire(&self->chan.lock);
    bool ticker = self->heap.period_ns > 0;
    if (ticker && ns <= 0) {
        rti_lock_release(&self->chan.lock);
        rt_throw("non-positive interval for Ticker.Reset");
    }
    /* Pending and not periodic: no firing is under way, so it moves in its heap and keeps its epoch. */
    bool pending = !ticker && self->armed && rti_sched_timer_move(&self->heap, rt_deadline(ns));
    if (!pending) {
        pending = disarm_locked(self);
        arm_locked(self, ns, ticker ? ns : 0);
    }
    rti_lock_release(&self->chan.lock);
    return pending;
}

static void give_back(struct rt_timer *t)
{
    rti_lock_acquire(&t->chan.lock);
    bool idle = rti_chan_is_idle_locked(&t->chan);
    (void)disarm_locked(t);
    rti_lock_release(&t->chan.lock);
    if (!idle)
        rti_chan_throw_waited_on();
    rti_lock_acquire(&pool.lock);
    t->next_free = pool.free_list;
    pool.free_list = t;
    rti_lock_release(&pool.lock);
}

void rt_timer_free(struct rt_timer **self_p)
{
    if (!*self_p)
        return;
    give_back(*self_p);
    *self_p = NULL;
}

void rti_time_free_after(struct rt_timer *t)
{
    if (!t->after)
        rt_throw("rt_chan_free of a timer's channel: use rt_timer_free");
    give_back(t);
}
