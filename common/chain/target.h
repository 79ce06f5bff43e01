/* target.h - compact nBits to a 256-bit target and back, work and difficulty. Pure. Threads: any. Memory: none.
 * Semantics are those of Bitcoin Core's arith_uint256 (SetCompact, GetCompact) and chain.cpp (GetBlockProof). */
#ifndef COMMON_CHAIN_TARGET_H
#define COMMON_CHAIN_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/chain/u256.h"

/* What nBits encodes, without a judgement: the value (modulo 2^256 on overflow) and the two flags. */
struct target_compact {
    struct u256 value;
    bool negative; /* the sign bit is set and the mantissa is not zero */
    bool overflow; /* the value does not fit 256 bits */
};
struct target_compact target_decode(uint32_t bits);
/* The compact form, rounded down to 3 bytes of mantissa. A negative zero has no sign. */
uint32_t target_encode(const struct u256 *value, bool negative);

/* The target of a block. 0 | ERR_BITS_NEGATIVE | ERR_BITS_OVERFLOW | ERR_BITS_ZERO; *out is then untouched. */
int target_from_bits(struct u256 *out, uint32_t bits) MUST_CHECK;
/* nBits of a target: target_encode of a positive value. */
uint32_t target_to_bits(const struct u256 *target);
/* Whether the hash (wire order), read as a little-endian number, is at or below the target. */
bool target_met(const struct u256 *target, const uint8_t hash[32]);

/* Expected hashes for a block of this target: 2^256 / (target + 1), rounded down; target 0 gives 2^256 - 1. */
struct u256 target_work(const struct u256 *target);
/* The same from nBits; 0 when nBits is negative, zero or overflows. */
struct u256 target_work_of_bits(uint32_t bits);
/* *sum += work. ERR_WORK_OVERFLOW when it does not fit 256 bits; *sum is then untouched. */
int target_add_work(struct u256 *sum, const struct u256 *work) MUST_CHECK;
/* Difficulty: how many times harder than 0x1d00ffff, the usual unit of pools. Infinite for a target of 0. */
double target_difficulty(const struct u256 *target);
/* The target of a difficulty, rounded down, at least 1; 2^256 - 1 for what is too easy for 256 bits.
 * difficulty must be a number above 0. */
struct u256 target_of_difficulty(double difficulty);

#endif
