/* timers.h - one set of timers per P, and who runs those that are due. Threads: any; each set has its lock, and the
 * functions of due timers run without it. Memory: the timers are their owners'. */
#ifndef RTI_TIMERS_H
#define RTI_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

#include <rt/attr.h>

struct p;
struct rti_timer;
struct rti_timer_fire;

/* p's first timer is due. Reads the clock only if there is a timer. */
bool rti_timers_due(struct p *p);
/* Takes one that is due at now_ns out of p's set into *fire, for rti_timers_fire. */
bool rti_timers_pop(struct p *p, int64_t now_ns, struct rti_timer_fire *fire);
/* Calls it and makes ready whom it names. On a system stack. */
void rti_timers_fire(const struct rti_timer_fire *fire);
/* Runs what is due in p's set, as much as the caller's P has room for: true if there was any. On the system stack. */
bool rti_timers_run(struct p *p);
/* The first deadline of all Ps; INT64_MAX without timers. */
int64_t rti_timers_next(void);
/* All timers of from to to, which stays: from goes away. */
void rti_timers_move_all(struct p *from, struct p *to);
/* The bodies of rti_sched_timer_*. */
bool rti_timers_set(struct rti_timer *t, int64_t when_ns);
bool rti_timers_stop(struct rti_timer *t);

#endif
