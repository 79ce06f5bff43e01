/* shares.h - the judge of shares and found blocks: what a worker says is rebuilt from our own record of the job and
 * hashed here; nothing of its word is believed.
 * Pure. Threads: one at a time. Memory: none of its own. */
#ifndef COORDINATOR_CORE_SHARES_H
#define COORDINATOR_CORE_SHARES_H

#include <stdbool.h>
#include <stdint.h>

#include <rt/attr.h>

#include "coordinator/core/jobs.h"
#include "coordinator/core/leases.h"

/* What a worker claims. */
struct share_claim {
    uint64_t lease, counter;
    const uint8_t *hash; /* 32 bytes, wire order */
};

struct share_verdict {
    int code;         /* 0: credit it; or ERR_STALE, ERR_BAD_RANGE, ERR_POW (not the hash that was claimed),
                         ERR_LOW_DIFF, ERR_DUPLICATE, ERR_FULL */
    bool block;       /* it meets the block's target, whatever the code says: never throw away work */
    uint64_t counter; /* of the claim */
    uint8_t hash[32]; /* as computed here */
    struct header header;
};

/* Judges claim on job (known, of ours) by a worker with the leases of holder. tip: hash of the current tip. A credited
 * share is noted in the job (J2). A few microseconds: six SHA-256 blocks and a half dozen look-ups. */
void shares_judge(struct job *job, const struct lease_holder *holder, const uint8_t tip[32],
                  const struct share_claim *claim, struct share_verdict *out);
/* The hashes that a share at this target stands for. */
double shares_weight(const struct u256 *share_target);
/* The target at which a cluster of `rate` hashes/s finds `wanted` shares per second (both above 0). */
struct u256 shares_target(double rate, double wanted);
/* The wire's code for an error of this file, of leases or of the tree. */
uint8_t shares_wire_code(int err);

#endif
