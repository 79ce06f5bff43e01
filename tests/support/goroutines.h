/* goroutines.h - for tests that run inside rt_main: assertions that goroutines on any thread may use, programs that run
 * on 1, 2 and 4 Ps, and programs that must die with a message.
 *
 *   static void app(void) { ...rt_go()... EXPECT(x == 3); ... }          the main goroutine
 *   Test(suite, name) { run_everywhere(app); }
 *   Test(suite, name) { dies_saying(app, "send on closed channel"); } */
#ifndef TESTS_SUPPORT_GOROUTINES_H
#define TESTS_SUPPORT_GOROUTINES_H

#include "seeds.h"
#include "test.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <rt/rt.h>

static _Atomic(int) expect_bad;

#define EXPECT(x)                                                                                                      \
    do {                                                                                                               \
        if (!(x) && atomic_fetch_add(&expect_bad, 1) < 20)                                                             \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x);                                            \
    } while (0)

static int run_app(void *arg)
{
    (*(void (**)(void))arg)();
    return 0;
}

static UNUSED void run_on(int procs, void (*app)(void))
{
    struct rt_config config = {.procs = procs};
    cr_assert_eq(rt_main(&config, run_app, &app), 0);
    if (expect_bad && under_a_seed())
        fprintf(stderr, "replay: GODEBUG=%s %s\n", getenv("GODEBUG"), program_invocation_name);
    cr_assert_eq(expect_bad, 0, "with %d procs; see above", procs);
}

static UNUSED void run_everywhere(void (*app)(void))
{
    for (int procs = 1; procs <= 4; procs *= 2)
        run_on(procs, app);
}

static char died_saying[65536]; /* what the last child said on standard error */

/* In a child, on one P; returns how it ended, as of waitpid(2). */
static UNUSED int status_of_child(void (*app)(void))
{
    int said[2];
    size_t len = 0;
    cr_assert_eq(pipe(said), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct rt_config config = {.procs = 1};
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* no orphan when the test runs out of time */
        dup2(said[1], STDERR_FILENO);
        close(said[0]);
        close(said[1]);
        _exit(rt_main(&config, run_app, &app) == 0 ? 0 : 1);
    }
    cr_assert_gt(child, 0);
    close(said[1]);
    for (ssize_t n;
         len < sizeof(died_saying) - 1 && (n = read(said[0], died_saying + len, sizeof(died_saying) - 1 - len)) > 0;)
        len += (size_t)n;
    died_saying[len] = '\0';
    close(said[0]);
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

/* The same: the program must end with status 2 (as Go's fatal errors) and text on standard error. */
static UNUSED void dies_saying(void (*app)(void), const char *text)
{
    int status = status_of_child(app);
    cr_assert(WIFEXITED(status), "%s", died_saying);
    cr_assert_eq(WEXITSTATUS(status), 2, "%s", died_saying);
    cr_assert_not_null(strstr(died_saying, text), "%s", died_saying);
}

#endif
