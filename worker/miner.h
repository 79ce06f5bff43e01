/* miner.h - one mining goroutine: take a slice, run the kernel over it, report what it found, yield.
 * Threads: goroutines, one per miner. Memory: one allocation per miner, freed by itself. */
#ifndef WORKER_MINER_H
#define WORKER_MINER_H

#include <stddef.h>
#include <stdint.h>

struct crew;

enum {
    MINER_SLICE_US = 250,      /* aimed at; a new tip waits for up to two of them (bound: 1 ms), see bench/RESULTS.md */
    MINER_FIRST_NONCES = 1024, /* before anything is measured */
    MINER_HITS_MAX = 16,       /* hits of one kernel call; with more it stops early and goes on */
};

/* Starts all miners of the crew as goroutines; they run until crew_stop and end with REPORT_EXITED each. */
void miner_start_all(struct crew *crew);

/* Nonces for the next slice, from what the last one took: pure. At most four times the last one, at least 64. */
uint64_t miner_next_size(uint64_t last, uint64_t done, int64_t busy_ns);

#endif
