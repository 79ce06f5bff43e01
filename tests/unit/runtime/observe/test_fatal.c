#include "child.h"

#include <stdatomic.h>

#include <rt/attr.h>
#include <rt/chan.h>
#include <rt/check.h>
#include <rt/debug.h>
#include <rt/rt.h>
#include <rt/time.h>

#define STAY() __asm__ volatile("")

static const struct rt_config config = {.procs = 2};
static struct rt_chan *never;

static void receiver(void *arg)
{
    int v;
    (void)arg;
    (void)!rt_recv(never, &v);
    STAY();
}

static void start_receiver(void)
{
    static char text[8192];
    never = rt_chan_new(sizeof(int), 0);
    rt_go(receiver, NULL);
    do {
        rt_yield();
        rt_stack(text, sizeof text, true);
    } while (!strstr(text, "goroutine 2 [chan receive]:\n"));
}

static NOINLINE void go_wrong(void)
{
    rt_throw("on purpose");
}

static int throws(void *arg)
{
    (void)arg;
    start_receiver();
    go_wrong();
    STAY();
    return 0;
}

static int throw_with(const char *mode)
{
    setenv("GOTRACEBACK", mode, 1);
    int status = child_run(&config, throws, NULL);
    cr_assert_eq(strncmp(child_said, "fatal error: on purpose\n\n", 25), 0, "%s", child_said);
    return status;
}

static bool said(const char *what)
{
    return strstr(child_said, what) != NULL;
}

Test(fatal, gotraceback_says_how_much)
{
    cr_assert_eq(throw_with("none"), 2);
    cr_assert_str_eq(child_said, "fatal error: on purpose\n\n");
    static const char *const modes[] = {"single", "all", "1", "", "unheard of"};
    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        cr_assert_eq(throw_with(modes[i]), 2);
        cr_assert(said("\ngoroutine 1 [running, \"main\"]:\nrt_throw(...)\n"), "%s", child_said);
        cr_assert(said("\ngo_wrong(...)\n") && said("\n\ngoroutine 2 [chan receive]:\nrt_recv(...)\n"), "%s",
                  child_said);
        cr_assert(!said("rti_"), "%s", child_said);
    }
    cr_assert_eq(throw_with("system"), 2);
    cr_assert(said("\nrti_"), "%s", child_said); /* which of them have a frame is the optimiser's choice */
    cr_assert_eq(throw_with("crash"), 128 + SIGABRT);
    cr_assert(said("\nrti_") && said("goroutine 2"), "%s", child_said);
}

static int quits(void *arg)
{
    (void)arg;
    start_receiver();
    raise(SIGQUIT);
    return 0;
}

Test(fatal, sigquit_prints_every_goroutine_and_ends_with_status_2)
{
    cr_assert_eq(child_run(&config, quits, NULL), 2);
    cr_assert_eq(strncmp(child_said, "SIGQUIT: quit\nPC=0x", 19), 0, "%s", child_said);
    cr_assert(said("\n\ngoroutine 1 [running, \"main\"]:\n"), "%s", child_said);
    cr_assert(said("\n\ngoroutine 2 [chan receive]:\nrt_recv(...)\n"), "%s", child_said);
    setenv("GOTRACEBACK", "none", 1);
    cr_assert_eq(child_run(&config, quits, NULL), 2);
    cr_assert(!said("goroutine"), "%s", child_said);
}

static _Atomic(bool) spins;

static NOINLINE bool never_true(void)
{
    return !atomic_load(&spins);
}

/* It calls something, or it had no frame of its own and its caller's would be missing. */
static NOINLINE void spin_here(void)
{
    atomic_store(&spins, true);
    while (!never_true())
        STAY();
}

static void spinner(void *arg)
{
    (void)arg;
    spin_here();
    STAY();
}

static int quits_beside_a_spinner(void *arg)
{
    rt_go(spinner, arg);
    while (!atomic_load(&spins))
        rt_yield();
    raise(SIGQUIT);
    return 0;
}

static int throws_beside_a_spinner(void *arg)
{
    rt_go(spinner, arg);
    while (!atomic_load(&spins))
        rt_yield();
    go_wrong();
    STAY();
    return 0;
}

/* Mostly: on a busy machine the other thread may come too late for a process that dies. */
static bool shows_spinner(int (*app)(void *arg))
{
    enum { TRIES = 200 };
    for (int i = 0; i < TRIES; i++) {
        cr_assert_eq(child_run(&config, app, NULL), 2, "%s", child_said);
        cr_assert(said("\n\ngoroutine 2 [running]:\n"), "%s", child_said);
        if (said("\nspinner(...)\n\t/"))
            return true;
    }
    return false;
}

Test(fatal, who_runs_on_another_thread_is_shown_where_it_is, .timeout = 120)
{
    cr_assert(shows_spinner(quits_beside_a_spinner), "%s", child_said);
    cr_assert(shows_spinner(throws_beside_a_spinner), "%s", child_said);
}

static int waits(void *arg)
{
    (void)arg;
    start_receiver();
    fputs("up\n", stderr);
    for (;;)
        rt_sleep(1000000);
    return 0;
}

Test(fatal, sigquit_from_outside_too)
{
    child_start(&config, waits, NULL);
    while (!said("up\n"))
        cr_assert(child_listen());
    cr_assert_eq(kill(child_pid, SIGQUIT), 0);
    cr_assert_eq(child_end(), 2);
    cr_assert(said("SIGQUIT: quit\n") && said("goroutine 1 [") && said("\n\ngoroutine 2 [chan receive]:\n"), "%s",
              child_said);
}

static void on_quit(int signo)
{
    (void)signo;
    _exit(write(STDERR_FILENO, "mine", 4) == 4 ? 33 : 34);
}

Test(fatal, a_programs_own_sigquit_handler_stays)
{
    cr_assert(signal(SIGQUIT, on_quit) != SIG_ERR);
    cr_assert_eq(child_run(&config, quits, NULL), 33);
    cr_assert_str_eq(child_said, "mine");
}

Test(fatal, an_inherited_ignore_of_sigquit_does_not_count)
{
    cr_assert(signal(SIGQUIT, SIG_IGN) != SIG_ERR);
    cr_assert_eq(child_run(&config, quits, NULL), 2);
}

static int comes_back(void *arg)
{
    return arg != NULL;
}

Test(fatal, without_a_runtime_sigquit_takes_its_course, .signal = SIGQUIT)
{
    cr_assert_eq(rt_main(&config, comes_back, NULL), 0);
    raise(SIGQUIT);
}

static NOINLINE void touch_nowhere(void)
{
    int *volatile nowhere = (int *)(uintptr_t)8; /* volatile: the compiler must not see where it points */
    *nowhere = 1;
    STAY();
}

static int faults(void *arg)
{
    (void)arg;
    start_receiver();
    touch_nowhere();
    STAY();
    return 0;
}

Test(fatal, a_fault_shows_its_goroutine_and_all_if_asked)
{
    cr_assert_neq(child_run(&config, faults, NULL), 0);
    cr_assert(said("fatal: SIGSEGV at address 0x8 in goroutine 1 main\n\ngoroutine 1 [running, "
                   "\"main\"]:\ntouch_nowhere(...)\n"),
              "%s", child_said);
    cr_assert(said("\nfaults(...)\n") && !said("goroutine 2"), "%s", child_said);
    setenv("GOTRACEBACK", "all", 1);
    cr_assert_neq(child_run(&config, faults, NULL), 0);
    cr_assert(said("goroutine 2 [chan receive]"), "%s", child_said);
}

static void throw_too(void *arg)
{
    (void)arg;
    rt_throw("the other");
}

static int both_throw(void *arg)
{
    rt_go(throw_too, arg);
    rt_throw("the one");
    return 0;
}

Test(fatal, of_two_threads_that_die_at_once_one_reports_to_the_end)
{
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(child_run(&config, both_throw, NULL), 2);
        cr_assert(said("fatal error: the o") && said("goroutine 1 [running, \"main\"]:\n"), "%s", child_said);
        cr_assert_eq(child_said[child_len - 1], '\n', "%s", child_said);
    }
}
