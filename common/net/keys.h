/* keys.h - CURVE keys: make, load, check modes, wipe. Threads: any. Memory: the caller's structs.
 * A pair NAME is two files of one line each: NAME.pub (0644) and NAME.key (0600), both Z85 (ZeroMQ RFC 32). */
#ifndef COMMON_NET_KEYS_H
#define COMMON_NET_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

enum {
    KEYS_BYTES = 32,
    KEYS_TEXT = 41, /* 40 characters of Z85 and a NUL: the form that ZMQ_CURVE_*KEY options take */
};

struct keys {
    char public_key[KEYS_TEXT];
    char secret_key[KEYS_TEXT]; /* never logged, never printed */
};

/* A new random pair in memory. ERR_STATE when libzmq has no CURVE. */
int keys_new(struct keys *out) MUST_CHECK;
/* Makes a new pair and writes path.key and path.pub, both synced with their directory before it returns. Nothing is
 * overwritten: ERR_EXISTS when either is there (a symbolic link too), and then neither is left behind by this call.
 * Other errors: -errno. out may be NULL. */
int keys_make(const char *path, struct keys *out) MUST_CHECK;
/* Loads both files of path and checks that they belong together. ERR_PERMISSION when group or others may do anything
 * with path.key, or it is not a regular file of our own; ERR_FORMAT for contents that are not one key, ERR_CORRUPT for
 * halves of different pairs; -errno. On error *out is wiped. */
int keys_load(struct keys *out, const char *path) MUST_CHECK;
/* Loads only a public key from the file `file` (full name, with .pub). ERR_FORMAT, -errno. */
int keys_load_public(char out[KEYS_TEXT], const char *file) MUST_CHECK;
/* Checks text as Z85 of 32 bytes and decodes it (out may be NULL). ERR_FORMAT: other length, a character outside the
 * alphabet, or a group above 2^32-1. */
int keys_parse(uint8_t out[KEYS_BYTES], const char *text) MUST_CHECK;
/* The same for any length: out holds len_out bytes, text 5/4 of it. */
int keys_z85_decode(uint8_t *out, size_t len_out, const char *text) MUST_CHECK;
/* Overwrites the pair; the compiler keeps it. */
void keys_wipe(struct keys *self);

#endif
