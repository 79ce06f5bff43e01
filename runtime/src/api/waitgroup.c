/* After Go's sync/waitgroup.go: counter and number of waiters in one word, so that "the counter fell to 0 while n wait"
 * is seen by exactly one goroutine, which wakes all n. */
#include <rt/sync.h>

#include "api/sema.h"
#include "base/atomic.h"
#include <rt/check.h>

static int32_t counter_of(uint64_t state)
{
    return (int32_t)(state >> 32);
}

static uint32_t waiters_of(uint64_t state)
{
    return (uint32_t)state;
}

void rt_waitgroup_add(struct rt_waitgroup *self, int delta)
{
    rti_sched_point();
    uint64_t step = (uint64_t)(int64_t)delta << 32;
    uint64_t state = add_seq(&self->state, step) + step;
    int32_t counter = counter_of(state);
    uint32_t waiters = waiters_of(state);
    if (UNLIKELY(counter < 0))
        rt_throw("sync: negative WaitGroup counter");
    if (UNLIKELY(waiters != 0 && delta > 0 && counter == delta))
        rt_throw("sync: WaitGroup misuse: Add called concurrently with Wait");
    if (counter > 0 || waiters == 0)
        return;
    /* The counter is 0 and goroutines wait: no add may come now, and no wait increments waiters at counter 0. */
    if (UNLIKELY(load_seq(&self->state) != state))
        rt_throw("sync: WaitGroup misuse: Add called concurrently with Wait");
    xchg_seq(&self->state, 0);
    for (; waiters > 0; waiters--)
        rti_sema_release(&self->sema);
}

void rt_waitgroup_done(struct rt_waitgroup *self)
{
    rt_waitgroup_add(self, -1);
}

void rt_waitgroup_wait(struct rt_waitgroup *self)
{
    rti_sched_point();
    uint64_t state = load_seq(&self->state);
    do {
        if (counter_of(state) == 0)
            return;
    } while (!cas_seq(&self->state, &state, state + 1));
    rti_sema_acquire(&self->sema, false, RTI_WAIT_GROUP);
    if (UNLIKELY(load_seq(&self->state) != 0))
        rt_throw("sync: WaitGroup is reused before previous Wait has returned");
}
