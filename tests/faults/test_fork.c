/* test_fork.c - fork and exec while goroutines run, threads of others start, and the world stops (faults.md G7). */
#include "fault.h"
#include "goroutines.h"
#include "mixed.h"

#include <pthread.h>
#include <spawn.h>

#include <rt/sync.h>
#include <rt/time.h>

static struct fault_report report;
static const struct fault_plan nothing_fails = {.name = "none"};

enum { FORKS = 40, FORKERS = 3 };

static _Atomic(int) good, stop_loading;

/* The child of a fork does nothing but exec, and ends with 7 by way of a shell; vfork's by posix_spawn. */
static void exec_child(void)
{
    execl("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
    _exit(99);
}

static pid_t spawn_shell(void)
{
    pid_t pid = -1;
    char *args[] = {(char *)(uintptr_t) "sh", (char *)(uintptr_t) "-c", (char *)(uintptr_t) "exit 7", NULL};
    return posix_spawn(&pid, "/bin/sh", NULL, NULL, args, environ) == 0 ? pid : -1;
}

static pid_t start_child(int how)
{
    if (how % 3 == 2)
        return spawn_shell();
    pid_t pid = fork();
    if (pid == 0) {
        if (how % 3 == 1)
            _exit(7);
        exec_child();
    }
    return pid;
}

static void count(pid_t pid)
{
    int status = 0;
    if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 7)
        atomic_fetch_add(&good, 1);
    else
        fprintf(stderr, "child %d: status %#x\n", (int)pid, (unsigned)status);
}

static struct rt_waitgroup forkers, load;

static void forks(void *arg)
{
    for (int i = 0; i < FORKS; i++) {
        bool bracketed = i % 2;
        if (bracketed)
            rt_enter_blocking();
        pid_t pid = start_child(i + (int)(intptr_t)arg);
        if (!bracketed)
            rt_enter_blocking();
        count(pid);
        rt_exit_blocking();
    }
    rt_waitgroup_done(&forkers);
}

static void *forks_outside(void *arg)
{
    for (int i = 0; i < FORKS; i++)
        count(start_child(i + (int)(intptr_t)arg));
    return NULL;
}

/* Spawns, locks of malloc, timers: whatever a fork may cut in two. */
static void noise(void *arg)
{
    void *volatile p;
    (void)arg;
    while (!atomic_load(&stop_loading)) {
        p = malloc(3000);
        free(p);
        if ((uintptr_t)p % 3 == 0)
            rt_sleep(1000);
        rt_yield();
    }
    rt_waitgroup_done(&load);
}

/* The world stops all the time. */
static void stops_the_world(void *arg)
{
    (void)arg;
    for (int n = 2; !atomic_load(&stop_loading); n = 5 - n) {
        rt_set_procs(n);
        rt_sleep(100000);
    }
    rt_waitgroup_done(&load);
}

static int forking(void *arg)
{
    pthread_t outside;
    (void)arg;
    rt_waitgroup_add(&forkers, FORKERS);
    for (int i = 0; i < FORKERS; i++)
        rt_go(forks, (void *)(intptr_t)i);
    if (pthread_create(&outside, NULL, forks_outside, NULL) != 0)
        return 1;
    rt_waitgroup_wait(&forkers);
    rt_enter_blocking();
    pthread_join(outside, NULL);
    rt_exit_blocking();
    atomic_store(&stop_loading, 1);
    rt_waitgroup_wait(&load);
    return atomic_load(&good) == FORKS * (FORKERS + 1) ? 0 : 1;
}

static int forking_under_load(void *arg)
{
    rt_waitgroup_add(&load, 3);
    rt_go(noise, NULL);
    rt_go(noise, NULL);
    rt_go(stops_the_world, NULL);
    return forking(arg);
}

static int on_two(void *app)
{
    struct rt_config config = {.procs = 2};
    return rt_main(&config, *(int (**)(void *))app, NULL);
}

static void must_fork(int (*app)(void *))
{
#if defined(__SANITIZE_THREAD__)
    test_skip("ThreadSanitizer delays signals, and a fork copies those that are delayed");
#endif
    for (long i = fault_effort(); i > 0; i--) {
        fault_run(&nothing_fails, on_two, &app, &report);
        cr_assert_not(report.hung, "%s", report.said);
        cr_assert_eq(report.status, 0, "status %d: %s", report.status, report.said);
    }
}

Test(fork, and_exec_from_goroutines_and_other_threads_always_end)
{
    must_fork(forking);
}

Test(fork, and_exec_under_load_and_while_the_world_stops_always_end)
{
    must_fork(forking_under_load);
}

/* A foreign thread forks while the world stands still: the child is as good as any. */
static _Atomic(int) asked;

static void *forks_meanwhile(void *arg)
{
    (void)arg;
    while (atomic_load(&asked) == 0)
        ;
    for (int i = 0; i < FORKS; i++)
        count(start_child(i));
    atomic_store(&stop_loading, 1);
    return NULL;
}

static int stops_all_the_time(void *arg)
{
    pthread_t outside;
    (void)arg;
    if (pthread_create(&outside, NULL, forks_meanwhile, NULL) != 0)
        return 1;
    atomic_store(&asked, 1);
    for (int n = 2; !atomic_load(&stop_loading); n = 5 - n)
        rt_set_procs(n);
    rt_enter_blocking();
    pthread_join(outside, NULL);
    rt_exit_blocking();
    return atomic_load(&good) == FORKS ? 0 : 1;
}

Test(fork, while_the_world_is_stopped_gives_a_sound_child)
{
    must_fork(stops_all_the_time);
}
