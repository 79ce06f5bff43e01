#include "fake_world.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include <rt/rt.h>

#include "base/clock.h"
#include "sched/handoff.h"
#include "sched/stopworld.h"

#if defined(__SANITIZE_THREAD__)
enum { STOPS = 60, WORKERS = 6, LOOKS = 20 };
#else
enum { STOPS = 300, WORKERS = 12, LOOKS = 50 };
#endif

/* --- single steps, on one thread --- */

static struct p *second;
static void up(void)
{
    fake_world();
    m->curg = fake_g(RTI_G_RUNNING);
    second = rti_p_new(1, 1);
    rti_world.allp[1] = second;
    store_rlx(&rti_world.procs, 2);
    store_rlx(&rti_world.ps, 2);
}

static void put_second_idle(void)
{
    rti_lock_acquire(&rti_world.lock);
    rti_world_put_idle_p_locked(second);
    rti_lock_release(&rti_world.lock);
}

Test(stopworld, idle_ps_and_the_stoppers_own_stand_at_once, .init = up)
{
    put_second_idle();
    uint32_t epoch = load_rlx(&rti_world.stop_epoch);
    cr_assert(rti_stopworld_stop(RTI_STOP_TEST));
    cr_assert_eq(load_rlx(&p->state), RTI_P_STOPPED);
    cr_assert_eq(load_rlx(&second->state), RTI_P_STOPPED);
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 0, "nobody can be woken");
    cr_assert_eq(m->p, p);
    cr_assert_leq(rti_stopworld_asked_stw(), rti_stopworld_stood_stw());
    rti_stopworld_start();
    cr_assert_eq(load_rlx(&p->state), RTI_P_RUNNING);
    cr_assert_eq(load_rlx(&second->state), RTI_P_IDLE);
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 1);
    cr_assert_eq(load_rlx(&rti_world.attention), 0);
    cr_assert_eq(load_rlx(&rti_world.stop_epoch), epoch + 1);
    cr_assert_eq(rti_hist_total(rti_stopworld_stopping_times(RTI_STOP_TEST)), 1);
    cr_assert_eq(rti_hist_total(rti_stopworld_total_times(RTI_STOP_TEST)), 1);
    cr_assert_eq(rti_hist_total(rti_stopworld_total_times(RTI_STOP_GC)), 0);
}

Test(stopworld, a_p_whose_m_is_in_a_call_is_taken, .init = up)
{
    struct m *caller = rti_m_new(1);
    rti_lock_acquire(&rti_world.lock);
    rti_world_bind_locked(caller, second);
    rti_lock_release(&rti_world.lock);
    store_rlx(&caller->call, 5);
    cr_assert(rti_stopworld_stop(RTI_STOP_TEST));
    cr_assert_null(caller->p);
    cr_assert_eq(load_rlx(&caller->taken), 1, "it will look when it comes back");
    cr_assert_eq(load_rlx(&second->state), RTI_P_STOPPED);
    rti_stopworld_start();
    cr_assert_eq(load_rlx(&second->state), RTI_P_IDLE);
}

static void *gives_up(void *arg)
{
    while (!rti_stopworld_wanted())
        ;
    rti_lock_acquire(&rti_world.lock);
    rti_world_unbind_locked(arg);
    rti_handoff_give_unlock(second);
    return NULL;
}

Test(stopworld, a_p_given_up_meanwhile_counts_as_stopped, .init = up)
{
    struct m *other = rti_m_new(1);
    pthread_t t;
    rti_lock_acquire(&rti_world.lock);
    rti_world_bind_locked(other, second);
    rti_lock_release(&rti_world.lock);
    cr_assert_eq(pthread_create(&t, NULL, gives_up, other), 0);
    cr_assert(rti_stopworld_stop(RTI_STOP_TEST));
    cr_assert_eq(load_rlx(&second->state), RTI_P_STOPPED);
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 0);
    rti_stopworld_start();
    pthread_join(t, NULL);
    cr_assert_eq(load_rlx(&second->state), RTI_P_IDLE);
}

Test(stopworld, while_it_stands_sysmon_takes_nothing_and_nobody_stops_it_again, .init = up)
{
    struct m *caller = rti_m_new(1);
    put_second_idle();
    cr_assert(rti_stopworld_stop(RTI_STOP_TEST));
    cr_assert_not(rti_stopworld_try_stop(RTI_STOP_PROCS));
    store_rlx(&second->m, caller);
    caller->p = second;
    store_rlx(&caller->call, 1);
    cr_assert_not(rti_handoff_retake(second, 1));
    store_rlx(&second->m, NULL);
    rti_stopworld_start();
    cr_assert(rti_stopworld_try_stop(RTI_STOP_PROCS));
    rti_stopworld_start();
}

/* A P whose thread never comes, not by a signal either. */
Test(stopworld, a_brief_try_gives_up_and_leaves_nothing_stopped, .init = up)
{
    struct m *other = rti_m_new(1);
    rti_lock_acquire(&rti_world.lock);
    rti_world_bind_locked(other, second);
    rti_lock_release(&rti_world.lock);
    cr_assert_not(rti_stopworld_try_briefly(RTI_STOP_TEST));
    cr_assert(load_rlx(&p->state) == RTI_P_RUNNING && load_rlx(&second->state) == RTI_P_RUNNING);
    cr_assert_eq(load_rlx(&rti_world.attention), 0);
    rti_lock_acquire(&rti_world.lock);
    rti_world_unbind_locked(other);
    rti_world_put_idle_p_locked(second);
    rti_lock_release(&rti_world.lock);
    cr_assert(rti_stopworld_try_briefly(RTI_STOP_TEST), "and the gate is open");
    cr_assert_not(rti_stopworld_try_briefly(RTI_STOP_TEST));
    rti_stopworld_start();
}

Test(stopworld, there_is_nothing_to_stop_without_a_runtime)
{
    cr_assert_not(rti_stopworld_stop(RTI_STOP_TEST));
    cr_assert_not(rti_stopworld_try_stop(RTI_STOP_TEST));
}

Test(stopworld, a_world_that_ends_is_not_stopped, .init = up)
{
    store_rlx(&rti_world.stopping, 1);
    cr_assert_not(rti_stopworld_stop(RTI_STOP_TEST));
    cr_assert_eq(load_rlx(&p->state), RTI_P_RUNNING);
    store_rlx(&rti_world.stopping, 0);
    cr_assert(rti_stopworld_stop(RTI_STOP_TEST), "and the gate is open");
    rti_stopworld_start();
}

Test(stopworld, a_safepoint_without_a_stop_goes_on, .init = up)
{
    rti_stopworld_pause_sys(m);
    cr_assert_eq(load_rlx(&p->state), RTI_P_RUNNING);
}

/* --- true parallel --- */

static _Atomic(uint64_t) work[WORKERS];
static _Atomic(int) bad, quit, gone, inside;
static int fd[2];

#define EXPECT(x)                                                                                                      \
    do {                                                                                                               \
        if (!(x) && atomic_fetch_add(&bad, 1) < 20)                                                                    \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x);                                            \
    } while (0)

/* Every kind of place in which a stop can find a goroutine, but for plain C that goes on for ever. */
static void worker(void *arg)
{
    _Atomic(uint64_t) *mine = arg;
    int kind = (int)(mine - work) % 3;
    for (int k = 1; !atomic_load(&quit); k++) {
        for (int i = 0; i < 100; i++)
            atomic_fetch_add_explicit(mine, 1, memory_order_relaxed);
        if (kind == 0 || k % 64 == 0) { /* for the others' sake: their slices would be 10 ms */
            rt_yield();
        } else if (kind == 1) {
            rt_checkpoint();
        } else {
            rt_enter_blocking();
            rt_exit_blocking();
        }
    }
    atomic_fetch_add(&gone, 1);
}

static void start_workers(void)
{
    atomic_store(&quit, 0);
    atomic_store(&gone, 0);
    for (size_t i = 0; i < WORKERS; i++)
        rt_go(worker, &work[i]);
}

static void end_workers(void)
{
    atomic_store(&quit, 1);
    while (atomic_load(&gone) < WORKERS)
        rt_yield();
}

static void look_around(void)
{
    uint64_t before[WORKERS];
    uint32_t ps = rti_world_ps();
    for (uint32_t i = 0; i < ps; i++)
        EXPECT(load_rlx(&rti_world.allp[i]->state) == RTI_P_STOPPED);
    for (size_t i = 0; i < WORKERS; i++)
        before[i] = atomic_load(&work[i]);
    for (int k = 0; k < LOOKS; k++) {
        rti_clock_monotonic();
        for (size_t i = 0; i < WORKERS; i++)
            EXPECT(before[i] == atomic_load(&work[i])); /* S7 */
    }
}

static int stops_often(void *arg)
{
    (void)arg;
    start_workers();
    for (int i = 0; i < STOPS; i++) {
        EXPECT(rti_stopworld_stop(RTI_STOP_TEST));
        EXPECT(atomic_fetch_add(&inside, 1) == 0);
        look_around();
        atomic_fetch_sub(&inside, 1);
        rti_stopworld_start();
        if (i % 4 == 0)
            rt_yield();
    }
    end_workers();
    return 0;
}

static void run(int procs, int (*app)(void *), const char *godebug)
{
    struct rt_config config = {.procs = procs, .godebug = godebug};
    cr_assert_eq(rt_main(&config, app, NULL), 0);
    cr_assert_eq(atomic_load(&bad), 0, "with %d procs; see above", procs);
}

Test(stopworld, nobody_runs_while_it_stands)
{
    for (int procs = 1; procs <= 4; procs++)
        run(procs, stops_often, NULL);
    cr_assert_eq(rti_hist_total(rti_stopworld_stopping_times(RTI_STOP_TEST)), 4 * STOPS);
}

Test(stopworld, the_same_without_membarrier_and_with_migrating_yields)
{
    run(2, stops_often, "membarrier=0");
    run(3, stops_often, "alwaysmigrate=1");
}

/* --- several stoppers --- */

static _Atomic(int) stoppers;
static void one_of_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < STOPS / 4; i++) {
        EXPECT(rti_stopworld_stop(RTI_STOP_TEST));
        EXPECT(atomic_fetch_add(&inside, 1) == 0);
        look_around();
        atomic_fetch_sub(&inside, 1);
        rti_stopworld_start();
    }
    atomic_fetch_sub(&stoppers, 1);
}

static void *outside(void *arg)
{
    one_of_many(arg);
    return NULL;
}

static int many_stoppers(void *arg)
{
    pthread_t t;
    (void)arg;
    start_workers();
    atomic_store(&stoppers, 5);
    for (int i = 0; i < 4; i++)
        rt_go(one_of_many, NULL);
    EXPECT(pthread_create(&t, NULL, outside, NULL) == 0);
    while (atomic_load(&stoppers) > 0)
        rt_yield();
    pthread_join(t, NULL);
    end_workers();
    return 0;
}

Test(stopworld, stoppers_take_turns_threads_outside_too)
{
    for (int procs = 1; procs <= 4; procs++)
        run(procs, many_stoppers, NULL);
}

/* --- a call that ends while the world stands --- */

static _Atomic(int) came_back, entered;
static void reader(void *arg)
{
    char c;
    (void)arg;
    rt_enter_blocking();
    atomic_store(&entered, 1);
    EXPECT(read(fd[0], &c, 1) == 1);
    rt_exit_blocking();
    atomic_store(&came_back, 1);
}

static int call_ends(void *arg)
{
    (void)arg;
    for (int i = 0; i < STOPS / 4; i++) {
        atomic_store(&came_back, 0);
        atomic_store(&entered, 0);
        rt_go(reader, NULL);
        while (!atomic_load(&entered))
            rt_yield();
        EXPECT(rti_stopworld_stop(RTI_STOP_TEST));
        EXPECT(write(fd[1], "x", 1) == 1);
        struct pollfd p0 = {.fd = fd[0], .events = POLLIN};
        while (poll(&p0, 1, 0) == 1) /* until it was read */
            ;
        for (int k = 0; k < LOOKS; k++) {
            rti_clock_monotonic();
            EXPECT(!atomic_load(&came_back));
        }
        rti_stopworld_start();
        while (!atomic_load(&came_back))
            rt_yield();
    }
    return 0;
}

Test(stopworld, who_comes_back_from_a_call_waits_for_the_start)
{
    cr_assert_eq(pipe(fd), 0);
    for (int procs = 1; procs <= 3; procs++)
        run(procs, call_ends, NULL);
}

/* --- the end of rt_main comes in between --- */

static void stops_for_ever(void *arg)
{
    (void)arg;
    for (int i = 1; rti_stopworld_stop(RTI_STOP_TEST); i++) {
        rti_stopworld_start();
        if (i % 4 == 0)
            rt_yield();
    }
}

static int ends_meanwhile(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++)
        rt_go(stops_for_ever, NULL);
    for (int i = 0; i < 20; i++)
        rt_yield();
    return 0;
}

Test(stopworld, the_runtime_can_end_while_somebody_stops_it)
{
    for (int i = 0; i < STOPS / 4; i++)
        run(1 + i % 4, ends_meanwhile, NULL);
}
