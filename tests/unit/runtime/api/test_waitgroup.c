#include "goroutines.h"

#include <rt/sync.h>

Test(waitgroup_inside, the_counter_is_the_high_half_and_may_be_changed_by_any_amount)
{
    struct rt_waitgroup w = {0};
    rt_waitgroup_add(&w, 5);
    cr_assert_eq(w.state, (uint64_t)5 << 32);
    rt_waitgroup_add(&w, -3);
    rt_waitgroup_done(&w);
    cr_assert_eq(w.state, (uint64_t)1 << 32);
    rt_waitgroup_done(&w);
    cr_assert_eq(w.state, 0);
    rt_waitgroup_wait(&w); /* returns at once, on any thread */
}

static struct rt_waitgroup group;

static void wait_for_group(void *arg UNUSED)
{
    rt_waitgroup_wait(&group);
}

static void add_during_wait(void)
{
    rt_waitgroup_add(&group, 1);
    rt_go(wait_for_group, NULL);
    rt_yield();
    EXPECT((uint32_t)group.state == 1); /* one waits */
    /* the state of a group whose counter fell to 0 while an add came from 0: only a racing program gets there */
    atomic_fetch_sub(&group.state, (uint64_t)1 << 32);
    rt_waitgroup_add(&group, 1);
}

Test(waitgroup_inside, an_add_from_zero_with_waiters_is_fatal)
{
    dies_saying(add_during_wait, "Add called concurrently with Wait");
}

static void reuse_too_early(void)
{
    group = (struct rt_waitgroup){0};
    rt_waitgroup_add(&group, 1);
    rt_go(wait_for_group, NULL);
    rt_yield();
    rt_waitgroup_done(&group);   /* the waiter is ready, and has not run */
    rt_waitgroup_add(&group, 1); /* the next round begins */
    rt_yield();
}

Test(waitgroup_inside, a_round_that_begins_before_the_last_one_is_over_is_fatal)
{
    dies_saying(reuse_too_early, "WaitGroup is reused before previous Wait has returned");
}
