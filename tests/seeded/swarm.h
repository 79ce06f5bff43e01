/* swarm.h - programs that run under thousands of seeds: each draws its own shape (how many goroutines, channel sizes,
 * in what order) and checks what must hold however they interleave. Threads: a program's main goroutine draws; HOLDS is
 * for any goroutine. Memory: a program frees what it makes.
 *
 * A program that waits for ever is found by the runtime's deadlock report, one that breaks a promise by HOLDS; both end
 * the process and print the line that replays the run. */
#ifndef TESTS_SWARM_H
#define TESTS_SWARM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <rt/chan.h>
#include <rt/check.h>
#include <rt/go.h>
#include <rt/sync.h>
#include <rt/time.h>

/* One run's own generator, apart from the scheduler's. */
struct dice {
    uint64_t state;
    int64_t unit_ns; /* of sleeps: a millisecond of virtual time, or a few real microseconds */
    bool seeded;     /* time is virtual: lateness can be judged */
};
/* Below n, n > 0. */
uint32_t swarm_draw(struct dice *d, uint32_t n);
/* From lo to hi, both included. */
int swarm_between(struct dice *d, int lo, int hi);
/* A generator of its own for a goroutine. */
struct dice swarm_split(struct dice *d);

/* Does one of: nothing, a yield, a checkpoint, a sleep of a few units. For the middle of whatever must not be
 * disturbed. */
void swarm_dawdle(struct dice *d);

struct program {
    const char *name;
    void (*run)(struct dice *d); /* the main goroutine */
};
/* Tables that end with a NULL name. The planted ones have a bug that the swarm must find. */
extern const struct program programs_chan[], programs_select[], programs_sync[], programs_lock[], programs_time[],
    programs_sched[], programs_io[], programs_stacks[], programs_planted[];

#define HOLDS(x)                                                                                                       \
    do {                                                                                                               \
        if (!(x))                                                                                                      \
            rt_throw("%s:%d: does not hold: %s", __FILE__, __LINE__, #x);                                              \
    } while (0)

#endif
