/* locked.h - a goroutine and a thread that belong to each other. Threads: said at each. Memory: none.
 *
 * While its goroutine cannot run, the M has no P and sleeps (m->waiting). Whoever takes such a goroutine out of a queue
 * hands it over, and its P with it, and goes idle itself; if the M still holds a P of its own (it has only just stopped
 * running the goroutine, and not yet given that P away) it keeps that one. All under the world's lock. */
#ifndef RTI_LOCKED_H
#define RTI_LOCKED_H

#include <stdbool.h>

#include "proc/world.h"
#include <rt/attr.h>

struct g;
struct m;
struct p;

/* The bodies of rt_lock_thread and rt_unlock_thread. */
void rti_locked_enter(void);
void rti_locked_leave(void);
/* The caller, a locked goroutine, is about to end: so will its thread. */
void rti_locked_end(void);
/* Somebody else could run on p, so a yield of its locked goroutine is worth its price. */
bool rti_locked_has_rival(struct p *p);
/* On the system stack of a locked M: waits for its goroutine and returns it. NULL: the thread ends, or the world. */
struct g *rti_locked_next(struct m *m);
/* On m's system stack: g, out of every queue, belongs to another M. m holds a P on entry, perhaps none on return. */
void rti_locked_hand_over(struct m *m, struct g *g);
/* m came back from a call without its P, and its goroutine is RUNNABLE. Lock held on entry, released on return. */
void rti_locked_stranded_unlock(struct m *m);
/* The world ends: every M that waits. */
void rti_locked_wake_all_locked(void) REQUIRES(rti_world.lock);

#endif
