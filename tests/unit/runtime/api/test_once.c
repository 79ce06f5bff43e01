#include "goroutines.h"

#include <rt/sync.h>

static void count(void *arg)
{
    ++*(int *)arg;
}

Test(once_inside, the_second_call_does_not_even_lock)
{
    struct rt_once o = {0};
    int runs = 0;
    rt_once_do(&o, count, &runs);
    cr_assert_eq(o.done, 1);
    rt_mutex_lock(&o.mutex); /* the slow way would wait for ever */
    rt_once_do(&o, count, &runs);
    cr_assert_eq(runs, 1);
}

static struct rt_once once;

static void do_again(void *arg UNUSED)
{
    rt_once_do(&once, do_again, NULL);
}

static void recursion(void)
{
    do_again(NULL);
}

Test(once_inside, calling_itself_is_a_deadlock_and_is_reported)
{
    dies_saying(recursion, "asleep");
}
