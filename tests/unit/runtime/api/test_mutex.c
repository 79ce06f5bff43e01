#include "goroutines.h"

#include "api/sema.h"
#include <rt/sync.h>
#include <rt/time.h>

enum { COUNT_MASK = (1u << 29) - 1, FENCED = 1u << 29 }; /* as in mutex.c */

static struct rt_mutex mutex;
static struct rt_waitgroup left;

static void lock_and_unlock(void *arg UNUSED)
{
    rt_mutex_lock(&mutex);
    rt_mutex_unlock(&mutex);
    rt_waitgroup_done(&left);
}

Test(mutex_inside, one_that_nobody_waits_for_stays_free_of_flags)
{
    struct rt_mutex m = {0};
    for (int i = 0; i < 10; i++) {
        rt_mutex_lock(&m);
        cr_assert_eq(m.locked, 1);
        rt_mutex_unlock(&m);
        cr_assert_eq(m.locked, 0);
        cr_assert_eq(m.waiters, 0);
    }
}

static void first_waiter(void)
{
    mutex = (struct rt_mutex){0};
    rt_waitgroup_add(&left, 3);
    rt_mutex_lock(&mutex);
    for (int i = 0; i < 3; i++)
        rt_go(lock_and_unlock, NULL);
    for (int i = 0; i < 10; i++)
        rt_yield();
    EXPECT((mutex.waiters & COUNT_MASK) == 3); /* one P: all wait */
    EXPECT(mutex.waiters & FENCED);
    rt_mutex_unlock(&mutex);
    rt_waitgroup_wait(&left);
    EXPECT(mutex.locked == 0);
    EXPECT(mutex.waiters == FENCED); /* nothing is left but the memory of it */
}

Test(mutex_inside, waiters_are_counted_and_leave_only_the_fence_behind)
{
    run_on(1, first_waiter);
}

/* Seen from outside: a starving waiter gets the lock from the very unlock that follows, though the unlocker tries to
 * lock again at once. */
static _Atomic(int) turns;

static void starve(void *arg UNUSED)
{
    rt_mutex_lock(&mutex);
    turns++;
    rt_mutex_unlock(&mutex);
    rt_waitgroup_done(&left);
}

static void hand_over(void)
{
    mutex = (struct rt_mutex){0};
    turns = 0;
    rt_waitgroup_add(&left, 2);
    rt_mutex_lock(&mutex);
    rt_go(starve, NULL);
    rt_go(starve, NULL);
    int relocked = 0;
    for (; turns < 2; relocked++) {
        for (int64_t end = rt_now() + 2000000; rt_now() < end;)
            rt_yield(); /* over a millisecond: whoever waits starves at its next try */
        rt_mutex_unlock(&mutex);
        rt_mutex_lock(&mutex);
    }
    EXPECT(relocked <= 5);
    rt_mutex_unlock(&mutex);
    rt_waitgroup_wait(&left);
    EXPECT(mutex.waiters == FENCED);
}

Test(mutex_inside, a_starving_waiter_is_served_within_a_few_unlocks)
{
    run_on(1, hand_over);
}

static void calm_down(void)
{
    first_waiter();
    EXPECT(mutex.calm <= 1); /* the last waiter's own unlock */
    for (int i = (int)mutex.calm; i < 64; i++) {
        EXPECT(mutex.waiters == FENCED);
        rt_mutex_lock(&mutex);
        rt_mutex_unlock(&mutex);
    }
    EXPECT(mutex.waiters == 0);
    first_waiter(); /* and once more from the start */
}

Test(mutex_inside, after_64_unlocks_without_a_waiter_the_fence_is_forgotten)
{
    run_on(1, calm_down);
}

static void nobody_comes(void)
{
    mutex = (struct rt_mutex){0};
    rt_waitgroup_add(&left, 3);
    rt_mutex_lock(&mutex);
    for (int i = 0; i < 3; i++)
        rt_go(lock_and_unlock, NULL);
    for (int i = 0; i < 10; i++)
        rt_yield();
    rt_mutex_unlock(&mutex); /* makes one ready, which does not run: there is one P */
    for (int i = 0; i < 63; i++) {
        rt_mutex_lock(&mutex);
        rt_mutex_unlock(&mutex);
    }
    EXPECT((mutex.waiters & COUNT_MASK) == 2);
    rt_mutex_lock(&mutex);
    rt_mutex_unlock(&mutex);
    EXPECT(mutex.waiters == FENCED);
    for (int i = 0; i < 64; i++) {
        rt_mutex_lock(&mutex);
        rt_mutex_unlock(&mutex);
    }
    EXPECT(mutex.waiters == 0);
    rt_waitgroup_wait(&left);
    EXPECT(mutex.locked == 0 && mutex.waiters == 0);
}

Test(mutex_inside, waiters_that_no_unlock_reaches_are_all_made_ready_and_the_lock_is_free_of_them)
{
    run_on(1, nobody_comes);
}
