/* pow.h - does this hash prove the work its nBits claim. Pure. Threads: any. Memory: none. */
#ifndef COMMON_CHAIN_POW_H
#define COMMON_CHAIN_POW_H

#include <stdint.h>

#include <rt/attr.h>

#include "common/chain/u256.h"

/* hash in wire order; limit is the network's easiest target.
 * 0 | ERR_BITS_NEGATIVE | ERR_BITS_OVERFLOW | ERR_BITS_ZERO | ERR_BITS_LIMIT (easier than limit) | ERR_POW.
 * As Bitcoin Core's CheckProofOfWork (pow.cpp). */
int pow_check(const uint8_t hash[32], uint32_t bits, const struct u256 *limit) MUST_CHECK;

#endif
