/* hashrate.h - hashes per second over the last 5 seconds, 1, 5 and 15 minutes. Pure: fed with a counter and a time.
 * Threads: one at a time. Memory: none of its own. */
#ifndef WORKER_HASHRATE_H
#define WORKER_HASHRATE_H

#include <stdint.h>

enum hashrate_span { HASHRATE_5S, HASHRATE_1M, HASHRATE_5M, HASHRATE_15M, HASHRATE_SPANS };

struct hashrate {
    int64_t last_ns;      /* of the last sample; 0 before the first */
    uint64_t last_hashes; /* the counter at that time */
    double sum[HASHRATE_SPANS];
    double weight[HASHRATE_SPANS]; /* how much of the span has been seen, 0 to 1: an average needs no warm-up then */
};

/* One sample: hashes is the count since the start of the process, now_ns any monotonic clock's nanoseconds. A sample
 * that is not later than the last one, or whose counter went back, is ignored. Exponentially weighted, as the load
 * average of Unix, with the weight of the unseen past taken out. */
void hashrate_sample(struct hashrate *self, int64_t now_ns, uint64_t hashes);
/* Hashes per second over span; 0 before the second sample. */
double hashrate_get(const struct hashrate *self, enum hashrate_span span);

#endif
