/* sched.h - what the floors above (gc, api, observe, boot) may call of the scheduler.
 * Threads: unless said otherwise, any goroutine. Memory: G, M and P structures come from free pools and are never
 * freed.
 *
 * The wait protocol. A goroutine that must wait (channel, mutex, timer ...) takes the object's rti_lock, finds that it
 * must wait, links a waiter that names its G, and calls rti_sched_park_unlock(). The lock is released by the scheduler
 * only after the goroutine is off its stack, so whoever takes the lock next may call rti_sched_ready() at once (S1,
 * S5). */
#ifndef RTI_SCHED_H
#define RTI_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "proc/waitbox.h"
#include "sched/points.h"
#include <rt/attr.h>

struct g;

/* Why a G waits: shown in dumps and deadlock reports, in Go's words. */
enum rti_wait {
    RTI_WAIT_NONE,
    RTI_WAIT_CHAN_RECEIVE,
    RTI_WAIT_CHAN_SEND,
    RTI_WAIT_CHAN_RECEIVE_NIL,
    RTI_WAIT_CHAN_SEND_NIL,
    RTI_WAIT_SELECT,
    RTI_WAIT_SELECT_NO_CASES,
    RTI_WAIT_MUTEX,
    RTI_WAIT_RLOCK,
    RTI_WAIT_WLOCK,
    RTI_WAIT_SEMA,
    RTI_WAIT_COND,
    RTI_WAIT_GROUP,
    RTI_WAIT_SLEEP,
    RTI_WAIT_IO,
    RTI_WAIT_TIMER,
    RTI_WAIT_COUNT
};

/* The goroutine that runs on this thread; NULL on a thread or stack that is not a goroutine's. Never cached across a
 * call that may park. */
struct g *rti_sched_self(void);

/* Parks the calling goroutine. After it is off its stack the scheduler calls commit(g, arg) on the system stack (no
 * parking in there); false means "changed my mind": the goroutine goes on at once. commit may be NULL. Returns after
 * somebody called rti_sched_ready() on it. May return on another thread. */
void rti_sched_park(bool (*commit)(struct g *g, void *arg), void *arg, enum rti_wait why);
/* The same with the commit "release lock". The caller holds lock. */
void rti_sched_park_unlock(struct rti_lock *lock, enum rti_wait why);

/* Makes a parked goroutine runnable: into the caller's P (runnext: it runs next, inheriting the time slice), or into
 * the global queue from a thread without a P. Wakes another P if one idles and nobody spins (S3). Exactly once per
 * park. Any thread; may be called with an rti_lock held. */
void rti_sched_ready(struct g *g);
/* Many at once, linked by rti_sched_link(); used by close and by the netpoller. NULL-terminated list. */
void rti_sched_ready_list(struct g *head);
struct g **rti_sched_link(struct g *g); /* the intrusive next pointer; free to use only while g is parked and owned */

/* Back to the end of the global queue; somebody else runs. */
void rti_sched_yield(void);

/* Where a parked G's waker leaves its answer. */
struct rti_waitbox *rti_sched_waitbox(struct g *g);
uint64_t rti_sched_goid(const struct g *g);

/* The scheduler's clock: monotonic nanoseconds. */
int64_t rti_sched_now(void);
/* Here the goroutine may be made to give way, though it has no need to (sched/points.h): at the entry of whatever
 * goroutines meet in, and where a race could be lost. No runtime lock held. */
static ALWAYS_INLINE void rti_sched_point(void)
{
    if (UNLIKELY(rti_points_armed))
        rti_points_here();
}
/* A random number of this P's generator. */
uint32_t rti_sched_random(void);

/* --- timers: each P owns a set of them (parts/timerheap.h); findwork runs those that are due --- */
struct rti_timer;
/* t is due at when_ns from now on, live or not before: true if it was. Its owner set fn, arg and seq while it was not,
 * calls one of these two at a time, and keeps t as the set says (a timer that was never moved to an earlier deadline
 * and has fired is in no set). fn runs on the system stack of some P, must not park or block, and may return a
 * goroutine to make ready. INT64_MAX: never. */
bool rti_sched_timer_set(struct rti_timer *t, int64_t when_ns);
/* True if it was live and will not fire; false if it fired or is firing. */
bool rti_sched_timer_stop(struct rti_timer *t);

/* --- netpoll: one pollset (parts/pollset.h) for the process, polled by findwork and sysmon --- */
struct rti_pollset;
struct rti_pollset *rti_sched_pollset(void); /* created at first use */

/* --- blocking calls (api/blocking.c, api/poll.c): the P is handed on while the thread is in the kernel --- */
void rti_sched_enter_blocking(void);
void rti_sched_exit_blocking(void);

#endif
