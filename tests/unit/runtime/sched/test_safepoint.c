#include "fake_world.h"

#include <stdatomic.h>

#include <rt/rt.h>
#include <rt/time.h>

#include "sched/round.h"
#include "sched/safepoint.h"
#include "sched/stopworld.h"

static uint64_t counted(enum rti_safepoint what)
{
    static struct rti_hist h;
    rti_safepoint_times(what, &h);
    return rti_hist_total(&h);
}

static void ask(struct p *of, uint32_t why)
{
    rti_lock_acquire(&rti_world.lock);
    rti_safepoint_ask_locked(of, why);
    rti_lock_release(&rti_world.lock);
}

Test(safepoint, each_reason_is_counted_for_itself, .init = fake_world)
{
    ask(p, RTI_PREEMPT_SLICE);
    ask(p, RTI_PREEMPT_TIMER);
    cr_assert_eq(counted(RTI_SAFEPOINT_SLICE), 0);
    rti_safepoint_slice(p);
    cr_assert_eq(load_rlx(&p->preempt), 0);
    cr_assert_eq(counted(RTI_SAFEPOINT_SLICE), 1);
    cr_assert_eq(counted(RTI_SAFEPOINT_TIMER), 1);
    cr_assert_eq(counted(RTI_SAFEPOINT_STOP), 0);
    ask(p, RTI_PREEMPT_STOP);
    rti_safepoint_slice(p);
    cr_assert_eq(load_rlx(&p->preempt), RTI_PREEMPT_STOP, "who stops the world clears that");
    rti_safepoint_done(p, RTI_SAFEPOINT_STOP);
    rti_safepoint_done(p, RTI_SAFEPOINT_STOP);
    cr_assert_eq(counted(RTI_SAFEPOINT_STOP), 1, "once");
}

Test(safepoint, the_time_runs_from_the_first_asking, .init = fake_world)
{
    ask(p, RTI_PREEMPT_SLICE);
    int64_t first = load_rlx(&p->safepoint.asked_ns[RTI_SAFEPOINT_SLICE]);
    cr_assert_gt(first, 0);
    ask(p, RTI_PREEMPT_SLICE);
    cr_assert_eq(load_rlx(&p->safepoint.asked_ns[RTI_SAFEPOINT_SLICE]), first);
}

Test(safepoint, whoever_was_not_asked_has_nothing_to_answer_for, .init = fake_world)
{
    struct p *idle = rti_p_new(1, 1);
    ask(idle, RTI_PREEMPT_SLICE);
    rti_safepoint_slice(idle);
    ask(p, RTI_PREEMPT_SLICE);
    rti_lock_acquire(&rti_world.lock);
    rti_world_unbind_locked(m); /* taken out of a call: the next holder's time is its own */
    rti_world_bind_locked(m, p);
    rti_lock_release(&rti_world.lock);
    rti_safepoint_slice(p);
    cr_assert_eq(load_rlx(&p->preempt), 0);
    cr_assert_eq(counted(RTI_SAFEPOINT_SLICE), 0);
}

Test(safepoint, one_that_is_alone_has_given_way_when_it_yields, .init = fake_world)
{
    uint32_t tick = load_rlx(&p->tick);
    m->curg = fake_g(RTI_G_RUNNING);
    ask(p, RTI_PREEMPT_SLICE);
    rti_round_yield();
    cr_assert_eq(counted(RTI_SAFEPOINT_SLICE), 1);
    cr_assert_eq(load_rlx(&p->preempt), 0);
    cr_assert_neq(load_rlx(&p->tick), tick, "its next slice");
}

static _Atomic(int) quit;
static void checks(void *arg)
{
    while (!atomic_load(&quit))
        rt_checkpoint();
    (void)arg;
}

static int stops_now_and_then(void *arg)
{
    rt_go(checks, NULL);
    rt_go(checks, NULL);
    rt_go(checks, NULL);
    while (counted(RTI_SAFEPOINT_SLICE) < 3 || counted(RTI_SAFEPOINT_STOP) < 3) {
        if (rti_stopworld_stop(RTI_STOP_TEST))
            rti_stopworld_start();
        rt_yield();
    }
    (void)arg;
    return 0;
}

Test(safepoint, a_world_counts_and_what_it_counted_outlives_it)
{
    struct rt_config config = {.procs = 2};
    cr_assert_eq(rt_main(&config, stops_now_and_then, NULL), 0);
    uint64_t slices = counted(RTI_SAFEPOINT_SLICE), ends = counted(RTI_SAFEPOINT_END);
    cr_assert_geq(slices, 3);
    cr_assert_geq(counted(RTI_SAFEPOINT_STOP), 3);
    cr_assert_geq(ends, 1);
    cr_assert_leq(ends, 2);
    atomic_store(&quit, 0);
    cr_assert_eq(rt_main(&config, stops_now_and_then, NULL), 0);
    cr_assert_geq(counted(RTI_SAFEPOINT_END), ends + 1);
}
