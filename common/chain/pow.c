#include "common/chain/pow.h"

#include "common/base/err.h"
#include "common/chain/target.h"

int pow_check(const uint8_t hash[32], uint32_t bits, const struct u256 *limit)
{
    struct u256 target;
    TRY(target_from_bits(&target, bits));
    if (u256_compare(&target, limit) > 0)
        return ERR_BITS_LIMIT;
    return target_met(&target, hash) ? 0 : ERR_POW;
}
