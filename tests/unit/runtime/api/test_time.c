#include "goroutines.h"

#include <errno.h>

#include "proc/p.h"
#include "proc/world.h"
#include <rt/chan.h>
#include <rt/time.h>

static void reuses(void)
{
    struct rt_timer *first = rt_timer_new(INT64_MAX), *second;
    struct rt_timer *same = first;
    rt_timer_free(&first);
    second = rt_after_func(INT64_MAX, NULL, NULL);
    EXPECT(second == same); /* from the pool, with a new epoch */
    rt_timer_free(&second);
}

Test(time_inside, a_freed_timer_is_the_next_one_handed_out)
{
    run_on(1, reuses);
}

static uint32_t slots_in_all(void)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < rti_world_ps(); i++)
        n += load_rlx(&rti_world.allp[i]->timers.count);
    return n;
}

static void wait_in_select(void *arg)
{
    struct rt_chan **c = arg;
    int64_t at;
    struct rt_case cases[] = {rt_case_recv(c[0], &at), rt_case_recv(c[1], NULL)};
    EXPECT(rt_select(cases, 2, true) == 1);
}

/* Go 1.23: a channel's timer is in a P's set only while a goroutine waits on the channel. */
static void only_while_waited_for(void)
{
    struct rt_timer *t = rt_timer_new(INT64_MAX / 2);
    struct rt_chan *c[2] = {rt_timer_chan(t), rt_chan_new(0, 0)};
    int64_t at;
    EXPECT(slots_in_all() == 0);
    EXPECT(rt_try_recv(c[0], &at) == -EAGAIN);
    EXPECT(slots_in_all() == 0);
    EXPECT(rt_chan_cap(c[0]) == 0 && rt_chan_len(c[0]) == 0);
    rt_go(wait_in_select, c);
    while (slots_in_all() == 0)
        rt_yield();
    rt_send(c[1], NULL);
    while (slots_in_all() > 0) /* the select takes it out as it leaves */
        rt_yield();
    EXPECT(rt_timer_stop(t));
    rt_timer_free(&t);
    rt_chan_free(&c[1]);
}

Test(time_inside, a_channels_timer_is_in_a_set_only_while_a_goroutine_waits)
{
    run_everywhere(only_while_waited_for);
}

static void nothing(void *arg UNUSED)
{
}

static void pool_of_a_p(void)
{
    enum { MANY = 200 };
    static struct rt_timer *t[MANY];
    for (int i = 0; i < MANY; i++)
        t[i] = rt_after_func(INT64_MAX / 2 + i, nothing, NULL);
    EXPECT(slots_in_all() == MANY);
    for (int i = 0; i < MANY; i++)
        rt_timer_free(&t[i]); /* stopped as well */
    EXPECT(slots_in_all() <= 65);
    for (int i = 0; i < MANY; i++)
        t[i] = rt_timer_new(INT64_MAX / 2 + i); /* out of the P's pool, then the shared one, then new */
    for (int i = 0; i < MANY; i++)
        EXPECT(rt_timer_stop(t[i]));
    for (int i = 0; i < MANY; i++)
        rt_timer_free(&t[i]);
}

Test(time_inside, timers_come_from_pools_with_the_slots_they_left_behind)
{
    run_on(1, pool_of_a_p);
}

/* Outside rt_main no P keeps a timer. */
Test(time_inside, a_timer_outside_rt_main_is_a_clear_fatal_error, .exit_code = 2)
{
    struct rt_timer *t = rt_after_func(1, NULL, NULL);
    cr_assert_null(t); /* not reached */
}
