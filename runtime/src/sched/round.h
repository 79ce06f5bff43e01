/* round.h - one scheduling round: the running goroutine leaves, the next one arrives. Threads: an M's own. Memory:
 * none.
 *
 * The goroutine that leaves picks its successor on its own stack and jumps straight to it; only when there is none, or
 * the world needs a look (timers, stop), does it jump to the M's system stack, whose loop calls findwork. What is left
 * to do for the one that left (queue it, release a lock, free its stack) cannot be done before it is off its stack, so
 * whoever arrives does it first: rti_round_finish. */
#ifndef RTI_ROUND_H
#define RTI_ROUND_H

#include "parts/gqueue.h"
#include "proc/m.h"

struct g;
struct p;

/* The M's system stack: runs goroutines until the world stops. */
void rti_round_loop(struct m *m);
/* The calling goroutine stops running; m is its M. Returns when it runs again, perhaps on another M. */
void rti_round_leave(struct m *m, enum rti_finish how);
/* The calling goroutine is done; never returns. */
NORETURN void rti_round_exit(void);
/* To the end of the queue. Returns at once when nobody else can run. */
void rti_round_yield(void);
/* First thing on a new stack. */
void rti_round_arrived(void);
/* A G that is ready now (RUNNABLE): next to run on p, which the caller holds. Wakes another M if that is due. */
void rti_round_submit(struct p *p, struct g *g);
/* The same from anywhere: p's if the thread holds one, else the global queue. */
void rti_round_submit_any(struct g *g);
/* A batch, each behind the other: the end of the caller's own ring as far as it goes, else the global queue. */
void rti_round_submit_list(struct rti_gqueue *batch);
/* A batch to the global queue, with the wake-up. */
void rti_round_submit_batch(struct rti_gqueue *batch);

#endif
