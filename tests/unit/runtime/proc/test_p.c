#include "test.h"

#include "proc/p.h"

Test(p, a_new_one_has_its_own_random_numbers_and_no_timer)
{
    struct p *a = rti_p_new(0, 1), *b = rti_p_new(1, 1);
    cr_assert(rti_rand_next(&a->rand) != rti_rand_next(&b->rand));
    cr_assert_eq(load_rlx(&a->timer_next), INT64_MAX);
    cr_assert(rti_runq_is_empty(&a->runq));
    cr_assert_eq(b->id, 1);
    cr_assert_eq((uintptr_t)a % 64, 0);
}

Test(p, counters_count)
{
    struct p *p = rti_p_new(0, 1);
    for (int i = 0; i < 3; i++)
        rti_p_count(&p->count.steals);
    cr_assert_eq(load_rlx(&p->count.steals), 3);
    cr_assert_eq(load_rlx(&p->count.yields), 0);
}

Test(p, one_that_was_retired_is_given_out_as_new)
{
    struct p *a = rti_p_new(0, 1);
    rti_p_count(&a->count.steals);
    store_rlx(&a->timer_next, 5);
    rti_p_retire(a);
    cr_assert_eq(rti_p_new(3, 1), a);
    cr_assert_eq(a->id, 3);
    cr_assert_eq(load_rlx(&a->count.steals), 0);
    cr_assert_eq(load_rlx(&a->timer_next), INT64_MAX);
    cr_assert(rti_p_new(4, 1) != a);
}
