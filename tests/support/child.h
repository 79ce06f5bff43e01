/* child.h - runs a program on the runtime in a child process and hears what it says on standard error.
 *
 *   struct rt_config config = {.procs = 2, .godebug = "schedtrace=10"};
 *   cr_assert_eq(child_run(&config, app, arg), 2);      the status it ended with; 128 + the number of a signal
 *   cr_assert_not_null(strstr(child_said, "fatal"), "%s", child_said);
 *
 * Between child_start and child_end the parent may listen by itself (child_listen). */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include "test.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rt/rt.h>

static char child_said[1 << 20];
static size_t child_len;
static int child_ear;
static pid_t child_pid;

static UNUSED void child_start(const struct rt_config *config, int (*app)(void *arg), void *arg)
{
    int said[2];
    cr_assert_eq(pipe(said), 0);
    fflush(NULL);
    child_pid = fork();
    if (child_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* no orphan when the test runs out of time */
        dup2(said[1], STDERR_FILENO);
        close(said[0]);
        close(said[1]);
        _exit(rt_main(config, app, arg));
    }
    cr_assert_gt(child_pid, 0);
    close(said[1]);
    child_ear = said[0];
    child_len = 0;
    child_said[0] = '\0';
}

/* One read; false at the end of what it says. */
static UNUSED bool child_listen(void)
{
    ssize_t n = read(child_ear, child_said + child_len, sizeof child_said - 1 - child_len);
    if (n <= 0)
        return false;
    child_len += (size_t)n;
    child_said[child_len] = '\0';
    return true;
}

static UNUSED int child_end(void)
{
    int status = 0;
    while (child_listen())
        ;
    close(child_ear);
    cr_assert_eq(waitpid(child_pid, &status, 0), child_pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static UNUSED int child_run(const struct rt_config *config, int (*app)(void *arg), void *arg)
{
    child_start(config, app, arg);
    return child_end();
}

#endif
