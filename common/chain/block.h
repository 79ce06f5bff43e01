/* block.h - Lode's block: a header, a coinbase record, and data payloads. Pure. Threads: any.
 * Memory: none; the payloads of a struct block are borrowed from whoever holds their bytes.
 *
 * Coinbase record: u8 version (1) | u64 height LE | u32 extranonce BE | u8 tag length | tag. The first 9 bytes are
 * "coinbase1", what follows the extranonce is "coinbase2": a job carries the two halves.
 * Block: header (80) | u16 LE length, coinbase record | u16 LE payload count | for each payload u32 LE length, bytes.
 *
 * Leaves of the merkle tree: the double SHA-256 of the coinbase record, then one leaf per payload. A payload's leaf is
 * the double SHA-256 of T | T | payload with T = SHA-256("Lode/payload") (the construction of BIP 340's tagged hash):
 * an inner node hashes exactly 64 bytes and a payload's leaf at least 65, so none can be passed off as the other
 * (CVE-2017-12842). A prefix of one byte would not do: it makes 63-byte payloads the problem instead of 64-byte ones.
 * The coinbase record stays plain, so that pool software can derive it; where it has 64 bytes, to find an inner node
 * that reads as one is 2^80 hashes of work (version, height and tag length are fixed). */
#ifndef COMMON_CHAIN_BLOCK_H
#define COMMON_CHAIN_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/chain/header.h"

enum {
    BLOCK_TAG_MAX = 64,
    BLOCK_COINBASE1_LEN = 9,
    BLOCK_COINBASE2_MAX = 1 + BLOCK_TAG_MAX,
    BLOCK_COINBASE_MIN = 14,
    BLOCK_COINBASE_MAX = 14 + BLOCK_TAG_MAX,
    BLOCK_PAYLOAD_MAX = 32768,
    BLOCK_PAYLOADS_MAX = 256,
    BLOCK_BODY_MAX = 1 << 20, /* everything after the header */
    BLOCK_MAX = HEADER_LEN + BLOCK_BODY_MAX,
    BLOCK_MIN = HEADER_LEN + 2 + BLOCK_COINBASE_MIN + 2,
    BLOCK_BRANCH_MAX = 9 /* merkle branch of the coinbase under 256 payloads */
};

struct block_coinbase {
    uint64_t height;
    uint32_t extranonce;
    uint8_t tag_len;
    char tag[BLOCK_TAG_MAX]; /* who mined it; any bytes, no NUL at the end */
};

struct block_payload {
    const uint8_t *bytes; /* borrowed */
    uint32_t len;         /* 1 to BLOCK_PAYLOAD_MAX */
};

struct block {
    struct header header;
    struct block_coinbase coinbase;
    uint16_t payload_count;
    struct block_payload payloads[BLOCK_PAYLOADS_MAX]; /* the first payload_count are set */
};

/* The record's bytes; returns their count, BLOCK_COINBASE_MIN + tag_len. ERR_TOO_LONG for a tag over BLOCK_TAG_MAX. */
int block_coinbase_write(uint8_t out[BLOCK_COINBASE_MAX], const struct block_coinbase *in) MUST_CHECK;
/* 0 | ERR_TRUNCATED | ERR_VERSION | ERR_TOO_LONG | ERR_TRAILING. */
int block_coinbase_parse(struct block_coinbase *out, const uint8_t *bytes, size_t len) MUST_CHECK;
/* The double SHA-256 of coinbase1 | extranonce BE | coinbase2: the first leaf, as a worker derives it from a job.
 * coinbase2_len is at most BLOCK_COINBASE2_MAX. */
void block_coinbase_leaf(uint8_t out[32], const uint8_t coinbase1[BLOCK_COINBASE1_LEN], uint32_t extranonce,
                         const uint8_t *coinbase2, size_t coinbase2_len);
/* The leaf of one payload, see above. */
void block_payload_leaf(uint8_t out[32], const uint8_t *bytes, size_t len);

/* The merkle branch of the coinbase, for a job: siblings lowest first into branch. Depends on the payloads alone.
 * Returns the count of hashes | ERR_RANGE, ERR_TOO_LONG (limits broken). */
int block_branch(uint8_t branch[BLOCK_BRANCH_MAX * 32], const struct block *in) MUST_CHECK;
/* The merkle root of the block's leaves (header.merkle is not read). 0 | ERR_MUTATED (root is written) | ERR_RANGE,
 * ERR_TOO_LONG (limits broken). */
int block_root(uint8_t root[32], const struct block *in) MUST_CHECK;

/* Serialized length, or ERR_TOO_LONG (tag, payload, count or body over its limit), ERR_RANGE (empty payload). */
int64_t block_size(const struct block *in) MUST_CHECK;
/* Writes block_size(in) bytes to out and returns their count; besides block_size's errors ERR_FULL when cap is less. */
int64_t block_serialize(uint8_t *out, size_t cap, const struct block *in) MUST_CHECK;
/* Strict: exactly one block and nothing after it. The payloads borrow from bytes.
 * 0 | ERR_TRUNCATED | ERR_TRAILING | ERR_TOO_LONG | ERR_RANGE | ERR_VERSION; *out is then undefined. */
int block_parse(struct block *out, const uint8_t *bytes, size_t len) MUST_CHECK;
/* What the block says of itself, apart from its place in the chain: limits, merkle root, height of the coinbase.
 * 0 | ERR_MUTATED | ERR_MERKLE | ERR_RANGE (height or empty payload) | ERR_TOO_LONG. A refusal is about these bytes,
 * never about the hash: another body for the same header may be good. */
int block_check(const struct block *in, uint64_t height) MUST_CHECK;

#endif
