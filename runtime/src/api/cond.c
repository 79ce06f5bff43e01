/* A waiter is linked before it gives the mutex back and parked after: a signal between the two finds it and makes the
 * parking fail (sema.h, LINKED). So none is lost, and waiters are woken in the order of their calls. */
#include <rt/sync.h>

#include "api/sema.h"
#include "api/waiter.h"
#include "base/atomic.h"

void rt_cond_wait(struct rt_cond *self, struct rt_mutex *mutex)
{
    struct rti_sema_waiter *w = &rti_waiter_self()->box.sema; /* nothing in here waits for anything else meanwhile */
    struct rti_sema_bucket *b = rti_sema_lock(self);
    rti_sema_link_locked(b, self, w, false);
    add_rlx(&self->waiters, 1); /* seen by a signal that comes after the unlock below, or under its own mutex */
    rti_lock_release(&b->lock);
    rt_mutex_unlock(mutex);
    rti_sema_sleep(w, RTI_WAIT_COND);
    rt_mutex_lock(mutex);
}

void rt_cond_signal(struct rt_cond *self)
{
    if (load_rlx(&self->waiters) == 0)
        return;
    struct rti_sema_bucket *b = rti_sema_lock(self);
    struct rti_sema_waiter *w = rti_sema_unlink_locked(b, self);
    if (w)
        add_rlx(&self->waiters, -1);
    rti_lock_release(&b->lock);
    if (w)
        rti_sema_wake(w);
}

void rt_cond_broadcast(struct rt_cond *self)
{
    if (load_rlx(&self->waiters) == 0)
        return;
    struct rti_sema_bucket *b = rti_sema_lock(self);
    struct rti_sema_waiter *all = NULL, **end = &all;
    for (struct rti_sema_waiter *w; (w = rti_sema_unlink_locked(b, self)) != NULL; end = &w->next)
        *end = w;
    *end = NULL;
    store_rlx(&self->waiters, 0);
    rti_lock_release(&b->lock);
    struct g *ready = NULL, **last = &ready; /* in one batch: they run in the order in which they came */
    while (all) {
        struct rti_sema_waiter *w = all;
        all = w->next; /* before: w is gone once it is taken */
        struct g *g = rti_sema_take(w);
        if (g) {
            *last = g;
            last = rti_sched_link(g);
        }
    }
    *last = NULL;
    if (ready)
        rti_sched_ready_list(ready);
}
