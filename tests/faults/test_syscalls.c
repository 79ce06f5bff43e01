/* test_syscalls.c - every system call the runtime makes fails at its Nth use (faults.md 3.6). What must come of it: the
 * program goes on and is right, or rt_main returns a documented error, or a fatal error names the call and the errno.
 * Never a hang, never a wrong result, never a plain crash. */
#include "fault.h"
#include "mixed.h"

#include <errno.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <sys/syscall.h>

#include <rt/attr.h>

static struct fault_report report;

/* --- the judgement --- */

/* malloc has no errno of its own to name. */
static bool out_of_memory(const struct fault_plan *plan)
{
    return report.status == 2 && plan->error == ENOMEM && strstr(report.said, "fatal error: ") &&
           (strstr(report.said, "out of memory") || strstr(report.said, "makechan: size out of range"));
}

/* The C library's own waits cannot go on without futex(2) and say so in their words. */
static bool c_library_gave_up(void)
{
    return report.status == 128 + 6 && strstr(report.said, "futex facility returned an unexpected error code");
}

static bool fatal_that_names(const char *call, int error)
{
    char number[32];
    snprintf(number, sizeof number, "errno %d", error);
    return report.status == 2 && strstr(report.said, "fatal error: ") && strstr(report.said, call) &&
           strstr(report.said, number);
}

/* Its library makes calls through the C library too, which look like ours. */
static bool a_sanitizer_gave_up(void)
{
    return strstr(report.said, "Sanitizer: CHECK failed") || strstr(report.said, "FATAL: ThreadSanitizer");
}

static bool acceptable(const struct fault_plan *plan, const char *names)
{
    if (report.hung)
        return false;
    return report.status == MIXED_RIGHT || report.status == MIXED_REFUSED || fatal_that_names(names, plan->error) ||
           fatal_that_names("pthread_create", EAGAIN) || out_of_memory(plan) || a_sanitizer_gave_up() ||
           c_library_gave_up();
}

static void judge(const struct fault_plan *plan, const char *names)
{
    cr_assert(acceptable(plan, names), "%s gives errno %d %s use %ld (of %ld, %ld failed): %s, status %d\n%s",
              plan->name, plan->error, plan->onwards ? "from" : "at", plan->nth, report.uses, report.failed,
              report.hung ? "hung" : "ended", report.status, report.said);
}

/* --- the sweep --- */

enum { DENSE = 48, PERSISTENT = 4 };

/* The next N to try: the first ones all, then with growing distance. */
static long after(long nth)
{
    return nth < DENSE ? nth + 1 : nth + nth / 8;
}

static long runs_that_failed;

static void one(struct fault_plan *plan, const char *names, long nth, bool onwards)
{
    plan->nth = nth;
    plan->onwards = onwards;
    fault_run(plan, mixed_run, NULL, &report);
    runs_that_failed += report.failed > 0;
    judge(plan, names);
}

/* names: what a fatal error calls it. */
static void sweep(struct fault_plan *plan, const char *names)
{
#if defined(__SANITIZE_THREAD__)
    test_skip("ThreadSanitizer's library stands on the same system calls");
#endif
#if defined(__SANITIZE_ADDRESS__)
    if (strcmp(plan->name, "sigaltstack") == 0)
        test_skip("AddressSanitizer sets every thread's own first");
#endif
    one(plan, names, 0, false);
    cr_assert_eq(report.status, MIXED_RIGHT, "%s, though nothing failed: %s", plan->name, report.said);
    long last = report.uses;
    runs_that_failed = 0;
    for (long again = fault_effort(); again > 0; again--) {
        for (long nth = 1; nth <= last; nth = after(nth)) {
            one(plan, names, nth, false);
            if (plan->error != EINTR && (nth <= PERSISTENT || nth % 8 == 0)) /* no call is interrupted for ever */
                one(plan, names, nth, true);
        }
    }
    /* What is seldom called need not be called again. */
    cr_assert(last < 4 || runs_that_failed > 0, "%s: used %ld times, yet none failed", plan->name, last);
}

#define SWEEP(test, label, names, errno_, counts_, ...)                                                                \
    Test(syscalls, test, .timeout = 600)                                                                               \
    {                                                                                                                  \
        static const long nr[] = {__VA_ARGS__, FAULT_END};                                                             \
        struct fault_plan plan = {.name = label, .nr = nr, .error = errno_, .counts = counts_};                        \
        sweep(&plan, names);                                                                                           \
    }

static bool waits(const struct seccomp_data *call)
{
    return (call->args[1] & FUTEX_CMD_MASK) == FUTEX_WAIT || (call->args[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET;
}

static bool wakes(const struct seccomp_data *call)
{
    return (call->args[1] & FUTEX_CMD_MASK) == FUTEX_WAKE;
}

/* Eight bytes: an eventfd. */
static bool of_eight(const struct seccomp_data *call)
{
    return call->args[2] == 8;
}

SWEEP(mmap_may_fail, "mmap", "mmap", ENOMEM, NULL, SYS_mmap)
SWEEP(memory_may_run_out, "mmap and brk", "mmap", ENOMEM, NULL, SYS_mmap, SYS_brk)
SWEEP(munmap_may_fail, "munmap", "munmap", ENOMEM, NULL, SYS_munmap)
SWEEP(mprotect_may_fail, "mprotect", "mprotect", ENOMEM, NULL, SYS_mprotect)
SWEEP(madvise_may_fail, "madvise", "madvise", ENOMEM, NULL, SYS_madvise)
SWEEP(madvise_may_not_know_the_advice, "madvise", "madvise", EINVAL, NULL, SYS_madvise)
SWEEP(madvise_of_many_may_fail, "process_madvise", "process_madvise", EPERM, NULL, SYS_process_madvise)
SWEEP(threads_may_be_refused, "clone", "pthread_create", EAGAIN, NULL, SYS_clone, SYS_clone3)
SWEEP(futex_waits_may_be_interrupted, "futex wait", "futex", EINTR, waits, SYS_futex)
SWEEP(futex_waits_may_fail, "futex wait", "futex", ENOSYS, waits, SYS_futex)
SWEEP(futex_wakes_may_fail, "futex wake", "futex", EFAULT, wakes, SYS_futex)
SWEEP(epoll_create_may_fail, "epoll_create1", "epoll_create1", EMFILE, NULL, SYS_epoll_create1)
SWEEP(eventfd_may_fail, "eventfd2", "eventfd", EMFILE, NULL, SYS_eventfd2)
SWEEP(epoll_ctl_may_fail, "epoll_ctl", "epoll_ctl", ENOMEM, NULL, SYS_epoll_ctl)
SWEEP(epoll_ctl_may_know_no_room, "epoll_ctl", "epoll_ctl", ENOSPC, NULL, SYS_epoll_ctl)
SWEEP(epoll_pwait2_may_not_exist, "epoll_pwait2", "epoll_wait", ENOSYS, NULL, SYS_epoll_pwait2)
SWEEP(epoll_pwait2_may_be_interrupted, "epoll_pwait2", "epoll_wait", EINTR, NULL, SYS_epoll_pwait2)
SWEEP(epoll_pwait2_may_fail, "epoll_pwait2", "epoll_wait", EBADF, NULL, SYS_epoll_pwait2)
SWEEP(the_poller_s_break_may_fail, "write to an eventfd", "eventfd", EIO, of_eight, SYS_write)
SWEEP(the_poller_s_drain_may_fail, "read of an eventfd", "eventfd", EIO, of_eight, SYS_read)
SWEEP(sigaltstack_may_fail, "sigaltstack", "sigaltstack", ENOMEM, NULL, SYS_sigaltstack)
SWEEP(sigaction_may_fail, "rt_sigaction", "sigaction", EINVAL, NULL, SYS_rt_sigaction)
SWEEP(membarrier_may_not_exist, "membarrier", "membarrier", ENOSYS, NULL, SYS_membarrier)
SWEEP(membarrier_may_fail, "membarrier", "membarrier", ENOMEM, NULL, SYS_membarrier)
SWEEP(stop_signals_may_not_be_sent, "tgkill", "tgkill", EAGAIN, NULL, SYS_tgkill)
SWEEP(naps_may_be_interrupted, "clock_nanosleep", "nanosleep", EINTR, NULL, SYS_clock_nanosleep, SYS_nanosleep)
SWEEP(files_may_not_open, "openat", "open", EMFILE, NULL, SYS_openat)
SWEEP(a_probe_may_fail, "faccessat", "faccessat", ENOSYS, NULL, SYS_faccessat)
SWEEP(affinity_and_slack_may_be_refused, "prctl", "prctl", EINVAL, NULL, SYS_prctl, SYS_sched_getaffinity)
