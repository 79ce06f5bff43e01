/* state.h - the inside of struct core, shared by the files that are the core (core, session, forks, tips, ctl) and by
 * nothing else.
 * Pure. Threads: one at a time. Memory: see core.h. */
#ifndef COORDINATOR_CORE_STATE_H
#define COORDINATOR_CORE_STATE_H

#include "common/chain/tree.h"
#include "coordinator/core/core.h"
#include "coordinator/core/fleet.h"
#include "coordinator/core/jobs.h"
#include "coordinator/core/leases.h"
#include "coordinator/core/pool.h"
#include "coordinator/core/rollup.h"

enum {
    STATE_STORING_MAX = 64,
    STATE_REQUESTS_MAX = 64,
    STATE_TEXTS = 6,
    STATE_TEXT_MAX = 512,
    STATE_RESULT_MAX = 1000000, /* bytes of one control result: below 1 MiB with its envelope */
};

/* A block that was handed to the store and is not confirmed yet. */
struct state_storing {
    uint64_t wid, seq; /* whom to acknowledge; 0: nobody */
    uint8_t code;      /* with what */
    uint8_t hash[32];
    bool is_tip; /* the chain grew by it (at the time) */
    uint64_t height;
    int64_t took_ns; /* since the tip before */
    char worker[CORE_WORKER_NAME_MAX + 1];
    uint64_t requests[STATE_REQUESTS_MAX]; /* of the pool: payloads it settled */
    size_t request_count;
};

struct state_stats {
    uint64_t blocks; /* new tips since the start */
    uint64_t reorgs, side_blocks, orphans, bad_frames, refused;
};

struct core {
    struct core_config config; /* its strings point into text */
    char text[STATE_TEXTS][STATE_TEXT_MAX];
    struct network network;
    struct tree *tree;
    struct leases *leases;
    struct fleet fleet;
    struct jobs jobs;
    struct pool pool;
    struct rollup rollup;
    struct state_stats stats;

    uint64_t tip_seq, ctl_seq, ctl_rep_seq;
    uint16_t tip_reorg; /* blocks the last tip rolled back */
    bool tip_clean;
    bool tip_rests;            /* the TIP names no job, as its blocks would be refused: too early by our clock */
    int64_t job_ns, beacon_ns; /* when the job was made, the last beacon sent */
    double job_rate;           /* hashes/s its share target was made for */
    int64_t tip_ns;            /* when the tip was found, for progress */
    uint64_t mark_asked;       /* CORE_RESERVE under way, 0 none */
    struct state_storing storing[STATE_STORING_MAX]; /* FIFO */
    size_t storing_count;
    struct worker *ack_first; /* rows with an acknowledgement under way */
    int64_t totals_ns;        /* when rollup totals were made */
    int64_t ahead_ns;         /* when it was last said that header times are too far ahead of the clock; 0 never */
    int64_t exhausted_ns;     /* when it was last said that the search space is used up; 0 never */
    const char *ailing;       /* what is wrong until the next start, for health; NULL nothing. Static storage */
    bool starving;            /* somebody waits for leases until the mark moves */
    bool stopping;            /* no leases, sessions or requests any more; the end comes at stop_ns */
    bool draining;            /* ... or as soon as nobody is in session; no more blocks are taken */
    uint64_t blocks_done;     /* new tips made durable in this run */
    int64_t stop_ns;
    uint8_t *result; /* STATE_RESULT_MAX bytes to build control results in */
    int64_t started_ns, started_wall_ms;

    /* Of the step that is running. */
    int64_t now_ns, wall_ms;
    struct core_actions *out;
};

#endif
