/* fleet.h - the table of workers, by uuid and by route; who is alive; what each did. Rows of workers that went stay for
 * an hour, so that one that comes back finds its leases and counts; what is dropped then lives on in the sums of the
 * departed.
 * Pure. Threads: one at a time. Memory: malloc, at most max_workers rows of about 3 KiB. */
#ifndef COORDINATOR_CORE_FLEET_H
#define COORDINATOR_CORE_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "coordinator/core/actions.h"
#include "coordinator/core/leases.h"
#include "coordinator/core/wheel.h"
#include "coordinator/core/worker_fsm.h"

enum { FLEET_ACK_CODES = 32, FLEET_FORGET_S = 3600, FLEET_HINT_S = 10 };
/* What a worker says of its own rate is believed up to this, hashes/s: 64 cores with SHA instructions. More wants proof
 * by shares; who has it delivers more of them than were wanted, so the proof comes within seconds. */
#define FLEET_UNPROVEN 1e9

struct rollup_node;

/* Counts that only rise. */
struct worker_counts {
    uint64_t hashes; /* by the workers' word */
    uint64_t shares, stale, rejected, blocks;
    double share_work; /* hashes that the accepted shares stand for */
};

struct worker {
    uint8_t uuid[16];
    uint64_t wid;
    struct core_route route; /* len 0: no session */
    enum worker_state state;
    char name[CORE_WORKER_NAME_MAX + 1];
    char agent[65], kernel[33];
    uint16_t lanes;
    int64_t since_ns; /* start of its session */
    int64_t heard_ns;
    int64_t gone_ns;      /* end of its last session, while away */
    uint64_t displaced;   /* sessions that ended by a HELLO from elsewhere, */
    int64_t displaced_ns; /* and when that was last said; 0 never */
    struct wheel_node timer;

    uint64_t seq_out; /* of the last message sent in this session */
    uint32_t credit;  /* leases asked for and not given yet */
    /* Acknowledgement under way. */
    bool ack_due;
    uint64_t ack_upto;
    uint32_t ack_count;
    struct message_ack_code ack_codes[FLEET_ACK_CODES];
    struct worker *ack_next; /* the list of rows with ack_due */
    uint32_t bad_frames;     /* since bad_since_ns */
    int64_t bad_since_ns;

    struct lease_holder leases;
    struct worker_counts counts;
    double proved_from;            /* counts.share_work when its session began */
    double hashrate;               /* hashes/s, smoothed, by its reports; 0 while away */
    int64_t rate_ns;               /* when hashrate was last brought up to date ... */
    uint64_t rate_hashes;          /* ... and counts.hashes then */
    struct rollup_node *telemetry; /* owned by the rollup; NULL: none yet */

    struct worker *prev, *next; /* all rows */
    struct worker *next_uuid, *next_route;
};

struct fleet {
    struct worker **by_uuid, **by_route;
    size_t buckets; /* power of two */
    uint64_t seed, wid_next;
    uint32_t max_workers, count, live; /* rows; of them in session */
    struct worker *first;              /* all rows, newest first */
    struct worker_counts departed;
    struct wheel wheel;
};

void fleet_init(struct fleet *self, uint32_t max_workers, uint64_t seed, int64_t now_ns);
/* Frees all rows; what their leases and telemetry own must be gone before. */
void fleet_free(struct fleet *self);

struct worker *fleet_find(const struct fleet *self, const uint8_t uuid[16]);
struct worker *fleet_at(const struct fleet *self, const struct core_route *route);
/* A new row in state AWAY; NULL when the table is full. */
struct worker *fleet_add(struct fleet *self, const uint8_t uuid[16], int64_t now_ns);
/* The row that has been away longest, NULL when none is away. O(rows); for a full table. */
struct worker *fleet_oldest_away(const struct fleet *self);
/* Drops a row; its counts go to the departed. */
void fleet_drop(struct fleet *self, struct worker *w);
/* Binds the row to a route (len 0: to none). A route belongs to one row at most. */
void fleet_bind(struct fleet *self, struct worker *w, const struct core_route *route);

/* Adds hashes the worker says it did and brings its rate up to date. */
void fleet_count_hashes(struct worker *w, uint64_t hashes, int64_t now_ns);
/* Sums over all rows and the departed. rate: of those in session, taking a worker's own figure until it has a measured
 * one. */
struct fleet_sums {
    struct worker_counts counts;
    double rate;
    double believed; /* the same, but of each worker fleet_most at most, and its own figure only for FLEET_HINT_S: a
                        liar must not make shares rare for all others */
};
void fleet_sum(const struct fleet *self, int64_t now_ns, struct fleet_sums *out);
/* The rate that is believed of a worker in session, hashes/s: eight times what its shares of this session prove, and
 * FLEET_UNPROVEN. */
double fleet_most(const struct worker *w, int64_t now_ns);
/* What the worker says of itself: hashes/s, 0 nothing. Bounded by FLEET_UNPROVEN. */
void fleet_hint(struct worker *w, uint64_t rate);

#endif
