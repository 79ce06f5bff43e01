#include "test.h"

#include "parts/gqueue.h"

Test(gqueue, is_first_in_first_out_and_counts)
{
    struct rti_qnode n[3];
    struct rti_gqueue q = {0};
    cr_assert_null(rti_gqueue_pop(&q));
    for (int i = 0; i < 3; i++)
        rti_gqueue_push(&q, &n[i]);
    cr_assert_eq(q.len, 3);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(rti_gqueue_pop(&q), &n[i]);
    cr_assert_null(rti_gqueue_pop(&q));
    cr_assert_null(q.tail);
}

Test(gqueue, append_moves_all_and_leaves_the_other_empty)
{
    struct rti_qnode n[4];
    struct rti_gqueue a = {0}, b = {0}, empty = {0};
    rti_gqueue_push(&b, &n[1]);
    rti_gqueue_push(&b, &n[2]);
    rti_gqueue_append(&a, &b);
    cr_assert_eq(b.len, 0);
    cr_assert_null(b.head);
    rti_gqueue_append(&a, &empty);
    rti_gqueue_push(&b, &n[3]);
    rti_gqueue_append(&a, &b);
    cr_assert_eq(a.len, 3);
    for (int i = 1; i < 4; i++)
        cr_assert_eq(rti_gqueue_pop(&a), &n[i]);
}
