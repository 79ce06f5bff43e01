/* test_fault.c - the tool of this folder: the call that was asked for fails, and no other. */
#include "fault.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct fault_report report;

enum { CALLS = 5 };

/* Which of five calls failed, as bits; the errno has to be the one that was asked for. */
static int calls_five_times(void *arg)
{
    int failed = 0;
    for (int i = 0; i < CALLS; i++)
        if (syscall(SYS_getpriority, i % 2, 0) < 0)
            failed |= errno == *(int *)arg ? 1 << i : 1 << CALLS;
    fprintf(stderr, "failed %x", (unsigned)failed);
    return failed;
}

static int failures(long nth, bool onwards, bool (*counts)(const struct seccomp_data *call))
{
    static const long nr[] = {SYS_getppid, SYS_getpriority, FAULT_END};
    int error = ENOTDIR;
    struct fault_plan plan = {
        .name = "getpriority", .nr = nr, .error = error, .nth = nth, .onwards = onwards, .counts = counts};
    fault_run(&plan, calls_five_times, &error, &report);
    cr_assert_not(report.hung);
    cr_assert_not_null(strstr(report.said, "failed "), "%s", report.said);
    return report.status;
}

static bool with_one(const struct seccomp_data *call)
{
    return call->args[0] == 1;
}

Test(fault, the_nth_call_fails_and_no_other)
{
    cr_assert_eq(failures(0, false, NULL), 0);
    cr_assert_eq(report.uses, CALLS);
    cr_assert_eq(failures(3, false, NULL), 1 << 2);
    cr_assert_eq(report.failed, 1);
    cr_assert_eq(failures(3, true, NULL), 1 << 2 | 1 << 3 | 1 << 4);
    cr_assert_eq(failures(2, false, with_one), 1 << 3);
    cr_assert_eq(report.uses, 2);
    cr_assert_eq(failures(6, false, NULL), 0);
    cr_assert_eq(report.failed, 0);
}

static int dies(void *arg)
{
    (void)arg;
    raise(SIGKILL);
    return 0;
}

Test(fault, a_child_that_a_signal_ends_is_reported_as_that)
{
    static const struct fault_plan none = {.name = "none"};
    fault_run(&none, dies, NULL, &report);
    cr_assert_eq(report.status, 128 + SIGKILL);
    cr_assert_not(report.hung);
}
