#include "fake_world.h"

#include "base/clock.h"
#include "parts/timerheap.h"
#include "sched/netpoll.h"
#include "sched/sched.h"
#include "sched/timers.h"

static int fired;
static struct g *count(void *arg, uint64_t seq)
{
    fired += (int)(intptr_t)arg + (int)seq;
    return NULL;
}

static void up(void)
{
    fake_world();
    rti_clock_set_fake(1000);
    store_rlx(&rti_world.spinning, 1); /* so that nobody is woken, and no thread starts */
}

Test(timers, what_is_due_runs_in_order_of_time_and_nothing_else_does, .init = up)
{
    struct rti_timer a = {.fn = count, .arg = (void *)1}, b = {.fn = count, .seq = 10};
    cr_assert_eq(rti_timers_next(), INT64_MAX);
    cr_assert_not(rti_timers_set(&b, 3000));
    cr_assert_not(rti_timers_set(&a, 2000));
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
    struct rti_timer t = {.fn = count, .arg = (void *)1}, never = {0};
    cr_assert_not(rti_timers_stop(&never));
    rti_timers_set(&t, 2000);
    cr_assert(rti_timers_stop(&t));
    cr_assert_not(rti_timers_stop(&t));
    rti_timers_set(&t, 2000);
    rti_clock_set_fake(2000);
    rti_timers_run(p);
    cr_assert_not(rti_timers_stop(&t));
    cr_assert_eq(fired, 1);
}

Test(timers, set_moves_it_and_tells_whether_it_was_pending, .init = up)
{
    struct rti_timer t = {.fn = count, .arg = (void *)1};
    cr_assert_not(rti_timers_set(&t, 4000));
    cr_assert(rti_timers_set(&t, 1500));
    cr_assert_eq(rti_timers_next(), 1500);
    cr_assert(rti_timers_set(&t, 2500));
    cr_assert_eq(rti_timers_next(), 2500);
    rti_clock_set_fake(2500);
    rti_timers_run(p);
    cr_assert_eq(fired, 1);
    cr_assert_not(rti_timers_stop(&t));
}

Test(timers, one_that_another_thread_starts_lands_on_the_first_p, .init = up)
{
    struct rti_timer t = {.fn = count};
    rti_m_current = NULL;
    rti_timers_set(&t, 2000);
    cr_assert_eq(load_rlx(&p->timer_next), 2000);
    cr_assert(rti_timers_stop(&t));
}

Test(timers, one_that_left_a_slot_behind_goes_back_to_the_p_where_that_is, .init = up)
{
    struct rti_timer first = {.fn = count}, t = {.fn = count};
    struct p *far = rti_world.allp[1] = rti_p_new(1, 1);
    store_rlx(&rti_world.ps, 2);
    rti_timers_set(&first, 2000);
    rti_timers_set(&t, 3000);
    cr_assert(rti_timers_stop(&t));
    m->p = far;
    cr_assert_not(rti_timers_set(&t, 4000));
    cr_assert_eq(load_rlx(&t.home), p);
    cr_assert(rti_timers_stop(&first)); /* its slot goes, and those behind it that are of no use: none */
    cr_assert_eq(load_rlx(&p->timer_next), 4000);
    cr_assert(rti_timers_stop(&t));
    cr_assert_eq(load_rlx(&t.slots), 0);
    rti_timers_set(&t, 5000);
    cr_assert_eq(load_rlx(&t.home), far, "without a slot it is free to go");
    cr_assert_eq(load_rlx(&far->timer_next), 5000);
}

Test(timers, one_can_be_taken_out_and_fired_later, .init = up)
{
    struct rti_timer a = {.fn = count, .arg = (void *)1}, b = {.fn = count, .arg = (void *)1};
    struct rti_timer_fire fire;
    rti_timers_set(&a, 1000);
    rti_timers_set(&b, 1000);
    cr_assert_not(rti_timers_pop(p, 999, &fire));
    cr_assert(rti_timers_pop(p, 1000, &fire));
    cr_assert_eq(rti_timers_next(), 1000);
    cr_assert(rti_timers_pop(p, 1000, &fire));
    cr_assert_not(rti_timers_pop(p, 1000, &fire));
    cr_assert_eq(rti_timers_next(), INT64_MAX);
    cr_assert_eq(fired, 0);
    rti_timers_fire(&fire);
    cr_assert_eq(fired, 1);
}

static struct g *wake(void *arg, uint64_t seq)
{
    (void)seq;
    return arg;
}

Test(timers, of_those_that_are_woken_together_the_first_runs_next_and_the_others_queue, .init = up)
{
    static struct rti_timer t[5];
    struct g *g[5];
    for (int i = 0; i < 5; i++) {
        g[i] = fake_g(i == 3 ? RTI_G_RUNNABLE : RTI_G_WAITING); /* one is new, as of rt_after_func */
        t[i] = (struct rti_timer){.fn = wake, .arg = g[i]};
        rti_timers_set(&t[i], 1000 - i);
    }
    cr_assert(rti_timers_run(p));
    cr_assert_eq(rti_runq_take_next(&p->runq), &g[4]->link);
    for (int i = 3; i >= 0; i--) {
        cr_assert_eq(rti_runq_get(&p->runq), &g[i]->link);
        cr_assert_eq(rti_g_state(g[i]), RTI_G_RUNNABLE);
    }
}

/* More due than the ring takes: the rest waits in the set until these have run. */
Test(timers, no_more_are_fired_at_a_time_than_the_ring_has_room_for, .init = up)
{
    enum { MANY = 500 };
    static struct rti_timer t[MANY];
    for (int i = 0; i < MANY; i++) {
        t[i] = (struct rti_timer){.fn = wake, .arg = fake_g(RTI_G_WAITING)};
        rti_timers_set(&t[i], 1000);
    }
    int fires = 0, ran = 0;
    while (rti_timers_run(p)) {
        fires++;
        cr_assert_eq(load_rlx(&rti_world.runq_len), 0, "none goes through the global queue");
        for (int i = 0; i < 8; i++) /* so many rounds lie between two looks at the timers */
            ran += rti_runq_get(&p->runq) != NULL;
    }
    cr_assert_gt(fires, 10);
    while (rti_runq_get(&p->runq) || rti_runq_take_next(&p->runq))
        ran++;
    cr_assert_geq(ran, MANY - 100);
}
