/* jobs.h - what the cluster is working on: the current job, and those before it for as long as shares and blocks of
 * theirs may come.
 *
 * J2: a header belongs to one job, so a share or block is looked for in one set only. Jobs of one parent differ in
 * their time, across restarts too; those of different parents differ in that.
 * Shares count under the jobs of the present tip alone: all others are closed, and a closed job has no set.
 *
 * Pure. Threads: one at a time. Memory: malloc, at most JOBS_MAX + JOBS_KEPT jobs and JOBS_SEEN_SUM shares seen. */
#ifndef COORDINATOR_CORE_JOBS_H
#define COORDINATOR_CORE_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/chain/block.h"
#include "common/chain/u256.h"
#include "common/wire/message.h"
#include "coordinator/core/pool.h"

enum {
    JOBS_KEPT = 64,                            /* at least so many of the last ones are known ... */
    JOBS_TIPS = 2,                             /* ... and those of the last so many tips ... */
    JOBS_MAX = 512,                            /* ... but never more */
    JOBS_SEEN_MAX = 1 << 16,                   /* shares credited under one job ... */
    JOBS_SEEN_SUM = 1 << 18,                   /* ... and under all that are open: some 8 MiB */
    JOBS_RECORD_MAX = BLOCK_PAYLOAD_MAX + 512, /* bytes of a packed job */
};

/* Counter values that were credited: open addressing. */
struct job_seen {
    uint64_t *slots; /* value + 1; 0 is free */
    size_t cap, count;
};

struct job {
    uint64_t id;
    uint64_t height;
    uint8_t parent[32];
    int32_t version;
    uint32_t bits, ntime;
    uint8_t coinbase1[BLOCK_COINBASE1_LEN];
    uint8_t coinbase2[BLOCK_COINBASE2_MAX];
    size_t coinbase2_len;
    uint8_t branch[BLOCK_BRANCH_MAX * 32];
    uint32_t branch_count;
    struct u256 target, share_target; /* of a block; of a share: at or above it */
    struct payload *payload;          /* reference; NULL: an empty block */
    uint32_t tip;                     /* number of the tip it was made on */
    /* Blocks of it count, shares do not: its parent is no longer the tip, or it is of an earlier start (nobody knows
     * which were credited), or its set had to go. */
    bool closed;
    struct job_seen seen;
    struct jobs *of; /* whose seen_sum counts them */
};

/* What a new job is made of. */
struct job_recipe {
    const uint8_t *parent;
    uint64_t height;
    uint32_t bits, ntime;
    const char *tag;          /* at most BLOCK_TAG_MAX bytes */
    struct payload *payload;  /* taken; NULL: none */
    struct u256 share_target; /* raised to the block's target if below it */
};

struct jobs {
    struct job *ring[JOBS_MAX];     /* ring[id % JOBS_MAX] */
    uint64_t first, next;           /* ids held: [first, next) */
    struct job *earlier[JOBS_KEPT]; /* restored; dropped when the last of them can be of no use */
    size_t earlier_count;
    uint32_t tip;
    size_t seen_sum; /* of the open jobs; at most JOBS_SEEN_SUM */
};

/* epoch: ids begin at epoch << 32 | 1, so that they rise across restarts. */
void jobs_init(struct jobs *self, uint64_t epoch);
void jobs_free(struct jobs *self);
/* The time for a new job on parent: wanted, or the next after it that makes its headers new ones (J2). */
uint32_t jobs_time(const struct jobs *self, const uint8_t parent[32], uint32_t wanted);
/* A new current job, its time one of jobs_time; drops the oldest as the bounds say. Never NULL; valid until that
 * many others came. Another parent than that of the job before closes all jobs of that. */
struct job *jobs_make(struct jobs *self, const struct job_recipe *recipe);
/* The one made last, NULL before the first; by id, NULL when it is not known (any more). */
struct job *jobs_current(const struct jobs *self);
struct job *jobs_find(const struct jobs *self, uint64_t id);

/* The block that counter (extranonce << 32 | nonce) stands for; its payload borrows from the job. */
void jobs_block(const struct job *job, uint64_t counter, struct block *out);
/* Only its header, faster: no payload is hashed. */
void jobs_header(const struct job *job, uint64_t counter, struct header *out);
/* Notes counter as credited. 0, ERR_DUPLICATE, ERR_STALE: the job is closed, or ERR_FULL: the set is. When all sets
 * together are, the oldest jobs are closed. */
int jobs_credit(struct job *job, uint64_t counter) MUST_CHECK;
/* The job as one MessagePack value of at most JOBS_RECORD_MAX bytes, and back: a block found while the coordinator was
 * down is still judged by the job it was found under. Restoring is for ids of earlier epochs, before the first
 * jobs_make, oldest first; of more than JOBS_KEPT the first are dropped. 0 or ERR_CORRUPT. */
void jobs_pack(const struct job *job, struct cursor_out *out);
int jobs_restore(struct jobs *self, uint64_t id, const uint8_t *record, size_t len) MUST_CHECK;
/* As the wire has it; views borrow from the job. */
void jobs_message(const struct job *job, struct message_job *out);

#endif
