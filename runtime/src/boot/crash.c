#include "boot/crash.h"

#include <signal.h>
#include <stddef.h>

#include "base/pages.h"
#include "base/print.h"
#include "boot/fork.h"
#include "observe/fatal.h"
#include "proc/g.h"
#include "proc/m.h"
#include "proc/world.h"
#include "sched/overflow.h"
#include "sched/seeded.h"

static struct sigaction old_segv, old_bus; /* written once, before the handlers can run */

/* A guard page of ours was hit by g: on its own stack, or by a frame so large that it jumped to the neighbour's. */
static bool is_overflow(const struct g *g, const char *at)
{
    struct rti_stack s;
    if (!g->stack_lo || !rti_stackpool_find(&rti_world.stacks, at, &s))
        return false;
    return at < s.lo && (s.lo == g->stack_lo || rti_stackpool_adjacent(&rti_world.stacks, s.hi, g->stack_lo));
}

static void restore_and_return(int signo, siginfo_t *info, void *context)
{
    struct sigaction *old = signo == SIGSEGV ? &old_segv : &old_bus;
    if (old->sa_flags & SA_SIGINFO)
        old->sa_sigaction(signo, info, context); /* a sanitizer's report */
    else if (old->sa_handler != SIG_DFL && old->sa_handler != SIG_IGN)
        old->sa_handler(signo);
    signal(signo, SIG_DFL); /* the faulting instruction runs again and ends the process */
}

/* The guard of the signal stack, which is at its low end. */
static bool is_signal_stack(const struct m *m, const char *at)
{
    const char *lo = m->sigstack.at;
    return lo && at >= lo && at < lo + RTI_PAGE;
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
    struct m *m = rti_m_self();
    struct g *g = m ? m->curg : NULL;
    if (g && info->si_code > 0 && is_overflow(g, info->si_addr)) {
        rti_overflow_tell(g, info->si_addr);
        rti_fatal_overflow(context);
    }
    if (g) {
        rti_print_text("fatal: %s at address %p in goroutine %lu %s\n", signo == SIGSEGV ? "SIGSEGV" : "SIGBUS",
                       info->si_addr, (unsigned long)g->id, g->name ? g->name : "");
        rti_fatal_fault(context);
        rti_seeded_print_replay();
    }
    if (m && is_signal_stack(m, info->si_addr))
        rti_print_text("fatal: overflow of the signal stack of %zu bytes: a handler with SA_ONSTACK wants more\n",
                       m->sigstack.bytes - RTI_PAGE);
    if (rti_fork_is_child())
        rti_print_text("fatal: %s at address %p in a forked child, where only exec or _exit may follow\n",
                       signo == SIGSEGV ? "SIGSEGV" : "SIGBUS", info->si_addr);
    restore_and_return(signo, info, context);
}

/* As in Go: every goroutine, and status 2. Without a runtime the signal takes its usual course. */
static void on_quit(int signo, siginfo_t *info, void *context)
{
    if (load_acq(&rti_world.procs) > 0) /* pairs with make_ps */
        rti_fatal_quit(info->si_code, context);
    signal(signo, SIG_DFL);
    raise(signo);
}

/* Not if the program handles it. An inherited SIG_IGN (a shell's background job) does not count, as in Go. */
static void install_quit(void)
{
    struct sigaction act = {.sa_sigaction = on_quit, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART}, now;
    sigemptyset(&act.sa_mask);
    if (sigaction(SIGQUIT, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
        (now.sa_handler == SIG_DFL || now.sa_handler == SIG_IGN))
        sigaction(SIGQUIT, &act, NULL);
}

void rti_crash_install(void)
{
    static _Atomic(uint32_t) done;
    if (xchg_acq_rel(&done, 1)) /* pairs with itself */
        return;
    struct sigaction act = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&act.sa_mask);
    sigaction(SIGSEGV, &act, &old_segv);
    sigaction(SIGBUS, &act, &old_bus);
    install_quit();
    struct sigaction pipe_now;
    if (sigaction(SIGPIPE, NULL, &pipe_now) == 0 && pipe_now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}
