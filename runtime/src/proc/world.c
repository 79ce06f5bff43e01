#include "proc/world.h"

#include "base/atomic.h"
#include "base/clock.h"
#include "proc/m.h"
#include "proc/p.h"
#include <rt/check.h>

enum { NS_PER_S = 1000000000 };

struct world rti_world = {.lock = RTI_LOCK_INIT(RTI_RANK_SCHED), .gfree_lock = RTI_LOCK_INIT(RTI_RANK_GFREE)};

void rti_world_stamp(int64_t now_ns)
{
    uint32_t now_s = (uint32_t)(now_ns / NS_PER_S);
    if (load_rlx(&rti_world.now_s) != now_s)
        store_rlx(&rti_world.now_s, now_s);
}

void rti_world_put_idle_p_locked(struct p *p)
{
    DCHECK(load_rlx(&p->m) == NULL); /* S4 */
    store_rlx(&p->state, RTI_P_IDLE);
    p->idle_next = rti_world.idle_p;
    rti_world.idle_p = p;
    add_seq(&rti_world.idle_ps, 1); /* before the second look at the queues; pairs with rti_wake_maybe */
}

struct p *rti_world_take_idle_p_locked(void)
{
    struct p *p = rti_world.idle_p;
    if (!p)
        return NULL;
    rti_world.idle_p = p->idle_next;
    sub_seq(&rti_world.idle_ps, 1);
    if (rti_world.sysmon_waiting) { /* it sleeps while nobody runs */
        rti_world.sysmon_waiting = false;
        rti_world_stamp(rti_clock_monotonic()); /* it did not while it slept */
        rti_note_wake(&rti_world.sysmon_note);
    }
    return p;
}

void rti_world_put_idle_m_locked(struct m *m)
{
    m->idle_next = rti_world.idle_m;
    rti_world.idle_m = m;
    rti_world.idle_m_count++;
    m->idle = m->listed = true;
}

struct m *rti_world_take_idle_m_locked(void)
{
    struct m *m = rti_world.idle_m;
    if (m)
        CHECK(rti_world_remove_idle_m_locked(m));
    return m;
}

bool rti_world_remove_idle_m_locked(struct m *m)
{
    if (!m->idle)
        return false;
    struct m **at = &rti_world.idle_m;
    while (*at != m)
        at = &(*at)->idle_next;
    *at = m->idle_next;
    if (--rti_world.idle_m_count < rti_world.idle_m_low)
        rti_world.idle_m_low = rti_world.idle_m_count;
    m->idle = false;
    return true;
}

void rti_world_bind_locked(struct m *m, struct p *p)
{
    DCHECK(!m->p && load_rlx(&p->m) == NULL); /* S4 */
    m->p = p;
    store_rel(&p->m, m);
    store_rlx(&p->state, RTI_P_RUNNING);
}

void rti_world_unbind_locked(struct m *m)
{
    DCHECK(m->p && load_rlx(&m->p->m) == m);
    for (int i = 0; i < RTI_SAFEPOINT_COUNT; i++)
        store_rlx(&m->p->safepoint.asked_ns[i], 0); /* whoever holds it next was not asked */
    store_rel(&m->p->m, NULL);
    m->p = NULL;
}

void rti_world_push_locked(struct rti_gqueue *batch)
{
    rti_gqueue_append(&rti_world.runq, batch);
    store_rlx(&rti_world.runq_len, rti_world.runq.len);
}
