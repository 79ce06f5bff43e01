/* timerheap.h - timers by deadline: an intrusive 4-ary heap. Add, remove and pop are O(log n), the next deadline O(1).
 * Threads: none of its own; the caller's lock guards a heap and the timers in it (the scheduler's: one per P).
 * Memory: the caller owns the timers; the array of the heap is malloc'd and grows (never shrinks below what was
 * needed). Rule of use: a timer is in one heap at most. After pop_due the caller unlocks, then calls fire.fn(fire.arg,
 * fire.seq) and does not touch the timer again: its owner may reuse it at once. */
#ifndef RTI_TIMERHEAP_H
#define RTI_TIMERHEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rti_timer {
    int64_t when_ns;   /* absolute deadline; set before add, moved on by pop_due if periodic */
    int64_t period_ns; /* 0: once; else it stays in the heap and is due again every period */
    void (*fn)(void *arg, uint64_t seq);
    void *arg;
    uint64_t seq;         /* the owner's; handed to fn as it was when popped, so fn can tell a stale firing */
    uint32_t place;       /* the heap's: index + 1; 0: in no heap */
    _Atomic(void *) home; /* the scheduler's: which P's heap it is in; the heap does not touch it */
};

struct rti_timerheap_slot {
    int64_t when_ns; /* copy of the timer's: sifting touches no timer but those it moves */
    struct rti_timer *timer;
};
/* All zero is an empty heap. */
struct rti_timerheap {
    struct rti_timerheap_slot *slots;
    uint32_t len, room;
};
/* What to call after the lock is released. */
struct rti_timer_fire {
    void (*fn)(void *arg, uint64_t seq);
    void *arg;
    uint64_t seq;
    int64_t late_ns; /* how long after its deadline */
};

/* Frees the array; timers still inside are forgotten (place = 0). */
void rti_timerheap_free(struct rti_timerheap *self);
/* t is in no heap. True: it is the new first one, so whoever sleeps until the next deadline must be woken. */
bool rti_timerheap_add(struct rti_timerheap *self, struct rti_timer *t);
/* True: it was inside and is out now. */
bool rti_timerheap_remove(struct rti_timerheap *self, struct rti_timer *t);
/* Gives t another deadline where it is. False, and nothing done, if it is in no heap. */
bool rti_timerheap_move(struct rti_timerheap *self, struct rti_timer *t, int64_t when_ns);
/* If a timer is due at now_ns (when_ns <= now_ns): takes the earliest out, or moves it on by whole periods beyond
 * now_ns (no drift, missed ticks are skipped), fills *fire and returns true. */
bool rti_timerheap_pop_due(struct rti_timerheap *self, int64_t now_ns, struct rti_timer_fire *fire);
/* The earliest deadline; INT64_MAX when empty. */
static inline int64_t rti_timerheap_next(const struct rti_timerheap *self)
{
    return self->len > 0 ? self->slots[0].when_ns : INT64_MAX;
}
/* Moves all timers of from into self, e.g. when a P goes away; from is empty after it. each (may be NULL) sees every
 * timer moved, to set its home. */
void rti_timerheap_move_all(struct rti_timerheap *self, struct rti_timerheap *from,
                            void (*each)(struct rti_timer *t, void *arg), void *arg);

#endif
