#include "fake_world.h"

#include <time.h>

#include "base/membarrier.h"
#include "sched/callsite.h"
#include "sched/handoff.h"
#include "sched/sched.h"
#include "sched/stopworld.h"
#include "sched/wake.h"
#include <rt/rt.h>
#include <rt/blocking.h>

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

/* --- calls from a place where calls last --- */

static const char place[1];

static void up_long(void)
{
    up();
    rti_callsite_learn(place, true);
    rti_callsite_learn(place, true);
}

static void enter_long(void)
{
    m->curg->ctx.pc = (void *)(uintptr_t)place;
    rti_handoff_enter_from(place);
}

static void push_global(void)
{
    struct rti_gqueue one = {0};
    rti_gqueue_push(&one, &fake_g(RTI_G_RUNNABLE)->link);
    rti_lock_acquire(&rti_world.lock);
    rti_world_push_locked(&one);
    rti_lock_release(&rti_world.lock);
}

static bool was_woken(struct m *who)
{
    return rti_note_sleep_for(&who->note, 0);
}

Test(handoff, where_calls_last_the_p_is_given_away_before_the_call_and_taken_back_after_it, .init = up_long)
{
    enter_long();
    cr_assert_null(m->p);
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 1);
    cr_assert(helper->idle, "there is no work, so nobody is woken");
    cr_assert_eq(load_rlx(&p->count.offered), 1);
    rti_handoff_exit();
    cr_assert_eq(m->p, p);
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 0);
    cr_assert_eq(rti_g_state(m->curg), RTI_G_RUNNING);
    cr_assert_eq(load_rlx(&m->taken), 0);
    cr_assert_eq(m->gave_ns, 0);
}

Test(handoff, an_unknown_place_keeps_its_p, .init = up)
{
    enter_long();
    cr_assert_eq(m->p, p);
    rti_handoff_exit();
    cr_assert_eq(load_rlx(&p->count.offered), 0);
}

Test(handoff, the_loss_of_a_p_to_sysmon_is_remembered_at_the_place, .init = up)
{
    for (int i = 0; i < 2; i++) {
        cr_assert_not(rti_callsite_is_long(place));
        enter_long();
        cr_assert(rti_handoff_retake(p, load_rlx(&m->call)));
        rti_lock_acquire(&rti_world.lock); /* back again */
        rti_world_unbind_locked(helper);
        helper->spinning = false;
        store_rlx(&rti_world.spinning, 0);
        rti_world_put_idle_m_locked(helper);
        rti_world_put_idle_p_locked(p);
        rti_lock_release(&rti_world.lock);
        rti_note_clear(&helper->note);
        rti_handoff_exit();
    }
    cr_assert(rti_callsite_is_long(place));
}

Test(handoff, a_call_that_proves_short_is_remembered_and_a_long_one_too, .init = up_long)
{
    enter_long();
    m->gave_ns = INT64_MAX; /* began after it ended */
    rti_handoff_exit();
    cr_assert_not(rti_callsite_is_long(place));
    rti_callsite_learn(place, true);
    enter_long();
    m->gave_ns = 1; /* long ago */
    rti_handoff_exit();
    enter_long();
    m->gave_ns = INT64_MAX;
    rti_handoff_exit();
    cr_assert(rti_callsite_is_long(place), "one short call after three long ones");
}

Test(handoff, with_work_a_helper_is_woken_who_takes_the_p_if_it_is_first, .init = up_long)
{
    push_global();
    enter_long();
    cr_assert_null(helper->p);
    cr_assert(was_woken(helper));
    cr_assert(helper->spinning && load_rlx(&rti_world.spinning) == 1, "it counts as one that looks for work");
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 1);
    cr_assert(rti_handoff_help(helper));
    cr_assert_eq(helper->p, p);
}

Test(handoff, work_in_the_ring_of_the_p_calls_a_helper_too, .init = up_long)
{
    struct rti_gqueue none = {0};
    cr_assert(rti_runq_put(&p->runq, &fake_g(RTI_G_RUNNABLE)->link, &none));
    enter_long();
    cr_assert(was_woken(helper));
    cr_assert_null(helper->p);
}

Test(handoff, one_helper_is_enough, .init = up_long)
{
    push_global();
    store_rlx(&rti_world.spinning, 1);
    enter_long();
    cr_assert(helper->idle);
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 1);
}

Test(handoff, a_helper_that_comes_too_late_sleeps_again_and_gets_the_next_p, .init = up_long)
{
    push_global();
    enter_long();
    cr_assert(was_woken(helper));
    rti_handoff_exit();
    cr_assert_eq(m->p, p, "who came back was faster");
    rti_note_clear(&helper->note);
    cr_assert_not(rti_handoff_help(helper));
    cr_assert(helper->idle && !helper->spinning);
    cr_assert_eq(load_rlx(&rti_world.spinning), 0);
    rti_callsite_learn(place, true); /* however long that call took */
    enter_long();
    cr_assert_eq(helper->p, p, "it is handed over this time");
    cr_assert(was_woken(helper));
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 0);
}

Test(handoff, while_the_world_is_to_stop_the_stopper_takes_the_p, .init = up_long)
{
    store_rlx(&rti_world.attention, RTI_ATTENTION_STOP);
    enter_long();
    cr_assert_eq(m->p, p);
    rti_lock_acquire(&rti_world.lock);
    cr_assert_eq(rti_handoff_take_calls_locked(), 1);
    rti_lock_release(&rti_world.lock);
    cr_assert_eq(load_rlx(&p->state), RTI_P_STOPPED);
}

/* --- all together --- */

enum { CALLERS = 48, CALLS = 12, STOPS = 40 };
static _Atomic(int) calls_done, callers_done;

/* Every third one is locked to its thread, and every second one does something else in between. */
static void call_often(void *arg)
{
    int self = (int)(intptr_t)arg;
    if (self % 3 == 0)
        rt_lock_thread();
    for (int i = 0; i < CALLS; i++) {
        struct timespec a_little = {.tv_nsec = (self + i) % 4 == 0 ? 0 : 50000};
        rt_enter_blocking();
        nanosleep(&a_little, NULL);
        rt_exit_blocking();
        atomic_fetch_add(&calls_done, 1);
        if (self % 2 == 0)
            rt_yield();
    }
    if (self % 3 == 0 && self % 2 == 0) /* the others end locked: their threads end too */
        rt_unlock_thread();
    atomic_fetch_add(&callers_done, 1);
}

static int storm(void *arg)
{
    int most = *(int *)arg, stops = 0;
    for (int i = 0; i < CALLERS; i++)
        rt_go(call_often, (void *)(intptr_t)i);
    while (atomic_load(&callers_done) < CALLERS) {
        if (stops++ < STOPS) {
            if (!rti_stopworld_stop(RTI_STOP_TEST))
                return 1;
            rti_stopworld_start();
            rt_set_procs(1 + stops % most);
        }
        rt_yield();
    }
    return 0;
}

static void storms(int procs, const char *godebug)
{
    struct rt_config config = {.procs = procs, .godebug = godebug};
    atomic_store(&calls_done, 0);
    atomic_store(&callers_done, 0);
    for (int i = 0; i < RTI_CALLSITES; i++) /* from the first call on */
        store_rlx(&rti_callsite_table[i], RTI_CALLSITE_MAX);
    cr_assert_eq(rt_main(&config, storm, &procs), 0);
    cr_assert_eq(atomic_load(&calls_done), CALLERS * CALLS);
}

Test(handoff, calls_stops_and_locked_goroutines_lose_nothing)
{
    storms(1, NULL);
    storms(2, NULL);
    storms(4, NULL);
}

Test(handoff, the_same_without_membarrier_and_with_every_yield_far)
{
    storms(2, "membarrier=0");
    storms(3, "alwaysmigrate=1,tinyqueues=1");
    storms(2, "randompreempt=1");
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
