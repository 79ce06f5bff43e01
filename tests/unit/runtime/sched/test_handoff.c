#include "fake_world.h"

#include "base/membarrier.h"
#include "sched/handoff.h"
#include "sched/wake.h"

/* A second idle M stands ready, so that no thread is started; it only sleeps on paper. */
static struct m *helper;

static void up(void)
{
    fake_world();
    m->curg = fake_g(RTI_G_RUNNING);
    helper = rti_m_new(1);
    rti_world.m_count = 2;
    rti_lock_acquire(&rti_world.lock);
    rti_world_put_idle_m_locked(helper);
    rti_lock_release(&rti_world.lock);
}

static void up_with_membarrier(void)
{
    up();
    rti_world.membarrier = rti_membarrier_register();
}

Test(handoff, an_undisturbed_call_leaves_everything_as_it_was, .init = up)
{
    rti_handoff_enter();
    cr_assert_eq(rti_g_state(m->curg), RTI_G_BLOCKING);
    cr_assert_eq(load_rlx(&m->call) & 1, 1);
    rti_handoff_exit();
    cr_assert_eq(rti_g_state(m->curg), RTI_G_RUNNING);
    cr_assert_eq(load_rlx(&m->call) & 1, 0);
    cr_assert_eq(m->p, p);
}

Test(handoff, calls_do_not_nest, .init = up, .exit_code = 2)
{
    rti_handoff_enter();
    rti_handoff_enter();
}

Test(handoff, leaving_a_call_never_entered_is_fatal, .init = up, .exit_code = 2)
{
    rti_handoff_exit();
}

static void retaken(void)
{
    rti_handoff_enter();
    rti_g_move(fake_g(RTI_G_IDLE), RTI_G_IDLE, RTI_G_RUNNABLE);
    struct rti_gqueue none = {0};
    cr_assert(rti_runq_put(&p->runq, &fake_g(RTI_G_RUNNABLE)->link, &none));
    cr_assert(rti_handoff_retake(p, load_rlx(&m->call)));
    cr_assert_null(m->p);
    cr_assert_eq(load_rlx(&p->m), helper, "there was work, so somebody else runs it");
    cr_assert_eq(load_rlx(&m->taken), 1);
}

Test(handoff, a_p_with_work_is_taken_and_given_to_another, .init = up)
{
    retaken();
}

Test(handoff, the_same_with_membarrier, .init = up_with_membarrier)
{
    retaken();
}

Test(handoff, a_p_without_work_is_kept_looking_if_nobody_else_does, .init = up)
{
    rti_handoff_enter();
    cr_assert(rti_handoff_retake(p, load_rlx(&m->call)));
    cr_assert_eq(load_rlx(&p->m), helper);
    cr_assert(helper->spinning);
}

Test(handoff, otherwise_it_goes_idle_and_the_caller_gets_it_back, .init = up)
{
    rti_handoff_enter();
    store_rlx(&rti_world.spinning, 1);
    cr_assert(rti_handoff_retake(p, load_rlx(&m->call)));
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 1);
    rti_handoff_exit();
    cr_assert_eq(m->p, p);
    cr_assert_eq(load_rlx(&p->m), m);
    cr_assert_eq(load_rlx(&m->taken), 0);
    cr_assert_eq(rti_g_state(m->curg), RTI_G_RUNNING);
}

Test(handoff, a_call_that_came_back_keeps_its_p, .init = up)
{
    rti_handoff_enter();
    uint32_t call = load_rlx(&m->call);
    rti_handoff_exit();
    cr_assert_not(rti_handoff_retake(p, call));
    rti_handoff_enter(); /* another call */
    cr_assert_not(rti_handoff_retake(p, call));
    cr_assert_eq(m->p, p);
}

Test(handoff, a_stranded_g_goes_to_the_global_queue_and_its_m_to_sleep, .init = up)
{
    struct g *g = m->curg;
    rti_handoff_enter();
    rti_lock_acquire(&rti_world.lock);
    rti_world_unbind_locked(m);
    rti_lock_release(&rti_world.lock);
    rti_handoff_stranded(m, g);
    cr_assert_eq(rti_g_state(g), RTI_G_RUNNABLE);
    cr_assert_eq(load_rlx(&rti_world.runq_len), 1);
    cr_assert(m->idle);
}

Test(handoff, a_stranded_m_takes_a_p_that_went_idle_meanwhile, .init = up)
{
    rti_handoff_enter();
    rti_lock_acquire(&rti_world.lock);
    rti_world_unbind_locked(m);
    rti_world_put_idle_p_locked(p);
    rti_lock_release(&rti_world.lock);
    rti_handoff_stranded(m, m->curg);
    cr_assert_eq(m->p, p);
    cr_assert_not(m->idle);
}

Test(handoff, outside_a_goroutine_the_bracket_is_a_no_op, .init = up)
{
    m->curg = NULL;
    rti_handoff_enter();
    rti_handoff_exit();
    rti_m_current = NULL;
    rti_handoff_enter();
    rti_handoff_exit();
    cr_assert_eq(load_rlx(&m->call), 0);
}
