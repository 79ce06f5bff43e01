#include "test.h"

#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"

static void lock(void)
{
    rti_lock_acquire(&rti_world.lock);
}

static void unlock(void)
{
    rti_lock_release(&rti_world.lock);
}

Test(world, idle_ps_are_counted_and_come_back_last_in_first_out, .init = lock, .fini = unlock)
{
    struct p *a = rti_p_new(0, 1), *b = rti_p_new(1, 1);
    cr_assert_null(rti_world_take_idle_p_locked());
    rti_world_put_idle_p_locked(a);
    rti_world_put_idle_p_locked(b);
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 2);
    cr_assert_eq(rti_world_take_idle_p_locked(), b);
    cr_assert_eq(rti_world_take_idle_p_locked(), a);
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 0);
}

Test(world, taking_a_p_ends_sysmons_sleep, .init = lock, .fini = unlock)
{
    rti_world_put_idle_p_locked(rti_p_new(0, 1));
    rti_world.sysmon_waiting = true;
    rti_world_take_idle_p_locked();
    cr_assert_not(rti_world.sysmon_waiting);
    cr_assert(rti_note_sleep_for(&rti_world.sysmon_note, 0));
}

Test(world, an_idle_m_can_be_taken_or_leave_by_itself, .init = lock, .fini = unlock)
{
    struct m *m[3];
    for (int i = 0; i < 3; i++)
        rti_world_put_idle_m_locked(m[i] = rti_m_new((uint32_t)i));
    cr_assert(rti_world_remove_idle_m_locked(m[1]));
    cr_assert_not(rti_world_remove_idle_m_locked(m[1]));
    cr_assert_eq(rti_world.idle_m_count, 2);
    cr_assert_eq(rti_world_take_idle_m_locked(), m[2]);
    cr_assert_eq(rti_world_take_idle_m_locked(), m[0]);
    cr_assert_null(rti_world_take_idle_m_locked());
}

Test(world, binding_goes_both_ways, .init = lock, .fini = unlock)
{
    struct m *m = rti_m_new(0);
    struct p *p = rti_p_new(0, 1);
    rti_world_bind_locked(m, p);
    cr_assert(m->p == p && load_rlx(&p->m) == m && load_rlx(&p->state) == RTI_P_RUNNING);
    rti_world_unbind_locked(m);
    cr_assert(!m->p && !load_rlx(&p->m));
}

#if LODE_DCHECK
Test(world, a_p_with_two_holders_is_fatal, .exit_code = 2)
{
    struct p *p = rti_p_new(0, 1);
    rti_world_bind_locked(rti_m_new(0), p);
    rti_world_bind_locked(rti_m_new(1), p);
}
#endif

Test(world, a_batch_goes_to_the_end_of_the_global_queue, .init = lock, .fini = unlock)
{
    struct rti_qnode n[2];
    struct rti_gqueue batch = {0};
    rti_gqueue_push(&batch, &n[0]);
    rti_gqueue_push(&batch, &n[1]);
    rti_world_push_locked(&batch);
    cr_assert_eq(load_rlx(&rti_world.runq_len), 2);
    cr_assert_eq(rti_world.runq.tail, &n[1]);
    cr_assert_eq(batch.len, 0);
}
