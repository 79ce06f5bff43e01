#include <rt/time.h>

#include <stddef.h>

#include "api/chan.h"
#include "api/time.h"
#include "base/slab.h"
#include "parts/timerheap.h"
#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/sched.h"
#include "sched/spawn.h"
#include <rt/check.h>
#include <rt/go.h>

/* A timer is never given back to the kernel: a firing that was under way when it was freed finds a timer, and by its
 * epoch that it is not meant; a slot that it left in a P's set is still good, or dropped there. */
struct rt_timer {
    struct rt_chan chan; /* its lock guards what follows; of a timer that runs a function only who may stop or reset */
    /* A channel's timer; in the second line of two, which a reset of one among many has to fetch: */
    bool armed;            /* a tick will come; whether it is due is found out by who looks */
    bool after;            /* of rt_after(): freed by rt_chan_free() */
    bool runs;             /* no channel: it runs a function; the P's set alone knows whether it is armed */
    _Atomic(bool) in_heap; /* heap is live, because a receiver waits; written under the lock, its fall (rel) is the last
                            * a firing does, read without (acq) by give_back */
    int64_t when_ns, period_ns; /* next tick, if armed; 0: once */
    uint64_t epoch;             /* rises with every stop and reset: a firing of an earlier one is stale */
    /* Of a channel's timer only while a receiver waits: */
    struct rti_timer heap;
    struct rt_timer *next_free;
} CACHE_ALIGNED;

/* What the Ps have no room for. */
static struct {
    struct rti_lock lock; /* rank API, held alone; guards free_list */
    struct rt_timer *free_list;
    struct rti_slab slab;
} pool = {.lock = RTI_LOCK_INIT(RTI_RANK_API), .slab = RTI_SLAB_INIT(sizeof(struct rt_timer))};

enum { LOCAL_MAX = 128, REFILL = 64 };

int64_t rt_now(void)
{
    return rti_sched_now();
}

int64_t rt_deadline(int64_t ns)
{
    int64_t when;
    return __builtin_add_overflow(rti_sched_now(), ns > 0 ? ns : 0, &when) ? RT_NO_DEADLINE : when;
}

/* --- where timers come from --- */

/* The P that this goroutine holds, with its pool. NULL on other threads and in a blocking call. */
static struct p *own_p(void)
{
    struct m *m = rti_m_self();
    return LIKELY(m && !(load_rlx(&m->call) & 1)) ? m->p : NULL;
}

static struct rt_timer *fresh(void)
{
    struct rt_timer *t = rti_slab_take(&pool.slab);
    rti_chan_init(&t->chan, sizeof(t->when_ns), 0, NULL);
    store_rlx(&t->chan.closed, RTI_CHAN_TIMED);
    t->chan.timer = t;
    return t;
}

/* From the shared pool; p, which may be NULL, gets some more. */
static NOINLINE struct rt_timer *take_shared(struct p *p)
{
    if (load_acq(&rti_world.procs) == 0) /* pairs with the store at boot */
        rt_throw("a timer was started while no rt_main runs");
    rti_lock_acquire(&pool.lock);
    struct rt_timer *t = pool.free_list;
    if (t)
        pool.free_list = t->next_free;
    for (struct rt_timer *more; p && p->timer_free_count < REFILL && (more = pool.free_list);) {
        pool.free_list = more->next_free;
        more->next_free = p->timer_free;
        p->timer_free = more;
        p->timer_free_count++;
    }
    rti_lock_release(&pool.lock);
    return t ? t : fresh();
}

static struct rt_timer *take(void)
{
    struct p *p = own_p();
    struct rt_timer *t = p ? p->timer_free : NULL;
    if (UNLIKELY(!t))
        return take_shared(p);
    p->timer_free = t->next_free;
    p->timer_free_count--;
    return t;
}

/* p's pool is full: half of it to the shared one, so that who makes and frees many takes the lock rarely. */
static NOINLINE void spill(struct p *p)
{
    struct rt_timer *first = p->timer_free, *last = first;
    for (uint32_t i = 1; i < LOCAL_MAX / 2; i++)
        last = last->next_free;
    p->timer_free = last->next_free;
    p->timer_free_count -= LOCAL_MAX / 2;
    rti_lock_acquire(&pool.lock);
    last->next_free = pool.free_list;
    pool.free_list = first;
    rti_lock_release(&pool.lock);
}

/* The one put back last is the next one taken: its lines are hot, and if it left a slot behind, that is used again. */
static void put(struct rt_timer *t)
{
    struct p *p = own_p();
    if (LIKELY(p != NULL)) {
        if (UNLIKELY(p->timer_free_count == LOCAL_MAX))
            spill(p);
        t->next_free = p->timer_free;
        p->timer_free = t;
        p->timer_free_count++;
        return;
    }
    rti_lock_acquire(&pool.lock);
    t->next_free = pool.free_list;
    pool.free_list = t;
    rti_lock_release(&pool.lock);
}

struct rti_timer *rti_time_borrow(void)
{
    return &take()->heap;
}

void rti_time_return(struct rti_timer *t)
{
    put((struct rt_timer *)(void *)((char *)t - offsetof(struct rt_timer, heap)));
}

/* --- sleep --- */

static struct g *wake_sleeper(void *arg, uint64_t seq UNUSED)
{
    return arg;
}

/* Off the sleeper's stack: it may fire on another P before this returns. */
static bool arm_after_switch(struct g *g, void *arg)
{
    struct rti_timer *t = arg;
    t->arg = g;
    (void)rti_sched_timer_set(t, t->when_ns);
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

/* --- ticks --- */

/* The next multiple of the period beyond now, counted from the deadline that was: late ticks do not shift the phase. */
static int64_t next_tick(int64_t when_ns, int64_t period_ns, int64_t now_ns)
{
    int64_t missed = (now_ns - when_ns) / period_ns, next;
    if (__builtin_mul_overflow(missed + 1, period_ns, &next) || __builtin_add_overflow(when_ns, next, &next))
        return INT64_MAX;
    return next;
}

/* The tick that is due: the time it was due. The next one is armed. */
static int64_t take_tick_locked(struct rt_timer *t, int64_t now_ns)
{
    int64_t at = t->when_ns;
    if (t->period_ns > 0)
        t->when_ns = next_tick(at, t->period_ns, now_ns);
    else
        t->armed = false;
    return at;
}

/* Whoever waits is woken by the firing, in the order of waiting: nobody comes before them. */
enum rti_chan_try rti_time_recv_locked(struct rt_timer *t, void *value)
{
    if (load_rlx(&t->in_heap) || !t->armed)
        return RTI_CHAN_WAIT;
    int64_t now = rti_sched_now(), at;
    if (t->when_ns > now)
        return RTI_CHAN_WAIT;
    at = take_tick_locked(t, now);
    rti_waiter_copy(value, &at, sizeof(at));
    return RTI_CHAN_DONE;
}

static struct g *fire_send(void *arg, uint64_t seq)
{
    struct rt_timer *t = arg;
    struct g *wake = NULL;
    rti_lock_acquire(&t->chan.lock);
    if (seq == t->epoch) {
        /* With nobody there (a select that had another case is about to take its record out) the tick stays due. */
        struct rti_waiter *w = rti_waiter_pop(&t->chan.receivers);
        if (w) {
            int64_t at = take_tick_locked(t, rti_sched_now());
            rti_waiter_copy(w->value, &at, sizeof(at));
            wake = rti_waiter_answer(w, RTI_WOKEN_VALUE);
        }
        if (t->armed && load_rlx(&t->chan.receivers.head))
            (void)rti_sched_timer_set(&t->heap, t->when_ns);
        else
            store_rel(&t->in_heap, false); /* pairs with load_acq in give_back */
    }
    rti_lock_release(&t->chan.lock);
    return wake;
}

void rti_time_wait_locked(struct rt_timer *t)
{
    if (!t->armed || load_rlx(&t->in_heap))
        return;
    store_rlx(&t->in_heap, true);
    t->heap.fn = fire_send;
    t->heap.arg = t;
    t->heap.seq = t->epoch;
    (void)rti_sched_timer_set(&t->heap, t->when_ns);
}

static void leave_heap_locked(struct rt_timer *t)
{
    t->epoch++; /* a firing under way is stale now */
    if (!load_rlx(&t->in_heap))
        return;
    store_rlx(&t->in_heap, false);
    (void)rti_sched_timer_stop(&t->heap);
}

void rti_time_unwait_locked(struct rt_timer *t)
{
    if (load_rlx(&t->in_heap) && !load_rlx(&t->chan.receivers.head))
        leave_heap_locked(t);
}

/* A function's timer: it needs nothing of the timer, which may be somebody else's by now. */
static struct g *fire_go(void *arg, uint64_t seq)
{
    return rti_spawn_prepare(NULL, (void (*)(void *))(uintptr_t)seq, arg, __builtin_return_address(0));
}

/* --- making, stopping --- */

/* True: a tick was prevented, or one that was due and not received taken back (Go 1.23). */
static bool disarm_locked(struct rt_timer *t)
{
    bool pending = t->armed;
    leave_heap_locked(t);
    t->armed = false;
    return pending;
}

static void arm_locked(struct rt_timer *t, int64_t when_ns, int64_t period_ns)
{
    t->armed = true;
    t->when_ns = when_ns;
    t->period_ns = period_ns;
    if (UNLIKELY(load_rlx(&t->chan.receivers.head) != NULL))
        rti_time_wait_locked(t);
}

/* Without the lock: nobody else knows the timer, and a stale firing looks at the epoch alone. */
static struct rt_timer *make_chan(int64_t ns, int64_t period_ns, bool after)
{
    struct rt_timer *t = take();
    t->runs = false;
    t->after = after;
    t->armed = true;
    t->when_ns = rt_deadline(ns);
    t->period_ns = period_ns;
    return t;
}

struct rt_timer *rt_timer_new(int64_t ns)
{
    rti_sched_point();
    return make_chan(ns, 0, false);
}

struct rt_timer *rt_ticker_new(int64_t period_ns)
{
    if (period_ns <= 0)
        rt_throw("non-positive interval for NewTicker");
    rti_sched_point();
    return make_chan(period_ns, period_ns, false);
}

struct rt_chan *rt_after(int64_t ns)
{
    rti_sched_point();
    return &make_chan(ns, 0, true)->chan;
}

struct rt_timer *rt_after_func(int64_t ns, void (*fn)(void *arg), void *arg)
{
    rti_sched_point();
    struct rt_timer *t = take();
    t->runs = true;
    t->period_ns = 0;
    t->heap.fn = fire_go;
    t->heap.arg = arg;
    t->heap.seq = (uintptr_t)fn;
    (void)rti_sched_timer_set(&t->heap, rt_deadline(ns));
    return t;
}

struct rt_chan *rt_timer_chan(struct rt_timer *self)
{
    return self->runs ? NULL : &self->chan;
}

bool rt_timer_stop(struct rt_timer *self)
{
    rti_lock_acquire(&self->chan.lock);
    bool pending = self->runs ? rti_sched_timer_stop(&self->heap) : disarm_locked(self);
    rti_lock_release(&self->chan.lock);
    return pending;
}

bool rt_timer_reset(struct rt_timer *self, int64_t ns)
{
    /* Of many timers each is cold: its lines come while the clock is read. */
    __builtin_prefetch(&self->chan, 1);
    __builtin_prefetch(&self->epoch, 1);
    int64_t when_ns = rt_deadline(ns);
    rti_lock_acquire(&self->chan.lock);
    bool ticker = self->period_ns > 0, pending;
    if (UNLIKELY(ticker && ns <= 0)) {
        rti_lock_release(&self->chan.lock);
        rt_throw("non-positive interval for Ticker.Reset");
    }
    if (self->runs) {
        pending = rti_sched_timer_set(&self->heap, when_ns);
    } else {
        pending = disarm_locked(self);
        arm_locked(self, when_ns, ticker ? ns : 0);
    }
    rti_lock_release(&self->chan.lock);
    return pending;
}

static NOINLINE void disarm(struct rt_timer *t)
{
    rti_lock_acquire(&t->chan.lock);
    (void)disarm_locked(t);
    rti_lock_release(&t->chan.lock);
}

static void give_back(struct rt_timer *t)
{
    if (t->runs)
        (void)rti_sched_timer_stop(&t->heap);
    else if (UNLIKELY(!rti_chan_is_idle_locked(&t->chan))) /* nobody may be about to wait, so no lock */
        rti_chan_throw_waited_on();
    else if (UNLIKELY(load_acq(&t->in_heap))) /* else no firing is under way. Pairs with store_rel in fire_send */
        disarm(t);
    put(t);
}

void rt_timer_free(struct rt_timer **self_p)
{
    if (!*self_p)
        return;
    rti_sched_point();
    give_back(*self_p);
    *self_p = NULL;
}

void rti_time_free_after(struct rt_timer *t)
{
    if (!t->after)
        rt_throw("rt_chan_free of a timer's channel: use rt_timer_free");
    give_back(t);
}
