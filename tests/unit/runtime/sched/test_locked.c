#include "fake_world.h"

#include "sched/locked.h"
#include "sched/thread.h"

/* m runs a locked goroutine; `other` runs too, on a P of its own. Nobody sleeps but on paper. */
static struct m *other;
static struct p *other_p;
static struct g *g;

static void up(void)
{
    fake_world();
    g = m->curg = fake_g(RTI_G_RUNNING);
    rti_locked_enter();
    other = rti_m_new(1);
    other_p = rti_p_new(1, 1);
    rti_world.allp[1] = other_p;
    store_rlx(&rti_world.procs, 2);
    store_rlx(&rti_world.ps, 2);
    other->all_next = m;
    m->all_prev = other;
    rti_world.all_m = other;
    rti_world.m_count = 2;
    rti_lock_acquire(&rti_world.lock);
    rti_world_bind_locked(other, other_p);
    rti_lock_release(&rti_world.lock);
}

static void down(void)
{
    rti_stackpool_destroy(&rti_world.stacks);
}

Test(locked, a_goroutine_and_its_thread_know_each_other, .init = up, .fini = down)
{
    cr_assert(rti_g_is_locked(g) && g->locked_m == m && m->locked_g == g);
    rti_locked_enter();
    rti_locked_leave();
    cr_assert(rti_g_is_locked(g), "locked twice, unlocked once");
    rti_locked_leave();
    cr_assert(!rti_g_is_locked(g) && !g->locked_m && !m->locked_g);
    rti_locked_leave();
    cr_assert_eq(g->lock_depth, 0);
}

Test(locked, handed_over_while_it_still_has_its_p_the_owner_keeps_that_one, .init = up, .fini = down)
{
    store_rlx(&g->status, RTI_G_RUNNABLE);
    rti_locked_hand_over(other, g);
    cr_assert_eq(other->p, other_p);
    cr_assert_eq(m->p, p);
    cr_assert_eq(rti_locked_next(m), g);
    cr_assert_not(m->locked_ready);
}

Test(locked, handed_over_to_a_sleeper_the_p_goes_along, .init = up, .fini = down)
{
    rti_lock_acquire(&rti_world.lock);
    rti_world_unbind_locked(m);
    rti_lock_release(&rti_world.lock);
    m->waiting = true;
    rti_world.m_waiting = 1;
    store_rlx(&g->status, RTI_G_RUNNABLE);
    rti_locked_hand_over(other, g);
    cr_assert_eq(m->p, other_p);
    cr_assert_null(other->p);
    cr_assert(other->idle && other->listed);
    cr_assert(!m->waiting && rti_world.m_waiting == 0);
    cr_assert(rti_note_sleep_for(&m->note, 0), "woken");
    cr_assert_eq(rti_locked_next(m), g);
}

Test(locked, a_yield_is_worth_its_price_only_if_somebody_else_can_run, .init = up, .fini = down)
{
    struct rti_gqueue none = {0};
    cr_assert_not(rti_locked_has_rival(p));
    cr_assert(rti_runq_put(&p->runq, &fake_g(RTI_G_RUNNABLE)->link, &none));
    cr_assert(rti_locked_has_rival(p));
}

Test(locked, stranded_it_takes_a_p_that_is_idle, .init = up, .fini = down)
{
    struct p *idle = rti_p_new(2, 1);
    store_rlx(&g->status, RTI_G_RUNNABLE);
    rti_lock_acquire(&rti_world.lock);
    rti_world_unbind_locked(m);
    rti_world_put_idle_p_locked(idle);
    rti_locked_stranded_unlock(m);
    cr_assert_eq(m->p, idle);
    cr_assert_eq(rti_locked_next(m), g);
}

Test(locked, stranded_without_one_it_waits_in_the_global_queue, .init = up, .fini = down)
{
    store_rlx(&g->status, RTI_G_RUNNABLE);
    rti_lock_acquire(&rti_world.lock);
    rti_world_unbind_locked(m);
    rti_locked_stranded_unlock(m);
    cr_assert_null(m->p);
    cr_assert_eq(load_rlx(&rti_world.runq_len), 1);
    cr_assert_not(m->idle, "no other goroutine may come to this thread");
}

Test(locked, the_end_of_the_goroutine_is_the_end_of_the_thread, .init = up, .fini = down)
{
    store_rlx(&rti_world.spinning, 1); /* so that the P goes idle, and no thread starts */
    rti_locked_end();
    m->curg = NULL;
    cr_assert(m->ending && !rti_g_is_locked(g));
    cr_assert_null(rti_locked_next(m));
    cr_assert_null(m->p);
    cr_assert_eq(rti_world.m_count, 1);
    cr_assert_eq(rti_world.all_m, other);
    cr_assert_eq(load_rlx(&rti_world.dead_m), m);
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 1);
}

Test(locked, the_end_of_the_world_wakes_whoever_waits, .init = up, .fini = down)
{
    m->waiting = true;
    rti_world.m_waiting = 1;
    store_rlx(&rti_world.stopping, 1);
    rti_lock_acquire(&rti_world.lock);
    rti_locked_wake_all_locked();
    rti_lock_release(&rti_world.lock);
    cr_assert_eq(rti_world.m_waiting, 0);
    cr_assert(rti_note_sleep_for(&m->note, 0));
    cr_assert_null(rti_locked_next(m));
}
