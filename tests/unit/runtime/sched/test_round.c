#include "fake_world.h"

#include "sched/round.h"

Test(round, a_submitted_g_is_next_and_moves_the_one_before_to_the_ring, .init = fake_world)
{
    struct g *a = fake_g(RTI_G_RUNNABLE), *b = fake_g(RTI_G_RUNNABLE);
    rti_round_submit(p, a);
    rti_round_submit(p, b);
    cr_assert_eq((void *)rti_runq_take_next(&p->runq), b);
    cr_assert_eq((void *)rti_runq_get(&p->runq), a);
}

Test(round, what_does_not_fit_the_ring_goes_to_the_global_queue, .init = fake_world)
{
    for (int i = 0; i < 300; i++)
        rti_round_submit(p, fake_g(RTI_G_RUNNABLE));
    cr_assert_eq(rti_runq_len(&p->runq) + load_rlx(&rti_world.runq_len), 300);
    cr_assert(load_rlx(&rti_world.runq_len) > RTI_RUNQ_SIZE / 2);
    cr_assert_eq(load_rlx(&p->count.overflows), 1);
}

Test(round, a_list_keeps_its_order_and_leaves_runnext_alone, .init = fake_world)
{
    struct g *g[3] = {fake_g(RTI_G_RUNNABLE), fake_g(RTI_G_RUNNABLE), fake_g(RTI_G_RUNNABLE)};
    struct rti_gqueue list = {0};
    for (int i = 0; i < 3; i++)
        rti_gqueue_push(&list, &g[i]->link);
    rti_round_submit_list(&list);
    cr_assert_null(rti_runq_take_next(&p->runq));
    for (int i = 0; i < 3; i++)
        cr_assert_eq((void *)rti_runq_get(&p->runq), g[i]);
}

Test(round, a_long_list_overflows_without_loss, .init = fake_world)
{
    struct rti_gqueue list = {0};
    for (int i = 0; i < 1000; i++)
        rti_gqueue_push(&list, &fake_g(RTI_G_RUNNABLE)->link);
    rti_round_submit_list(&list);
    cr_assert_eq(rti_runq_len(&p->runq) + load_rlx(&rti_world.runq_len), 1000);
}

Test(round, without_a_p_or_in_a_call_everything_is_global, .init = fake_world)
{
    store_rlx(&m->call, 1);
    rti_round_submit_any(fake_g(RTI_G_RUNNABLE));
    store_rlx(&m->call, 2);
    m->p = NULL;
    rti_round_submit_any(fake_g(RTI_G_RUNNABLE));
    rti_m_current = NULL;
    rti_round_submit_any(fake_g(RTI_G_RUNNABLE));
    cr_assert_eq(load_rlx(&rti_world.runq_len), 3);
    cr_assert(rti_runq_is_empty(&p->runq));
}

Test(round, yield_outside_a_goroutine_is_a_no_op, .init = fake_world)
{
    rti_round_yield();
    rti_m_current = NULL;
    rti_round_yield();
    cr_assert_eq(load_rlx(&p->count.yields), 0);
}

Test(round, leaving_outside_a_goroutine_is_fatal, .init = fake_world, .exit_code = 2)
{
    rti_round_leave(m, RTI_FINISH_YIELD);
}
