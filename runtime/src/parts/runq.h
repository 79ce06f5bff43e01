/* runq.h - one P's queue of runnable Gs: a ring of 256 and the slot of the one to run next. Threads: only the owner
 * puts and gets (S2), anybody steals. Memory: none. After the local queue of Go's scheduler: single producer, consumers
 * agree by CAS on head. */
#ifndef RTI_RUNQ_H
#define RTI_RUNQ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "parts/gqueue.h"
#include <rt/attr.h>

enum { RTI_RUNQ_SIZE = 256, RTI_RUNQ_MASK = RTI_RUNQ_SIZE - 1 };

struct rti_runq {
    _Atomic(uint32_t) head;           /* next to take; moved by owner and thieves with CAS */
    _Atomic(uint32_t) tail;           /* next free; written by the owner (rel), read by thieves (acq) */
    uint32_t cut;                     /* places of the ring that are not used: GODEBUG=tinyqueues; fixed before use */
    _Atomic(struct rti_qnode *) next; /* runs before the ring; put by the owner, taken by owner or thief */
    _Atomic(struct rti_qnode *) ring[RTI_RUNQ_SIZE];
};

/* How many the ring holds at most. */
static inline uint32_t rti_runq_room(const struct rti_runq *q)
{
    return RTI_RUNQ_SIZE - q->cut;
}

/* --- the owner; inline, since every switch passes through two of them --- */
/* put, but the ring was full at the last look. */
bool rti_runq_put_full(struct rti_runq *q, struct rti_qnode *n, struct rti_gqueue *overflow);

/* To the end of the ring. When that is full, half of it and n go to the end of *overflow instead (one batch for the
 * global queue), and the return value is false. */
static ALWAYS_INLINE bool rti_runq_put(struct rti_runq *q, struct rti_qnode *n, struct rti_gqueue *overflow)
{
    uint32_t head = load_acq(&q->head); /* pairs with cas of consumers: their reads of the slot are over */
    uint32_t tail = load_rlx(&q->tail);
    if (UNLIKELY(tail - head >= rti_runq_room(q)))
        return rti_runq_put_full(q, n, overflow);
    store_rlx(&q->ring[tail & RTI_RUNQ_MASK], n);
    store_rel(&q->tail, tail + 1); /* publishes the slot and *n; pairs with load_acq of tail in grab */
    return true;
}

/* n becomes the next to run; returns the one that was (now the caller's), or NULL. One read-modify-write, a full fence
 * on x86. */
static ALWAYS_INLINE struct rti_qnode *rti_runq_swap_next(struct rti_runq *q, struct rti_qnode *n)
{
    return xchg_seq(&q->next, n); /* publishes *n; pairs with cas in steal_next */
}

/* The next slot's G, or NULL. */
static ALWAYS_INLINE struct rti_qnode *rti_runq_take_next(struct rti_runq *q)
{
    struct rti_qnode *n = load_rlx(&q->next);
    if (!n)
        return NULL;
    /* On failure a thief has it: only the owner fills the slot. */
    return LIKELY(cas_acq(&q->next, &n, NULL)) ? n : NULL;
}

/* The oldest of the ring, or NULL. */
static ALWAYS_INLINE struct rti_qnode *rti_runq_get(struct rti_runq *q)
{
    uint32_t head = load_acq(&q->head); /* pairs with cas of thieves */
    for (;;) {
        if (head == load_rlx(&q->tail))
            return NULL;
        struct rti_qnode *n = load_rlx(&q->ring[head & RTI_RUNQ_MASK]);
        if (LIKELY(cas_rel(&q->head, &head, head + 1))) /* pairs with load_acq of head in put, in a new owner's too */
            return n;
    }
}

/* --- anybody --- */
/* Moves half of from's ring (rounded up) to mine, but for one that is returned. NULL when there was nothing. The caller
 * owns mine, which has to be half empty. */
struct rti_qnode *rti_runq_steal(struct rti_runq *mine, struct rti_runq *from);
/* Takes from's next slot. The caller decides when that is fair (its owner is about to run it). */
struct rti_qnode *rti_runq_steal_next(struct rti_runq *from);
/* True only if at one moment during the call ring and slot were both empty. */
bool rti_runq_is_empty(struct rti_runq *q);
/* How many are in the ring, the next slot not counted; a guess while others work on it. */
uint32_t rti_runq_ring_len(struct rti_runq *q);

/* How many there are; a guess while others work on it. */
uint32_t rti_runq_len(struct rti_runq *q);

#endif
