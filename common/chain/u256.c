#include "common/chain/u256.h"

#include <math.h>

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/err.h"

__extension__ typedef unsigned __int128 wide;

struct u256 u256_from_u64(uint64_t v)
{
    return (struct u256){{v, 0, 0, 0}};
}

bool u256_is_zero(const struct u256 *a)
{
    return (a->limb[0] | a->limb[1] | a->limb[2] | a->limb[3]) == 0;
}

int u256_compare(const struct u256 *a, const struct u256 *b)
{
    for (int i = 3; i >= 0; i--)
        if (a->limb[i] != b->limb[i])
            return a->limb[i] < b->limb[i] ? -1 : 1;
    return 0;
}

unsigned u256_bits(const struct u256 *a)
{
    for (unsigned i = 4; i-- > 0;)
        if (a->limb[i] != 0)
            return 64 * i + 64 - (unsigned)__builtin_clzll(a->limb[i]);
    return 0;
}

bool u256_add(struct u256 *out, const struct u256 *a, const struct u256 *b)
{
    wide carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (wide)a->limb[i] + b->limb[i];
        out->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return carry != 0;
}

bool u256_sub(struct u256 *out, const struct u256 *a, const struct u256 *b)
{
    uint64_t borrow = 0;
    for (int i = 0; i < 4; i++) {
        wide d = (wide)a->limb[i] - b->limb[i] - borrow;
        out->limb[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
    return borrow != 0;
}

uint64_t u256_mul_u64(struct u256 *out, const struct u256 *a, uint64_t m)
{
    wide carry = 0;
    for (int i = 0; i < 4; i++) {
        carry += (wide)a->limb[i] * m;
        out->limb[i] = (uint64_t)carry;
        carry >>= 64;
    }
    return (uint64_t)carry;
}

struct u256 u256_shl(const struct u256 *a, unsigned n)
{
    struct u256 r = {{0}};
    unsigned words = n / 64, bits = n % 64;
    for (unsigned i = words; i < 4; i++) {
        r.limb[i] = a->limb[i - words] << bits;
        if (bits != 0 && i > words)
            r.limb[i] |= a->limb[i - words - 1] >> (64 - bits);
    }
    return r;
}

struct u256 u256_shr(const struct u256 *a, unsigned n)
{
    struct u256 r = {{0}};
    unsigned words = n / 64, bits = n % 64;
    for (unsigned i = 0; i + words < 4; i++) {
        r.limb[i] = a->limb[i + words] >> bits;
        if (bits != 0 && i + words + 1 < 4)
            r.limb[i] |= a->limb[i + words + 1] << (64 - bits);
    }
    return r;
}

struct u256 u256_not(const struct u256 *a)
{
    return (struct u256){{~a->limb[0], ~a->limb[1], ~a->limb[2], ~a->limb[3]}};
}

/* Shift and subtract, one step per bit of the quotient: 32 steps for the work of an easy target, never over 256. */
void u256_div(struct u256 *out, struct u256 *rem, const struct u256 *a, const struct u256 *b)
{
    CHECK(!u256_is_zero(b));
    struct u256 left = *a, quotient = {{0}};
    unsigned a_bits = u256_bits(a), b_bits = u256_bits(b);
    if (a_bits >= b_bits) {
        struct u256 d = u256_shl(b, a_bits - b_bits);
        for (unsigned i = a_bits - b_bits + 1; i-- > 0;) {
            if (u256_compare(&left, &d) >= 0) {
                u256_sub(&left, &left, &d);
                quotient.limb[i / 64] |= UINT64_C(1) << (i % 64);
            }
            d = u256_shr(&d, 1);
        }
    }
    *out = quotient;
    if (rem)
        *rem = left;
}

struct u256 u256_from_le(const uint8_t in[U256_LEN])
{
    struct u256 r;
    for (int i = 0; i < 4; i++)
        r.limb[i] = bytes_le64(in + 8 * i);
    return r;
}

void u256_to_le(uint8_t out[U256_LEN], const struct u256 *a)
{
    for (int i = 0; i < 4; i++)
        bytes_put_le64(out + 8 * i, a->limb[i]);
}

struct u256 u256_from_be(const uint8_t in[U256_LEN])
{
    struct u256 r;
    for (int i = 0; i < 4; i++)
        r.limb[i] = bytes_be64(in + 24 - 8 * i);
    return r;
}

void u256_to_be(uint8_t out[U256_LEN], const struct u256 *a)
{
    for (int i = 0; i < 4; i++)
        bytes_put_be64(out + 24 - 8 * i, a->limb[i]);
}

void u256_to_hex(char out[U256_HEX_SIZE], const struct u256 *a)
{
    uint8_t be[U256_LEN];
    u256_to_be(be, a);
    bytes_to_hex(out, be, sizeof be);
}

int u256_from_hex(struct u256 *out, const char *text, size_t len)
{
    char padded[2 * U256_LEN];
    uint8_t be[U256_LEN];
    if (len < 1 || len > sizeof padded)
        return ERR_FORMAT;
    memset(padded, '0', sizeof padded);
    memcpy(padded + sizeof padded - len, text, len);
    TRY(bytes_from_hex(be, sizeof be, padded, sizeof padded));
    *out = u256_from_be(be);
    return 0;
}

double u256_to_double(const struct u256 *a)
{
    /* The upper 64 significant bits, the lowest of them sticky for what is cut off: one rounding only. */
    unsigned bits = u256_bits(a);
    if (bits <= 64)
        return (double)a->limb[0];
    struct u256 top = u256_shr(a, bits - 64), back = u256_shl(&top, bits - 64);
    uint64_t mantissa = top.limb[0] | (u256_compare(&back, a) != 0);
    return ldexp((double)mantissa, (int)(bits - 64));
}
