/* fake_world.h - one P held by the test's own thread, nothing running: for looking at single steps of the scheduler. */
#ifndef TESTS_FAKE_WORLD_H
#define TESTS_FAKE_WORLD_H

#include "test.h"

#include "proc/g.h"
#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/findwork.h"

static struct p *p;
static struct m *m;

UNUSED static void fake_world(void)
{
    p = rti_p_new(0, 1);
    m = rti_m_new(0);
    rti_world.allp[0] = p;
    store_rlx(&rti_world.procs, 1);
    store_rlx(&rti_world.ps, 1);
    store_rlx(&rti_world.id_next, 1);
    cr_assert_eq(rti_stackpool_init(&rti_world.stacks, 64 << 20, RTI_GUARD_NONE), 0);
    m->p = p;
    store_rlx(&p->m, m);
    store_rlx(&p->state, RTI_P_RUNNING);
    rti_world.all_m = m;
    rti_world.m_count = 1;
    rti_m_current = m;
}

UNUSED static struct g *fake_g(enum rti_g_state state)
{
    struct g *g = rti_g_new();
    store_rlx(&g->status, state);
    g->guarded = true; /* it has no stack, so no canary */
    return g;
}

#endif
