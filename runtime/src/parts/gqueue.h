/* gqueue.h - intrusive FIFO of Gs: the global queue, ready lists, batches. Threads: the owner's lock. Memory: none, the
 * nodes are the first member of struct g. */
#ifndef RTI_GQUEUE_H
#define RTI_GQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rti_qnode {
    struct rti_qnode *next;
};

struct rti_gqueue {
    struct rti_qnode *head, *tail;
    uint32_t len;
};

static inline void rti_gqueue_push(struct rti_gqueue *q, struct rti_qnode *n)
{
    n->next = NULL;
    if (q->tail)
        q->tail->next = n;
    else
        q->head = n;
    q->tail = n;
    q->len++;
}

static inline struct rti_qnode *rti_gqueue_pop(struct rti_gqueue *q)
{
    struct rti_qnode *n = q->head;
    if (!n)
        return NULL;
    q->head = n->next;
    if (!q->head)
        q->tail = NULL;
    q->len--;
    n->next = NULL;
    return n;
}

/* All of from to the end of q; from is empty afterwards. */
static inline void rti_gqueue_append(struct rti_gqueue *q, struct rti_gqueue *from)
{
    if (!from->head)
        return;
    if (q->tail)
        q->tail->next = from->head;
    else
        q->head = from->head;
    q->tail = from->tail;
    q->len += from->len;
    *from = (struct rti_gqueue){0};
}

#endif
