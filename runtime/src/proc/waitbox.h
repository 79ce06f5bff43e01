/* waitbox.h - per-G storage for whatever it waits in: a parked G's waker leaves its answer here, so that nobody writes
 * to a stack that may be copied out. Threads: the G itself, and its waker between unlinking it under the object's lock
 * and rti_sched_ready(). Memory: part of struct g. */
#ifndef RTI_WAITBOX_H
#define RTI_WAITBOX_H

#include <stdint.h>

#include "base/atomic.h"

struct rti_waitbox {
    void *slot;                    /* where to put or take the value; NULL when none */
    void *waker;                   /* which waiter record fired (select) */
    int64_t result;                /* 0 closed or woken, 1 value passed, negative -errno */
    _Atomic(uint32_t) select_done; /* 0 open, 1 somebody won the select */
    uint64_t ticket;
};

#endif
