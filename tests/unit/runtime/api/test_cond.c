#include "goroutines.h"

#include "api/sema.h"
#include <rt/sync.h>

static struct rt_cond cond;
static struct rt_mutex mutex;
static struct rt_waitgroup left;

static void wait_once(void *arg UNUSED)
{
    rt_mutex_lock(&mutex);
    rt_cond_wait(&cond, &mutex);
    rt_mutex_unlock(&mutex);
    rt_waitgroup_done(&left);
}

static void counts(void)
{
    cond = (struct rt_cond){0};
    mutex = (struct rt_mutex){0};
    rt_waitgroup_add(&left, 5);
    for (int i = 0; i < 5; i++) {
        rt_go(wait_once, NULL);
        rt_yield();
        EXPECT(cond.waiters == (uint32_t)i + 1);
    }
    EXPECT(mutex.locked == 0); /* given back by all that wait */
    rt_cond_signal(&cond);
    EXPECT(cond.waiters == 4);
    rt_cond_broadcast(&cond);
    EXPECT(cond.waiters == 0);
    rt_waitgroup_wait(&left);
    struct rti_sema_bucket *b = rti_sema_lock(&cond);
    EXPECT(rti_sema_first_locked(b, &cond) == NULL);
    rti_lock_release(&b->lock);
}

Test(cond_inside, waiters_are_counted_until_they_are_woken)
{
    run_on(1, counts);
}

Test(cond_inside, signals_without_waiters_leave_no_trace)
{
    struct rt_cond c = {0};
    rt_cond_signal(&c);
    rt_cond_broadcast(&c);
    cr_assert_eq(c.waiters, 0);
}
