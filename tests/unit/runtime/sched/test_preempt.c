#include "fake_world.h"

#include "sched/handoff.h"
#include "sched/preempt.h"

Test(preempt, the_holder_is_asked_and_looks_after_a_call_too, .init = fake_world)
{
    struct g *g = m->curg = fake_g(RTI_G_RUNNING);
    rti_lock_acquire(&rti_world.lock);
    rti_preempt_ask_locked(p, RTI_PREEMPT_SLICE);
    rti_lock_release(&rti_world.lock);
    cr_assert_eq(load_rlx(&p->preempt), 1);
    cr_assert_eq(load_rlx(&m->taken), 1);
    rti_handoff_enter();
    rti_handoff_exit();
    cr_assert_eq(load_rlx(&p->count.yields), 1);
    cr_assert_eq(load_rlx(&m->taken), 0);
    cr_assert_eq(m->curg, g, "there was nobody else");
    cr_assert_eq(rti_g_state(g), RTI_G_RUNNING);
}

Test(preempt, a_p_without_a_holder_only_remembers, .init = fake_world)
{
    struct p *idle = rti_p_new(1, 1);
    rti_lock_acquire(&rti_world.lock);
    rti_preempt_ask_locked(idle, RTI_PREEMPT_SLICE);
    rti_lock_release(&rti_world.lock);
    cr_assert_eq(load_rlx(&idle->preempt), 1);
}
