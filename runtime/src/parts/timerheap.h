/* timerheap.h - timers by deadline, mended lazily: what is added in the order of deadlines goes to the end of one of a
 * few runs (O(1), parts/timerring.h), the rest into a 4-ary heap (O(log n)). To stop a timer, or to move it to a later
 * deadline, changes the timer alone; its slot is dropped or put further back when it comes to the front. The first
 * deadline is exact all the same. The laziness is that of Go's time.go (1.23), the runs are patience sorting's piles.
 * Threads: none of its own; the caller's lock guards a set and the timers in it (the scheduler's: one per P).
 * Memory: the caller owns the timers; the arrays are malloc'd (and never shrink below what was needed).
 *
 * What holds whenever the lock is open (docs/DESIGN.md, S8):
 * - all slots of a timer are in one set, its home; as long as there is one (slots > 0) its memory stays and it may be
 *   added to no other set. So a timer's memory may be reused only as a timer, until it has fired (which leaves no slot
 *   if it was never moved to an earlier deadline) or slots is 0;
 * - a live timer has one current slot: when_ns of the slot == key_ns <= when_ns of the timer;
 * - the first slot is current, of a live timer, and key_ns == when_ns: or it is INT64_MAX, which is never due;
 * - there are not many more dead slots than live timers.
 * After pop_due the caller unlocks, then calls what it got and does not touch the timers again. */
#ifndef RTI_TIMERHEAP_H
#define RTI_TIMERHEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "parts/timerring.h"

struct g;

/* All zero but for fn, arg and seq: in no set. Those three are the owner's, and not written while it is live. */
struct rti_timer {
    int64_t when_ns; /* the deadline of a live one */
    int64_t key_ns;  /* where the current slot stands */
    /* Called on the system stack, without a lock; the goroutine to make ready, or NULL. */
    struct g *(*fn)(void *arg, uint64_t seq);
    void *arg;
    uint64_t seq;         /* handed to fn as it was when popped, so fn can tell a stale firing */
    _Atomic(void *) home; /* the scheduler's: which P's set it is in; changes only while slots is 0, or by move_all */
    _Atomic(uint32_t) slots; /* how many there are in the set; falls to 0 (rel) as the last touch, read (acq) by all */
    bool live, current;      /* live: it will fire. current: there is a slot at key_ns */
};

enum { RTI_TIMERHEAP_RUNS = 3 };

/* All zero is an empty set, but for next_ns: see rti_timerheap_init. */
struct rti_timerheap {
    struct rti_timerring runs[RTI_TIMERHEAP_RUNS];
    struct rti_timerslot *slots; /* the heap */
    uint32_t len, room;
    _Atomic(uint32_t) count; /* slots in heap and runs; read without the lock where a stale figure will do */
    uint32_t live;           /* timers that will fire */
    int64_t next_ns;         /* the earliest deadline; INT64_MAX when there is none */
};
/* What to call after the lock is released. */
struct rti_timer_fire {
    struct g *(*fn)(void *arg, uint64_t seq);
    void *arg;
    uint64_t seq;
    int64_t late_ns; /* how long after its deadline */
};

void rti_timerheap_init(struct rti_timerheap *self);
/* Frees the arrays and empties it; timers still inside are forgotten. */
void rti_timerheap_free(struct rti_timerheap *self);
/* From now on t is due at when_ns, whether it was live before or not; it has no slot elsewhere. True: it is the new
 * first one, so whoever sleeps until the next deadline must be woken. */
bool rti_timerheap_set(struct rti_timerheap *self, struct rti_timer *t, int64_t when_ns);
/* It will not fire. True: it would have. */
bool rti_timerheap_stop(struct rti_timerheap *self, struct rti_timer *t);
/* Takes those out that are due at now_ns (when_ns <= now_ns), the earliest first, at most max of them; how many. */
uint32_t rti_timerheap_pop_due(struct rti_timerheap *self, int64_t now_ns, struct rti_timer_fire *fires, uint32_t max);
/* The earliest deadline; INT64_MAX when empty. */
static inline int64_t rti_timerheap_next(const struct rti_timerheap *self)
{
    return self->next_ns;
}
/* Moves all live timers of from into self, e.g. when a P goes away; from is empty after it. home is their new one. */
void rti_timerheap_move_all(struct rti_timerheap *self, struct rti_timerheap *from, void *home);

#endif
