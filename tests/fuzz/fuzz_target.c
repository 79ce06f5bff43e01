/* nBits from anyone: what decodes encodes back to the same value, work is what it is defined to be, and ASERT's answer
 * is always a target of the network. Input: u32 nBits | i64 seconds | u32 blocks, little endian, padded with zeros. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/chain/network.h"
#include "common/chain/pow.h"
#include "common/chain/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_work(const struct u256 *target)
{
    /* work * (target + 1) is at most 2^256 and (work + 1) * (target + 1) is above it, checked by one division. */
    struct u256 work = target_work(target), one = u256_from_u64(1), next, quotient, zero = {{0}}, max = u256_not(&zero);
    if (u256_add(&next, target, &one) || u256_is_zero(target))
        return;
    u256_div(&quotient, NULL, &max, &next);
    struct u256 more;
    u256_add(&more, &quotient, &one);
    CHECK(u256_compare(&work, &quotient) == 0 || u256_compare(&work, &more) == 0);
}

static void check_bits(uint32_t bits)
{
    struct target_compact c = target_decode(bits);
    struct u256 target;
    uint8_t hash[32];
    int err = target_from_bits(&target, bits);
    CHECK((err == 0) == (!c.negative && !c.overflow && !u256_is_zero(&c.value)));
    if (err < 0)
        return;
    uint32_t again = target_to_bits(&target);
    struct u256 same;
    CHECK(target_from_bits(&same, again) == 0 && u256_compare(&same, &target) == 0);
    u256_to_le(hash, &target);
    CHECK(target_met(&target, hash));
    CHECK(pow_check(hash, bits, &target) == 0);
    CHECK(target_difficulty(&target) > 0);
    check_work(&target);
}

static void check_asert(const char *name, uint32_t bits, int64_t seconds, uint32_t blocks)
{
    struct network net = *network_find(name);
    net.half_life_s = net.half_life_s ? net.half_life_s : 1 + blocks % 1000;
    struct u256 target;
    if (target_from_bits(&target, bits) < 0 || u256_compare(&target, &net.limit) > 0)
        return;
    CHECK(target_from_bits(&target, network_asert(&net, bits, seconds, blocks)) == 0);
    CHECK(u256_compare(&target, &net.limit) <= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t in[16] = {0};
    if (len > 0)
        memcpy(in, data, len < sizeof in ? len : sizeof in);
    uint32_t bits = bytes_le32(in), blocks = bytes_le32(in + 12);
    int64_t seconds = (int64_t)bytes_le64(in + 4);
    check_bits(bits);
    check_asert("lode", bits, seconds, blocks);
    check_asert("lode-regtest", bits, seconds, blocks);
    check_asert("bitcoin-mainnet", bits, seconds % 10000000, blocks);
    return 0;
}
