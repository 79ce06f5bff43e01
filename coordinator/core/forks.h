/* forks.h - a block comes in: judge it, put it into the tree, tell all, hand it to the store; what a reorg gives back.
 * Pure. Threads: one at a time. Memory: none of its own. */
#ifndef COORDINATOR_CORE_FORKS_H
#define COORDINATOR_CORE_FORKS_H

#include "coordinator/core/state.h"

/* Who found a block, and what to acknowledge once it is durable (wid 0: nobody). */
struct forks_finder {
    const char *name;
    uint64_t wid, seq;
};

/* The block that counter stands for under job. Announces a new tip, then hands the block to the store; the
 * acknowledgement follows CORE_EV_STORED. 0: on its way to the store; or, nothing changed: ERR_DUPLICATE, ERR_POW, and
 * what tree_insert refuses with. */
int forks_submit(struct core *self, const struct job *job, uint64_t counter,
                 const struct forks_finder *finder) MUST_CHECK;
/* A block from elsewhere, judged in full: its own contents and its place. As forks_submit, and ERR_ORPHAN (its parent
 * is not known), ERR_MERKLE, ERR_MUTATED, ERR_RANGE, ERR_TOO_LONG. */
int forks_accept(struct core *self, const struct block *block, const struct forks_finder *finder) MUST_CHECK;
/* The store's word on the oldest block handed to it. A failure is final: the core asks for the end (F2). */
void forks_stored(struct core *self, int err);
/* A job could not be kept. The store is over, so the next block or mark ends the program; until then health says so. */
void forks_not_kept(struct core *self, int err);

#endif
