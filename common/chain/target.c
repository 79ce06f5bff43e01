#include "common/chain/target.h"

#include <math.h>

#include "common/base/err.h"

struct target_compact target_decode(uint32_t bits)
{
    unsigned size = bits >> 24;
    uint32_t word = bits & 0x007fffff;
    if (size <= 3)
        word >>= 8 * (3 - size);
    struct u256 value = u256_from_u64(word);
    if (size > 3)
        value = u256_shl(&value, 8 * (size - 3));
    return (struct target_compact){
        .value = value,
        .negative = word != 0 && (bits & 0x00800000) != 0,
        .overflow = word != 0 && (size > 34 || (word > 0xff && size > 33) || (word > 0xffff && size > 32)),
    };
}

uint32_t target_encode(const struct u256 *value, bool negative)
{
    unsigned size = (u256_bits(value) + 7) / 8;
    struct u256 shifted = size > 3 ? u256_shr(value, 8 * (size - 3)) : u256_shl(value, 8 * (3 - size));
    uint32_t word = (uint32_t)shifted.limb[0];
    /* Bit 23 is the sign: a mantissa that has it set moves down a byte. */
    if (word & 0x00800000) {
        word >>= 8;
        size++;
    }
    uint32_t sign = negative && (word & 0x007fffff) != 0 ? 0x00800000 : 0;
    return word | (uint32_t)size << 24 | sign;
}

int target_from_bits(struct u256 *out, uint32_t bits)
{
    struct target_compact c = target_decode(bits);
    if (c.negative)
        return ERR_BITS_NEGATIVE;
    if (c.overflow)
        return ERR_BITS_OVERFLOW;
    if (u256_is_zero(&c.value))
        return ERR_BITS_ZERO;
    *out = c.value;
    return 0;
}

uint32_t target_to_bits(const struct u256 *target)
{
    return target_encode(target, false);
}

bool target_met(const struct u256 *target, const uint8_t hash[32])
{
    struct u256 h = u256_from_le(hash);
    return u256_compare(&h, target) <= 0;
}

/* 2^256 / (t + 1) = (2^256 - t - 1) / (t + 1) + 1 = ~t / (t + 1) + 1, which stays within 256 bits. */
struct u256 target_work(const struct u256 *target)
{
    struct u256 one = u256_from_u64(1), next, work, inverse = u256_not(target);
    if (u256_is_zero(target)) /* 2^256 itself does not fit */
        return inverse;
    if (u256_add(&next, target, &one)) /* 2^256 / 2^256 */
        return one;
    u256_div(&work, NULL, &inverse, &next);
    u256_add(&work, &work, &one);
    return work;
}

struct u256 target_work_of_bits(uint32_t bits)
{
    struct u256 target;
    if (target_from_bits(&target, bits) < 0)
        return u256_from_u64(0);
    return target_work(&target);
}

int target_add_work(struct u256 *sum, const struct u256 *work)
{
    struct u256 total;
    if (u256_add(&total, sum, work))
        return ERR_WORK_OVERFLOW;
    *sum = total;
    return 0;
}

/* 0xffff * 2^208, the target of 0x1d00ffff. */
static double unit(void)
{
    return ldexp(65535.0, 208);
}

double target_difficulty(const struct u256 *target)
{
    return unit() / u256_to_double(target);
}

struct u256 target_of_difficulty(double difficulty)
{
    double t = unit() / difficulty;
    if (t < 1.0)
        return u256_from_u64(1);
    if (t >= ldexp(1.0, 256))
        return u256_not(&(struct u256){{0}});
    int exponent;
    double mantissa = frexp(t, &exponent); /* t = mantissa * 2^exponent, mantissa in [0.5, 1) */
    struct u256 m = u256_from_u64((uint64_t)ldexp(mantissa, 53));
    return exponent >= 53 ? u256_shl(&m, (unsigned)exponent - 53) : u256_shr(&m, 53 - (unsigned)exponent);
}
