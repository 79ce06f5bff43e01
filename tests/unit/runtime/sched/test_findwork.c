#include "fake_world.h"

#include "parts/timerheap.h"
#include "sched/findwork.h"
#include "sched/timers.h"

static struct g *g[300];

static void up(void)
{
    fake_world();
    for (int i = 0; i < 300; i++)
        g[i] = fake_g(RTI_G_RUNNABLE);
}

static void put(int i)
{
    struct rti_gqueue none = {0};
    cr_assert(rti_runq_put(&p->runq, &g[i]->link, &none));
}

static void put_global(int from, int n)
{
    struct rti_gqueue batch = {0};
    for (int i = 0; i < n; i++)
        rti_gqueue_push(&batch, &g[from + i]->link);
    rti_lock_acquire(&rti_world.lock);
    rti_world_push_locked(&batch);
    rti_lock_release(&rti_world.lock);
}

Test(findwork, nothing_anywhere_gives_nothing, .init = up)
{
    cr_assert_null(rti_findwork_fast(p));
    cr_assert_not(rti_findwork_visible());
}

Test(findwork, runnext_goes_first_and_does_not_count_as_a_new_slice, .init = up)
{
    put(0);
    rti_runq_swap_next(&p->runq, &g[1]->link);
    uint32_t tick = load_rlx(&p->tick);
    cr_assert_eq(rti_findwork_fast(p), g[1]);
    cr_assert_eq(load_rlx(&p->tick), tick);
    cr_assert_eq(rti_findwork_fast(p), g[0]);
    cr_assert_eq(load_rlx(&p->tick), tick + 1);
}

Test(findwork, after_three_runnext_runs_the_ring_has_its_turn, .init = up)
{
    put(9);
    for (int i = 0; i < 3; i++) {
        rti_runq_swap_next(&p->runq, &g[i]->link);
        cr_assert_eq(rti_findwork_fast(p), g[i]);
    }
    rti_runq_swap_next(&p->runq, &g[3]->link);
    cr_assert_eq(rti_findwork_fast(p), g[9]);
    cr_assert_eq(rti_findwork_fast(p), g[3]);
}

Test(findwork, the_global_queue_goes_first_within_61_picks, .init = up)
{
    for (int i = 0; i < 200; i++)
        put(i);
    put_global(250, 1);
    int at = 1;
    while (rti_findwork_fast(p) != g[250])
        at++;
    cr_assert(at <= 61);
}

Test(findwork, a_share_of_the_global_queue_moves_to_the_ring, .init = up)
{
    store_rlx(&rti_world.procs, 4);
    store_rlx(&rti_world.ps, 4);
    rti_world.allp[1] = rti_world.allp[2] = rti_world.allp[3] = rti_p_new(1, 1);
    put_global(0, 100);
    cr_assert(rti_findwork_visible());
    cr_assert_eq(rti_findwork_fast(p), g[0]);
    cr_assert_eq(rti_runq_len(&p->runq), 25); /* 100 / 4 + 1 taken, one runs */
    cr_assert_eq(load_rlx(&rti_world.runq_len), 74);
    for (int i = 1; i < 26; i++)
        cr_assert_eq(rti_findwork_fast(p), g[i]);
}

Test(findwork, a_share_never_overfills_the_ring, .init = up)
{
    put_global(0, 300);
    cr_assert_eq(rti_findwork_fast(p), g[0]);
    cr_assert_eq(rti_runq_len(&p->runq), RTI_RUNQ_SIZE / 2);
    cr_assert_eq(load_rlx(&rti_world.runq_len), 300 - 1 - RTI_RUNQ_SIZE / 2);
}

static struct g *never(void *arg, uint64_t seq)
{
    (void)arg, (void)seq;
    return NULL;
}

Test(findwork, a_due_timer_sends_the_pick_to_the_system_stack, .init = up)
{
    struct rti_timer t = {.fn = never};
    for (int i = 0; i < 20; i++)
        put(i);
    rti_timers_set(&t, 1);
    int at = 0;
    while (rti_findwork_fast(p))
        at++;
    cr_assert(at < 8);
    cr_assert(p->due);
}

Test(findwork, a_fresh_slice_forgets_the_wish_to_preempt, .init = up)
{
    put(0);
    store_rlx(&p->preempt, RTI_PREEMPT_SLICE);
    rti_findwork_fast(p);
    cr_assert_eq(load_rlx(&p->preempt), 0);
}

/* As when the stop comes between this P's last look at world.stopping and the start of the slice: nobody asks again. */
Test(findwork, a_fresh_slice_keeps_the_wish_to_stop, .init = up)
{
    put(0);
    put_global(1, 1);
    store_rlx(&p->preempt, RTI_PREEMPT_SLICE | RTI_PREEMPT_STOP);
    cr_assert_eq(rti_findwork_fast(p), g[0]);
    cr_assert_eq(load_rlx(&p->preempt), RTI_PREEMPT_STOP);
    cr_assert_eq(rti_findwork_fast(p), g[1]); /* from the global queue */
    cr_assert_eq(load_rlx(&p->preempt), RTI_PREEMPT_STOP);
}

Test(findwork, while_the_world_stops_nothing_is_picked, .init = up)
{
    put(0);
    store_rlx(&rti_world.stopping, 1);
    store_rlx(&rti_world.attention, RTI_ATTENTION_END);
    cr_assert_null(rti_findwork_fast(p));
    cr_assert_null(rti_findwork_next(m));
}

static struct g *idle_work(void)
{
    return g[7];
}

Test(findwork, the_idle_source_is_asked_last, .init = up)
{
    rti_findwork_set_idle_source(idle_work);
    put(0);
    cr_assert_eq(rti_findwork_next(m), g[0]);
    cr_assert_eq(rti_findwork_next(m), g[7]);
}
