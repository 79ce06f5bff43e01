/* spawn.h - a new G: queue, stack, first frame; exit and reuse. Threads: said at each. Memory: Gs go to the P's pool
 * and from there to the world's; stacks to the P's cache. */
#ifndef RTI_SPAWN_H
#define RTI_SPAWN_H

#include <stdint.h>

#include <rt/attr.h>
#include <rt/go.h>

struct g;
struct p;

/* Any thread. site: the return address of the call that asks. Returns the id. */
uint64_t rti_spawn_go(const struct rt_go_attr *attr, void (*fn)(void *arg), void *arg, void *site);
/* A G that is RUNNABLE and in no queue. */
struct g *rti_spawn_prepare(const struct rt_go_attr *attr, void (*fn)(void *arg), void *arg, void *site);

/* For round.c, by the M that holds p: */
void rti_spawn_bind(struct p *p, struct g *g, void (*arrive)(void)); /* stack and first frame */
void rti_spawn_body(struct g *g);                 /* on the new stack; rti_round_exit comes after it (arch/context.h) */
void rti_spawn_recycle(struct p *p, struct g *g); /* after its last switch */
/* g has ended and heir is new: it gets g's stack, on which the caller still runs, and g goes to the pool. */
void rti_spawn_inherit(struct p *p, struct g *g, struct g *heir);
void rti_spawn_check_canary(struct g *g); /* of a stack without a guard page */
void rti_spawn_flush(struct p *p);        /* its pool of dead Gs to the world's */

/* Where the first frame of g begins on the stack that ends at hi: coloured, or all stacks' hot lines would fall into
 * the same cache sets. */
char *rti_spawn_top(const struct g *g, char *hi);

/* At the end of the world, no M left: every G to the world's pool, IDLE, without a stack. */
void rti_spawn_reclaim_all(void);

#endif
