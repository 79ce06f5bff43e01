#include "parts/runq.h"

#include <rt/check.h>

enum { MASK = RTI_RUNQ_MASK };

/* Ring full: takes half of it in one CAS. False when thieves made room meanwhile. */
static bool overflow_half(struct rti_runq *q, uint32_t head, uint32_t tail, struct rti_gqueue *out)
{
    struct rti_qnode *batch[RTI_RUNQ_SIZE / 2];
    uint32_t n = (tail - head) / 2;
    DCHECK(n >= rti_runq_room(q) / 2 && n <= RTI_RUNQ_SIZE / 2); /* S2: nobody else puts */
    for (uint32_t i = 0; i < n; i++)
        batch[i] = load_rlx(&q->ring[(head + i) & MASK]);
    if (!cas_rel(&q->head, &head, head + n)) /* pairs with load_acq of head in put */
        return false;
    for (uint32_t i = 0; i < n; i++)
        rti_gqueue_push(out, batch[i]);
    return true;
}

bool rti_runq_put_full(struct rti_runq *q, struct rti_qnode *n, struct rti_gqueue *overflow)
{
    uint32_t head = load_acq(&q->head), tail = load_rlx(&q->tail); /* as in put */
    if (tail - head < rti_runq_room(q) || !overflow_half(q, head, tail, overflow))
        return rti_runq_put(q, n, overflow);
    rti_gqueue_push(overflow, n);
    return false;
}

/* Reads up to half of the ring into mine's ring behind its tail (not yet published), and takes it by one CAS. */
static uint32_t grab(struct rti_runq *mine, uint32_t at, struct rti_runq *from)
{
    for (;;) {
        uint32_t head = load_acq(&from->head); /* pairs with cas of other consumers */
        uint32_t tail = load_acq(&from->tail); /* pairs with store_rel in put */
        uint32_t n = tail - head;
        n -= n / 2;
        if (n == 0)
            return 0;
        if (n > RTI_RUNQ_SIZE / 2)
            continue; /* head and tail are not of one moment */
        for (uint32_t i = 0; i < n; i++)
            store_rlx(&mine->ring[(at + i) & MASK], load_rlx(&from->ring[(head + i) & MASK]));
        if (cas_rel(&from->head, &head, head + n)) /* pairs with load_acq of head in put */
            return n;
    }
}

struct rti_qnode *rti_runq_steal(struct rti_runq *mine, struct rti_runq *from)
{
    uint32_t tail = load_rlx(&mine->tail);
    DCHECK(tail - load_acq(&mine->head) <= RTI_RUNQ_SIZE / 2); /* so there is room for half of another ring */
    uint32_t n = grab(mine, tail, from);
    if (n == 0)
        return NULL;
    n--;
    struct rti_qnode *mine_now = load_rlx(&mine->ring[(tail + n) & MASK]);
    if (n > 0)
        store_rel(&mine->tail, tail + n); /* pairs with load_acq of tail in grab */
    return mine_now;
}

struct rti_qnode *rti_runq_steal_next(struct rti_runq *from)
{
    struct rti_qnode *n = load_rlx(&from->next);
    if (!n)
        return NULL;
    return cas_acq(&from->next, &n, NULL) ? n : NULL; /* pairs with xchg in swap_next */
}

bool rti_runq_is_empty(struct rti_runq *q)
{
    /* A G may move from the slot to the ring between two looks: only an unmoved tail proves it did not. */
    for (;;) {
        uint32_t head = load_acq(&q->head);
        uint32_t tail = load_acq(&q->tail);
        struct rti_qnode *next = load_acq(&q->next);
        if (tail == load_acq(&q->tail))
            return head == tail && !next;
    }
}

uint32_t rti_runq_ring_len(struct rti_runq *q)
{
    uint32_t head = load_acq(&q->head); /* first: a tail of later is never before it */
    uint32_t n = load_acq(&q->tail) - head;
    return n < RTI_RUNQ_SIZE ? n : RTI_RUNQ_SIZE;
}

uint32_t rti_runq_len(struct rti_runq *q)
{
    return rti_runq_ring_len(q) + (load_rlx(&q->next) != NULL);
}
