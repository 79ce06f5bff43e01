/* sha256.h - SHA-256 (FIPS 180-4) over OpenSSL: the reference every mining kernel is held against.
 * Threads: any; no state but the caller's. Memory: none, nothing can fail. Stack: under 1 KiB. */
#ifndef COMMON_HASH_SHA256_H
#define COMMON_HASH_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_LEN = 32, SHA256_BLOCK = 64, SHA256_STATE_WORDS = 8 };

/* The digest of len bytes; in may be NULL when len is 0. out may overlap in. */
void sha256_once(uint8_t out[SHA256_LEN], const void *in, size_t len);
/* SHA-256 of the SHA-256 of len bytes, as Bitcoin hashes headers and leaves. out may overlap in. */
void sha256_double(uint8_t out[SHA256_LEN], const void *in, size_t len);
/* The state after the first 64 bytes of a message, before padding: eight 32-bit words a..h as numbers of the host.
 * A kernel goes on from here, since the first 64 bytes of a header do not hold the nonce. */
void sha256_midstate(uint32_t state[SHA256_STATE_WORDS], const uint8_t block[SHA256_BLOCK]);

/* A message that arrives in pieces. By value, no destructor; start it, update it any number of times, finish it once
 * (then it must be started again). */
struct sha256 {
    uint64_t opaque[14];
};
void sha256_start(struct sha256 *self);
void sha256_update(struct sha256 *self, const void *in, size_t len);
void sha256_finish(struct sha256 *self, uint8_t out[SHA256_LEN]);

#endif
