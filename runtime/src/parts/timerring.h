/* timerring.h - a run of timers whose deadlines only rise: a growing ring. Add at the end, take from the front, both
 * O(1). Threads: none of its own; the lock of the set it belongs to (parts/timerheap.h) guards it. Memory: the array is
 * malloc'd, grows and does not shrink; the timers are their owners'. */
#ifndef RTI_TIMERRING_H
#define RTI_TIMERRING_H

#include <stdint.h>

struct rti_timer;

/* One entry of a set of timers: when to look at a timer, at the latest its deadline. */
struct rti_timerslot {
    int64_t when_ns;
    struct rti_timer *timer;
};

/* All zero is an empty ring. */
struct rti_timerring {
    struct rti_timerslot *slots;
    uint32_t head, len, room; /* room: a power of two, or 0 */
    int64_t last_ns;          /* when_ns of the last one */
};

/* len > 0. */
static inline struct rti_timerslot *rti_timerring_first(const struct rti_timerring *self)
{
    return &self->slots[self->head & (self->room - 1)];
}
/* The ith from the front; i < len. */
static inline struct rti_timerslot *rti_timerring_at(const struct rti_timerring *self, uint32_t i)
{
    return &self->slots[(self->head + i) & (self->room - 1)];
}
/* slot is not sooner than the last one. */
void rti_timerring_push(struct rti_timerring *self, struct rti_timerslot slot);
/* len > 0. */
struct rti_timerslot rti_timerring_pop(struct rti_timerring *self);
/* Keeps the first n. */
void rti_timerring_cut(struct rti_timerring *self, uint32_t n);
void rti_timerring_free(struct rti_timerring *self);

#endif
