/* wheel.h - a hashed timing wheel: set and cancel in O(1), whatever the number of timers (Varghese and Lauck, "Hashed
 * and Hierarchical Timing Wheels", 1987, scheme 6). A timer beyond one turn stays in its slot for the turns to come.
 * Pure. Threads: one at a time. Memory: none; nodes are the caller's, embedded in what they time. */
#ifndef COORDINATOR_CORE_WHEEL_H
#define COORDINATOR_CORE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

enum { WHEEL_SLOTS = 256 };

/* A timer. All zeroes is an idle one. Owned by the caller, who cancels it before the memory goes. */
struct wheel_node {
    struct wheel_node *prev, *next; /* NULL when idle */
    int64_t at_ns;
};

struct wheel {
    struct wheel_node slots[WHEEL_SLOTS]; /* list heads */
    int64_t tick_ns;
    int64_t tick; /* the last tick that was walked */
};

/* tick_ns: resolution, above 0. now_ns: the present, 0 or more. */
void wheel_init(struct wheel *self, int64_t tick_ns, int64_t now_ns);
/* (Re)arms node for at_ns, rounded up to a tick; a time that has passed is due at the next wheel_advance. */
void wheel_set(struct wheel *self, struct wheel_node *node, int64_t at_ns);
/* Idle afterwards; fine on an idle node. */
void wheel_cancel(struct wheel_node *node);
bool wheel_armed(const struct wheel_node *node);
/* Takes out each timer that is due at now_ns and calls due with it; due may set and cancel any timer. A timer is never
 * early and at most one tick late against now_ns. */
void wheel_advance(struct wheel *self, int64_t now_ns, void (*due)(void *ctx, struct wheel_node *node), void *ctx);

#endif
