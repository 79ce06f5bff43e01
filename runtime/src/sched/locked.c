#include "sched/locked.h"

#include "base/atomic.h"
#include "proc/g.h"
#include "proc/m.h"
#include "proc/p.h"
#include "sched/deadlock.h"
#include "sched/handoff.h"
#include "sched/resize.h"
#include "sched/sched.h"
#include "sched/stopworld.h"
#include "sched/thread.h"
#include "sched/timers.h"
#include "sched/wake.h"
#include <rt/check.h>

void rti_locked_enter(void)
{
    struct m *m = rti_m_self();
    struct g *g = m ? m->curg : NULL;
    CHECK(!g || g->lock_depth < UINT16_MAX);
    if (!g || g->lock_depth++ > 0)
        return;
    g->locked_m = m;
    store_rlx(&g->apart, load_rlx(&g->apart) | RTI_APART_LOCKED);
    m->locked_g = g;
}

static void untie(struct m *m, struct g *g)
{
    g->lock_depth = 0;
    store_rlx(&g->apart, load_rlx(&g->apart) & ~RTI_APART_LOCKED & 0xff);
    g->locked_m = NULL;
    m->locked_g = NULL;
}

void rti_locked_leave(void)
{
    struct m *m = rti_m_self();
    struct g *g = m ? m->curg : NULL;
    if (g && g->lock_depth > 0 && --g->lock_depth == 0)
        untie(m, g);
}

void rti_locked_end(void)
{
    struct m *m = rti_m_self();
    m->ending = true;
    untie(m, m->locked_g);
}

bool rti_locked_has_rival(struct p *p)
{
    return !rti_runq_is_empty(&p->runq) || load_rlx(&rti_world.runq_len) || rti_timers_due(p) ||
           load_rlx(&rti_world.attention) || rti_resize_is_surplus(p);
}

/* The thread is done: its P to others. One that was surplus has none. */
static struct g *end_thread(struct m *m)
{
    if (m->left) {
        /* Taken off the idle list while it still counted as spinning, perhaps: then it is who has to look (S3). */
        fence_full(); /* pairs with the fence in rti_round_submit */
        rti_wake_mend(rti_sched_now());
        return NULL;
    }
    rti_lock_acquire(&rti_world.lock);
    struct p *p = m->p;
    if (load_rlx(&rti_world.stopping)) { /* whoever joins all threads may have begun */
        rti_lock_release(&rti_world.lock);
        return NULL;
    }
    rti_world_unbind_locked(m);
    rti_thread_leave_locked(m);
    rti_handoff_give_unlock(p);
    return NULL;
}

/* Without a P until somebody hands the goroutine over. Lock held on entry and on return. */
static void wait_locked(struct m *m)
{
    struct p *p = m->p;
    m->waiting = true;
    rti_world.m_waiting++;
    if (p) {
        rti_world_unbind_locked(m);
        rti_handoff_give_unlock(p);
    } else {
        rti_lock_release(&rti_world.lock);
    }
    rti_deadlock_check();
    rti_note_sleep(&m->note);
    rti_note_clear(&m->note);
    rti_lock_acquire(&rti_world.lock);
}

struct g *rti_locked_next(struct m *m)
{
    if (m->ending)
        return end_thread(m);
    rti_lock_acquire(&rti_world.lock);
    while (!m->locked_ready && !load_rlx(&rti_world.stopping))
        wait_locked(m);
    struct g *g = m->locked_ready ? m->locked_g : NULL;
    DCHECK(!g || m->p); /* S4 */
    m->locked_ready = false;
    rti_lock_release(&rti_world.lock);
    rti_stopworld_pause_sys(m);
    return load_rlx(&rti_world.stopping) ? NULL : g;
}

void rti_locked_hand_over(struct m *m, struct g *g)
{
    struct m *to = g->locked_m;
    rti_lock_acquire(&rti_world.lock);
    bool asleep = to->waiting;
    DCHECK(to->locked_g == g && !to->locked_ready); /* S1 */
    to->locked_ready = true;
    if (!to->p) {
        struct p *p = m->p;
        rti_world_unbind_locked(m);
        rti_world_bind_locked(to, p);
        rti_world_put_idle_m_locked(m);
    }
    if (asleep) {
        to->waiting = false;
        rti_world.m_waiting--;
    }
    rti_lock_release(&rti_world.lock);
    if (asleep)
        rti_note_wake(&to->note);
}

void rti_locked_stranded_unlock(struct m *m)
{
    struct rti_gqueue one = {0};
    struct p *p = load_rlx(&rti_world.stopping) || m->p ? NULL : rti_world_take_idle_p_locked();
    if (p)
        rti_world_bind_locked(m, p);
    if (m->p) {
        m->locked_ready = true;
    } else {
        rti_gqueue_push(&one, &m->locked_g->link);
        rti_world_push_locked(&one);
    }
    rti_lock_release(&rti_world.lock);
}

void rti_locked_wake_all_locked(void)
{
    for (struct m *m = rti_world.all_m; m; m = m->all_next) {
        if (!m->waiting)
            continue;
        m->waiting = false;
        rti_world.m_waiting--;
        rti_note_wake(&m->note);
    }
}
