/* store.h - what survives: the blocks in arrival order, the epoch, the reserved mark. SQLite, WAL, synchronous=FULL:
 * when a call says 0, it is on the disk (J1, J3, J4).
 *
 * A failed commit is final (fault F2): the store answers ERR_STORE to everything from then on, since after a failed
 * fsync nobody knows what the disk holds; the program stops and the next start reads the disk again.
 *
 * Threads: one. Memory: malloc, and SQLite's. */
#ifndef COORDINATOR_STORE_STORE_H
#define COORDINATOR_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/chain/network.h"
#include "coordinator/core/actions.h"

struct store;

enum { STORE_SCHEMA_VERSION = 1, STORE_WHY_MAX = 256, STORE_JOBS = 64 };

/* Called before each step that may reach the disk, with its name ("begin", "insert", "commit", ...): a negative return
 * takes the step's place, as if the disk had said so. For tests of faults. */
struct store_hook {
    int (*before)(void *ctx, const char *step);
    void *ctx;
};

struct store_config {
    const char *dir;               /* data directory; made with mode 0700 if absent */
    const struct network *network; /* the one asked for; copied */
    uint32_t spacing_s;            /* ASERT networks: what was asked for, 0 for "as it is" */
    uint32_t half_life_s;          /* likewise */
    uint8_t cluster[16];           /* the uuid of a cluster that is created by this call; else not looked at */
    struct store_hook hook;        /* .before NULL: none */
};

/* What the store said at opening. */
struct store_facts {
    struct network network; /* with the spacing and half-life that hold */
    uint8_t cluster[16];
    uint64_t epoch;          /* one above every earlier one, and durable already */
    uint64_t mark;           /* everything below may have been issued */
    bool created;            /* by this call */
    char why[STORE_WHY_MAX]; /* on an error: what is wrong, for people */
};

/* Opens or creates DIR/lode.db under the lock DIR/lock (held until store_close), checks it, and begins an epoch.
 * *facts is filled in either case. 0, or, with nothing changed: ERR_LOCKED (another process), ERR_NETWORK (of another
 * network, spacing or half-life), ERR_SCHEMA (of a newer program), ERR_CORRUPT (damaged, or not a database of ours),
 * ERR_STORE, or -errno of the directory. */
int store_open(struct store **out, const struct store_config *config, struct store_facts *facts) MUST_CHECK;
void store_close(struct store **self_p); /* NULL-safe; leaves *self_p NULL */

/* Gives every block to each, in arrival order, the genesis not included; its body is valid during the call only. Stops
 * at each's first negative return and hands it on. ERR_CORRUPT: a row is not what a block looks like. */
int store_load(struct store *self, int (*each)(void *ctx, const struct core_block *block), void *ctx) MUST_CHECK;
/* Appends a block; on 0 it is durable. ERR_DUPLICATE (known already, nothing changed), ERR_ORPHAN (its parent is
 * neither stored nor the genesis: C2; nothing changed), ERR_STORE (final). */
int store_append(struct store *self, const struct core_block *block) MUST_CHECK;
/* Makes the mark durable; it only rises (a lower one is ERR_RANGE). ERR_STORE (final). */
int store_reserve(struct store *self, uint64_t mark) MUST_CHECK;
/* Keeps a job's record, of the newest STORE_JOBS; safe from the end of the process at once and from the end of the
 * machine with the next store_append: no fsync of its own, since what it saves is a block that nobody was told of yet.
 * ERR_STORE (final). */
int store_keep_job(struct store *self, uint64_t id, const uint8_t *record, size_t len) MUST_CHECK;
/* Gives every job kept to each, oldest first; as store_load. */
int store_load_jobs(struct store *self, int (*each)(void *ctx, uint64_t id, const uint8_t *record, size_t len),
                    void *ctx) MUST_CHECK;
/* The block of that hash; out->body is *body_p, malloc'd for the caller. ERR_NOT_FOUND, ERR_STORE. self is a struct
 * store: this is core_reader.block. */
int store_read(void *self, const uint8_t hash[32], struct core_block *out, uint8_t **body_p) MUST_CHECK;
/* Blocks held, without the genesis. */
uint64_t store_count(const struct store *self);
/* What went wrong in the last failed call, for people; "" if nothing did. Valid until the next call. */
const char *store_why(const struct store *self);

#endif
