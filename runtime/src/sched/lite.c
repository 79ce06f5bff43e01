#include "sched/lite.h"

#include "base/lock.h"
#include "proc/g.h"
#include "proc/world.h"
#include "sched/hibernate.h"
#include "sched/round.h"
#include "sched/spawn.h"
#include <rt/check.h>

struct rti_litestack {    /* the last RTI_LITE_HEAD bytes of a stack */
    struct rti_lock lock; /* rank STACKS, by itself; guards holder, waiters, spare, listed */
    struct g *holder;
    struct rti_gqueue waiters;
    char *lo; /* lowest usable byte */
    uint8_t class;
    bool guarded;
    bool spare;                 /* in no P's ring: goes to the free list when it is let go */
    bool listed;                /* there, or about to be */
    struct rti_litestack *next; /* there; guarded by free_lock */
};
_Static_assert(sizeof(struct rti_litestack) <= RTI_LITE_HEAD, "a record has its place");

/* The holder of a stack whose last one is copied out, but has not let it go. It may have been made ready by then, and
 * must not take itself for the holder. */
static struct g *const leaving = (struct g *)(uintptr_t)1;

static struct rti_lock free_lock = RTI_LOCK_INIT(RTI_RANK_STACKS);
static struct rti_litestack *free_list[RT_STACK_COUNT]; /* may be held again by one that was born there */

bool rti_lite_works(void)
{
    return !RTI_STACKHINTS_SANITIZED && rti_hibernate_works();
}

void rti_lite_init(void)
{
    for (int class = 0; class < RT_STACK_COUNT; class ++)
        free_list[class] = NULL;
}

static struct rti_litestack *stack_of(const struct g *g)
{
    return (struct rti_litestack *)(void *)(rti_g_stack_hi(g) - RTI_LITE_HEAD);
}

/* True: g is the holder. Else it is queued, if that is wanted. */
static bool hold(struct rti_litestack *s, struct g *g, bool queue)
{
    rti_lock_acquire(&s->lock);
    if (!s->holder)
        s->holder = g;
    bool mine = s->holder == g;
    if (!mine && queue)
        rti_gqueue_push(&s->waiters, &g->link);
    rti_lock_release(&s->lock);
    return mine;
}

static struct rti_litestack *make(struct p *p, struct g *g)
{
    struct rti_stack st;
    if (!rti_stackpool_take(&rti_world.stacks, &p->stacks, (enum rt_stack)g->stack_class, &st))
        rt_throw("out of memory: the region for stacks (%zu MiB) is used up", rti_world.stacks.bytes >> 20);
    struct rti_litestack *s = (struct rti_litestack *)(void *)(st.hi - RTI_LITE_HEAD);
    *s = (struct rti_litestack){.holder = g, .lo = st.lo, .class = st.class, .guarded = st.guarded};
    rti_lock_init(&s->lock, RTI_RANK_STACKS);
    return s;
}

static void put_free(struct rti_litestack *s)
{
    rti_lock_acquire(&free_lock);
    s->next = free_list[s->class];
    free_list[s->class] = s;
    rti_lock_release(&free_lock);
}

static struct rti_litestack *pop_free(uint8_t class)
{
    rti_lock_acquire(&free_lock);
    struct rti_litestack *s = free_list[class];
    if (s)
        free_list[class] = s->next;
    rti_lock_release(&free_lock);
    return s;
}

/* A free one, which is g's then; NULL: none. Some on the list were entered again by whoever was born there; they come
 * back when they are let go. */
static struct rti_litestack *take_free(struct g *g)
{
    struct rti_litestack *s;
    while ((s = pop_free(g->stack_class)) != NULL) {
        rti_lock_acquire(&s->lock);
        s->listed = false;
        bool mine = !s->holder;
        if (mine) {
            s->holder = g;
            s->spare = false;
        }
        rti_lock_release(&s->lock);
        if (mine)
            break;
    }
    return s;
}

static void make_spare(struct rti_litestack *s)
{
    rti_lock_acquire(&s->lock);
    s->spare = true;
    bool list = !s->holder;
    s->listed = list;
    rti_lock_release(&s->lock);
    if (list)
        put_free(s);
}

/* One of a few that p gives out in turn, so that goroutines born one after the other are not all in each other's way;
 * if somebody stayed on it, another one takes its place in the ring. */
static struct rti_litestack *birthplace(struct p *p, struct g *g)
{
    uint8_t at = p->lite_at++ % RTI_P_LITE;
    struct rti_litestack **place = &p->lite[g->stack_class][at], *s = *place;
    if (s && hold(s, g, false))
        return s;
    if (s)
        make_spare(s);
    s = take_free(g);
    return *place = s ? s : make(p, g);
}

bool rti_lite_enter(struct p *p, struct g *g, void (*arrive)(void))
{
    if (LIKELY(g->stack_lo != NULL))
        return hold(stack_of(g), g, true);
    struct rti_litestack *s = birthplace(p, g);
    g->stack_lo = s->lo;
    g->guarded = s->guarded;
    rti_context_init(&g->ctx, rti_spawn_top(g, rti_g_stack_hi(g)), arrive, rti_round_exit);
    return true;
}

/* True: it is nobody's now. */
static bool leave(struct rti_litestack *s, struct p *p, struct g *g, bool parks)
{
    if (!rti_hibernate_save(g, p->lite_packed, parks))
        return false;
    rti_lock_acquire(&s->lock);
    DCHECK(s->holder == g); /* S6 */
    s->holder = leaving;
    rti_lock_release(&s->lock);
    return true;
}

struct rti_litestack *rti_lite_park(struct p *p, struct g *g)
{
    struct rti_litestack *s = stack_of(g);
    return leave(s, p, g, true) ? s : NULL;
}

struct rti_litestack *rti_lite_yield(struct p *p, struct g *g)
{
    struct rti_litestack *s = stack_of(g);
    rti_lock_acquire(&s->lock);
    bool wanted = s->waiters.head != NULL;
    rti_lock_release(&s->lock);
    return wanted && leave(s, p, g, false) ? s : NULL;
}

struct rti_litestack *rti_lite_end(struct g *g)
{
    return stack_of(g);
}

void rti_lite_let_go(struct rti_litestack *s)
{
    struct rti_gqueue next = {0};
    rti_lock_acquire(&s->lock);
    struct rti_qnode *n = rti_gqueue_pop(&s->waiters);
    s->holder = (struct g *)n; /* link is the first member */
    bool list = !n && s->spare && !s->listed;
    s->listed |= list;
    rti_lock_release(&s->lock);
    if (n) {
        rti_gqueue_push(&next, n);
        rti_round_submit_list(&next);
    }
    if (list)
        put_free(s);
}
