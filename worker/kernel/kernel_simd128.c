/* kernel_simd128.c - the lanes template over the compiler's 128-bit vectors: no intrinsics, any architecture. */
#include "worker/kernel/kernel_simd128.h"

#include "worker/kernel/kernel_words.h"

typedef uint32_t vec __attribute__((vector_size(16)));
enum { LANES = 4 };

static ALWAYS_INLINE vec word(const uint32_t *p)
{
    return (vec){*p, *p, *p, *p};
}

static ALWAYS_INLINE vec nonces(const struct kernel_words *k, uint32_t nonce)
{
    vec n;
    for (uint32_t l = 0; l < LANES; l++)
        n[l] = __builtin_bswap32(nonce + k->lane[l]);
    return n;
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
    uint32_t found = 0;
    for (int l = 0; l < LANES; l++)
        found |= (uint32_t)(__builtin_bswap32(h7[l]) <= filter) << l;
    return found;
}

#include "worker/kernel/kernel_lanes.h"

static bool usable(void)
{
    return true;
}

const struct kernel kernel_simd128 = {.name = "simd128", .lanes = LANES, .usable = usable, .sweep = sweep};
