/* safepoint.h - how long it takes from asking whoever runs on a P to give way until it does, by reason. Most "pauses"
 * of runtimes are this time. Threads: said at each. Memory: in the Ps; what Ps of earlier worlds counted is kept.
 *
 * reason   asked by                              has given way
 * SLICE    sysmon, after 10 ms of one goroutine  at its next yield or park, in whatever way it came to that
 * TIMER    sysmon, for a timer 100 us late       the same
 * STOP     whoever stops the world               when its M stands still (not when the P was taken out of a call)
 * END      the end of rt_main                    when its M leaves
 * A P that loses its holder before (a call that sysmon takes the P from) is not counted. Each P counts by plain stores:
 * only its holder does. */
#ifndef RTI_SAFEPOINT_H
#define RTI_SAFEPOINT_H

#include "parts/hist.h"
#include "proc/p.h"
#include "proc/world.h"
#include <rt/attr.h>

/* The bits of enum rti_preempt in why are asked of p's holder. */
void rti_safepoint_ask_locked(struct p *p, uint32_t why) REQUIRES(rti_world.lock);
/* The holder gives way: a new slice begins, late timers are looked at. */
void rti_safepoint_slice(struct p *p);
/* The holder of p has done the other things that were asked. */
void rti_safepoint_done(struct p *p, enum rti_safepoint what);
/* p will not be used any more; at the end of the world, no M left. */
void rti_safepoint_keep(struct p *p);
/* All that was counted for what, since the program started, into *out. Any thread. */
void rti_safepoint_times(enum rti_safepoint what, struct rti_hist *out);

#endif
