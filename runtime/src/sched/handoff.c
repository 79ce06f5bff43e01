#include "sched/handoff.h"

#include <sched.h>

#include "base/atomic.h"
#include "base/debugvars.h"
#include "base/membarrier.h"
#include "base/probe.h"
#include "proc/g.h"
#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/callsite.h"
#include "sched/findwork.h"
#include "sched/locked.h"
#include "sched/netpoll.h"
#include "sched/resize.h"
#include "sched/round.h"
#include "sched/sched.h"
#include "sched/stopworld.h"
#include "sched/timers.h"
#include "sched/wake.h"
#include <rt/check.h>

enum { LONG_NS = 20000 }; /* sysmon's shortest round: a call that lasts longer may lose its P to it */
enum { YIELDS = 3 };      /* of the core, by one that came back, before it sleeps for want of a P */

/* The M of the calling goroutine, which is in a call from now on; NULL without one. */
static ALWAYS_INLINE struct m *enter(void)
{
    struct m *m = rti_m_self();
    if (!m || !m->curg)
        return NULL;
    uint32_t call = load_rlx(&m->call);
    CHECK(!(call & 1)); /* the bracket does not nest */
    rti_p_count(&m->p->count.calls);
    rti_g_move(m->curg, RTI_G_RUNNING, RTI_G_BLOCKING);
    store_rel(&m->call, call + 1); /* what we did to the P is done; pairs with load_acq in rti_handoff_retake */
    if (UNLIKELY(!rti_world.membarrier))
        fence_full(); /* pairs with the fence in rti_handoff_retake */
    return m;
}

void rti_handoff_enter(void)
{
    (void)enter();
}

/* An M without a P that shall come and look for one, woken by the caller. NULL: nobody is asleep, or there is no need:
 * somebody looks already, or the queues are empty. */
static struct m *call_helper_locked(struct p *p)
{
    uint32_t none = 0;
    bool work = load_rlx(&rti_world.runq_len) || !rti_runq_is_empty(&p->runq);
    if (!work || !rti_world.idle_m || !cas_seq(&rti_world.spinning, &none, 1))
        return NULL;
    struct m *helper = rti_world_take_idle_m_locked();
    helper->spinning = true;
    return helper;
}

/* p, that nobody holds, to the idle list, where whoever comes back from a call first finds it, without a switch of
 * threads. If there is work, a helper is woken, who takes p if it is still there; one that did not find any has p
 * handed over, or those who come back from calls could keep the queues waiting for ever. */
static void offer_unlock(struct p *p)
{
    if (rti_world.helper_starved && load_rlx(&rti_world.runq_len)) {
        rti_world.helper_starved = false;
        rti_wake_run_p_unlock(p, false);
        return;
    }
    struct m *helper = call_helper_locked(p);
    rti_world_put_idle_p_locked(p);
    rti_lock_release(&rti_world.lock);
    if (helper) {
        rti_note_wake(&helper->note);
        return;
    }
    fence_full(); /* went idle, now look; pairs with the fence in rti_round_submit */
    rti_wake_mend(rti_sched_now());
}

/* The call will last, so the P is given away before it begins. The clock starts when that is done: the time that it
 * takes, or a thread woken by it that comes first on this core, says nothing about the call. */
static NOINLINE void give_up(struct m *m)
{
    rti_lock_acquire(&rti_world.lock);
    struct p *p = m->p;
    bool others_do = load_rlx(&rti_world.attention) || load_rlx(&rti_world.stopping);
    if (!p || others_do || rti_resize_is_surplus(p) ||
        rti_debugvars.seed) { /* sysmon has just taken it; or others see to it; or nothing may depend on the time */
        rti_lock_release(&rti_world.lock);
        return;
    }
    store_rlx(&m->taken, 1);
    rti_world_unbind_locked(m);
    rti_p_count(&p->count.offered);
    RTI_PROBE2(offer, p->id, m->id);
    offer_unlock(p);
    m->gave_ns = rti_sched_now();
}

void rti_handoff_enter_from(const void *pc)
{
    struct m *m = enter();
    if (UNLIKELY(rti_callsite_is_long(pc)) && m)
        give_up(m);
}

/* The call is over for which the P was given away. Whoever holds a P now does so briefly, if it is in such calls too,
 * but on a loaded machine it may wait for a core: this one. That costs less than to sleep and to be woken. */
static void come_back(struct m *m)
{
    int64_t lasted_ns = rti_sched_now() - m->gave_ns;
    m->gave_ns = 0;
    rti_callsite_learn(m->curg->ctx.pc, lasted_ns >= LONG_NS);
    for (int i = 0; i < YIELDS && load_rlx(&rti_world.idle_ps) == 0; i++)
        sched_yield();
}

/* Somebody wanted the P, or the goroutine to give way. Did they get it? The lock tells. */
static NOINLINE void exit_slow(struct m *m)
{
    if (m->gave_ns)
        come_back(m);
    rti_lock_acquire(&rti_world.lock);
    store_rlx(&m->taken, load_rlx(&rti_world.stopping));
    if (!m->p && !load_rlx(&rti_world.stopping)) {
        struct p *p = rti_world_take_idle_p_locked();
        if (p)
            rti_world_bind_locked(m, p);
    }
    bool leave = !m->p || load_rlx(&rti_world.stopping);
    bool yield = !leave && load_rlx(&m->p->preempt);
    rti_lock_release(&rti_world.lock);
    if (leave) {
        rti_round_leave(m, RTI_FINISH_CALL);
        return;
    }
    rti_g_move(m->curg, RTI_G_BLOCKING, RTI_G_RUNNING);
    if (yield)
        rti_round_yield();
}

void rti_handoff_exit(void)
{
    struct m *m = rti_m_self();
    if (!m || !m->curg)
        return;
    uint32_t call = load_rlx(&m->call);
    CHECK(call & 1);
    if (UNLIKELY(!rti_world.membarrier)) {
        xchg_seq(&m->call, call + 1);
        fence_full_after_rmw(); /* the call is over, now look at taken; pairs with the fence in rti_handoff_retake */
    } else {
        store_rlx(&m->call, call + 1);
    }
    fence_compiler(); /* the fence itself is on the other side: rti_membarrier_all in rti_handoff_retake */
    if (UNLIKELY(load_rlx(&m->taken)))
        exit_slow(m);
    else
        rti_g_move(m->curg, RTI_G_BLOCKING, RTI_G_RUNNING);
}

void rti_handoff_stranded(struct m *m, struct g *g)
{
    struct rti_gqueue one = {0};
    rti_g_move(g, RTI_G_BLOCKING, RTI_G_RUNNABLE);
    rti_lock_acquire(&rti_world.lock);
    if (UNLIKELY(rti_g_is_locked(g))) {
        rti_locked_stranded_unlock(m);
        return;
    }
    rti_gqueue_push(&one, &g->link);
    rti_world_push_locked(&one);
    if (!m->p && !load_rlx(&rti_world.stopping)) {
        /* A P may have gone idle since exit_slow looked, before g was in the queue. */
        struct p *p = rti_world_take_idle_p_locked();
        if (p)
            rti_world_bind_locked(m, p);
        else
            rti_world_put_idle_m_locked(m);
    }
    rti_lock_release(&rti_world.lock);
}

bool rti_handoff_help(struct m *m)
{
    rti_lock_acquire(&rti_world.lock);
    struct p *p = rti_world_take_idle_p_locked();
    if (p) {
        rti_world_bind_locked(m, p);
    } else {
        /* Still under the lock: a P that goes idle later finds nobody counted as spinning on its behalf. */
        m->spinning = false;
        sub_seq(&rti_world.spinning, 1);
        rti_world.helper_starved = true;
        rti_world_put_idle_m_locked(m);
    }
    rti_lock_release(&rti_world.lock);
    return p != NULL;
}

void rti_handoff_give_unlock(struct p *p)
{
    if (rti_stopworld_wanted()) {
        rti_stopworld_gave_up_locked(p);
        rti_lock_release(&rti_world.lock);
        return;
    }
    if (rti_resize_is_surplus(p)) {
        rti_resize_put_away_locked(p);
        rti_lock_release(&rti_world.lock);
        rti_resize_tidy();
        fence_full(); /* as below */
        rti_wake_mend(rti_sched_now());
        return;
    }
    bool work = rti_findwork_visible() || rti_timers_due(p) || load_rlx(&rti_world.stopping);
    bool alone = load_rlx(&rti_world.idle_ps) == 0 && load_rlx(&rti_world.spinning) == 0;
    uint32_t none = 0;
    if (!load_rlx(&rti_world.stopping) && work) {
        rti_wake_run_p_unlock(p, false);
        return;
    }
    if (!work && alone && cas_seq(&rti_world.spinning, &none, 1)) { /* everybody else is busy: there may be work soon */
        rti_wake_run_p_unlock(p, true);
        return;
    }
    rti_world_put_idle_p_locked(p);
    rti_lock_release(&rti_world.lock);
    fence_full(); /* went idle, now look; pairs with the fence in rti_round_submit */
    rti_wake_mend(rti_sched_now());
}

/* What was stored to `taken` is seen by whoever comes back from a call after it. */
static void fence_all(void)
{
    if (rti_world.membarrier)
        rti_membarrier_all();
    else
        fence_full();
}

bool rti_handoff_retake(struct p *p, uint32_t call)
{
    rti_lock_acquire(&rti_world.lock);
    struct m *m = load_rlx(&p->m);
    if (!m || load_rlx(&m->call) != call || rti_stopworld_wanted()) { /* a stop takes it itself */
        rti_lock_release(&rti_world.lock);
        return false;
    }
    store_rlx(&m->taken, 1);
    fence_all();
    if (load_acq(&m->call) != call) { /* it came back in time: it will find its P, or has not even noticed */
        rti_lock_release(&rti_world.lock);
        return false;
    }
    rti_callsite_learn(m->curg->ctx.pc, true);
    rti_world_unbind_locked(m);
    rti_p_count(&p->count.retaken);
    RTI_PROBE2(retake, p->id, m->id);
    rti_handoff_give_unlock(p);
    return true;
}

/* A P whose M is in a call, as far as one can see. */
static struct m *caller_of(struct p *p)
{
    struct m *m = load_rlx(&p->state) == RTI_P_RUNNING ? load_rlx(&p->m) : NULL;
    return m && (load_acq(&m->call) & 1) ? m : NULL; /* pairs with the stores of enter and exit */
}

uint32_t rti_handoff_take_calls_locked(void)
{
    uint32_t ps = rti_world_ps(), n = 0;
    bool any = false;
    for (uint32_t i = 0; i < ps; i++) {
        struct m *m = caller_of(rti_world.allp[i]);
        any |= m != NULL;
        if (m)
            store_rlx(&m->taken, 1);
    }
    if (!any)
        return 0;
    fence_all();
    for (uint32_t i = 0; i < ps; i++) {
        struct m *m = caller_of(rti_world.allp[i]);
        if (!m || !load_rlx(&m->taken)) /* out, or in only since the fence */
            continue;
        rti_world_unbind_locked(m);
        rti_p_count(&rti_world.allp[i]->count.retaken);
        RTI_PROBE2(retake, i, m->id);
        store_rlx(&rti_world.allp[i]->state, RTI_P_STOPPED);
        n++;
    }
    return n;
}

void rti_handoff_stop(void)
{
    rti_lock_acquire(&rti_world.lock);
    for (struct m *m = rti_world.all_m; m; m = m->all_next)
        store_rlx(&m->taken, 1);
    rti_lock_release(&rti_world.lock);
}
