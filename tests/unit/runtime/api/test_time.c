#include "goroutines.h"

#include "api/chan.h"
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

/* A timer of a past life that is still firing: fn is called with the seq of then. */
static void stale_firing(void)
{
    struct rt_timer *t = rt_timer_new(0);
    struct rt_chan *c = rt_timer_chan(t);
    while (!rti_chan_may_recv(c))
        rt_yield();
    EXPECT(load_rlx(&c->count) == 1);
    EXPECT(rt_timer_reset(t, INT64_MAX)); /* takes the value out again */
    EXPECT(load_rlx(&c->count) == 0);
    EXPECT(c->cap == 1 && rt_chan_cap(c) == 0);
    rt_timer_free(&t);
}

Test(time_inside, a_reset_empties_the_hidden_slot_of_the_channel)
{
    run_everywhere(stale_firing);
}

/* Outside rt_main no P keeps a timer. */
Test(time_inside, a_timer_outside_rt_main_is_a_clear_fatal_error, .exit_code = 2)
{
    struct rt_timer *t = rt_after_func(1, NULL, NULL);
    cr_assert_null(t); /* not reached */
}
