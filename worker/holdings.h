/* holdings.h - the leases a worker holds: the one it works on and those queued behind it. Pure book-keeping: who carves
 * what, what is in flight, where each lease stands. Every counter value of a lease is carved once, and only once.
 * Threads: one at a time (the crew's lock). Memory: one allocation, bounded by the number of miners. */
#ifndef WORKER_HOLDINGS_H
#define WORKER_HOLDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

/* The active one and two ahead are asked for; the rest is room for leases whose last slices are still in flight. */
#define HOLDINGS_WANTED 3
#define HOLDINGS_MAX    8

struct holding {
    uint64_t id, epoch;
    uint64_t job;        /* 0: any job */
    uint64_t start, end; /* half-open range of the counter extranonce << 32 | nonce */
    uint64_t carved;     /* below it everything was given to a miner */
    uint64_t hashes;     /* hashed so far (headers, so k times the counters when versions are rolled) */
    int64_t busy_ns;     /* of all miners together */
};

/* What one miner hashes in one go: a window of nonces of one extranonce. */
struct slice {
    uint64_t lease, job;
    uint64_t start, end;
};

/* Where a held lease stands: everything below pos is hashed. */
struct holding_state {
    uint64_t id, pos, end, hashes;
};

struct holdings;

/* For miners many miners, each of which has at most one slice in flight. Never NULL; caller owns. */
struct holdings *holdings_new(size_t miners);
void holdings_free(struct holdings **self_p);

/* Takes a lease into the queue. ERR_RANGE: empty; ERR_DUPLICATE: this id is held; ERR_BAD_RANGE: overlaps one that is
 * held (J1); ERR_FULL: no room. */
int holdings_add(struct holdings *self, uint64_t id, uint64_t epoch, uint64_t job, uint64_t range[2]) MUST_CHECK;
/* Gives miner (which has none in flight) at most max > 0 counters of the first lease that has some; never across an
 * extranonce. False when nothing is left to carve. */
bool holdings_carve(struct holdings *self, size_t miner, uint64_t max, struct slice *out);
/* What is left of the miner's slice, true when it has one in flight: it goes on with that before it carves anew. The
 * rest of a slice whose lease was dropped is forgotten. */
bool holdings_flight(struct holdings *self, size_t miner, struct slice *out);
/* The first done > 0 counters of the miner's slice are hashed, the rest stays in flight. */
void holdings_advance(struct holdings *self, size_t miner, uint64_t done, uint64_t hashes, int64_t busy_ns);
/* The miner's slice is hashed whole. True when that completed its lease: it is copied to *done and held no more. */
bool holdings_finish(struct holdings *self, size_t miner, uint64_t hashes, int64_t busy_ns, struct holding *done);
/* The lease is to end at `at`. Returns by *end where it ends now: no lower than what is carved already, the old end if
 * at is not below it. A lease completed by it is found by holdings_reap. ERR_UNKNOWN_LEASE. */
int holdings_cut(struct holdings *self, uint64_t id, uint64_t at, uint64_t *end) MUST_CHECK;
/* Held no more; slices in flight finish into nothing. ERR_UNKNOWN_LEASE. */
int holdings_drop(struct holdings *self, uint64_t id) MUST_CHECK;
/* Takes out a lease with nothing left and nothing in flight (after a cut): true, copied to *done. */
bool holdings_reap(struct holdings *self, struct holding *done);

/* Whether a held lease is bound to this job. */
bool holdings_bound(const struct holdings *self, uint64_t job);
size_t holdings_count(const struct holdings *self);
/* States of all held leases, oldest first; returns how many (at most HOLDINGS_MAX). */
size_t holdings_list(const struct holdings *self, struct holding_state out[HOLDINGS_MAX]);
/* Counters not carved yet, over all. */
uint64_t holdings_left(const struct holdings *self);

#endif
