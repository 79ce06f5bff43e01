#include "sched/round.h"

#include "base/debugvars.h"
#include "base/probe.h"
#include "proc/g.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/findwork.h"
#include "sched/handoff.h"
#include "sched/hibernate.h"
#include "sched/lite.h"
#include "sched/locked.h"
#include "sched/netpoll.h"
#include "sched/resize.h"
#include "sched/safepoint.h"
#include "sched/seeded.h"
#include "sched/spawn.h"
#include "sched/timers.h"
#include "sched/wake.h"
#include <rt/check.h>

/* The only place where the stack changes. Both hints and the switch are in one function; see arch/stackhints.h. */
#define HOP(from, to)                                                                                                  \
    do {                                                                                                               \
        RTI_STACKHINTS_LEAVE(&(from)->hints, &(to)->hints);                                                            \
        rti_context_switch(&(from)->ctx, &(to)->ctx);                                                                  \
    } while (0)

static void finish_yield(struct m *m, struct g *g, bool far)
{
    struct rti_gqueue batch = {0};
    rti_g_move(g, RTI_G_RUNNING, RTI_G_RUNNABLE);
    if (far)
        rti_gqueue_push(&batch, &g->link);
    else
        rti_runq_put(&m->p->runq, &g->link, &batch);
    if (UNLIKELY(batch.head != NULL)) {
        rti_p_count(&m->p->count.overflows);
        rti_round_submit_batch(&batch);
        return;
    }
    /* No fence: there are as many runnable Gs as before. A P that goes idle in the few ns in which this one was in no
     * queue is caught by sysmon. */
    rti_wake_maybe();
}

static ALWAYS_INLINE void finish_park(struct m *m, struct g *g)
{
    rti_g_move(g, RTI_G_RUNNING, RTI_G_WAITING);
    if (LIKELY(m->unlock != NULL)) { /* by far the most frequent commit */
        struct rti_lock *lock = m->unlock;
        m->unlock = NULL;
        rti_lock_release(lock);
        DCHECK(rti_lockrank_held() == 0); /* S5 */
        return;
    }
    /* From here whoever finds g may make it ready; g's memory is not ours. */
    bool stay = !m->commit || m->commit(g, m->commit_arg);
    DCHECK(rti_lockrank_held() == 0); /* S5 */
    if (!stay) {
        rti_g_move(g, RTI_G_WAITING, RTI_G_RUNNABLE);
        rti_round_submit(m->p, g);
    }
}

static ALWAYS_INLINE void finish_own(struct m *m, struct g *g)
{
    switch (m->finish) {
    case RTI_FINISH_NONE:
        return;
    case RTI_FINISH_YIELD:
        finish_yield(m, g, false);
        break;
    case RTI_FINISH_YIELD_FAR:
        finish_yield(m, g, true);
        break;
    case RTI_FINISH_PARK:
        finish_park(m, g);
        break;
    case RTI_FINISH_EXIT:
        rti_spawn_recycle(m->p, g);
        break;
    case RTI_FINISH_HEIR:
        break;
    case RTI_FINISH_CALL:
        rti_handoff_stranded(m, g);
        break;
    }
}

/* It shares its stack: leaves it before it can be found, and lets it go afterwards. */
static NOINLINE void finish_lite(struct m *m, struct g *g)
{
    struct rti_litestack *left = NULL;
    if (m->finish == RTI_FINISH_PARK)
        left = rti_lite_park(m->p, g);
    else if (m->finish == RTI_FINISH_YIELD || m->finish == RTI_FINISH_YIELD_FAR)
        left = rti_lite_yield(m->p, g);
    finish_own(m, g);
    if (left)
        rti_lite_let_go(left);
}

/* What is left to do for the goroutine that was switched away from. */
static ALWAYS_INLINE void finish(struct m *m)
{
    struct g *g = m->prev;
    if (m->finish == RTI_FINISH_NONE)
        return;
    if (UNLIKELY(rti_g_is_lite(g)))
        finish_lite(m, g);
    else
        finish_own(m, g);
    fence_compiler(); /* until here a stop signal finds m busy (sched/preempt.c) */
    m->finish = RTI_FINISH_NONE;
}

RTI_NO_SANITIZE static void arrive_new(void)
{
    struct g *g = rti_m_self()->curg;
    RTI_STACKHINTS_ARRIVE(&g->hints);
    rti_spawn_body(g);
}

/* Called first thing by a new goroutine: the finish of the one before, then the function. */
void rti_round_arrived(void)
{
    finish(rti_m_self());
}

/* g runs on m from now on; it gets its stack at its first run, so that a queue of a million costs no stacks. */
static ALWAYS_INLINE void start(struct m *m, struct g *g)
{
    if (UNLIKELY(!g->stack_lo))
        rti_spawn_bind(m->p, g, arrive_new);
    if (UNLIKELY(load_rlx(&g->hib) != RTI_HIB_NONE)) /* plain: the fence is rti_membarrier_all in sched/hibernate.c */
        rti_hibernate_start(g);
    rti_g_run(g);
    m->curg = g;
    rti_p_count(&m->p->count.switches);
    RTI_PROBE2(goroutine__start, g->id, m->p->id);
}

RTI_NO_SANITIZE RTI_RETURNS_BY_JUMP static NOINLINE void leave_to(struct m *m, struct g *next, enum rti_finish how)
{
    struct g *g = m->curg;
    m->finish = how;
    m->prev = g;
    fence_compiler();                               /* a stop signal from here on finds m busy (sched/preempt.c) */
    if (UNLIKELY(next && load_rlx(&next->apart))) { /* for the system stack: handed to its M, or given its stack */
        m->picked = next;
        next = NULL;
    }
    if (LIKELY(next != NULL)) {
        start(m, next);
        HOP(g, next);
    } else {
        m->curg = NULL;
        HOP(g, m);
    }
    RTI_STACKHINTS_ARRIVE(&g->hints);
    finish(rti_m_self());
}

RTI_NO_SANITIZE static NOINLINE void run(struct m *m, struct g *g)
{
    start(m, g);
    HOP(m, g);
    RTI_STACKHINTS_ARRIVE(&m->hints);
}

void rti_round_loop(struct m *m)
{
    for (;;) {
        struct g *g = rti_findwork_next(m);
        if (!g)
            return;
        if (UNLIKELY(rti_g_is_locked(g) && g != m->locked_g)) {
            rti_locked_hand_over(m, g);
            continue;
        }
        if (UNLIKELY(rti_g_is_lite(g)) && !rti_lite_enter(m->p, g, arrive_new))
            continue;
        run(m, g);
        finish(m);
    }
}

static void check_leave(struct m *m)
{
    struct g *g = m->curg;
    CHECK(g != NULL && m->finish == RTI_FINISH_NONE); /* S5: not from a commit or a timer function */
    if (UNLIKELY(!g->guarded))
        rti_spawn_check_canary(g);
}

void rti_round_leave(struct m *m, enum rti_finish how)
{
    check_leave(m);
    bool apart = how == RTI_FINISH_CALL || UNLIKELY(m->locked_g != NULL);
    leave_to(m, apart ? NULL : rti_findwork_fast(m->p), how);
}

/* A new goroutine that wants the same kind of stack: with the hints for sanitizers each keeps to its own. */
static ALWAYS_INLINE bool may_inherit(const struct g *g, const struct g *next)
{
    return !RTI_STACKHINTS_SANITIZED && next && !next->stack_lo && next->stack_class == g->stack_class &&
           !load_rlx(&g->apart) && !load_rlx(&next->apart);
}

/* The goroutine has ended and the next one is new: it starts on this very stack, and nothing is switched. A batch of
 * short goroutines so runs like a loop. */
NORETURN static NOINLINE void bequeath(struct m *m, struct g *next)
{
    m->finish = RTI_FINISH_HEIR;
    m->prev = next;
    fence_compiler(); /* a stop signal from here on finds m busy, until the heir has arrived */
    rti_spawn_inherit(m->p, m->curg, next);
    start(m, next);
    rti_context_enter(rti_spawn_top(next, rti_g_stack_hi(next)), arrive_new, rti_round_exit);
}

void rti_round_exit(void)
{
    struct m *m = rti_m_self();
    check_leave(m);
    RTI_PROBE1(goroutine__exit, m->curg->id);
    if (UNLIKELY(m->locked_g)) {
        rti_locked_end();
        m = rti_m_self(); /* the same; check-tls takes the way past rt_throw to here for one */
    }
    struct g *next = m->ending ? NULL : rti_findwork_fast(m->p);
    if (may_inherit(m->curg, next))
        bequeath(m, next);
    leave_to(m, next, RTI_FINISH_EXIT);
    rt_throw("a goroutine that had ended ran again"); /* S1 */
}

/* With one of the switches that change the order; see HACKING.md. */
static NOINLINE void yield_oddly(struct m *m)
{
    bool far = rti_debugvars.alwaysmigrate;
    struct g *next = NULL;
    if (rti_debugvars.seed) {
        rti_seeded_yields();
        far = rti_seeded_choose(2);
        next = m->locked_g ? NULL : rti_findwork_fast(m->p);
    }
    leave_to(m, next, far ? RTI_FINISH_YIELD_FAR : RTI_FINISH_YIELD);
}

void rti_round_yield(void)
{
    struct m *m = rti_m_self();
    if (!m || !m->curg)
        return;
    check_leave(m);
    struct p *p = m->p;
    rti_p_count(&p->count.yields);
    if (UNLIKELY(rti_world.odd)) {
        yield_oddly(m);
        return;
    }
    if (UNLIKELY(m->locked_g)) {
        if (rti_locked_has_rival(p))
            leave_to(m, NULL, RTI_FINISH_YIELD);
        return;
    }
    struct g *next = NULL;
    if (UNLIKELY(load_rlx(&p->preempt))) {
        p->due = rti_timers_due(p); /* perhaps it was a timer that sysmon asked for */
        rti_safepoint_slice(p);
        store_rlx(&p->tick, load_rlx(&p->tick) + 1); /* if there is nobody else, its own next slice */
    }
    if (LIKELY(!p->due))
        next = rti_findwork_fast(p);
    if (!next && !p->due)
        p->due = rti_timers_due(p) ||
                 rti_resize_is_surplus(p); /* alone: its slices may be long, so not only every 8th time */
    if (!next && !p->due && !load_rlx(&rti_world.attention)) {
        next = rti_netpoll_look_stale(m);
        if (!next)
            return;
    }
    leave_to(m, next, RTI_FINISH_YIELD);
}

static NOINLINE void submit_old(struct p *p, struct rti_qnode *old)
{
    struct rti_gqueue batch = {0};
    if (LIKELY(rti_runq_put(&p->runq, old, &batch))) {
        fence_full_after_rmw(); /* as in submit */
        rti_wake_maybe();
        return;
    }
    rti_p_count(&p->count.overflows);
    rti_round_submit_batch(&batch);
}

static ALWAYS_INLINE void submit(struct p *p, struct g *g)
{
    if (UNLIKELY(rti_world.odd) && rti_debugvars.seed && rti_seeded_place(p, g))
        return;
    struct rti_qnode *old = rti_runq_swap_next(&p->runq, &g->link);
    if (old) {
        submit_old(p, old);
        return;
    }
    fence_full_after_rmw(); /* publish, then look at who idles; pairs with the fence in findwork's rest */
    rti_wake_maybe();
}

void rti_round_submit(struct p *p, struct g *g)
{
    submit(p, g);
}

void rti_round_submit_any(struct g *g)
{
    struct m *m = rti_m_self();
    if (LIKELY(m && m->p && !(load_rlx(&m->call) & 1))) {
        submit(m->p, g);
        return;
    }
    struct rti_gqueue batch = {0};
    rti_gqueue_push(&batch, &g->link);
    rti_round_submit_batch(&batch);
}

void rti_round_submit_list(struct rti_gqueue *list)
{
    struct m *m = rti_m_self();
    struct rti_gqueue batch = {0};
    if (!m || !m->p || (load_rlx(&m->call) & 1)) {
        rti_round_submit_batch(list);
        return;
    }
    for (struct rti_qnode *n; (n = rti_gqueue_pop(list));)
        if (!rti_runq_put(&m->p->runq, n, &batch))
            break;
    rti_gqueue_append(&batch, list);
    if (batch.head) {
        rti_round_submit_batch(&batch);
        return;
    }
    fence_full(); /* as in submit */
    rti_wake_maybe();
}

void rti_round_submit_batch(struct rti_gqueue *batch)
{
    rti_lock_acquire(&rti_world.lock);
    rti_world_push_locked(batch);
    rti_lock_release(&rti_world.lock);
    fence_full(); /* as in submit */
    rti_wake_maybe();
}
