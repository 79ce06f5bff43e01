#include "api/sema.h"

#include "api/waiter.h"
#include "base/atomic.h"
#include <rt/check.h>
#include <rt/sync.h>

enum { BUCKET_BITS = 8, BUCKETS = 1 << BUCKET_BITS };

static struct rti_sema_bucket table[BUCKETS] = {[0 ... BUCKETS - 1] = {.lock = RTI_LOCK_INIT(RTI_RANK_API)}};

struct rti_sema_bucket *rti_sema_lock(const void *addr)
{
    /* Fibonacci hashing: the high bits of the product depend on all bits of the address */
    uint64_t h = (uint64_t)(uintptr_t)addr * UINT64_C(0x9e3779b97f4a7c15);
    struct rti_sema_bucket *b = &table[h >> (64 - BUCKET_BITS)];
    rti_lock_acquire(&b->lock);
    return b;
}

struct rti_sema_waiter *rti_sema_first_locked(struct rti_sema_bucket *b, const void *addr)
{
    struct rti_sema_waiter *w = b->first;
    while (w && w->addr != addr)
        w = w->next_addr;
    return w;
}

/* Puts w where the first waiter was, which may be NULL: then it is a new address. */
static void become_first(struct rti_sema_bucket *b, struct rti_sema_waiter *was, struct rti_sema_waiter *w)
{
    w->next_addr = was ? was->next_addr : b->first;
    w->prev_addr = was ? was->prev_addr : NULL;
    if (w->next_addr)
        w->next_addr->prev_addr = w;
    if (w->prev_addr)
        w->prev_addr->next_addr = w;
    else
        b->first = w;
}

void rti_sema_link_locked(struct rti_sema_bucket *b, const void *addr, struct rti_sema_waiter *w, bool in_front)
{
    w->addr = addr;
    w->g = rti_sched_self();
    w->next = NULL;
    w->granted = false;
    store_rlx(&w->state, RTI_SEMA_LINKED);
    struct rti_sema_waiter *first = rti_sema_first_locked(b, addr);
    if (first && !in_front) {
        first->last->next = w;
        first->last = w;
        return;
    }
    become_first(b, first, w);
    w->next = first;
    w->last = first ? first->last : w;
}

struct rti_sema_waiter *rti_sema_unlink_locked(struct rti_sema_bucket *b, const void *addr)
{
    struct rti_sema_waiter *w = rti_sema_first_locked(b, addr);
    if (!w)
        return NULL;
    if (w->next) {
        w->next->last = w->last;
        become_first(b, w, w->next);
        return w;
    }
    if (w->next_addr)
        w->next_addr->prev_addr = w->prev_addr;
    if (w->prev_addr)
        w->prev_addr->next_addr = w->next_addr;
    else
        b->first = w->next_addr;
    return w;
}

void rti_sema_sleep_unlock(struct rti_sema_bucket *b, struct rti_sema_waiter *w, enum rti_wait why)
{
    store_rlx(&w->state, RTI_SEMA_PARKED); /* the lock is held until the goroutine is off its stack */
    rti_sched_park_unlock(&b->lock, why);
}

static bool still_linked(struct g *g UNUSED, void *arg)
{
    struct rti_sema_waiter *w = arg;
    uint32_t state = RTI_SEMA_LINKED;
    return cas_acq_rel(&w->state, &state, RTI_SEMA_PARKED); /* pairs with xchg in rti_sema_take */
}

void rti_sema_sleep(struct rti_sema_waiter *w, enum rti_wait why)
{
    rti_sched_park(still_linked, w, why);
}

struct g *rti_sema_take(struct rti_sema_waiter *w)
{
    struct g *g = w->g; /* before: a sleeper that is not parked yet may be off and away after the exchange */
    return xchg_acq_rel(&w->state, RTI_SEMA_WOKEN) == RTI_SEMA_PARKED ? g : NULL; /* pairs with cas in still_linked */
}

void rti_sema_wake(struct rti_sema_waiter *w)
{
    struct g *g = rti_sema_take(w);
    if (g)
        rti_sched_ready(g);
}

static const void *address(_Atomic(uint32_t) *permits)
{
    return (const void *)(uintptr_t)permits;
}

bool rti_sema_try_acquire(_Atomic(uint32_t) *permits)
{
    uint32_t n = load_rlx(permits);
    while (n > 0)
        if (cas_acq(permits, &n, n - 1)) /* pairs with the add in rti_sema_release */
            return true;
    return false;
}

void rti_sema_acquire(_Atomic(uint32_t) *permits, bool in_front, enum rti_wait why)
{
    if (rti_sema_try_acquire(permits))
        return;
    struct rti_sema_bucket *b = rti_sema_lock(address(permits));
    if (rti_sema_try_acquire(permits)) {
        rti_lock_release(&b->lock);
        return;
    }
    struct rti_sema_waiter *w = &rti_waiter_self()->box.sema;
    rti_sema_link_locked(b, address(permits), w, in_front);
    rti_sema_sleep_unlock(b, w, why); /* woken with the permit */
}

/* Permits rise only under the lock and only while nobody sleeps: so a sleeper is never overtaken. */
void rti_sema_release(_Atomic(uint32_t) *permits)
{
    struct rti_sema_bucket *b = rti_sema_lock(address(permits));
    struct rti_sema_waiter *w = rti_sema_unlink_locked(b, address(permits));
    if (!w && add_seq(permits, 1) == UINT32_MAX)
        rt_throw("semaphore: more than 4294967295 permits");
    rti_lock_release(&b->lock);
    if (w)
        rti_sema_wake(w);
}

void rt_sema_acquire(struct rt_sema *self)
{
    rti_sema_acquire(&self->permits, false, RTI_WAIT_SEMA);
}

bool rt_sema_try_acquire(struct rt_sema *self)
{
    return rti_sema_try_acquire(&self->permits);
}

void rt_sema_release(struct rt_sema *self)
{
    rti_sema_release(&self->permits);
}
