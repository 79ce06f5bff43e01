/* test_signals.c - signals by the thousand, from inside and outside, on threads of every kind (faults.md G6). */
#include "fault.h"
#include "goroutines.h"
#include "mixed.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <rt/rt.h>

static struct fault_report report;
static const struct fault_plan nothing_fails = {.name = "none"};

enum { STORM = 6000, ROUNDS = 2, STOP_SIGNAL_ABOVE_RTMIN = 5 };

/* --- what the handlers do --- */

static _Atomic(unsigned) caught;

static void on_signal(int signo)
{
    int kept = errno;
    volatile char room[256]; /* something that lies on the stack it runs on */
    memset((char *)(uintptr_t)room, signo, sizeof room);
    atomic_fetch_add(&caught, 1);
    errno = kept;
}

static void handle(int signo, int flags)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = flags};
    sigemptyset(&act.sa_mask);
    sigaction(signo, &act, NULL);
}

/* --- who sends --- */

static int signals[4];

/* Sends count signals to threads of pid, one after the other, of each kind in turn. False when it is gone. */
static bool storm(pid_t pid, int count)
{
    char path[64];
    int sent = 0;
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    while (sent < count) {
        DIR *d = opendir(path);
        if (!d)
            return false;
        for (struct dirent *e; sent < count && (e = readdir(d));) {
            long tid = strtol(e->d_name, NULL, 10);
            if (tid > 0 && syscall(SYS_tgkill, pid, (pid_t)tid, signals[sent % 4]) == 0)
                sent++;
        }
        closedir(d);
        if (kill(pid, 0) != 0)
            return false;
    }
    return true;
}

/* A process beside ours that sends, and then says that it has: one byte. */
static int said_it_is_done = -1;
static pid_t sender;

static void start_sender(int count)
{
    int wire[2];
    pid_t target = getpid();
    if (pipe2(wire, O_CLOEXEC | O_NONBLOCK) != 0)
        abort();
    said_it_is_done = wire[0];
    sender = fork();
    if (sender == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int i = 0; i < 4; i++) /* what is meant for its parent; it runs nothing of the runtime */
            signal(signals[i], SIG_IGN);
        storm(target, count);
        (void)!write(wire[1], "", 1);
        _exit(0);
    }
    close(wire[1]);
}

static bool still_sending(void)
{
    char byte;
    return read(said_it_is_done, &byte, 1) < 0;
}

static int under_storm(int count)
{
    struct mixed how = {.procs = 2, .rounds = ROUNDS, .more = still_sending};
    start_sender(count);
    int result = mixed_run(&how);
    kill(sender, SIGKILL);
    (void)waitpid(sender, NULL, 0);
    return result;
}

static void must_be_right(int (*body)(void *arg), void *arg)
{
    fault_run(&nothing_fails, body, arg, &report);
    cr_assert_not(report.hung, "%s", report.said);
    cr_assert_eq(report.status, MIXED_RIGHT, "status %d: %s", report.status, report.said);
}

/* --- the storms --- */

static int usual_signals(void *flags)
{
    static const int four[] = {SIGPROF, SIGURG, SIGUSR1, SIGCHLD};
    for (int i = 0; i < 4; i++)
        handle(signals[i] = four[i], *(int *)flags);
    int result = under_storm(STORM * (int)fault_effort());
    return result == MIXED_RIGHT && atomic_load(&caught) == 0 ? MIXED_WRONG : result;
}

Test(signals, in_a_storm_with_handlers_on_the_signal_stack_all_is_right)
{
    int flags = SA_RESTART | SA_ONSTACK;
    must_be_right(usual_signals, &flags);
}

Test(signals, in_a_storm_with_handlers_on_goroutine_stacks_all_is_right)
{
    int flags = SA_RESTART;
    must_be_right(usual_signals, &flags);
}

Test(signals, in_a_storm_that_interrupts_system_calls_all_is_right)
{
    int flags = SA_ONSTACK;
    must_be_right(usual_signals, &flags);
}

/* The runtime's own signal, from somebody else: on threads that nobody asked to stop, on sysmon's, on ones just being
 * stopped. */
static int stop_signals(void *arg)
{
    (void)arg;
    handle(SIGURG, SA_RESTART | SA_ONSTACK);
    for (int i = 0; i < 4; i++)
        signals[i] = i < 3 ? SIGRTMIN + STOP_SIGNAL_ABOVE_RTMIN : SIGURG;
    /* Before the runtime is up the signal would end us. */
    signal(SIGRTMIN + STOP_SIGNAL_ABOVE_RTMIN, SIG_IGN);
    return under_storm(STORM * (int)fault_effort());
}

Test(signals, the_runtimes_own_signal_sent_by_others_does_nothing)
{
    must_be_right(stop_signals, NULL);
}

/* --- threads without a goroutine --- */

static void *gets_signals(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++) {
        raise(SIGPROF);
        raise(SIGRTMIN + STOP_SIGNAL_ABOVE_RTMIN);
    }
    return NULL;
}

static int on_a_foreign_thread(void *arg)
{
    pthread_t t;
    (void)arg;
    if (pthread_create(&t, NULL, gets_signals, NULL) != 0)
        return 1;
    for (int i = 0; i < 50; i++) {
        rt_set_procs(2 + i % 2);
        rt_yield();
    }
    rt_enter_blocking();
    pthread_join(t, NULL);
    rt_exit_blocking();
    return atomic_load(&caught) == 1000 ? MIXED_RIGHT : MIXED_WRONG;
}

static int with_a_foreign_thread(void *arg)
{
    struct rt_config config = {.procs = 2};
    handle(SIGPROF, SA_RESTART | SA_ONSTACK);
    return rt_main(&config, on_a_foreign_thread, arg);
}

Test(signals, on_threads_that_run_no_goroutine_are_harmless)
{
    must_be_right(with_a_foreign_thread, NULL);
}

/* The kernel's own clock of CPU time, as a profiler sets it, hits whatever thread runs: also the runtime's idle ones.
 */
static int profiled(void *arg)
{
    struct itimerval every = {{0, 1000}, {0, 1000}};
    struct mixed how = {.procs = 2, .rounds = 10 * (int)fault_effort()};
    (void)arg;
    handle(SIGPROF, SA_RESTART | SA_ONSTACK);
    setitimer(ITIMER_PROF, &every, NULL);
    return mixed_run(&how);
}

Test(signals, of_a_profiling_timer_leave_all_right)
{
    must_be_right(profiled, NULL);
}

/* --- exec --- */

static _Atomic(int) ended_well;

/* Children start while SIGPROF rains on their parent: they inherit neither timer nor handler. */
static int starts_children(void *arg)
{
    (void)arg;
    for (int i = 0; i < 40; i++) {
        int status = 0;
        pid_t pid = fork();
        if (pid == 0) {
            execl("/bin/sh", "sh", "-c", ":", (char *)NULL);
            _exit(99);
        }
        rt_enter_blocking();
        pid_t got = waitpid(pid, &status, 0);
        rt_exit_blocking();
        if (pid > 0 && got == pid && status == 0)
            atomic_fetch_add(&ended_well, 1);
        rt_yield();
    }
    return atomic_load(&ended_well) == 40 ? MIXED_RIGHT : MIXED_WRONG;
}

static int starts_children_in_a_storm(void *arg)
{
    struct rt_config config = {.procs = 2};
    struct itimerval every = {{0, 1000}, {0, 1000}};
    (void)arg;
    for (int i = 0; i < 4; i++)
        handle(signals[i] = i % 2 ? SIGURG : SIGPROF, SA_RESTART | SA_ONSTACK);
    setitimer(ITIMER_PROF, &every, NULL);
    start_sender(STORM * 100); /* more than there is time for */
    int result = rt_main(&config, starts_children, NULL);
    kill(sender, SIGKILL);
    (void)waitpid(sender, NULL, 0);
    return result;
}

Test(signals, in_a_storm_children_are_started_and_end_well)
{
    must_be_right(starts_children_in_a_storm, NULL);
}

/* The program replaces itself while its world stops over and over, as rt.h says how: signals under way do not end what
 * comes after. */
static void stops_the_world(void *arg)
{
    (void)arg;
    for (int n = 2;; n = 5 - n)
        rt_set_procs(n);
}

static int replaces_itself(void *arg)
{
    (void)arg;
    rt_go(stops_the_world, NULL);
    for (int i = 0; i < 100; i++)
        rt_yield();
    signal(SIGRTMIN + STOP_SIGNAL_ABOVE_RTMIN, SIG_IGN);
    rt_enter_blocking();
    execl("/bin/sh", "sh", "-c", "exit 5", (char *)NULL);
    return 99;
}

static int on_two(void *arg)
{
    struct rt_config config = {.procs = 2};
    return rt_main(&config, replaces_itself, arg);
}

Test(signals, while_the_world_stops_a_program_may_replace_itself)
{
    for (long i = 20 * fault_effort(); i > 0; i--) {
        fault_run(&nothing_fails, on_two, NULL, &report);
        cr_assert_eq(report.status, 5, "status %d: %s", report.status, report.said);
    }
}

/* --- an overflow inside a handler --- */

static int deep(volatile char *above, int n)
{
    volatile char room[512];
    for (size_t i = 0; i < sizeof room; i++)
        room[i] = above[0];
    return n == 0 ? room[0] : deep(room, n - 1) + 1;
}

static void digs(int signo)
{
    char zero = 0;
    (void)signo;
    (void)deep(&zero, 1 << 16);
}

static void raises(void *arg)
{
    (void)arg;
    raise(SIGUSR2);
}

static int overflows(void *arg)
{
    struct rt_go_attr attr = {.name = "digger"};
    (void)arg;
    rt_go_attr(&attr, raises, NULL);
    while (atomic_load(&caught) == 0) /* for ever: nothing counts here */
        rt_yield();
    return MIXED_WRONG;
}

static int overflows_in_a_handler(void *flags)
{
    struct rt_config config = {.procs = 1};
    struct sigaction act = {.sa_handler = digs, .sa_flags = *(int *)flags};
    sigemptyset(&act.sa_mask);
    sigaction(SIGUSR2, &act, NULL);
    return rt_main(&config, overflows, NULL);
}

Test(signals, a_handler_that_overflows_a_goroutines_stack_is_reported)
{
    int flags = 0;
    fault_run(&nothing_fails, overflows_in_a_handler, &flags, &report);
    cr_assert_eq(report.status, 2, "status %d: %s", report.status, report.said);
    cr_assert_not_null(strstr(report.said, "fatal: stack overflow"), "%s", report.said);
    cr_assert_not_null(strstr(report.said, "digger"), "%s", report.said);
}

Test(signals, a_handler_that_overflows_the_signal_stack_damages_nothing)
{
    int flags = SA_ONSTACK;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    test_skip("the sanitizer reports it in its own way");
#endif
    fault_run(&nothing_fails, overflows_in_a_handler, &flags, &report);
    cr_assert_not(report.hung);
    cr_assert_eq(report.status, 128 + SIGSEGV, "status %d: %s", report.status, report.said);
}
