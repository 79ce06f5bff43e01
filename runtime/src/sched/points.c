#include "sched/points.h"

#include <sched.h>

#include "base/debugvars.h"
#include "base/lock.h"
#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/round.h"
#include "sched/seeded.h"

enum { YIELD_ODDS = 8, THREAD_ODDS = 64 };

bool rti_points_armed;

/* On its own stack, in nobody's debt, holding nothing: as good a place as any between two instructions of its own. */
static bool legal(const struct m *m)
{
    return m->curg && m->p && m->finish == RTI_FINISH_NONE && m->points.locks == 0 && !(load_rlx(&m->call) & 1) &&
           !load_rlx(&rti_world.stopping);
}

void rti_points_here(void)
{
    struct m *m = rti_m_self();
    if (!m || !legal(m))
        return;
    bool give_way = rti_debugvars.seed ? rti_seeded_gives_way() : rti_rand_below(&m->points.rand, YIELD_ODDS) == 0;
    if (give_way)
        rti_round_yield();
}

void rti_points_checkpoint(void)
{
    struct m *m = rti_m_self();
    uint32_t why = load_rlx(&m->p->preempt);
    if (why != RTI_PREEMPT_POINT) { /* something else is asked, too */
        rti_round_yield();
        return;
    }
    if (rti_debugvars.seed)
        rti_seeded_yields(); /* it would, if it were asked: whoever computes lets time pass */
    rti_points_here();
}

static void on_lock(uint32_t rank, enum rti_lock_event what)
{
    struct m *m = rti_m_self();
    if (!m)
        return;
    if (what == RTI_LOCK_TAKEN)
        m->points.locks++;
    else if (what == RTI_LOCK_RELEASED)
        m->points.locks--;
    /* A thread that stops for a moment is no harm anywhere, least of all to whom it makes wait. */
    if (!rti_debugvars.seed && rti_rand_below(&m->points.rand, THREAD_ODDS) == 0)
        sched_yield();
    if (rank == RTI_RANK_API && what != RTI_LOCK_TAKEN)
        rti_points_here();
}

void rti_points_arm(void)
{
    rti_points_armed = true;
    rti_lock_set_hook(on_lock);
}

void rti_points_disarm(void)
{
    rti_lock_set_hook(NULL);
    rti_points_armed = false;
}
