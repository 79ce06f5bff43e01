/* time.h - what channels, selects and descriptors need of timers. Threads: any. Memory: rt/time.h.
 *
 * A timer with a channel is in no P's set unless a goroutine waits on the channel (Go 1.23): who looks at the channel
 * finds out whether it is due. So a timeout that nobody waits for costs no more than reading the clock. */
#ifndef RTI_TIME_H
#define RTI_TIME_H

#include "api/chan.h"

struct rt_timer;
struct rti_timer;

/* Frees the timer of an rt_after() channel; fatal for one that its owner frees with rt_timer_free(). */
void rti_time_free_after(struct rt_timer *t);

/* With the lock of t's channel held, whose buffer is empty: the tick that is due, if there is one. */
enum rti_chan_try rti_time_recv_locked(struct rt_timer *t, void *value);
/* The same lock: a receiver was queued, or taken out of the queue before its time. */
void rti_time_wait_locked(struct rt_timer *t);
void rti_time_unwait_locked(struct rt_timer *t);

/* A timer for a wait that mostly ends otherwise, for rti_sched_timer_set; to be stopped before it is given back. */
struct rti_timer *rti_time_borrow(void);
void rti_time_return(struct rti_timer *t);

#endif
