/* leases.h - ranges of the one 64-bit search counter (extranonce << 32 | nonce) that is never reset: hand out, size,
 * adopt, account.
 *
 * J1: no value is issued twice. Within an epoch the counter only rises; an epoch begins at the mark that the store
 * holds and nothing is issued at or above the mark that the store has confirmed. Ranges held from earlier epochs lie
 * below the mark this epoch began at, and are adopted only if they overlap no other adopted one, also none that was
 * finished or returned since. Nobody remembers whom an earlier epoch gave what, so a holder's word is taken for it; a
 * forger gets LEASES_ADOPT_MAX ranges of at most LEASES_SIZE_MAX by that, which is no more than credit for hashes. J4:
 * an id is epoch << 40 | number, so ids rise for ever as epochs do.
 *
 * A lease with job 0 that ends early is only accounted: mining has no memory, an unsearched value is worth no more than
 * another. So a lease that expired here may go on in its holder's hands, and is taken back when the holder returns.
 *
 * Pure. Threads: one at a time. Memory: malloc for the set of adopted ranges, bounded; the rest is the caller's. */
#ifndef COORDINATOR_CORE_LEASES_H
#define COORDINATOR_CORE_LEASES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

enum {
    LEASES_LIVE_MAX = 3,        /* the one being worked on and two ahead */
    LEASES_KEPT = 16,           /* live ones and those just ended, by which late shares are judged */
    LEASES_ADOPTED_MAX = 65536, /* ranges, live and ended */
    LEASES_ADOPT_MAX = 8,       /* for one holder and epoch: HELLO's held lists are shorter than that */
    LEASES_ID_BITS = 40,
};
/* How far the mark is moved by one durable write. What a start reserved and did not issue is lost, so the space bears
 * 2^20 starts: one a minute for two years. At 1 TH/s a step lasts 17 s. */
#define LEASES_MARK_STEP  (UINT64_C(1) << 44)
#define LEASES_FIRST_SIZE (UINT64_C(1) << 16)
#define LEASES_SIZE_MAX   (UINT64_C(1) << 40)

enum lease_state {                 /* who may leave it: */
                   LEASE_NONE = 0, /* an unused slot: issue, adopt */
                   LEASE_LIVE,     /* done, return, expire */
                   LEASE_DONE,     /* final */
                   LEASE_RETURNED, /* final */
                   LEASE_EXPIRED,  /* done (late), adopt (its holder is back) */
};

struct lease {
    uint64_t id;
    uint64_t start, end; /* [start, end) */
    uint64_t pos;        /* searched up to here, by the holder's word */
    uint64_t hashes;     /* likewise; at most 16 per value (rolled versions) */
    int64_t issued_ns;
    enum lease_state state;
    bool adopted; /* of an earlier epoch: its range is in the adopted set unless it expired */
};

/* The leases of one worker, embedded in its row. All zeroes is a new one. */
struct lease_holder {
    struct lease slots[LEASES_KEPT];
    uint32_t live;
    uint32_t adopted;    /* leases of earlier epochs it got */
    uint32_t done, lost; /* how its leases ended, for the size factor */
    uint64_t last_size;  /* of the lease issued last, 0 none */
    double rate;         /* hashes/s, smoothed over finished leases; 0 unknown */
    double hint;         /* what the worker says of itself; used while rate is 0 */
    double most;         /* hashes/s that are believed of it: both are its word; 0 any. Set by the caller */
};

struct leases_config {
    uint64_t epoch;      /* of this start: above every earlier one */
    uint64_t mark;       /* what the store held at start: everything below may have been issued */
    uint32_t lease_ms;   /* aimed-at duration of a lease */
    uint32_t per_second; /* leases per second for all workers together, at most; stretches the duration; 0 no limit */
};

struct leases;

struct leases *leases_new(const struct leases_config *config); /* never NULL; the caller owns; copies config */
void leases_free(struct leases **self_p);                      /* NULL-safe; leaves *self_p NULL */

/* The mark that should be made durable now, or 0. Asked ahead of use; the same until leases_reserved is told. */
uint64_t leases_wanted_mark(const struct leases *self);
/* The store holds mark now: values below it may be issued. A mark below the present one is ignored. */
void leases_reserved(struct leases *self, uint64_t mark);

/* Cuts the next range for holder; live_workers (>= 1) stretches the duration. Copies it to *out. 0, or: ERR_FULL (the
 * holder has LEASES_LIVE_MAX), ERR_STATE (the mark has to be moved first: leases_wanted_mark), ERR_EXHAUSTED. */
int leases_issue(struct leases *self, struct lease_holder *holder, uint32_t live_workers, int64_t now_ns,
                 struct lease *out) MUST_CHECK;
/* Duration in ms aimed at with so many workers. */
uint32_t leases_duration_ms(const struct leases *self, uint32_t live_workers);

/* A held lease named in HELLO: [pos, end) is still to be searched. 0: go on. ERR_BAD_RANGE (it contradicts what was
 * issued, or overlaps another's), ERR_UNKNOWN_LEASE (of this epoch but not this holder's; of none), ERR_FULL (it has
 * LEASES_LIVE_MAX, or got LEASES_ADOPT_MAX already; or the set is). */
int leases_adopt(struct leases *self, struct lease_holder *holder, uint64_t id, uint64_t pos, uint64_t end) MUST_CHECK;

/* Report on a lease; each gives in *hashes (may be NULL) by how much the holder's count of hashes grew. 0, or
 * ERR_UNKNOWN_LEASE, ERR_BAD_RANGE (pos or the range is not within the lease: nothing changed), ERR_STATE (it ended
 * already). */
struct lease_progress_report {
    uint64_t id, pos, hashes; /* hashes: cumulative */
};
int leases_progress(struct leases *self, struct lease_holder *holder, const struct lease_progress_report *report,
                    uint64_t *hashes) MUST_CHECK;
struct lease_done_report {
    uint64_t id, start, end, hashes, busy_us;
};
int leases_done(struct leases *self, struct lease_holder *holder, const struct lease_done_report *report,
                uint64_t *hashes) MUST_CHECK;
int leases_return(struct leases *self, struct lease_holder *holder, uint64_t id, uint64_t pos) MUST_CHECK;

/* Ends every live lease of holder as expired, and frees what the adopted set has of it. Before a row is dropped, too.
 */
void leases_expire(struct leases *self, struct lease_holder *holder);

/* True when counter lies in a lease that holder has or had lately; id must be that lease's, or 0 for any. */
bool leases_held(const struct lease_holder *holder, uint64_t id, uint64_t counter);

struct leases_totals {
    uint64_t next, reserved; /* the next value to issue; the durable mark */
    uint64_t issued, adopted, done, returned, expired, refused;
    uint64_t live;
};
void leases_read(const struct leases *self, struct leases_totals *out);

#endif
