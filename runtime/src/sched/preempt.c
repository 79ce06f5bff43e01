#include "sched/preempt.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/ucontext.h"
#include "proc/g.h"
#include "proc/p.h"
#include "sched/stopworld.h"
#include <rt/check.h>

enum { SIGNAL_ABOVE_RTMIN = 5, RED_ZONE = 128 };
enum { REFUSED_MAX = 1000 }; /* signals in a row that the kernel would not take: more than a second of trying */

void rti_preempt_ask_locked(struct p *p, enum rti_preempt why)
{
    struct m *m = load_rlx(&p->m);
    or_rlx(&p->preempt, (uint32_t)why);
    if (m)
        store_rlx(&m->taken, 1);
}

int rti_preempt_signal(void)
{
    return SIGRTMIN + SIGNAL_ABOVE_RTMIN;
}

bool rti_preempt_is_between(struct m *m, uintptr_t sp)
{
    struct g *g = m->curg;
    if (!g || m->finish != RTI_FINISH_NONE || (load_rlx(&m->call) & 1) || rti_lock_depth() > 0)
        return false;
    return sp >= (uintptr_t)g->stack_lo && sp < (uintptr_t)rti_g_stack_hi(g);
}

static void stop_here_sig(struct m *m, const void *context)
{
    uintptr_t sp = rti_ucontext_sp(context);
    store_rlx(&m->poked, 0);
    if (!rti_stopworld_wanted() || !rti_preempt_is_between(m, sp))
        return;
    if (load_rlx(&m->critical) > 0)
        store_rlx(&m->stop_pending, 1);
    else
        rti_stopworld_pause_sig(m, sp - RED_ZONE, context);
}

static void on_stop_sig(int signo, siginfo_t *info, void *context)
{
    int kept = errno;
    struct m *m = rti_m_self();
    (void)signo, (void)info;
    if (m)
        stop_here_sig(m, context);
    errno = kept;
}

void rti_preempt_install(void)
{
    static _Atomic(uint32_t) done;
    if (xchg_acq_rel(&done, 1)) /* pairs with itself */
        return;
    struct sigaction act = {.sa_sigaction = on_stop_sig, .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigemptyset(&act.sa_mask);
    if (sigaction(rti_preempt_signal(), &act, NULL) != 0)
        rt_throw("sigaction of the stop signal failed (errno %d)", errno);
}

void rti_preempt_thread(struct m *m)
{
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, rti_preempt_signal());
    pthread_sigmask(SIG_UNBLOCK, &ours, NULL);
    store_rel(&m->reach, (int32_t)syscall(SYS_gettid)); /* pairs with load_acq in poke */
}

void rti_preempt_poke(struct m *m, bool again)
{
    int32_t tid = load_acq(&m->reach); /* pairs with store_rel in rti_preempt_thread */
    if (tid == 0 || (load_rlx(&m->poked) && !again))
        return;
    store_rlx(&m->poked, 1);
    if (syscall(SYS_tgkill, getpid(), tid, rti_preempt_signal()) == 0) {
        m->refused = 0;
        return;
    }
    store_rlx(&m->poked, 0);
    if (errno == ESRCH) /* m has lost its P since we looked, and its thread has ended */
        return;
    /* The user's queue of signals is full (RLIMIT_SIGPENDING), which passes unless somebody fills it all the time. */
    if (errno != EAGAIN || ++m->refused == REFUSED_MAX)
        rt_throw("cannot stop a thread: tgkill failed (errno %d)", errno);
}

NOINLINE void rti_preempt_pending(struct m *m)
{
    uintptr_t sp = (uintptr_t)__builtin_frame_address(0) - RED_ZONE;
    store_rlx(&m->stop_pending, 0);
    if (rti_preempt_is_between(m, sp)) /* else in a longer section of another kind: the signal will come again */
        rti_stopworld_pause_sig(m, sp, NULL);
}
