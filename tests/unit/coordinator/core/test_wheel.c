#include "test.h"

#include "coordinator/core/wheel.h"

static const int64_t ms = 1000000;

struct seen {
    struct wheel *wheel;
    struct wheel_node *again; /* re-arm this one when it fires */
    int64_t again_at;
    int count;
    struct wheel_node *last;
};

static void note(void *ctx, struct wheel_node *node)
{
    struct seen *s = ctx;
    s->count++;
    s->last = node;
    if (node == s->again)
        wheel_set(s->wheel, node, s->again_at);
}

Test(wheel, a_timer_is_never_early_and_at_most_a_tick_late)
{
    struct wheel w;
    wheel_init(&w, 10 * ms, 0);
    struct seen seen = {.wheel = &w};
    struct wheel_node node = {0};
    wheel_set(&w, &node, 25 * ms);
    for (int64_t now = 0; now < 25 * ms; now += ms) {
        wheel_advance(&w, now, note, &seen);
        cr_assert_eq(seen.count, 0);
    }
    wheel_advance(&w, 35 * ms, note, &seen);
    cr_assert_eq(seen.count, 1);
    cr_assert_eq(seen.last, &node);
    cr_assert_not(wheel_armed(&node));
}

Test(wheel, a_timer_beyond_one_turn_waits_for_its_turn)
{
    struct wheel w;
    wheel_init(&w, 10 * ms, 0);
    struct seen seen = {.wheel = &w};
    struct wheel_node node = {0};
    int64_t at = 10 * ms * (3 * WHEEL_SLOTS + 5);
    wheel_set(&w, &node, at);
    for (int64_t now = 0; now < at; now += 10 * ms)
        wheel_advance(&w, now, note, &seen);
    cr_assert_eq(seen.count, 0);
    wheel_advance(&w, at, note, &seen);
    cr_assert_eq(seen.count, 1);
}

Test(wheel, a_long_pause_meets_every_timer_once)
{
    struct wheel w;
    wheel_init(&w, 10 * ms, 0);
    struct seen seen = {.wheel = &w};
    struct wheel_node nodes[700] = {0};
    for (int i = 0; i < 700; i++)
        wheel_set(&w, &nodes[i], i * 10 * ms);
    wheel_advance(&w, 100000 * ms, note, &seen);
    cr_assert_eq(seen.count, 700);
}

Test(wheel, a_cancelled_timer_does_not_fire_and_cancelling_twice_is_fine)
{
    struct wheel w;
    wheel_init(&w, 10 * ms, 0);
    struct seen seen = {.wheel = &w};
    struct wheel_node a = {0}, b = {0};
    wheel_set(&w, &a, 20 * ms);
    wheel_set(&w, &b, 20 * ms);
    wheel_cancel(&a);
    wheel_cancel(&a);
    wheel_advance(&w, 100 * ms, note, &seen);
    cr_assert_eq(seen.count, 1);
    cr_assert_eq(seen.last, &b);
}

Test(wheel, a_callback_may_rearm_into_the_slot_that_is_walked)
{
    struct wheel w;
    wheel_init(&w, 10 * ms, 0);
    struct wheel_node a = {0};
    struct seen seen = {.wheel = &w, .again = &a, .again_at = 10 * ms * (WHEEL_SLOTS + 1)};
    wheel_set(&w, &a, 10 * ms);
    wheel_advance(&w, 10 * ms, note, &seen);
    cr_assert_eq(seen.count, 1);
    cr_assert(wheel_armed(&a));
    wheel_advance(&w, 10 * ms * (WHEEL_SLOTS + 1), note, &seen);
    cr_assert_eq(seen.count, 2);
}

Test(wheel, a_time_that_has_passed_is_due_at_the_next_tick)
{
    struct wheel w;
    wheel_init(&w, 10 * ms, 1000 * ms);
    struct seen seen = {.wheel = &w};
    struct wheel_node a = {0};
    wheel_set(&w, &a, 3 * ms);
    wheel_advance(&w, 1010 * ms, note, &seen);
    cr_assert_eq(seen.count, 1);
}
