#include "sched/findwork.h"

#include <sched.h>

#include "base/clock.h"
#include "base/cpu.h"
#include "base/debugvars.h"
#include "base/probe.h"
#include "proc/g.h"
#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/deadlock.h"
#include "sched/handoff.h"
#include "sched/locked.h"
#include "sched/netpoll.h"
#include "sched/resize.h"
#include "sched/safepoint.h"
#include "sched/seeded.h"
#include "sched/stopworld.h"
#include "sched/thrift.h"
#include "sched/timers.h"
#include "sched/wake.h"
#include <rt/check.h>

enum { GLOBAL_EVERY = 61, TIMERS_EVERY = 8, STEAL_PASSES = 4 };
enum { NEXT_BACKOFF_NS = 3000 };

static _Atomic(uintptr_t) idle_source; /* set at boot (rel), called by Ms (acq) */

void rti_findwork_set_idle_source(struct g *(*fn)(void))
{
    store_rel(&idle_source, (uintptr_t)fn); /* pairs with load_acq in ask_idle_source */
}

static struct g *g_of(struct rti_qnode *n)
{
    return (struct g *)n; /* link is the first member */
}

/* A share of the global queue: the first to run, the others into p's ring, which has room. */
static struct g *take_global_locked(struct p *p)
{
    uint32_t n = rti_world.runq.len / load_rlx(&rti_world.procs) + 1;
    uint32_t have = rti_runq_len(&p->runq);
    uint32_t half = rti_runq_room(&p->runq) / 2;
    uint32_t room = have < half ? half - have : 0;
    struct rti_gqueue none = {0};
    struct rti_qnode *first = rti_gqueue_pop(&rti_world.runq);
    n = n < room + 1 ? n : room + 1;
    for (struct rti_qnode *q; n > 1 && (q = rti_gqueue_pop(&rti_world.runq)); n--)
        CHECK(rti_runq_put(&p->runq, q, &none));
    store_rlx(&rti_world.runq_len, rti_world.runq.len);
    return g_of(first);
}

NOINLINE struct g *rti_findwork_global(struct p *p)
{
    rti_lock_acquire(&rti_world.lock);
    struct g *g = take_global_locked(p);
    rti_lock_release(&rti_world.lock);
    if (g)
        rti_findwork_new_slice(p);
    return g;
}

/* Out of the ordinary: the world wants something, or a switch changes the order. *found: this is the answer. */
NOINLINE struct g *rti_findwork_oddly(struct p *p, bool *found)
{
    *found = true;
    if (load_rlx(&rti_world.attention))
        return NULL;
    struct m *m = load_rlx(&p->m);
    if (rti_debugvars.seed)
        return rti_seeded_fast(m);
    *found = rti_debugvars.stealfirst && m->curg; /* the system stack looks at the others first */
    return NULL;
}

/* Now and then: are timers due, has the global queue its turn? */
NOINLINE struct g *rti_findwork_seldom(struct p *p)
{
    struct g *g = NULL;
    p->until_timers -= p->look_span;
    p->until_global -= p->look_span;
    if (p->until_timers == 0) {
        p->until_timers = TIMERS_EVERY;
        p->due = rti_timers_due(p) || rti_resize_is_surplus(p);
    }
    if (p->until_global == 0 && !p->due) {
        p->until_global = GLOBAL_EVERY;
        g = load_rlx(&rti_world.runq_len) ? rti_findwork_global(p) : NULL;
    }
    if (p->until_global == 0) /* timers go before it: at the next pick */
        p->until_global = 1;
    p->look_span = p->until_timers < p->until_global ? p->until_timers : p->until_global;
    p->until_look = p->look_span;
    return g;
}

/* A running owner is about to run its runnext; tearing a pair that readies each other apart costs more than it gains.
 * So it gets 3 us to do so. */
static struct g *steal_next(struct p *from)
{
    if (!load_rlx(&from->runq.next))
        return NULL;
    if (load_rlx(&from->state) == RTI_P_RUNNING)
        for (int64_t end = rti_clock_monotonic() + NEXT_BACKOFF_NS; rti_clock_monotonic() < end;)
            rti_cpu_pause();
    return g_of(rti_runq_steal_next(&from->runq));
}

static struct g *steal_from(struct m *m, struct p *from, bool last)
{
    if (last && rti_timers_run(from)) {
        struct g *g = rti_findwork_local(m->p); /* what a timer made ready is in our own queue */
        if (g)
            return g;
    }
    rti_p_count(&m->p->count.steal_tries);
    struct g *g = g_of(rti_runq_steal(&m->p->runq, &from->runq));
    if (!g && last)
        g = steal_next(from);
    if (!g)
        return NULL;
    rti_p_count(&m->p->count.steals);
    rti_thrift_stole(m->p, from);
    RTI_PROBE3(steal, g->id, m->p->id, from->id);
    return g;
}

static struct g *steal(struct m *m)
{
    uint32_t procs = rti_world_ps();
    uint32_t busy = procs - load_rlx(&rti_world.idle_ps);
    if (procs == 1)
        return NULL;
    /* At most half of the busy Ps' worth of thieves: more only get in each other's way. */
    if (!m->spinning && 2 * rti_thrift_spinners() >= busy)
        return NULL;
    if (!m->spinning)
        rti_wake_spin(m);
    for (int pass = 0; pass < STEAL_PASSES; pass++) {
        uint32_t start = rti_rand_below(&m->p->rand, procs);
        for (uint32_t i = 0; i < procs; i++) {
            struct p *from = rti_world.allp[(start + i) % procs];
            if (from == m->p)
                continue;
            struct g *g = steal_from(m, from, pass == STEAL_PASSES - 1);
            if (g)
                return g;
            if (load_rlx(&rti_world.attention))
                return NULL;
        }
    }
    return NULL;
}

static struct g *ask_idle_source(void)
{
    struct g *(*fn)(void) = (struct g * (*)(void)) load_acq(&idle_source); /* pairs with set_idle_source */
    return fn ? fn() : NULL;
}

/* With one of the switches that change the order; see HACKING.md. */
static struct g *look_oddly(struct m *m)
{
    struct g *g = NULL;
    if (rti_debugvars.alwaysmigrate)
        sched_yield(); /* so that another thread has a chance to take what this one just gave away */
    if (rti_debugvars.stealfirst && rti_runq_len(&m->p->runq) <= rti_runq_room(&m->p->runq) / 2)
        g = steal(m);
    return g;
}

/* With GODEBUG=seed: what the seed picks, and for want of it the clock moves to the next deadline. */
static struct g *look_seeded(struct m *m)
{
    struct g *g;
    do {
        if ((g = rti_seeded_look(m)) || (g = ask_idle_source()))
            return g;
    } while (rti_seeded_jump());
    return NULL;
}

/* One pass over everything, without giving the P up. Each step one line, cheapest and fairest first. */
static struct g *look(struct m *m)
{
    struct p *p = m->p;
    struct g *g;
    if (UNLIKELY(rti_debugvars.seed))
        return look_seeded(m);
    if (UNLIKELY(rti_world.odd) && (g = look_oddly(m)))
        return g;
    do { /* again if a timer became due while we looked: then our queue was not looked at */
        p->due = false;
        rti_timers_run(p);        /* due before others' work: lateness is what people measure */
        g = rti_findwork_fast(p); /* own queue; every 61st time, or for want of that, the global one */
    } while (!g && p->due);
    if (g || load_rlx(&rti_world.attention)) /* that makes the fast look come back without looking, too */
        return g;
    if ((g = rti_netpoll_look(m))) /* descriptors, without waiting */
        return g;
    if (!rti_thrift_refuses(p) && (g = steal(m))) /* half of somebody's queue; at last timers and runnext */
        return g;
    return ask_idle_source(); /* what the collector would like to have done */
}

bool rti_findwork_visible(void)
{
    if (load_rlx(&rti_world.runq_len))
        return true;
    uint32_t ps = rti_world_ps();
    for (uint32_t i = 0; i < ps; i++)
        if (!rti_runq_is_empty(&rti_world.allp[i]->runq))
            return true;
    return false;
}

/* m was woken: with a P, because the world stops, to end (sched/thread.h), or as a helper (sched/handoff.h). False: it
 * must sleep again. */
static bool is_awake(struct m *m)
{
    rti_note_clear(&m->note);
    m->listed = false;
    m->ending = m->left;
    return m->p || m->ending || load_rlx(&rti_world.stopping) || rti_handoff_help(m);
}

/* Work came while m went idle: takes a P back. True when m holds one (perhaps because somebody chose m meanwhile). */
static bool regain(struct m *m, bool poller)
{
    rti_lock_acquire(&rti_world.lock);
    if (!poller && !rti_world_remove_idle_m_locked(m)) {
        rti_lock_release(&rti_world.lock);
        rti_note_sleep(&m->note); /* at once: the waker is under way */
        return is_awake(m);       /* with a P, or without one because the world stops */
    }
    m->listed = false;
    struct p *p = rti_world_take_idle_p_locked();
    if (p) {
        rti_world_bind_locked(m, p);
        rti_wake_spin(m);
        if (poller)
            rti_world.polling = false;
    } else if (!poller) {
        rti_world_put_idle_m_locked(m);
    }
    rti_lock_release(&rti_world.lock);
    if (p && poller)
        rti_netpoll_left();
    return p != NULL;
}

/* Without a P, on the idle list: until somebody brings one, or the world stops. */
static void sleep_idle(struct m *m)
{
    do {
        /* Put on the list after the stop woke all that were: the world's lock, which we held since, shows it. */
        if (load_rlx(&rti_world.stopping))
            return;
        rti_deadlock_check();
        RTI_PROBE1(m__stop, m->id);
        rti_note_sleep(&m->note);
    } while (!is_awake(m));
}

/* Gives up the P; then looks at all queues once more (S3), then waits. A G if the last look under the lock found one.
 */
static struct g *rest(struct m *m)
{
    rti_lock_acquire(&rti_world.lock);
    if (UNLIKELY(load_rlx(&rti_world.attention))) { /* S7: no P goes idle now */
        rti_lock_release(&rti_world.lock);
        return NULL;
    }
    if (rti_world.runq.len) {
        struct g *g = take_global_locked(m->p);
        rti_lock_release(&rti_world.lock);
        rti_findwork_new_slice(m->p);
        return g;
    }
    struct p *p = m->p;
    rti_safepoint_slice(p);
    rti_world_unbind_locked(m);
    rti_world_put_idle_p_locked(p);
    bool poller = rti_netpoll_claim_locked();
    bool counted = m->spinning; /* before m is on the list: from there on `spinning` is its waker's to write */
    m->spinning = false;
    if (!poller)
        rti_world_put_idle_m_locked(m);
    rti_lock_release(&rti_world.lock);
    if (counted)
        sub_seq(&rti_world.spinning, 1);
    fence_full(); /* went idle, now look; pairs with the fence in rti_round_submit */
    if (rti_findwork_visible()) {
        if (rti_thrift_spares()) /* those that run are to do it; but somebody has to watch */
            rti_wake_maybe();
        else if (regain(m, poller))
            return NULL;
    }
    if (poller)
        return rti_netpoll_wait(m);
    sleep_idle(m);
    return NULL;
}

/* m may be left without a P, and with none for it on the idle list: not while its P may be written by a waker, nor
 * when it is about to give that P away itself. */
static bool may_retire(const struct m *m)
{
    return !m->listed && !m->locked_g && !m->ending && !m->picked;
}

struct g *rti_findwork_next(struct m *m)
{
    for (;;) {
        if (UNLIKELY(load_rlx(&rti_world.stopping)))
            return NULL;
        if (UNLIKELY(load_rlx(&rti_world.attention)) && !m->listed)
            rti_stopworld_pause_sys(m);
        if (may_retire(m))
            rti_resize_retire_sys(m);
        if (UNLIKELY(m->picked)) {
            struct g *g = m->picked;
            m->picked = NULL;
            return g;
        }
        if (UNLIKELY(m->locked_g || m->ending))
            return rti_locked_next(m);
        if (m->listed) { /* came back from a call or from the poller without a P. m->p may be written by a waker, who
                          * wakes the note next: looking at m->p instead would miss that note, or read half a hand-over
                          */
            sleep_idle(m);
            continue;
        }
        struct g *g = look(m);
        if (!g)
            g = rest(m);
        if (g) {
            rti_wake_unspin(m, true);
            return g;
        }
    }
}
