/* leases.h - the leases a worker holds: the one it works on and those queued behind it. Pure book-keeping: who carves
 * what, what is in flight, where each lease stands. Every counter value of a lease is carved once, and only once.
 * Threads: one at a time (the crew's lock). Memory: one allocation, bounded by the number of miners. */
#ifndef WORKER_LEASES_H
#define WORKER_LEASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

/* The active one and two ahead are asked for; the rest is room for leases whose last slices are still in flight. */
#define LEASES_WANTED 3
#define LEASES_MAX    8

struct lease {
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
struct lease_state {
    uint64_t id, pos, end, hashes;
};

struct leases;

/* For miners many miners, each of which has at most one slice in flight. Never NULL; caller owns. */
struct leases *leases_new(size_t miners);
void leases_free(struct leases **self_p);

/* Takes a lease into the queue. ERR_RANGE: empty; ERR_DUPLICATE: this id is held; ERR_BAD_RANGE: overlaps one that is
 * held (J1); ERR_FULL: no room. */
int leases_add(struct leases *self, uint64_t id, uint64_t epoch, uint64_t job, uint64_t range[2]) MUST_CHECK;
/* Gives miner (which has none in flight) at most max > 0 counters of the first lease that has some; never across an
 * extranonce. False when nothing is left to carve. */
bool leases_carve(struct leases *self, size_t miner, uint64_t max, struct slice *out);
/* The miner's slice is hashed whole. True when that completed its lease: it is copied to *done and held no more. */
bool leases_finish(struct leases *self, size_t miner, uint64_t hashes, int64_t busy_ns, struct lease *done);
/* The lease is to end at `at`. Returns by *end where it ends now: no lower than what is carved already, the old end if
 * at is not below it. A lease completed by it is found by leases_reap. ERR_UNKNOWN_LEASE. */
int leases_cut(struct leases *self, uint64_t id, uint64_t at, uint64_t *end) MUST_CHECK;
/* Held no more; slices in flight finish into nothing. ERR_UNKNOWN_LEASE. */
int leases_drop(struct leases *self, uint64_t id) MUST_CHECK;
/* Takes out a lease with nothing left and nothing in flight (after a cut): true, copied to *done. */
bool leases_reap(struct leases *self, struct lease *done);

size_t leases_count(const struct leases *self);
/* Held leases with counters still to carve: those the prefetch rule counts. */
size_t leases_open(const struct leases *self);
/* States of all held leases, oldest first; returns how many (at most LEASES_MAX). */
size_t leases_list(const struct leases *self, struct lease_state out[LEASES_MAX]);
/* Counters not carved yet, over all. */
uint64_t leases_left(const struct leases *self);

#endif
