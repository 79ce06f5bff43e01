#include "../sched/fake_world.h"

#include <pthread.h>

#include "base/clock.h"
#include "boot/sysmon.h"
#include "sched/handoff.h"

static void *watch(void *arg)
{
    rti_sysmon_run();
    return arg;
}

static pthread_t t;
static void up(void)
{
    fake_world();
    pthread_create(&t, NULL, watch, NULL);
}

static void down(void)
{
    xchg_acq_rel(&rti_world.stopping, 1); /* pairs with load_acq in rti_sysmon_run */
    rti_sysmon_wake();
    pthread_join(t, NULL);
}

Test(sysmon, a_long_slice_is_asked_to_end, .init = up, .fini = down)
{
    while (!load_rlx(&p->preempt))
        ;
}

/* The tick changes all the time, so no slice is ever long. */
Test(sysmon, whoever_runs_past_a_timer_is_asked_to_yield, .init = up, .fini = down)
{
    store_rlx(&p->timer_next, rti_clock_monotonic());
    while (!load_rlx(&p->preempt))
        store_rlx(&p->tick, load_rlx(&p->tick) + 1);
}

Test(sysmon, a_long_call_loses_its_p, .init = up, .fini = down)
{
    m->curg = fake_g(RTI_G_RUNNING);
    store_rlx(&rti_world.spinning, 1); /* so that it goes idle, and no thread starts */
    rti_handoff_enter();
    while (load_rlx(&rti_world.idle_ps) == 0)
        ;
    rti_handoff_exit();
    cr_assert_eq(m->p, p);
}

static struct m *helper;
Test(sysmon, a_queue_that_nobody_saw_is_mended, .init = fake_world)
{
    struct p *idle = rti_p_new(1, 1);
    struct rti_gqueue none = {0};
    helper = rti_m_new(1);
    rti_world.allp[1] = idle;
    store_rlx(&rti_world.procs, 2);
    store_rlx(&rti_world.ps, 2);
    rti_lock_acquire(&rti_world.lock);
    rti_world_put_idle_m_locked(helper);
    rti_world_put_idle_p_locked(idle);
    rti_lock_release(&rti_world.lock);
    cr_assert(rti_runq_put(&p->runq, &fake_g(RTI_G_RUNNABLE)->link, &none)); /* without a wake-up */
    pthread_create(&t, NULL, watch, NULL);
    rti_note_sleep(&helper->note);
    cr_assert_eq(helper->p, idle);
    down();
}
