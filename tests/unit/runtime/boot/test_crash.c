#include "test.h"

#include <signal.h>
#include <unistd.h>

#include "boot/crash.h"

static void ours(int signo)
{
    (void)signo;
}

Test(crash, a_programs_own_sigpipe_handler_stays)
{
    struct sigaction act;
    signal(SIGPIPE, ours);
    rti_crash_install();
    sigaction(SIGPIPE, NULL, &act);
    cr_assert(act.sa_handler == ours);
}

static void plain(void)
{
    signal(SIGSEGV, SIG_DFL);
    rti_crash_install();
    rti_crash_install(); /* once is enough */
}

Test(crash, a_fault_outside_goroutines_takes_its_usual_course, .init = plain, .signal = SIGSEGV)
{
    raise(SIGSEGV);
    int *volatile nowhere = (int *)(uintptr_t)8; /* volatile: the compiler must not see where it points */
    *nowhere = 1;
}

static void says_so(int signo)
{
    _exit(40 + signo); /* async-signal-safe, and it shows that this very handler ran */
}

static void handled(void)
{
    signal(SIGSEGV, says_so);
    rti_crash_install();
}

Test(crash, an_earlier_handler_without_siginfo_is_called, .init = handled, .exit_code = 40 + SIGSEGV)
{
    int *volatile nowhere = (int *)(uintptr_t)8;
    *nowhere = 1;
}
