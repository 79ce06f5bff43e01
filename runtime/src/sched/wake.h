/* wake.h - when a thread is woken and when not. Threads: any. Memory: none.
 *
 * The rule (S3). Who makes a G runnable publishes it, passes a full fence, and then wakes one more M only if a P idles
 * and no M spins. Who goes idle puts its P on the idle list (and stops counting as spinning), passes a full fence, and
 * then looks at every queue again. Either the first sees the idle P or the second sees the G. A spinning M will look at
 * all queues before it sleeps, so it stands for every G that is published while it spins; when it finds work it stops
 * spinning and applies the rule again. Waking costs the other core 35 us: hence at most one at a time. While that does
 * not pay, sysmon is the one that spins, in naps (sched/thrift.h); it looks at all queues before it stops being
 * counted. */
#ifndef RTI_WAKE_H
#define RTI_WAKE_H

#include <stdbool.h>

#include "proc/world.h"
#include <rt/attr.h>

/* Wakes one M for an idle P, counted as spinning, unless somebody spins; or leaves it to sysmon (sched/thrift.h). */
void rti_wake_one(void);
/* The same by a caller who is counted as spinning already; the count passes to who is woken, or is given back. */
void rti_wake_claimed(void);
/* The rule's second half; the fence is the caller's. */
static ALWAYS_INLINE void rti_wake_maybe(void)
{
    if (UNLIKELY(load_rlx(&rti_world.idle_ps) != 0) && load_rlx(&rti_world.spinning) == 0)
        rti_wake_one();
}
/* A P idles and nobody spins: is there a queue that was missed, or a timer or descriptor with no one to wait for it
 * (a P that was taken from a call, say, is made idle without anybody going to rest)? True if somebody was woken, who
 * polls if that is all. */
bool rti_wake_mend(int64_t now);
/* A P's first deadline is when_ns now, or nobody polls for the timers any more: sysmon, should it sleep for longer, has
 * to look sooner. The caller has passed a full fence since. Any thread. */
void rti_wake_watch(int64_t when_ns);
/* How late a timer may be before sysmon asks whoever runs to give way for it. */
enum { RTI_WAKE_LATE_NS = 100000 };
/* Lets an idle M, or a new one, run p, which the caller took off. Lock held on entry, released on return. */
void rti_wake_run_p_unlock(struct p *p, bool spinning);
/* m looks for work and says so; it found some, or none. found: applies the rule again. */
void rti_wake_spin(struct m *m);
void rti_wake_unspin(struct m *m, bool found);
/* All idle Ms and whoever polls: the world stops. */
void rti_wake_all(void);

#endif
