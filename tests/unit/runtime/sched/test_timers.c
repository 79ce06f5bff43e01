#include "fake_world.h"

#include "base/clock.h"
#include "parts/timerheap.h"
#include "sched/netpoll.h"
#include "sched/sched.h"
#include "sched/timers.h"

static int fired;
static void count(void *arg, uint64_t seq)
{
    fired += (int)(intptr_t)arg + (int)seq;
}

static void up(void)
{
    fake_world();
    rti_clock_set_fake(1000);
}

Test(timers, what_is_due_runs_in_order_of_time_and_nothing_else_does, .init = up)
{
    struct rti_timer a = {.when_ns = 2000, .fn = count, .arg = (void *)1},
                     b = {.when_ns = 3000, .fn = count, .seq = 10};
    cr_assert_eq(rti_timers_next(), INT64_MAX);
    rti_timers_start(&b);
    rti_timers_start(&a);
    cr_assert_eq(rti_timers_next(), 2000);
    cr_assert_not(rti_timers_run(p));
    rti_clock_set_fake(2000);
    cr_assert(rti_timers_due(p));
    cr_assert(rti_timers_run(p));
    cr_assert_eq(fired, 1);
    cr_assert_eq(rti_timers_next(), 3000);
    rti_clock_set_fake(5000);
    cr_assert(rti_timers_run(p));
    cr_assert_eq(fired, 11);
    cr_assert_not(rti_timers_due(p));
}

Test(timers, stop_tells_whether_it_was_in_time, .init = up)
{
    struct rti_timer t = {.when_ns = 2000, .fn = count, .arg = (void *)1}, never = {0};
    cr_assert_not(rti_timers_stop(&never));
    rti_timers_start(&t);
    cr_assert(rti_timers_stop(&t));
    cr_assert_not(rti_timers_stop(&t));
    rti_timers_start(&t);
    rti_clock_set_fake(2000);
    rti_timers_run(p);
    cr_assert_not(rti_timers_stop(&t));
    cr_assert_eq(fired, 1);
}

Test(timers, reset_moves_it_and_a_periodic_one_comes_again, .init = up)
{
    struct rti_timer t = {.when_ns = 2000, .fn = count, .arg = (void *)1};
    cr_assert_not(rti_sched_timer_reset(&t, 4000, 100));
    cr_assert(rti_sched_timer_reset(&t, 1500, 1000));
    rti_clock_set_fake(1500);
    rti_timers_run(p);
    cr_assert_eq(rti_timers_next(), 2500);
    rti_clock_set_fake(2500);
    rti_timers_run(p);
    cr_assert_eq(fired, 2);
    cr_assert(rti_timers_stop(&t));
}

Test(timers, one_that_another_thread_starts_lands_on_the_first_p, .init = up)
{
    struct rti_timer t = {.when_ns = 2000, .fn = count};
    rti_m_current = NULL;
    rti_timers_start(&t);
    cr_assert_eq(load_rlx(&p->timer_next), 2000);
    cr_assert(rti_timers_stop(&t));
}

Test(timers, one_can_be_taken_out_and_fired_later, .init = up)
{
    struct rti_timer a = {.when_ns = 1000, .fn = count, .arg = (void *)1}, b = {.when_ns = 1000, .fn = count};
    struct rti_timer_fire fire;
    rti_timers_start(&a);
    rti_timers_start(&b);
    cr_assert_not(rti_timers_pop(p, 999, &fire));
    cr_assert(rti_timers_pop(p, 1000, &fire));
    cr_assert_eq(rti_timers_next(), 1000);
    cr_assert(rti_timers_pop(p, 1000, &fire));
    cr_assert_not(rti_timers_pop(p, 1000, &fire));
    cr_assert_eq(rti_timers_next(), INT64_MAX);
    cr_assert_eq(fired, 0);
}
