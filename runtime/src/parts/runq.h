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

enum { RTI_RUNQ_SIZE = 256 };

struct rti_runq {
    _Atomic(uint32_t) head;           /* next to take; moved by owner and thieves with CAS */
    _Atomic(uint32_t) tail;           /* next free; written by the owner (rel), read by thieves (acq) */
    uint32_t cut;                     /* places of the ring that are not used: GODEBUG=tinyqueues; fixed before use */
    _Atomic(struct rti_qnode *) next; /* runs before the ring; put by the owner, taken by owner or thief */
    _Atomic(struct rti_qnode *) ring[RTI_RUNQ_SIZE];
};

/* --- the owner --- */
/* To the end of the ring. When that is full, half of it and n go to the end of *overflow instead (one batch for the
 * global queue), and the return value is false. */
bool rti_runq_put(struct rti_runq *q, struct rti_qnode *n, struct rti_gqueue *overflow);
/* n becomes the next to run; returns the one that was (now the caller's), or NULL. One read-modify-write, a full fence
 * on x86. */
struct rti_qnode *rti_runq_swap_next(struct rti_runq *q, struct rti_qnode *n);
/* The next slot's G, or NULL. */
struct rti_qnode *rti_runq_take_next(struct rti_runq *q);
/* The oldest of the ring, or NULL. */
struct rti_qnode *rti_runq_get(struct rti_runq *q);

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

/* How many the ring holds at most. */
static inline uint32_t rti_runq_room(const struct rti_runq *q)
{
    return RTI_RUNQ_SIZE - q->cut;
}
/* How many there are; a guess while others work on it. */
uint32_t rti_runq_len(struct rti_runq *q);

#endif
