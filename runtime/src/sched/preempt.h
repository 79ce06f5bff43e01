/* preempt.h - asking a running goroutine to give way. Threads: said at each. Memory: none.
 *
 * First step: p->preempt, which rt_checkpoint and every yield look at, and m->taken, which makes the way out of a
 * blocking call look at it too. */
#ifndef RTI_PREEMPT_H
#define RTI_PREEMPT_H

#include "proc/p.h"
#include "proc/world.h"
#include <rt/attr.h>

/* Whoever runs on p shall yield at its next checkpoint, yield or return from a blocking call. */
void rti_preempt_ask_locked(struct p *p, enum rti_preempt why) REQUIRES(rti_world.lock);

#endif
