/* merkle.h - Bitcoin's merkle tree over 32-byte hashes, wire order. Pure. Threads: any. Memory: none (a level stack).
 * An odd row repeats its last hash, so a list with a repeated tail has the root of the shorter one (CVE-2012-2459):
 * such a list is reported as mutated. */
#ifndef COMMON_CHAIN_MERKLE_H
#define COMMON_CHAIN_MERKLE_H

#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

enum { MERKLE_HASH = 32, MERKLE_BRANCH_MAX = 32 };

/* root of count hashes, which lie one after another at leaves; all zero for count 0. root is written in every case.
 * 0 | ERR_MUTATED (two equal hashes are paired somewhere) | ERR_TOO_LONG (count of 2^32 and more; root is zero). */
int merkle_root(uint8_t root[MERKLE_HASH], const uint8_t *leaves, size_t count) MUST_CHECK;
/* The siblings on the way from leaf 0 (the coinbase) to the root, lowest first, into branch, which holds
 * MERKLE_BRANCH_MAX hashes; leaf 0 itself is not read. Returns how many (0 for a single leaf), or ERR_TOO_LONG. */
int merkle_branch(uint8_t *branch, const uint8_t *leaves, size_t count) MUST_CHECK;
/* Root from leaf 0 and its branch of count hashes; root may be the leaf's bytes. */
void merkle_root_from_branch(uint8_t root[MERKLE_HASH], const uint8_t leaf[MERKLE_HASH], const uint8_t *branch,
                             size_t count);

#endif
