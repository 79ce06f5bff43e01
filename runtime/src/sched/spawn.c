#include "sched/spawn.h"

#include "base/probe.h"
#include "proc/g.h"
#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/lite.h"
#include "sched/overflow.h"
#include "sched/round.h"
#include "sched/sched.h"
#include <rt/check.h>

enum { COLOURS = 16, COLOUR_BYTES = 64 };

/* Up to half of a P's pool from the world's. */
static NOINLINE struct g *refill(struct p *p)
{
    rti_lock_acquire(&rti_world.gfree_lock);
    while (rti_world.gfree && p->gfree_count < RTI_P_GFREE_MAX / 2) {
        struct g *g = rti_world.gfree;
        rti_world.gfree = (struct g *)g->link.next;
        g->link.next = (struct rti_qnode *)p->gfree;
        p->gfree = g;
        p->gfree_count++;
    }
    rti_lock_release(&rti_world.gfree_lock);
    return p->gfree;
}

static struct g *take_local(struct p *p)
{
    struct g *g = p->gfree;
    if (UNLIKELY(!g) && !(g = refill(p)))
        return rti_g_new();
    p->gfree = (struct g *)g->link.next;
    p->gfree_count--;
    return g;
}

static struct g *take_shared(void)
{
    rti_lock_acquire(&rti_world.gfree_lock);
    struct g *g = rti_world.gfree;
    if (g)
        rti_world.gfree = (struct g *)g->link.next;
    rti_lock_release(&rti_world.gfree_lock);
    return g ? g : rti_g_new();
}

/* Ids come in batches, so that a spawn costs no read-modify-write on a shared line. */
static uint64_t take_id(struct p *p)
{
    if (!p)
        return add_rlx(&rti_world.id_next, 1);
    if (UNLIKELY(p->id_next == p->id_end)) {
        p->id_next = add_rlx(&rti_world.id_next, RTI_P_ID_BATCH);
        p->id_end = p->id_next + RTI_P_ID_BATCH;
    }
    return p->id_next++;
}

static ALWAYS_INLINE struct g *prepare(struct m *m, struct p *p, const struct rt_go_attr *attr, struct g *g)
{
    g->id = take_id(p);
    g->name = attr ? attr->name : NULL;
    bool lite = attr && attr->lite && rti_lite_works();
    g->may_hibernate = attr && (attr->hibernate || attr->lite);
    store_rlx(&g->apart, lite ? RTI_APART_LITE : 0);
    store_rlx(&g->pins, 0);
    g->stack_class = attr ? (uint8_t)attr->stack : RT_STACK_DEFAULT;
    g->parent = m && m->curg ? m->curg->id : 0;
    rti_g_move(g, RTI_G_IDLE, RTI_G_RUNNABLE);
    return g;
}

struct g *rti_spawn_prepare(const struct rt_go_attr *attr, void (*fn)(void *arg), void *arg, void *site)
{
    CHECK(!attr || (unsigned)attr->stack < RT_STACK_COUNT);
    struct m *m = rti_m_self();
    struct p *p = m && !(load_rlx(&m->call) & 1) ? m->p : NULL;
    struct g *g = LIKELY(p != NULL) ? take_local(p) : take_shared();
    g->fn = fn;
    g->arg = arg;
    g->created_at = site;
    if (p)
        rti_p_count(&p->count.spawns);
    return prepare(m, p, attr, g);
}

uint64_t rti_spawn_go(const struct rt_go_attr *attr, void (*fn)(void *arg), void *arg, void *site)
{
    struct g *g = rti_spawn_prepare(attr, fn, arg, site);
    uint64_t id = g->id; /* once submitted, g is not ours: it may be dead and reused */
    RTI_PROBE2(goroutine__create, id, fn);
    rti_round_submit_any(g);
    rti_sched_point();
    return id;
}

void rti_spawn_bind(struct p *p, struct g *g, void (*arrive)(void))
{
    struct rti_stack s;
    if (!rti_stackpool_take(&rti_world.stacks, &p->stacks, (enum rt_stack)g->stack_class, &s))
        rt_throw("out of memory: the region for stacks (%zu MiB) is used up", rti_world.stacks.bytes >> 20);
    g->stack_lo = s.lo;
    g->guarded = s.guarded;
    rti_stackhints_bind(&g->hints, s.lo, (size_t)(s.hi - s.lo));
    rti_context_init(&g->ctx, rti_spawn_top(g, s.hi), arrive, rti_round_exit);
}

RTI_NO_SANITIZE char *rti_spawn_top(const struct g *g, char *hi)
{
    return hi - (rti_g_is_lite(g) ? RTI_LITE_HEAD : (g->id % COLOURS) * COLOUR_BYTES);
}

void rti_spawn_body(struct g *g)
{
    rti_round_arrived();
    g->fn(g->arg);
}

static void spill(struct p *p, uint32_t keep)
{
    rti_lock_acquire(&rti_world.gfree_lock);
    while (p->gfree_count > keep) {
        struct g *g = p->gfree;
        p->gfree = (struct g *)g->link.next;
        p->gfree_count--;
        g->link.next = (struct rti_qnode *)rti_world.gfree;
        rti_world.gfree = g;
    }
    rti_lock_release(&rti_world.gfree_lock);
}

/* g, without a stack, to p's pool. */
static ALWAYS_INLINE void put_local(struct p *p, struct g *g)
{
    store_rlx(&g->wait, RTI_WAIT_NONE);
    rti_g_move(g, RTI_G_DEAD, RTI_G_IDLE);
    rti_p_count(&p->count.exits);
    g->link.next = (struct rti_qnode *)p->gfree;
    p->gfree = g;
    if (UNLIKELY(++p->gfree_count > RTI_P_GFREE_MAX))
        spill(p, RTI_P_GFREE_MAX / 2);
}

void rti_spawn_recycle(struct p *p, struct g *g)
{
    struct rti_stack s = {.lo = g->stack_lo, .class = g->stack_class, .guarded = g->guarded};
    struct rti_litestack *shared = UNLIKELY(rti_g_is_lite(g)) ? rti_lite_end(g) : NULL;
    rti_g_move(g, RTI_G_RUNNING, RTI_G_DEAD);
    rti_stackhints_unbind(&g->hints);
    g->stack_lo = NULL;
    if (UNLIKELY(shared))
        rti_lite_let_go(shared);
    else
        rti_stackpool_give(&rti_world.stacks, &p->stacks, &s);
    put_local(p, g);
}

void rti_spawn_inherit(struct p *p, struct g *g, struct g *heir)
{
    heir->stack_lo = g->stack_lo;
    heir->guarded = g->guarded;
    g->stack_lo = NULL;
    rti_g_move(g, RTI_G_RUNNING, RTI_G_DEAD);
    put_local(p, g);
}

void rti_spawn_flush(struct p *p)
{
    spill(p, 0);
}

void rti_spawn_check_canary(struct g *g)
{
    struct rti_stack s = {.lo = g->stack_lo, .guarded = false};
    if (!rti_stackpool_intact(&s))
        rti_overflow_report(g, g->stack_lo);
}

static void reclaim(struct g *g, void *arg)
{
    (void)arg;
    if (g->stack_lo)
        rti_stackhints_unbind(&g->hints);
    g->stack_lo = NULL;
    store_rlx(&g->apart, 0);
    g->locked_m = NULL;
    g->lock_depth = 0;
    g->seen = 0;
    store_rlx(&g->hib, 0);
    store_rlx(&g->status, RTI_G_IDLE);
    g->link.next = (struct rti_qnode *)rti_world.gfree;
    rti_world.gfree = g;
}

void rti_spawn_reclaim_all(void)
{
    rti_world.gfree = NULL;
    rti_g_each(reclaim, NULL);
}
