#include "fake_world.h"

#include <errno.h>

#include "parts/timerheap.h"
#include "sched/resize.h"
#include "sched/stopworld.h"
#include "sched/timers.h"

/* P 0 is the caller's; 1 and 2 idle. */
static void put_idle(uint32_t i)
{
    rti_lock_acquire(&rti_world.lock);
    rti_world_put_idle_p_locked(rti_world.allp[i]);
    rti_lock_release(&rti_world.lock);
}

static void up(void)
{
    fake_world();
    m->curg = fake_g(RTI_G_RUNNING);
    for (uint32_t i = 1; i < 3; i++)
        rti_world.allp[i] = rti_p_new(i, i);
    store_rlx(&rti_world.procs, 3);
    store_rlx(&rti_world.ps, 3);
    put_idle(2);
    put_idle(1);
}

Test(resize, the_number_is_read_set_and_refused, .init = up)
{
    cr_assert_eq(rti_resize_set(0), 3);
    cr_assert_eq(rti_resize_set(-7), 3);
    cr_assert_eq(rti_resize_set(RTI_MAX_PROCS + 1), -EINVAL);
    cr_assert_eq(rti_resize_set(1), 3);
    cr_assert_eq(load_rlx(&rti_world.procs), 1);
    cr_assert_eq(rti_world_ps(), 1);
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 0);
    cr_assert_eq(load_rlx(&rti_world.allp[2]->state), RTI_P_AWAY);
    cr_assert_eq(rti_hist_total(rti_stopworld_stopping_times(RTI_STOP_PROCS)), 1);
}

Test(resize, ps_are_kept_and_used_again, .init = up)
{
    struct p *second = rti_world.allp[1];
    rti_resize_set(1);
    cr_assert_eq(rti_resize_set(5), 1);
    cr_assert_eq(rti_world.allp[1], second);
    cr_assert_eq(rti_world_ps(), 5);
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 4);
    for (uint32_t i = 1; i < 5; i++)
        cr_assert_eq(load_rlx(&rti_world.allp[i]->state), RTI_P_IDLE, "P %u", i);
}

static struct g *never(void *arg, uint64_t seq)
{
    (void)arg, (void)seq;
    return NULL;
}

Test(resize, what_a_surplus_p_had_goes_to_others, .init = up)
{
    struct p *last = rti_world.allp[2];
    struct rti_gqueue none = {0};
    struct rti_timer t = {.fn = never}, later = {.fn = never};
    store_rlx(&rti_world.spinning, 1); /* so that nobody is woken, and no thread starts */
    for (int i = 0; i < 5; i++)
        cr_assert(rti_runq_put(&last->runq, &fake_g(RTI_G_RUNNABLE)->link, &none));
    cr_assert_null(rti_runq_swap_next(&last->runq, &fake_g(RTI_G_RUNNABLE)->link));
    last->gfree = fake_g(RTI_G_IDLE);
    last->gfree_count = 1;
    m->p = last;
    rti_timers_set(&t, INT64_MAX - 1);
    rti_timers_set(&later, INT64_MAX);
    m->p = p;
    cr_assert_eq(load_rlx(&t.home), last);
    rti_resize_set(2);
    cr_assert_eq(load_rlx(&rti_world.runq_len), 6);
    cr_assert_null(last->gfree);
    cr_assert_not_null(rti_world.gfree);
    cr_assert_eq(load_rlx(&t.home), p);
    cr_assert_eq(load_rlx(&p->timer_next), INT64_MAX - 1);
    cr_assert_eq(load_rlx(&last->timer_next), INT64_MAX);
    cr_assert_eq(rti_world_ps(), 2);
    cr_assert(rti_timers_stop(&t), "still pending, and found");
    cr_assert_eq(load_rlx(&later.home), p, "one without a deadline may get one yet");
    cr_assert(rti_timers_set(&later, 7));
    cr_assert_eq(load_rlx(&p->timer_next), 7);
}

Test(resize, a_surplus_p_that_is_held_stays_until_its_m_comes_by, .init = up)
{
    struct p *mine = rti_world.allp[2];
    rti_lock_acquire(&rti_world.lock);
    while (rti_world_take_idle_p_locked())
        ;
    rti_world_unbind_locked(m);
    rti_world_bind_locked(m, mine);
    rti_world_put_idle_p_locked(p);
    rti_world_put_idle_p_locked(rti_world.allp[1]);
    rti_lock_release(&rti_world.lock);
    m->curg = NULL;
    rti_resize_retire_sys(m);
    cr_assert_eq(m->p, mine, "it is not surplus yet");
    store_rlx(&rti_world.procs, 2);
    rti_resize_tidy();
    cr_assert_eq(rti_world_ps(), 3, "thieves and sysmon still look at it");
    rti_resize_retire_sys(m);
    cr_assert(m->p && m->p->id < 2, "another one was idle");
    cr_assert_eq(load_rlx(&mine->state), RTI_P_AWAY);
    cr_assert_eq(rti_world_ps(), 2);
    cr_assert_not(m->idle);
}

Test(resize, without_another_p_the_m_goes_idle, .init = up)
{
    rti_lock_acquire(&rti_world.lock);
    while (rti_world_take_idle_p_locked())
        ;
    rti_world_unbind_locked(m);
    rti_world_bind_locked(m, rti_world.allp[2]);
    rti_lock_release(&rti_world.lock);
    m->curg = NULL;
    m->spinning = true;
    store_rlx(&rti_world.spinning, 1);
    store_rlx(&rti_world.procs, 2);
    rti_resize_retire_sys(m);
    cr_assert_null(m->p);
    cr_assert(m->idle && m->listed && !m->spinning);
    cr_assert_eq(load_rlx(&rti_world.spinning), 0);
}
