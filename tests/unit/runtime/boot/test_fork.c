#include "boot/fork.h"

#include "child.h"

#include <errno.h>

#include <rt/chan.h>
#include <rt/sync.h>
#include <rt/time.h>

/* A child forked by a goroutine does something, and ends as it says; what it says goes to our standard error. */
static int status_of_forked(void (*does)(void))
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        does();
        _exit(0);
    }
    rt_enter_blocking();
    pid_t ended = waitpid(pid, &status, 0);
    rt_exit_blocking();
    if (pid < 0 || ended != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int app(void *does)
{
    return status_of_forked(*(void (**)(void))does);
}

static int in_a_fork(void (*does)(void))
{
    struct rt_config config = {.procs = 2};
    return child_run(&config, app, &does);
}

static void nothing(void *arg)
{
    (void)arg;
}

static void looks(void)
{
    bool ok = rti_fork_is_child() && rt_procs() == 0 && rt_goid() == 0 && rt_goroutines() == 0 && rt_now() > 0;
    rt_yield();
    rt_checkpoint();
    rt_enter_blocking();
    rt_exit_blocking();
    struct rt_chan *c = rt_chan_new(sizeof(int), 1);
    int v = 7, got = 0;
    ok = ok && rt_try_send(c, &v) == 0 && rt_try_recv(c, &got) == 1 && got == 7;
    rt_chan_free(&c);
    ok = ok && rt_main(NULL, app, NULL) == -EBUSY;
    _exit(ok ? 0 : 1);
}

Test(fork, the_child_runs_no_goroutine_and_may_look_at_things)
{
    cr_assert_eq(in_a_fork(looks), 0, "%s", child_said);
}

static void starts_a_goroutine(void)
{
    rt_go(nothing, NULL);
}

static void waits(void)
{
    rt_sleep(1000);
}

static void waits_for_a_value(void)
{
    struct rt_chan *c = rt_chan_new(0, 0);
    _exit(rt_recv(c, NULL) ? 3 : 4);
}

static void stops_the_world(void)
{
    rt_set_procs(3);
}

static void lets_go(void)
{
    rt_external_hold();
    rt_external_release();
}

Test(fork, what_a_child_asks_of_the_scheduler_is_a_fatal_error)
{
    static const struct {
        void (*does)(void);
        const char *says;
    } rows[] = {{starts_a_goroutine, "fatal error: the runtime is used in a forked child"},
                {stops_the_world, "fatal error: the runtime is used in a forked child"},
                {lets_go, "fatal error: the runtime is used in a forked child"},
                {waits, "fatal error: "},
                {waits_for_a_value, "fatal error: a call that waits was made on a thread that runs no goroutine"}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_assert_eq(in_a_fork(rows[i].does), 2, "row %d: %s", (int)i, child_said);
        cr_assert_not_null(strstr(child_said, rows[i].says), "row %d: %s", (int)i, child_said);
    }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* their reports come first */
/* The child's goroutine returns: there is nothing to return to. */
static void forks_and_returns(void *arg)
{
    int *status = arg;
    pid_t pid = fork();
    if (pid == 0)
        return;
    rt_enter_blocking();
    (void)waitpid(pid, status, 0);
    rt_exit_blocking();
}

static int starts_one_that_returns(void *arg)
{
    static int status = -1;
    (void)arg;
    rt_go(forks_and_returns, &status);
    while (rt_goroutines() > 1)
        rt_yield();
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

Test(fork, a_goroutine_that_ends_in_the_child_is_reported)
{
    struct rt_config config = {.procs = 2};
    cr_assert_eq(child_run(&config, starts_one_that_returns, NULL), 0, "%s", child_said);
    cr_assert_not_null(strstr(child_said, "in a forked child, where only exec or _exit may follow"), "%s", child_said);
}
#endif

/* Forked while no runtime runs: nothing happened to the child. */
static int ends(void *arg)
{
    rt_go(nothing, NULL);
    return *(int *)arg;
}

Test(fork, without_a_runtime_the_child_may_start_one)
{
    int value = 5;
#if defined(__SANITIZE_THREAD__)
    test_skip("ThreadSanitizer starts no threads in the child of a process that has had some");
#endif
    cr_assert_eq(rt_main(NULL, ends, &value), 5);
    cr_assert_not(rti_fork_is_child());
    cr_assert_eq(child_run(NULL, ends, &value), 5, "%s", child_said);
    cr_assert_not(rti_fork_is_child());
}
