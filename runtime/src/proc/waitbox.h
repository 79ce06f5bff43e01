/* waitbox.h - what a parked goroutine waits with, kept in its G: the record by which others find it, the value that
 * passes, (the answer its waker leaves stands beside it in the G). Nobody but the goroutine itself then touches its
 * stack while it is parked, so that the stack can be copied out (sched/hibernate.h). Threads: the G itself, and its
 * waker between unlinking it under the object's lock and rti_sched_ready(). Memory: part of struct g. A goroutine waits
 * for one thing at a time, so the records share their place. */
#ifndef RTI_WAITBOX_H
#define RTI_WAITBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "parts/timerheap.h"

struct g;

/* On a channel's queue (api/waiter.h). */
struct rti_waiter {
    struct rti_waiter *next, *prev;
    struct g *g;
    void *value;   /* a receiver's: where to put it (NULL: dropped); a sender's: where it is */
    uint16_t mark; /* 0: alone. Else several records of one G are queued, and this is the number of this one, from 1 */
    bool queued;
};

/* In the table of semaphores (api/sema.h). */
struct rti_sema_waiter {
    const void *addr;
    struct g *g;
    struct rti_sema_waiter *next;                  /* the next one of the same address */
    struct rti_sema_waiter *last;                  /* of the first one: the last of its address */
    struct rti_sema_waiter *next_addr, *prev_addr; /* of the first one: the other addresses of the bucket */
    _Atomic(uint32_t) state;                       /* enum rti_sema_state */
    bool granted;                                  /* the waker handed over what was waited for */
    int64_t since_ns;                              /* the owner's */
};

enum { RTI_WAITBOX_VALUE = 24 }; /* bytes that pass without an allocation */

struct rti_waitbox {
    union {
        struct {
            struct rti_waiter waiter;
            char value[RTI_WAITBOX_VALUE];
        };
        struct rti_sema_waiter sema;
        struct rti_timer timer; /* of a sleep; of a wait for a descriptor, arg and seq say which */
    };
};

#endif
