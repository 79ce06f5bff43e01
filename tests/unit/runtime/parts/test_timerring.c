#include "test.h"

#include "parts/timerring.h"

static struct rti_timer *name(uintptr_t n)
{
    return (struct rti_timer *)n;
}

Test(timerring, what_is_put_in_comes_out_in_that_order_while_it_grows_and_wraps)
{
    struct rti_timerring r = {0};
    int64_t in = 0, out = 0;
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 7; i++, in++)
            rti_timerring_push(&r, (struct rti_timerslot){in, name((uintptr_t)in + 1)});
        cr_assert_eq(r.last_ns, in - 1);
        for (int i = 0; i < 5; i++, out++) {
            cr_assert_eq(rti_timerring_first(&r)->when_ns, out);
            struct rti_timerslot s = rti_timerring_pop(&r);
            cr_assert_eq(s.when_ns, out);
            cr_assert_eq(s.timer, name((uintptr_t)out + 1));
        }
        cr_assert_eq(r.len, (uint32_t)(in - out));
    }
    for (uint32_t i = 0; i < r.len; i++)
        cr_assert_eq(rti_timerring_at(&r, i)->when_ns, out + i);
    rti_timerring_free(&r);
    cr_assert_eq(r.len, 0);
}

Test(timerring, equal_deadlines_keep_their_order)
{
    struct rti_timerring r = {0};
    for (uintptr_t i = 1; i <= 100; i++)
        rti_timerring_push(&r, (struct rti_timerslot){5, name(i)});
    for (uintptr_t i = 1; i <= 100; i++)
        cr_assert_eq(rti_timerring_pop(&r).timer, name(i));
    rti_timerring_free(&r);
}

Test(timerring, a_cut_keeps_the_first_ones_and_lets_others_follow_them)
{
    struct rti_timerring r = {0};
    for (int64_t i = 0; i < 80; i++)
        rti_timerring_push(&r, (struct rti_timerslot){i * 10, NULL});
    for (int i = 0; i < 60; i++)
        rti_timerring_pop(&r);
    rti_timerring_cut(&r, 3);
    cr_assert_eq(r.last_ns, 620);
    rti_timerring_push(&r, (struct rti_timerslot){621, NULL});
    for (int64_t i = 60; i < 63; i++)
        cr_assert_eq(rti_timerring_pop(&r).when_ns, i * 10);
    cr_assert_eq(rti_timerring_pop(&r).when_ns, 621);
    rti_timerring_cut(&r, 0);
    rti_timerring_push(&r, (struct rti_timerslot){1, NULL});
    cr_assert_eq(rti_timerring_first(&r)->when_ns, 1, "an empty one takes any deadline");
    rti_timerring_free(&r);
}
