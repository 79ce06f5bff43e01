#include "test.h"

#include <pthread.h>

#include "parts/runq.h"

static struct rti_runq q, mine;
static struct rti_qnode node[100000];
static struct rti_gqueue overflow;

static void put(int i)
{
    cr_assert(rti_runq_put(&q, &node[i], &overflow));
}

Test(runq, the_ring_is_first_in_first_out)
{
    cr_assert(rti_runq_is_empty(&q));
    for (int i = 0; i < 100; i++)
        put(i);
    cr_assert_eq(rti_runq_len(&q), 100);
    for (int i = 0; i < 100; i++)
        cr_assert_eq(rti_runq_get(&q), &node[i]);
    cr_assert_null(rti_runq_get(&q));
}

Test(runq, the_slot_gives_back_who_was_there)
{
    cr_assert_null(rti_runq_take_next(&q));
    cr_assert_null(rti_runq_swap_next(&q, &node[0]));
    cr_assert_eq(rti_runq_len(&q), 1);
    cr_assert_eq(rti_runq_ring_len(&q), 0);
    cr_assert_not(rti_runq_is_empty(&q));
    cr_assert_eq(rti_runq_len(&q), 1);
    cr_assert_eq(rti_runq_swap_next(&q, &node[1]), &node[0]);
    cr_assert_eq(rti_runq_take_next(&q), &node[1]);
    cr_assert_null(rti_runq_steal_next(&q));
    rti_runq_swap_next(&q, &node[2]);
    cr_assert_eq(rti_runq_steal_next(&q), &node[2]);
    cr_assert(rti_runq_is_empty(&q));
}

Test(runq, a_full_ring_gives_half_and_the_new_one_away_in_order)
{
    for (int i = 0; i < RTI_RUNQ_SIZE; i++)
        put(i);
    cr_assert_not(rti_runq_put(&q, &node[RTI_RUNQ_SIZE], &overflow));
    cr_assert_eq(overflow.len, RTI_RUNQ_SIZE / 2 + 1);
    for (int i = 0; i < RTI_RUNQ_SIZE / 2; i++)
        cr_assert_eq(rti_gqueue_pop(&overflow), &node[i]);
    cr_assert_eq(rti_gqueue_pop(&overflow), &node[RTI_RUNQ_SIZE]);
    for (int i = RTI_RUNQ_SIZE / 2; i < RTI_RUNQ_SIZE; i++)
        cr_assert_eq(rti_runq_get(&q), &node[i]);
}

Test(runq, a_thief_takes_half_rounded_up)
{
    for (int n = 1; n <= RTI_RUNQ_SIZE; n++) {
        for (int i = 0; i < n; i++)
            put(i);
        struct rti_qnode *got = rti_runq_steal(&mine, &q);
        int half = n - n / 2;
        cr_assert_eq(got, &node[half - 1], "the last of the half is the one to run");
        cr_assert_eq(rti_runq_len(&mine), (uint32_t)half - 1);
        for (int i = 0; i < half - 1; i++)
            cr_assert_eq(rti_runq_get(&mine), &node[i]);
        for (int i = half; i < n; i++)
            cr_assert_eq(rti_runq_get(&q), &node[i]);
        cr_assert_null(rti_runq_steal(&mine, &q));
    }
}

Test(runq, indices_wrap_around)
{
    atomic_store(&q.head, UINT32_MAX - 3);
    atomic_store(&q.tail, UINT32_MAX - 3);
    for (int i = 0; i < 10; i++)
        put(i);
    cr_assert_eq(rti_runq_len(&q), 10);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(rti_runq_get(&q), &node[i]);
}

/* --- conservation with real threads: every node comes out exactly once --- */
enum { THIEVES = 3, TOTAL = 100000 };
static _Atomic(int) seen[TOTAL], finished;

static void tally(struct rti_qnode *n)
{
    atomic_fetch_add_explicit(&seen[n - node], 1, memory_order_relaxed);
}

static void *thief(void *arg)
{
    struct rti_runq *own = arg;
    for (;;) {
        bool last = atomic_load(&finished);
        struct rti_qnode *n = rti_runq_steal(own, &q);
        if (!n)
            n = rti_runq_steal_next(&q);
        if (!n && last)
            return NULL;
        for (; n; n = rti_runq_get(own))
            tally(n);
    }
}

Test(runq, an_owner_and_thieves_lose_and_double_nothing)
{
    static struct rti_runq own[THIEVES];
    pthread_t t[THIEVES];
    for (int i = 0; i < THIEVES; i++)
        pthread_create(&t[i], NULL, thief, &own[i]);
    for (int i = 0; i < TOTAL; i++) {
        struct rti_qnode *n = &node[i];
        if (i % 3 == 0)
            n = rti_runq_swap_next(&q, n);
        if (n)
            rti_runq_put(&q, n, &overflow);
        if (i % 5 == 0 && (n = rti_runq_get(&q)))
            tally(n);
        if (i % 7 == 0 && (n = rti_runq_take_next(&q)))
            tally(n);
    }
    atomic_store(&finished, 1);
    for (int i = 0; i < THIEVES; i++)
        pthread_join(t[i], NULL);
    for (struct rti_qnode *n; (n = rti_gqueue_pop(&overflow));)
        tally(n);
    for (int i = 0; i < TOTAL; i++)
        cr_assert_eq(atomic_load(&seen[i]), 1);
}

Test(runq, a_cut_ring_overflows_early_and_loses_nobody)
{
    q.cut = RTI_RUNQ_SIZE - 4;
    for (int i = 0; i < 4; i++)
        put(i);
    cr_assert_not(rti_runq_put(&q, &node[4], &overflow));
    cr_assert_eq(overflow.len, 3);
    cr_assert_eq(rti_runq_len(&q), 2);
    cr_assert_eq(rti_gqueue_pop(&overflow), &node[0]);
    cr_assert_eq(rti_runq_get(&q), &node[2]);
}

Test(runq, a_thief_need_not_be_empty)
{
    for (int i = 0; i < 10; i++)
        put(i);
    cr_assert(rti_runq_put(&mine, &node[20], &overflow));
    cr_assert_eq(rti_runq_steal(&mine, &q), &node[4]);
    cr_assert_eq(rti_runq_get(&mine), &node[20]);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(rti_runq_get(&mine), &node[i]);
    cr_assert_null(rti_runq_get(&mine));
}
