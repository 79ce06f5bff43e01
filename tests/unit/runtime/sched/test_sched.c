#include "fake_world.h"

#include "base/clock.h"
#include "sched/sched.h"

Test(sched, self_is_the_goroutine_of_this_thread, .init = fake_world)
{
    cr_assert_null(rti_sched_self());
    m->curg = fake_g(RTI_G_RUNNING);
    m->curg->id = 9;
    cr_assert_eq(rti_sched_self(), m->curg);
    cr_assert_eq(rti_sched_goid(m->curg), 9);
    cr_assert_eq(rti_sched_waitbox(m->curg), &m->curg->box);
    rti_m_current = NULL;
    cr_assert_null(rti_sched_self());
}

Test(sched, links_are_those_that_ready_list_follows, .init = fake_world)
{
    struct g *a = fake_g(RTI_G_WAITING), *b = fake_g(RTI_G_WAITING);
    *rti_sched_link(a) = b;
    *rti_sched_link(b) = NULL;
    rti_sched_ready_list(a);
    cr_assert_eq((void *)rti_runq_get(&p->runq), a);
    cr_assert_eq((void *)rti_runq_get(&p->runq), b);
    cr_assert_eq(rti_g_state(b), RTI_G_RUNNABLE);
    rti_sched_ready_list(NULL);
}

Test(sched, random_numbers_differ_with_and_without_a_p, .init = fake_world)
{
    cr_assert(rti_sched_random() != rti_sched_random());
    rti_m_current = NULL;
    cr_assert(rti_sched_random() != rti_sched_random());
}

Test(sched, the_clock_can_be_set)
{
    rti_clock_set_fake(77);
    cr_assert_eq(rti_sched_now(), 77);
}
