#include "test.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rt/rt.h>

#include "parts/timerheap.h"
#include "proc/g.h"
#include "proc/world.h"
#include "sched/deadlock.h"
#include "sched/sched.h"

static char report[8192];
static int in_child(int (*app)(void *), int procs)
{
    int pipes[2], status = 0;
    cr_assert_eq(pipe(pipes), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        struct rt_config config = {.procs = procs};
        dup2(pipes[1], STDERR_FILENO);
        alarm(60);
        _exit(rt_main(&config, app, NULL));
    }
    close(pipes[1]);
    size_t n = 0;
    for (ssize_t r; (r = read(pipes[0], report + n, sizeof report - 1 - n)) > 0;)
        n += (size_t)r;
    report[n] = '\0';
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void sleep_for_ever(void *arg)
{
    rti_sched_park(NULL, arg, RTI_WAIT_CHAN_RECEIVE);
}

static int all_asleep(void *arg)
{
    struct rt_go_attr attr = {.name = "sleepy"};
    rt_go_attr(&attr, sleep_for_ever, NULL);
    rti_sched_park(NULL, arg, RTI_WAIT_MUTEX);
    return 0;
}

Test(deadlock, is_reported_with_every_goroutine)
{
    for (int procs = 1; procs <= 3; procs++) {
        cr_assert_eq(in_child(all_asleep, procs), 2);
        cr_assert(strstr(report, "fatal error: all goroutines are asleep - deadlock!") != NULL);
        cr_assert(strstr(report, "\n\ngoroutine 1 [sync.Mutex.Lock, \"main\"]:\n") != NULL);
        cr_assert(strstr(report, " [chan receive, \"sleepy\"]:\n") != NULL);
        cr_assert(strstr(report, "created by all_asleep in goroutine 1\n\t") != NULL);
    }
}

static struct g *main_g;
static struct g *wake_main(void *arg, uint64_t seq)
{
    (void)arg, (void)seq;
    return main_g;
}

static bool arm(struct g *g, void *arg)
{
    main_g = g;
    rti_sched_timer_set(arg, rti_sched_now() + 20000000);
    return true;
}

static int only_a_timer(void *arg)
{
    struct rti_timer t = {.fn = wake_main};
    (void)arg;
    rti_sched_park(arm, &t, RTI_WAIT_SLEEP);
    return 5;
}

Test(deadlock, is_not_reported_while_a_timer_will_fire)
{
    cr_assert_eq(in_child(only_a_timer, 1), 5);
    cr_assert_eq(in_child(only_a_timer, 2), 5);
    cr_assert_str_eq(report, "");
}

static _Atomic(uintptr_t) parked;
static void call_then_wake(void *arg)
{
    (void)arg;
    while (!load_acq(&parked)) /* pairs with publish */
        rt_yield();
    RT_BLOCKING(poll(NULL, 0, 30));
    rti_sched_ready((struct g *)load_acq(&parked)); /* pairs with publish */
}

static bool publish(struct g *g, void *arg)
{
    (void)arg;
    store_rel(&parked, (uintptr_t)g); /* pairs with load_acq in the waker */
    return true;
}

static int only_a_call(void *arg)
{
    rt_go(call_then_wake, NULL);
    rti_sched_park(publish, arg, RTI_WAIT_IO);
    return 6;
}

Test(deadlock, is_not_reported_while_a_thread_is_in_a_call)
{
    cr_assert_eq(in_child(only_a_call, 1), 6);
    cr_assert_eq(in_child(only_a_call, 2), 6);
    cr_assert_str_eq(report, "");
}

static void *outside(void *arg)
{
    while (!load_acq(&parked)) /* pairs with publish */
        ;
    poll(NULL, 0, 30);
    rti_sched_ready((struct g *)load_acq(&parked)); /* pairs with publish */
    return arg;
}

static int only_a_thread(void *arg)
{
    pthread_t t;
    rt_external_hold();
    if (pthread_create(&t, NULL, outside, NULL) != 0)
        return 1;
    rti_sched_park(publish, arg, RTI_WAIT_IO);
    rt_external_release();
    pthread_join(t, NULL);
    return 7;
}

Test(deadlock, is_not_reported_while_a_thread_outside_is_held)
{
    cr_assert_eq(in_child(only_a_thread, 1), 7);
    cr_assert_eq(in_child(only_a_thread, 2), 7);
    cr_assert_str_eq(report, "");
}

/* Lets go without having woken anybody, when all Ms sleep: no M will look any more. */
static void *lets_go(void *arg)
{
    for (bool asleep = false; !asleep; sched_yield()) {
        rti_lock_acquire(&rti_world.lock);
        asleep = rti_world.idle_m_count == rti_world.m_count && rti_world.m_count > 0;
        rti_lock_release(&rti_world.lock);
    }
    rt_external_release();
    return arg;
}

static int released_too_late(void *arg)
{
    pthread_t t;
    rt_external_hold();
    if (pthread_create(&t, NULL, lets_go, NULL) != 0)
        return 1;
    rti_sched_park(NULL, arg, RTI_WAIT_IO);
    return 1;
}

Test(deadlock, is_reported_by_the_last_release_when_all_sleep)
{
    for (int procs = 1; procs <= 2; procs++) {
        cr_assert_eq(in_child(released_too_late, procs), 2);
        cr_assert(strstr(report, "fatal error: all goroutines are asleep - deadlock!") != NULL);
    }
    rt_external_hold(); /* and outside rt_main there is nothing to report */
    rt_external_release();
}

Test(deadlock, every_wait_reason_has_words)
{
    for (unsigned why = 0; why < RTI_WAIT_COUNT; why++)
        cr_assert(why == RTI_WAIT_NONE || strcmp(rti_deadlock_reason(why), "waiting") != 0);
    cr_assert_str_eq(rti_deadlock_reason(200), "waiting");
}
