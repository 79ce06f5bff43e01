/* findwork.h - the order in which a P looks for work. Threads: the M that holds the P. Memory: none. */
#ifndef RTI_FINDWORK_H
#define RTI_FINDWORK_H

#include <stdbool.h>

#include "proc/p.h"
#include "proc/world.h"
#include "sched/safepoint.h"
#include <rt/attr.h>

struct g;
struct m;
struct p;

/* p's share of the global queue, but for one that is returned, goes to its ring; NULL when that is empty. */
struct g *rti_findwork_global(struct p *p);
/* Parts of rti_findwork_fast that are seldom run. oddly: *found says that its result is the answer. */
struct g *rti_findwork_oddly(struct p *p, bool *found);
struct g *rti_findwork_seldom(struct p *p);

/* A fresh slice: sysmon sees a new tick. */
static ALWAYS_INLINE void rti_findwork_new_slice(struct p *p)
{
    p->next_streak = 0;
    store_rlx(&p->tick, load_rlx(&p->tick) + 1);
    if (UNLIKELY(load_rlx(&p->preempt)))
        rti_safepoint_slice(p);
}

enum { RTI_FINDWORK_STREAK = 3 };
/* runnext first: it inherits the slice of who readied it. After three in a row the ring has its turn, or two Gs that
 * ready each other would starve it. */
static ALWAYS_INLINE struct g *rti_findwork_local(struct p *p)
{
    struct rti_qnode *n;
    if (p->next_streak < RTI_FINDWORK_STREAK && (n = rti_runq_take_next(&p->runq))) {
        p->next_streak++;
        return (struct g *)n; /* link is the first member */
    }
    n = rti_runq_get(&p->runq);
    if (!n)
        n = rti_runq_take_next(&p->runq);
    if (n)
        rti_findwork_new_slice(p);
    return (struct g *)n;
}

/* On any stack: the next G of p's own queue, now and then or for want of others of the global queue. NULL: nothing
 * there, or the system stack must look (p->due, or the world stops). Inline: part of every switch. */
static ALWAYS_INLINE struct g *rti_findwork_fast(struct p *p)
{
    struct g *g;
    if (UNLIKELY(load_rlx(&rti_world.attention) | rti_world.odd)) {
        bool found;
        g = rti_findwork_oddly(p, &found);
        if (found)
            return g;
    }
    if (UNLIKELY(--p->until_look == 0)) {
        g = rti_findwork_seldom(p);
        if (g || p->due)
            return g;
    }
    g = rti_findwork_local(p);
    if (UNLIKELY(!g) && load_rlx(&rti_world.runq_len))
        g = rti_findwork_global(p);
    return g;
}

/* On the system stack: the next G to run, after sleeping if need be. m holds a P on return, and need not before. NULL:
 * the world stops. */
struct g *rti_findwork_next(struct m *m);
/* True if any queue, timer or descriptor has work for an idle P; a hint. */
bool rti_findwork_visible(void);
/* fn is called when a P has nothing to do, before it sleeps: a G to run (RUNNABLE, in no queue), or NULL. */
void rti_findwork_set_idle_source(struct g *(*fn)(void));

#endif
