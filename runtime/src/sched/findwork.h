/* findwork.h - the order in which a P looks for work. Threads: the M that holds the P. Memory: none. */
#ifndef RTI_FINDWORK_H
#define RTI_FINDWORK_H

#include <stdbool.h>

#include <rt/attr.h>

struct g;
struct m;
struct p;

/* On any stack: the next G of p's own queue, now and then or for want of others of the global queue. NULL: nothing
 * there, or the system stack must look (p->due, or the world stops). */
struct g *rti_findwork_fast(struct p *p);
/* p's share of the global queue, but for one that is returned, goes to its ring; NULL when that is empty. */
struct g *rti_findwork_global(struct p *p);
/* On the system stack: the next G to run, after sleeping if need be. m holds a P on return, and need not before. NULL:
 * the world stops. */
struct g *rti_findwork_next(struct m *m);
/* True if any queue, timer or descriptor has work for an idle P; a hint. */
bool rti_findwork_visible(void);
/* fn is called when a P has nothing to do, before it sleeps: a G to run (RUNNABLE, in no queue), or NULL. */
void rti_findwork_set_idle_source(struct g *(*fn)(void));

#endif
