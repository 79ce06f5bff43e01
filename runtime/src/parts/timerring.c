#include "timerring.h"

#include <stdlib.h>

#include <rt/check.h>

enum { FIRST_ROOM = 64 };

/* A new array rather than a longer one: what wraps around would have to be moved anyway. */
static void grow(struct rti_timerring *r)
{
    uint32_t room = r->room ? r->room * 2 : FIRST_ROOM;
    struct rti_timerslot *slots = malloc((size_t)room * sizeof(*slots));
    if (!slots || room < r->room)
        rt_throw("out of memory: the queue of timers cannot grow");
    for (uint32_t i = 0; i < r->len; i++)
        slots[i] = *rti_timerring_at(r, i);
    free(r->slots);
    r->slots = slots;
    r->room = room;
    r->head = 0;
}

void rti_timerring_push(struct rti_timerring *self, struct rti_timerslot slot)
{
    DCHECK(self->len == 0 || self->last_ns <= slot.when_ns);
    if (self->len == self->room)
        grow(self);
    *rti_timerring_at(self, self->len++) = slot;
    self->last_ns = slot.when_ns;
}

struct rti_timerslot rti_timerring_pop(struct rti_timerring *self)
{
    struct rti_timerslot slot = *rti_timerring_first(self);
    self->head++;
    self->len--;
    return slot;
}

void rti_timerring_cut(struct rti_timerring *self, uint32_t n)
{
    DCHECK(n <= self->len);
    self->len = n;
    if (n > 0)
        self->last_ns = rti_timerring_at(self, n - 1)->when_ns;
}

void rti_timerring_free(struct rti_timerring *self)
{
    free(self->slots);
    *self = (struct rti_timerring){0};
}
