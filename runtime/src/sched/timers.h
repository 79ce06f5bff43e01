/* timers.h - one heap of timers per P, and who runs those that are due. Threads: any; each heap has its lock, and the
 * functions of due timers run without it. Memory: the timers are their owners'. */
#ifndef RTI_TIMERS_H
#define RTI_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

struct p;
struct rti_timer;
struct rti_timer_fire;

/* p's first timer is due. Reads the clock only if there is a timer. */
bool rti_timers_due(struct p *p);
/* Takes one that is due at now_ns out of p's heap (or moves it on by its period) into *fire, which the caller calls. */
bool rti_timers_pop(struct p *p, int64_t now_ns, struct rti_timer_fire *fire);
/* Runs what is due in p's heap, on the calling (system) stack; true if there was any. */
bool rti_timers_run(struct p *p);
/* The first deadline of all Ps; INT64_MAX without timers. */
int64_t rti_timers_next(void);
/* The bodies of rti_sched_timer_*. */
void rti_timers_start(struct rti_timer *t);
bool rti_timers_stop(struct rti_timer *t);
bool rti_timers_move(struct rti_timer *t, int64_t when_ns);

#endif
