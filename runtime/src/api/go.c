#include <rt/go.h>

#include <errno.h>

#include "base/atomic.h"
#include "proc/g.h"
#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/hibernate.h"
#include "sched/deadlock.h"
#include "sched/locked.h"
#include "sched/points.h"
#include "sched/round.h"
#include "sched/spawn.h"
#include <rt/check.h>

uint64_t rt_go(void (*fn)(void *arg), void *arg)
{
    return rti_spawn_go(NULL, fn, arg, __builtin_return_address(0));
}

uint64_t rt_go_attr(const struct rt_go_attr *attr, void (*fn)(void *arg), void *arg)
{
    return rti_spawn_go(attr, fn, arg, __builtin_return_address(0));
}

void rt_yield(void)
{
    rti_round_yield();
}

void rt_checkpoint(void)
{
    struct m *m = rti_m_self();
    if (m && m->p && UNLIKELY(load_rlx(&m->p->preempt)))
        rti_points_checkpoint();
}

void rt_preemptible_enter(void)
{
    struct m *m = rti_m_self();
    if (!m || !m->curg)
        return;
    store_rlx(&m->section, load_rlx(&m->section) + 1);
    fence_compiler(); /* the reader that matters is a handler on this thread */
}

void rt_preemptible_leave(void)
{
    struct m *m = rti_m_self();
    if (!m || !m->curg)
        return;
    uint32_t depth = load_rlx(&m->section);
    CHECK(depth > 0); /* not entered, or something in between gave way */
    fence_compiler();
    store_rlx(&m->section, depth - 1);
}

uint64_t rt_goid(void)
{
    struct m *m = rti_m_self();
    return m && m->curg ? m->curg->id : 0;
}

static void count_live(struct g *g, void *arg)
{
    uint64_t *count = arg;
    *count += rti_g_state(g) != RTI_G_IDLE;
}

uint64_t rt_goroutines(void)
{
    uint64_t count = 0;
    if (load_acq(&rti_world.procs) > 0) /* pairs with the store at boot */
        rti_g_each(count_live, &count);
    return count;
}

void rt_set_name(const char *name)
{
    struct m *m = rti_m_self();
    if (m && m->curg)
        m->curg->name = name;
}

void rt_lock_thread(void)
{
    rti_locked_enter();
}

void rt_unlock_thread(void)
{
    rti_locked_leave();
}

void rt_stack_pin(void)
{
    struct m *m = rti_m_self();
    if (!m || !m->curg)
        return;
    uint8_t pins = load_rlx(&m->curg->pins);
    CHECK(pins < UINT8_MAX);
    store_rlx(&m->curg->pins, pins + 1); /* read by others once it is parked: after a store_rel of its status */
}

void rt_stack_unpin(void)
{
    struct m *m = rti_m_self();
    if (!m || !m->curg)
        return;
    uint8_t pins = load_rlx(&m->curg->pins);
    CHECK(pins > 0);
    store_rlx(&m->curg->pins, pins - 1);
}

size_t rt_stacks_trim(void)
{
    return rti_hibernate_cycle();
}

NOINLINE int rt_errno(void)
{
    return errno;
}

void rt_external_hold(void)
{
    add_rlx(&rti_world.holds, 1);
}

void rt_external_release(void)
{
    if (add_rlx(&rti_world.holds, -1) == 1) /* the last: what it kept from being reported is so now */
        rti_deadlock_check();
}
