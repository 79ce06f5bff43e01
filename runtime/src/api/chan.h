/* chan.h - a channel from the inside, for select.c and time.c. Threads: any; `lock` guards. Memory: rt/chan.h. */
#ifndef RTI_CHAN_H
#define RTI_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/waiter.h"
#include "base/lock.h"
#include <rt/chan.h>

struct rt_timer;

/* Why an empty channel needs a closer look: it was closed; it is a timer's, and a tick may be due (api/time.h). The
 * peeks take either for "it would not wait". */
enum { RTI_CHAN_SHUT = 1, RTI_CHAN_TIMED = 2 };

/* Invariants, with the lock held: receivers wait only while the buffer is empty, senders only while it is full; of a
 * closed channel no queue holds anybody; both queues hold somebody only for the two sides of one select. */
struct rt_chan {
    struct rti_lock lock; /* rank API; guards everything below; two are held in order of address (select) */
    uint32_t elem_bytes;
    _Atomic(uint32_t) closed; /* RTI_CHAN_*, 0: plain and open; written under lock, read without by the peeks */
    _Atomic(size_t) count;    /* the same */
    size_t cap;
    size_t recv_at, send_at; /* next element to take, next place to put: element numbers */
    char *buf;               /* cap * elem_bytes, in the channel's own allocation */
    struct rti_waitq receivers, senders;
    struct rt_timer *timer; /* whose channel it is; NULL for the others. Fixed after making. */
};

/* What one attempt came to. */
enum rti_chan_try {
    RTI_CHAN_WAIT,   /* nothing done: it would wait */
    RTI_CHAN_DONE,   /* a value passed */
    RTI_CHAN_CLOSED, /* receive: drained, *value is zeroed. Send: nothing done, the caller throws after unlocking */
};
/* One attempt with the lock held. *wake is the G to ready after unlocking, or NULL. */
enum rti_chan_try rti_chan_send_locked(struct rt_chan *self, const void *value, struct g **wake);
enum rti_chan_try rti_chan_recv_locked(struct rt_chan *self, void *value, struct g **wake);

/* Prepares a channel in the caller's memory; buf holds cap * elem_bytes and belongs to the caller. */
void rti_chan_init(struct rt_chan *self, size_t elem_bytes, size_t cap, char *buf);
/* Nobody waits on it. If somebody does when it is freed, that is fatal. */
static inline bool rti_chan_is_idle_locked(struct rt_chan *self)
{
    return !load_rlx(&self->receivers.head) && !load_rlx(&self->senders.head);
}
NORETURN void rti_chan_throw_waited_on(void);
NORETURN void rti_chan_throw_closed_send(void);

/* Looks without the lock: false only if at that instant the operation would have waited. */
static inline bool rti_chan_may_recv(struct rt_chan *self)
{
    if (self->cap > 0 ? load_acq(&self->count) > 0 : load_acq(&self->senders.head) != NULL)
        return true;
    return load_acq(&self->closed) != 0;
}
static inline bool rti_chan_may_send(struct rt_chan *self)
{
    if (self->cap > 0 ? load_acq(&self->count) < self->cap : load_acq(&self->receivers.head) != NULL)
        return true;
    return load_acq(&self->closed) != 0;
}

#endif
