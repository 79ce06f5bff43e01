/* header.h - the 80 bytes of a Bitcoin block header: fields, parse, serialize, hash. Pure. Threads: any. Memory: none.
 * Hashes are kept in wire order (the order SHA-256 gives them); display order is the reverse. */
#ifndef COMMON_CHAIN_HEADER_H
#define COMMON_CHAIN_HEADER_H

#include <stdint.h>

enum { HEADER_LEN = 80, HEADER_HASH_LEN = 32, HEADER_MERKLE_AT = 36, HEADER_NONCE_AT = 76 };

struct header {
    int32_t version;
    uint8_t prev[HEADER_HASH_LEN];   /* hash of the parent; zero in a genesis */
    uint8_t merkle[HEADER_HASH_LEN]; /* merkle root of the block's leaves */
    uint32_t time;                   /* seconds since 1970 */
    uint32_t bits;                   /* compact target, see target.h */
    uint32_t nonce;
};

/* Every 80 bytes are a header: neither direction can fail, and each undoes the other. */
void header_parse(struct header *out, const uint8_t raw[HEADER_LEN]);
void header_serialize(uint8_t raw[HEADER_LEN], const struct header *in);
/* Double SHA-256 of the 80 bytes, wire order. */
void header_hash(uint8_t out[HEADER_HASH_LEN], const struct header *in);
void header_hash_raw(uint8_t out[HEADER_HASH_LEN], const uint8_t raw[HEADER_LEN]);
/* Puts a nonce into serialized bytes. */
void header_set_nonce(uint8_t raw[HEADER_LEN], uint32_t nonce);

#endif
