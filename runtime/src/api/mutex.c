/* A mutex is two words: locked, and waiters (a count and three flags).
 *
 * Unlock stores locked = 0, then looks at waiters; who waits announces itself in waiters, then looks at locked: the
 * two-sided check, a full fence between on both sides. So either the unlocker sees the waiter or the waiter the open
 * lock. Until somebody waits for the first time the unlocker leaves its fence out, and that first waiter pays for both
 * sides (membarrier): a mutex that is never fought over costs one read-modify-write per lock and unlock. One that is
 * fought over no more becomes such a mutex again. A woken waiter competes with whoever comes by (that is what makes a
 * mutex fast); after 1 ms of it the mutex starves: the next unlock hands it over without opening it (the rule of Go's
 * sync/mutex.go). */
#include <rt/sync.h>

#include "api/sema.h"
#include "api/waiter.h"
#include "base/cpu.h"
#include "base/membarrier.h"
#include "base/atomic.h"
#include "sched/thrift.h"
#include <rt/check.h>
#include <rt/rt.h>

/* waiters: FENCED: somebody has waited once, unlock fences from now on; set by the first waiter together with its
 * COUNT, before its membarrier; cleared by the owner under the bucket's lock, where a waiter that comes later finds out
 * that it is the first. After CALM unlocks in a row with nothing but this flag to be seen.
 * WOKEN: one was woken and has not run yet, so no other need be; set by the unlocker under the bucket's lock, cleared
 * by that waiter (and who was woken all the same clears one that is another's: then one more is woken). After CALM
 * unlocks in a row for which it has not run all others are made ready too, so that this goroutine, which may have all
 * it needs, pays for them no more: they are not in a hurry if that one is not. STARVING: the next unlock hands over;
 * set and cleared under the bucket's lock. */
enum { COUNT = 1u, FENCED = 1u << 29, WOKEN = 1u << 30, STARVING = 1u << 31, COUNT_MASK = FENCED - 1 };
enum { STARVE_NS = 1000000, SPINS = 4, PAUSES = 12, CALM = 64 };

/* This process has membarrier. Written before main. */
static bool unfenced;

__attribute__((constructor)) static void probe(void)
{
    unfenced = rti_membarrier_register();
}

static bool take(struct rt_mutex *m)
{
    uint32_t open = 0;
    return cas_acq(&m->locked, &open, 1); /* pairs with the store in unlock */
}

/* A few looks before sleeping, where the owner may be running on another P. Not by a goroutine that was stolen to fight
 * for locks: asleep it will come to be where the others are. */
static bool spin(struct rt_mutex *m)
{
    if (rt_procs() < 2 || rti_points_armed || rti_thrift_is_vain())
        return false;
    for (int i = 0; i < SPINS; i++) {
        for (int j = 0; j < PAUSES; j++)
            rti_cpu_pause();
        if (load_rlx(&m->waiters) & STARVING)
            return false;
        if (load_rlx(&m->locked) == 0 && take(m))
            return true;
    }
    return false;
}

/* Announces itself and sleeps, or gets the lock after all. True: it owns the lock. */
static bool wait_once(struct rt_mutex *m, struct rti_sema_waiter *w, bool again)
{
    struct rti_sema_bucket *b = rti_sema_lock(m);
    bool first = !(load_rlx(&m->waiters) & FENCED);
    /* this one, if it was woken before, is awake now */
    if (again)
        and_acq_rel(&m->waiters, ~WOKEN);
    add_seq(&m->waiters, COUNT + (first ? FENCED : 0));
    if (first && unfenced)
        rti_membarrier_all(); /* pairs with the plain store and load in rt_mutex_unlock */
    fence_full_after_rmw();   /* pairs with the exchange in unlock_slow */
    if (take(m)) {
        sub_seq(&m->waiters, COUNT);
        rti_lock_release(&b->lock);
        return true;
    }
    if (again && rti_sched_now() - w->since_ns > STARVE_NS)
        or_acq_rel(&m->waiters, STARVING);
    rti_sema_link_locked(b, m, w, again);
    rti_sema_sleep_unlock(b, w, RTI_WAIT_MUTEX);
    return w->granted;
}

static NOINLINE void lock_slow(struct rt_mutex *m)
{
    rti_lock_count_contended();
    if (spin(m))
        return;
    struct rti_sema_waiter *w = &rti_waiter_self()->box.sema;
    w->since_ns = rti_sched_now();
    if (wait_once(m, w, false))
        return;
    while (!take(m)) /* woken: WOKEN is ours to clear */
        if (wait_once(m, w, true))
            return;
    and_acq_rel(&m->waiters, ~WOKEN);
}

/* Aligned, as is unlock: 2.5 ns for both, else up to 2.8, by where the linker happens to put them. */
CACHE_ALIGNED void rt_mutex_lock(struct rt_mutex *self)
{
    rti_sched_point();
    if (UNLIKELY(!take(self)))
        lock_slow(self);
}

bool rt_mutex_try_lock(struct rt_mutex *self)
{
    return !(load_rlx(&self->waiters) & STARVING) && take(self);
}

/* The lock is still held: it passes to the first waiter without being open in between. */
static NOINLINE bool hand_over(struct rt_mutex *m)
{
    struct rti_sema_bucket *b = rti_sema_lock(m);
    struct rti_sema_waiter *w = rti_sema_unlink_locked(b, m);
    if (!w) {
        sub_seq(&m->waiters, STARVING);
        rti_lock_release(&b->lock);
        return false;
    }
    bool starving = rti_sema_first_locked(b, m) && rti_sched_now() - w->since_ns > STARVE_NS;
    sub_seq(&m->waiters, starving ? COUNT : COUNT + STARVING);
    w->granted = true;
    rti_lock_release(&b->lock);
    rti_sema_wake(w);
    rti_sched_yield(); /* the new owner first: else this goroutine only runs into the lock again */
    return true;
}

static NOINLINE void wake_one(struct rt_mutex *m)
{
    struct rti_sema_bucket *b = rti_sema_lock(m);
    struct rti_sema_waiter *w = NULL;
    /* Taken again meanwhile: its owner sees the waiters when it unlocks. */
    if (load_rlx(&m->locked) == 0 && !(load_rlx(&m->waiters) & WOKEN) && (w = rti_sema_unlink_locked(b, m)) != NULL)
        add_seq(&m->waiters, WOKEN - COUNT);
    rti_lock_release(&b->lock);
    if (w)
        rti_sema_wake(w);
}

/* Everybody who waits, in the order in which they came. */
static NOINLINE void wake_all(struct rt_mutex *m)
{
    struct rti_sema_waiter *all = NULL, **end = &all;
    struct rti_sema_bucket *b = rti_sema_lock(m);
    for (struct rti_sema_waiter *w; (w = rti_sema_unlink_locked(b, m)); end = &w->next) {
        sub_seq(&m->waiters, COUNT);
        *end = w;
    }
    *end = NULL;
    and_acq_rel(&m->waiters, ~WOKEN);
    rti_lock_release(&b->lock);
    while (all) {
        struct rti_sema_waiter *w = all;
        all = w->next; /* before: w's owner may be off once it is ready */
        rti_sema_wake(w);
    }
}

static NOINLINE void unfence(struct rt_mutex *m)
{
    struct rti_sema_bucket *b = rti_sema_lock(m);
    uint32_t only = FENCED;
    (void)cas_seq(&m->waiters, &only, 0);
    rti_lock_release(&b->lock);
}

/* The owner's, before it unlocks: another unlock in a row in which the waiters had nothing to say? True: wake all. */
static bool calms_down(struct rt_mutex *m, uint32_t waiters)
{
    if (waiters != FENCED && !(waiters & WOKEN)) {
        m->calm = 0;
        return false;
    }
    if (++m->calm < CALM)
        return false;
    m->calm = 0;
    if (waiters == FENCED)
        unfence(m);
    return waiters & WOKEN;
}

static NOINLINE void unlock_slow(struct rt_mutex *m, uint32_t waiters)
{
    if ((waiters & STARVING) && load_rlx(&m->locked) && hand_over(m))
        return;
    bool all = load_rlx(&m->locked) && calms_down(m, waiters);
    if (xchg_seq(&m->locked, 0) == 0)
        rt_throw("sync: unlock of unlocked mutex");
    fence_full_after_rmw(); /* pairs with the add in wait_once */
    rti_sched_point();
    waiters = load_rlx(&m->waiters);
    if (all)
        wake_all(m);
    else if ((waiters & COUNT_MASK) && !(waiters & WOKEN))
        wake_one(m);
}

CACHE_ALIGNED void rt_mutex_unlock(struct rt_mutex *self)
{
    uint32_t waiters = load_rlx(&self->waiters);
    if (UNLIKELY(waiters != 0 || load_rlx(&self->locked) == 0 || !unfenced)) {
        unlock_slow(self, waiters);
        return;
    }
    store_rel(&self->locked, 0); /* pairs with take */
    fence_compiler();            /* the fence is on the other side: wait_once */
    rti_sched_point();
    if (UNLIKELY(load_rlx(&self->waiters) & COUNT_MASK))
        wake_one(self);
}
