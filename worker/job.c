#include "worker/job.h"

#include <string.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/chain/merkle.h"
#include "common/chain/target.h"
#include "common/hash/sha256.h"

static int take_coinbase(uint8_t *out, uint32_t *len, struct cursor_view in)
{
    if (in.len > JOB_COINBASE_BYTES)
        return ERR_TOO_LONG;
    if (in.len > 0)
        memcpy(out, in.at, in.len);
    *len = (uint32_t)in.len;
    return 0;
}

int job_take(struct job *out, const struct message_job *in)
{
    if (in->job == 0)
        return ERR_RANGE;
    if (in->branch_count > JOB_BRANCH_MAX)
        return ERR_TOO_LONG;
    memset(out, 0, sizeof *out);
    TRY(take_coinbase(out->coinbase1, &out->coinbase1_len, in->coinbase1));
    TRY(take_coinbase(out->coinbase2, &out->coinbase2_len, in->coinbase2));
    TRY(target_from_bits(&out->block_target, in->bits));
    out->id = in->job;
    out->height = in->height;
    memcpy(out->parent, in->parent, sizeof out->parent);
    out->version = in->version;
    out->ntime = in->ntime;
    out->bits = in->bits;
    out->branch_count = in->branch_count;
    memcpy(out->branch, in->branch, in->branch_count * sizeof in->branch[0]);
    out->share_target = u256_from_be(in->share_target);
    if (u256_compare(&out->share_target, &out->block_target) < 0)
        out->share_target = out->block_target;
    return 0;
}

static void merkle_of(const struct job *self, uint32_t extranonce, uint8_t root[32])
{
    uint8_t coinbase[2 * JOB_COINBASE_BYTES + 4];
    size_t len = self->coinbase1_len;
    memcpy(coinbase, self->coinbase1, len);
    bytes_put_be32(coinbase + len, extranonce);
    len += 4;
    memcpy(coinbase + len, self->coinbase2, self->coinbase2_len);
    len += self->coinbase2_len;
    uint8_t leaf[32];
    sha256_double(leaf, coinbase, len);
    merkle_root_from_branch(root, leaf, self->branch[0], self->branch_count);
}

void job_header(const struct job *self, uint32_t extranonce, uint8_t out[HEADER_LEN])
{
    struct header h = {.version = (int32_t)self->version, .time = self->ntime, .bits = self->bits};
    memcpy(h.prev, self->parent, sizeof h.prev);
    merkle_of(self, extranonce, h.merkle);
    header_serialize(out, &h);
}

enum job_grade job_grade(const struct job *self, const uint8_t hash[32])
{
    if (target_met(&self->block_target, hash))
        return JOB_BLOCK;
    return target_met(&self->share_target, hash) ? JOB_SHARE : JOB_NOTHING;
}
