/* job.h - what to hash: a job as the coordinator describes it, checked, and the header it gives for an extranonce.
 * Pure. Threads: any; a struct job is never changed after job_take. Memory: none, no pointers: it is copied as a value.
 */
#ifndef WORKER_JOB_H
#define WORKER_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/chain/header.h"
#include "common/chain/u256.h"
#include "common/wire/message.h"

enum { JOB_COINBASE_BYTES = MESSAGE_COINBASE_LEN, JOB_BRANCH_MAX = MESSAGE_BRANCH_MAX };

struct job {
    uint64_t serial; /* given by the crew, never twice: ids may come again after a coordinator's restart; 0: none */
    uint64_t id, height;
    uint8_t parent[32]; /* hash of the block it builds on */
    uint32_t version, ntime, bits;
    uint32_t coinbase1_len, coinbase2_len, branch_count;
    uint8_t coinbase1[JOB_COINBASE_BYTES], coinbase2[JOB_COINBASE_BYTES];
    uint8_t branch[JOB_BRANCH_MAX][32];
    struct u256 block_target;
    struct u256 share_target; /* never harder than the block's: every block is worth a share */
};

/* Copies and checks in. ERR_BITS_NEGATIVE, ERR_BITS_OVERFLOW, ERR_BITS_ZERO: nBits encodes no target; ERR_RANGE: job
 * id 0; ERR_TOO_LONG: a part is longer than the protocol allows. *out is undefined then. */
int job_take(struct job *out, const struct message_job *in) MUST_CHECK;
/* The 80 bytes for extranonce with nonce 0: merkle root = fold(branch, leaf(coinbase1 | extranonce BE | coinbase2)). */
void job_header(const struct job *self, uint32_t extranonce, uint8_t out[HEADER_LEN]);

enum job_grade { JOB_NOTHING, JOB_SHARE, JOB_BLOCK };
/* What a hash (wire order) of this job's header is worth. */
enum job_grade job_grade(const struct job *self, const uint8_t hash[32]);

#endif
