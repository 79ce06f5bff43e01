#include "sched/preempt.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "arch/sigframe.h"
#include "arch/ucontext.h"
#include "base/clock.h"
#include "base/debugvars.h"
#include "base/peek.h"
#include "proc/g.h"
#include "proc/p.h"
#include "sched/round.h"
#include "sched/safepoint.h"
#include "sched/stopworld.h"
#include <rt/check.h>

enum { SIGNAL_ABOVE_RTMIN = 5, RED_ZONE = 128, PRESS_AGAIN_NS = 1000000 };
enum { FROZEN_NAPS = 1000, FROZEN_NAP_NS = 1000000, FREEZE_NAP_NS = 20000 };
enum { REFUSED_MAX = 1000 }; /* signals in a row that the kernel would not take: more than a second of trying */
/* What the scheduler may need of a stack below the frame: a round, sanitized and unoptimised too. */
enum { ROUND_BYTES = 4096 };

/* The linker's names for the ends of the section that RT_PREEMPTIBLE puts functions into; NULL if there is none. */
extern const char section_start[] __asm__("__start_rt_preemptible");
extern const char section_stop[] __asm__("__stop_rt_preemptible");
#pragma weak section_start
#pragma weak section_stop

static _Atomic(bool) may_switch;            /* written at boot, read by handlers and sysmon */
static struct rti_sigframe_control control; /* the process's; written at boot, read by handlers */

void rti_preempt_ask_locked(struct p *p, enum rti_preempt why)
{
    struct m *m = load_rlx(&p->m);
    rti_safepoint_ask_locked(p, (uint32_t)why);
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
    if (!rti_preempt_is_between(m, sp))
        return;
    if (load_rlx(&m->critical) > 0)
        store_rlx(&m->stop_pending, 1);
    else
        rti_stopworld_pause_sig(m, sp - RED_ZONE, context);
}

/* --- where a process dies --- */

static struct {
    _Atomic(uint32_t) on, came; /* came: handlers that wait, or have waited */
} freeze;

static void nap(long ns)
{
    struct timespec t = {.tv_nsec = ns};
    nanosleep(&t, NULL);
}

static void freeze_here_sig(struct m *m, const void *context)
{
    struct g *g = m->curg;
    uintptr_t sp = rti_ucontext_sp(context);
    if (g && sp >= (uintptr_t)g->stack_lo && sp < (uintptr_t)rti_g_stack_hi(g))
        store_rel(&m->frozen, (uintptr_t)context); /* pairs with load_acq in context_of (observe/shot.c) */
    add_seq(&freeze.came, 1);                      /* pairs with load_acq in rti_preempt_freeze */
    for (int i = 0; i < FROZEN_NAPS && load_acq(&freeze.on); i++) /* pairs with store_rel in rti_preempt_thaw */
        nap(FROZEN_NAP_NS);
    store_rlx(&m->frozen, 0);
}

static bool runs(const struct m *m)
{
    const struct g *g = rti_peek_pointer(&m->curg);
    return g && m != rti_m_self() && load_acq(&((struct m *)(uintptr_t)m)->reach) && rti_g_state(g) == RTI_G_RUNNING;
}

bool rti_preempt_freeze(int64_t patience_ns)
{
    uint32_t sent = 0;
    store_rlx(&freeze.came, 0);
    xchg_acq_rel(&freeze.on, 1); /* pairs with load_acq in on_stop_sig */
    for (struct m *m = rti_peek_pointer(&rti_world.all_m); m; m = rti_peek_pointer(&m->all_next))
        if (runs(m))
            sent += syscall(SYS_tgkill, getpid(), load_acq(&m->reach), rti_preempt_signal()) == 0;
    int64_t end = rti_clock_monotonic() + patience_ns;
    while (load_acq(&freeze.came) < sent && rti_clock_monotonic() < end) /* pairs with add in freeze_here_sig */
        nap(FREEZE_NAP_NS);
    if (sent == 0)
        rti_preempt_thaw();
    return sent > 0;
}

void rti_preempt_thaw(void)
{
    store_rel(&freeze.on, 0); /* pairs with load_acq in freeze_here_sig */
}

/* --- switching --- */

/* Where a goroutine's errno is, is its thread's affair: in functions of their own, so that no address is kept. */
static NOINLINE int read_errno(void)
{
    return errno;
}

static NOINLINE void write_errno(int value)
{
    errno = value;
}

/* On the goroutine's stack, called as it were by the instruction that the signal interrupted. */
static void give_way(void)
{
    struct m *m = rti_m_self();
    uint32_t depth = load_rlx(&m->section);
    int kept = read_errno();
    store_rlx(&m->section, 0); /* of whoever runs meanwhile */
    rti_round_yield();
    write_errno(kept);
    store_rlx(&rti_m_self()->section, depth); /* perhaps another M */
}

/* Somebody asked, curg says that it may be switched away, and it is where that is so. */
static bool may_switch_here(struct m *m, const void *context)
{
    uintptr_t sp = rti_ucontext_sp(context), pc = rti_ucontext_pc(context);
    if (!load_rlx(&may_switch) || load_rlx(&m->section) == 0 || load_rlx(&m->critical) > 0 ||
        !rti_preempt_is_between(m, sp))
        return false;
    if (!(load_rlx(&m->p->preempt) & ~(uint32_t)RTI_PREEMPT_POINT))
        return false;
    if (pc < (uintptr_t)section_start || pc >= (uintptr_t)section_stop)
        return false;
    return sp - (uintptr_t)m->curg->stack_lo >= rti_sigframe_room(context) + ROUND_BYTES;
}

static void on_stop_sig(int signo, siginfo_t *info, void *context)
{
    int kept = errno;
    struct m *m = rti_m_self();
    (void)signo, (void)info;
    if (m && UNLIKELY(load_acq(&freeze.on))) { /* pairs with the exchange in rti_preempt_freeze */
        freeze_here_sig(m, context);
    } else if (m) {
        store_rlx(&m->poked, 0);
        if (rti_stopworld_wanted())
            stop_here_sig(m, context);
        else if (may_switch_here(m, context))
            rti_sigframe_divert(context, &control, give_way);
    }
    errno = kept;
}

void rti_preempt_install(void)
{
    static _Atomic(uint32_t) done;
    store_rlx(&may_switch, rti_sigframe_can_divert() && !rti_debugvars.seed);
    rti_sigframe_control(&control);
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

/* A hint: whether m's goroutine is in a section may change at any time. */
static bool press(struct m *m, bool again)
{
    bool inside = load_rlx(&may_switch) && load_rlx(&m->section) > 0;
    if (inside)
        rti_preempt_poke(m, again);
    return inside;
}

void rti_preempt_press(struct p *p, int64_t now)
{
    struct m *m = load_acq(&p->m); /* pairs with bind_locked */
    uint32_t tick = load_rlx(&p->tick);
    bool fresh = tick != p->seen.poke_tick || now - p->seen.poke_ns >= PRESS_AGAIN_NS;
    if (!m || !fresh || !press(m, true))
        return;
    p->seen.poke_tick = tick;
    p->seen.poke_ns = now;
}

void rti_preempt_press_all(void)
{
    uint32_t ps = rti_world_ps();
    for (uint32_t i = 0; i < ps; i++) {
        struct m *m = load_acq(&rti_world.allp[i]->m); /* pairs with bind_locked */
        if (m)
            press(m, true);
    }
}

NOINLINE void rti_preempt_pending(struct m *m)
{
    uintptr_t sp = (uintptr_t)__builtin_frame_address(0) - RED_ZONE;
    store_rlx(&m->stop_pending, 0);
    if (rti_preempt_is_between(m, sp)) /* else in a longer section of another kind: the signal will come again */
        rti_stopworld_pause_sig(m, sp, NULL);
}
