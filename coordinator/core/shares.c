#include "coordinator/core/shares.h"

#include <string.h>

#include "common/base/err.h"
#include "common/chain/target.h"
#include "common/wire/message.h"

static int judge(struct job *job, const struct lease_holder *holder, const uint8_t tip[32],
                 const struct share_claim *claim, const struct share_verdict *v)
{
    if (memcmp(v->hash, claim->hash, 32) != 0)
        return ERR_POW;
    if (!target_met(&job->share_target, v->hash))
        return ERR_LOW_DIFF;
    if (job->closed || memcmp(job->parent, tip, 32) != 0)
        return ERR_STALE;
    if (!leases_held(holder, claim->lease, claim->counter))
        return ERR_BAD_RANGE;
    return jobs_credit(job, claim->counter);
}

void shares_judge(struct job *job, const struct lease_holder *holder, const uint8_t tip[32],
                  const struct share_claim *claim, struct share_verdict *out)
{
    out->counter = claim->counter;
    jobs_header(job, claim->counter, &out->header);
    header_hash(out->hash, &out->header);
    out->block = target_met(&job->target, out->hash);
    out->code = judge(job, holder, tip, claim, out);
}

double shares_weight(const struct u256 *share_target)
{
    struct u256 work = target_work(share_target);
    return u256_to_double(&work);
}

struct u256 shares_target(double rate, double wanted)
{
    /* Difficulty 1 is 0x00000000ffff0000...: 65536/65535 times 2^32 hashes. */
    static const double hashes_per_difficulty = 4294967296.0 * 65536.0 / 65535.0;
    return target_of_difficulty(rate / wanted / hashes_per_difficulty);
}

uint8_t shares_wire_code(int err)
{
    static const struct {
        int err;
        uint8_t code;
    } table[] = {
        {ERR_STALE, MESSAGE_CODE_STALE},
        {ERR_DUPLICATE, MESSAGE_CODE_DUPLICATE},
        {ERR_LOW_DIFF, MESSAGE_CODE_LOW_DIFF},
        {ERR_BAD_RANGE, MESSAGE_CODE_BAD_RANGE},
        {ERR_UNKNOWN_JOB, MESSAGE_CODE_UNKNOWN_JOB},
        {ERR_UNKNOWN_LEASE, MESSAGE_CODE_UNKNOWN_LEASE},
        {ERR_POW, MESSAGE_CODE_BAD_POW},
        {ERR_FULL, MESSAGE_CODE_FULL},
        {ERR_EPOCH, MESSAGE_CODE_EPOCH},
        {ERR_STATE, MESSAGE_CODE_STATE},
    };
    if (err >= 0)
        return MESSAGE_CODE_OK;
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].err == err)
            return table[i].code;
    return MESSAGE_CODE_REFUSED;
}
