#include "sched/park.h"

#include "base/probe.h"
#include "proc/g.h"
#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/round.h"
#include <rt/check.h>

static ALWAYS_INLINE void park(struct m *m, enum rti_wait why)
{
    store_rlx(&m->curg->wait, (uint8_t)why);
    store_rlx(&m->curg->since_s, load_rlx(&rti_world.now_s));
    rti_p_count(&m->p->count.parks);
    RTI_PROBE2(goroutine__park, m->curg->id, (unsigned)why);
    rti_round_leave(m, RTI_FINISH_PARK);
}

void rti_park_wait(bool (*commit)(struct g *g, void *arg), void *arg, enum rti_wait why)
{
    struct m *m = rti_m_self();
    if (UNLIKELY(!m || !m->curg))
        rt_throw("a call that waits was made on a thread that runs no goroutine");
    DCHECK(commit || rti_lockrank_held() == 0); /* S5; a commit releases what is held */
    m->commit = commit;
    m->commit_arg = arg;
    park(m, why);
}

void rti_park_unlock(struct rti_lock *lock, enum rti_wait why)
{
    struct m *m = rti_m_self();
    CHECK(m && m->curg);
    m->unlock = lock;
    park(m, why);
}

void rti_park_ready(struct g *g)
{
    rti_g_move(g, RTI_G_WAITING, RTI_G_RUNNABLE);
    RTI_PROBE1(goroutine__ready, g->id);
    rti_round_submit_any(g);
}

void rti_park_ready_list(struct g *head)
{
    struct rti_gqueue batch = {0};
    for (struct g *g = head, *next; g; g = next) {
        next = (struct g *)g->link.next;
        rti_g_move(g, RTI_G_WAITING, RTI_G_RUNNABLE);
        RTI_PROBE1(goroutine__ready, g->id);
        rti_gqueue_push(&batch, &g->link);
    }
    if (batch.head)
        rti_round_submit_list(&batch);
}
