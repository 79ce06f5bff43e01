/* kernel_portable.c - the lanes template with one lane. */
#include "worker/kernel/kernel_portable.h"

#include "worker/kernel/kernel_words.h"

typedef uint32_t vec;
enum { LANES = 1 };

static ALWAYS_INLINE vec word(const uint32_t *p)
{
    return *p;
}

static ALWAYS_INLINE vec nonces(const struct kernel_words *k, uint32_t nonce)
{
    (void)k;
    return __builtin_bswap32(nonce);
}

static ALWAYS_INLINE vec add(vec a, vec b)
{
    return a + b;
}

static ALWAYS_INLINE vec ror(vec a, int n)
{
    return a >> n | a << (32 - n);
}

static ALWAYS_INLINE vec shr(vec a, int n)
{
    return a >> n;
}

static ALWAYS_INLINE vec xor3(vec a, vec b, vec c)
{
    return a ^ b ^ c;
}

static ALWAYS_INLINE vec choose(vec e, vec f, vec g)
{
    return g ^ (e & (f ^ g));
}

static ALWAYS_INLINE vec majority(vec a, vec b, vec c)
{
    return (a & b) | (c & (a | b));
}

static ALWAYS_INLINE uint32_t candidates(vec h7, uint32_t filter)
{
    return __builtin_bswap32(h7) <= filter;
}

#include "worker/kernel/kernel_lanes.h"

static bool usable(void)
{
    return true;
}

const struct kernel kernel_portable = {.name = "portable", .lanes = LANES, .usable = usable, .sweep = sweep};
