/* u256.h - unsigned 256-bit integers, exact: what targets and chain work are made of. Pure. Threads: any. Memory: none.
 */
#ifndef COMMON_CHAIN_U256_H
#define COMMON_CHAIN_U256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

enum { U256_LEN = 32, U256_HEX_SIZE = 65 };

struct u256 {
    uint64_t limb[4]; /* least significant first */
};

struct u256 u256_from_u64(uint64_t v);
bool u256_is_zero(const struct u256 *a);
/* Below, at or above zero, as a is below, equal to or above b. */
int u256_compare(const struct u256 *a, const struct u256 *b);
/* Position of the highest set bit, counted from 1; 0 for zero. */
unsigned u256_bits(const struct u256 *a);

/* *out = a + b modulo 2^256; true when it carried. out may be a or b; so below. */
bool u256_add(struct u256 *out, const struct u256 *a, const struct u256 *b);
/* *out = a - b modulo 2^256; true when it borrowed (a < b). */
bool u256_sub(struct u256 *out, const struct u256 *a, const struct u256 *b);
/* *out = the low 256 bits of a * m; returns the 64 bits above them. */
uint64_t u256_mul_u64(struct u256 *out, const struct u256 *a, uint64_t m);
/* *out = a / b rounded down; the remainder in *rem when rem is not NULL. b must not be zero. */
void u256_div(struct u256 *out, struct u256 *rem, const struct u256 *a, const struct u256 *b);
/* a * 2^n modulo 2^256, and a / 2^n rounded down; n of 256 or more gives zero. */
struct u256 u256_shl(const struct u256 *a, unsigned n);
struct u256 u256_shr(const struct u256 *a, unsigned n);
struct u256 u256_not(const struct u256 *a);

/* Little endian is how a hash is read as a number; big endian is for display. */
struct u256 u256_from_le(const uint8_t in[U256_LEN]);
void u256_to_le(uint8_t out[U256_LEN], const struct u256 *a);
struct u256 u256_from_be(const uint8_t in[U256_LEN]);
void u256_to_be(uint8_t out[U256_LEN], const struct u256 *a);
/* 64 lower-case digits, most significant first, and a NUL. */
void u256_to_hex(char out[U256_HEX_SIZE], const struct u256 *a);
/* 1 to 64 hex digits, most significant first. ERR_FORMAT for anything else; *out is then untouched. */
int u256_from_hex(struct u256 *out, const char *text, size_t len) MUST_CHECK;
/* The nearest double, within one unit in the last place. */
double u256_to_double(const struct u256 *a);

#endif
