/* waiter.h - the record of a goroutine that waits on a channel, and the only code that touches its variable.
 * Threads: the lock of the channel that it is queued on guards a record. Memory: in the wait box of the goroutine;
 * those of a select on its stack, or in one allocation if the stack may be copied out; valid from before it is queued
 * until the goroutine goes on.
 *
 * `value` points to the goroutine's own variable, so that a value is copied once. Of a goroutine whose stack may be
 * copied out it points to a slot elsewhere, and the goroutine copies between slot and variable itself. */
#ifndef RTI_WAITER_H
#define RTI_WAITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/atomic.h"
#include "proc/g.h"
#include "sched/sched.h"
#include <rt/attr.h>
#include <rt/check.h>

struct rti_waitq {
    _Atomic(struct rti_waiter *) head; /* read without the lock by the peeks of try and select */
    struct rti_waiter *tail;
};

/* What a woken G finds in its wait box. */
enum { RTI_WOKEN_CLOSED = 0, RTI_WOKEN_VALUE = 1 };

/* The calling goroutine, which is about to wait. A fatal error on a thread that runs none. */
static inline struct g *rti_waiter_self(void)
{
    struct g *g = rti_sched_self();
    if (UNLIKELY(!g))
        rt_throw("a call that waits was made on a thread that runs no goroutine");
    return g;
}

static inline void rti_waiter_push(struct rti_waitq *q, struct rti_waiter *w)
{
    w->next = NULL;
    w->prev = q->tail;
    w->queued = true;
    if (q->tail)
        q->tail->next = w;
    else
        store_rlx(&q->head, w);
    q->tail = w;
}

static inline void rti_waiter_remove(struct rti_waitq *q, struct rti_waiter *w)
{
    if (!w->queued)
        return;
    w->queued = false;
    if (w->prev)
        w->prev->next = w->next;
    else
        store_rlx(&q->head, w->next);
    if (w->next)
        w->next->prev = w->prev;
    else
        q->tail = w->prev;
}

/* The first waiter that can still be had; it is out of the queue and nobody else's. NULL: none. */
static inline struct rti_waiter *rti_waiter_pop(struct rti_waitq *q)
{
    for (struct rti_waiter *w; (w = load_rlx(&q->head)) != NULL;) {
        rti_waiter_remove(q, w);
        uint32_t open = 0;
        if (!w->mark || cas_acq_rel(&w->g->select_done, &open, w->mark)) /* the first one wins the select */
            return w;
    }
    return NULL;
}

/* Leaves the answer; the caller readies the G after it has released the lock. The record is dead from then on. */
static inline struct g *rti_waiter_answer(struct rti_waiter *w, int16_t result)
{
    struct g *g = w->g;
    g->result = result;
    return g;
}

/* Copies one element; either side may be NULL (nothing wanted, or nothing there). */
static ALWAYS_INLINE void rti_waiter_copy(void *to, const void *from, size_t bytes)
{
    if (bytes == 8 && to && from)
        memcpy(to, from, 8);
    else if (bytes > 0 && to && from)
        memcpy(to, from, bytes);
}

#endif
