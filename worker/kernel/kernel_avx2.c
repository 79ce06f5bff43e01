/* kernel_avx2.c - the lanes template over 256-bit vectors. Compiled with -mavx2. */
#include "worker/kernel/kernel_avx2.h"

#include "worker/kernel/kernel_cpu.h"
#include "worker/kernel/kernel_words.h"

#include <immintrin.h>

typedef __m256i vec;
enum { LANES = 8 };

static ALWAYS_INLINE vec word(const uint32_t *p)
{
    return _mm256_set1_epi32((int)*p);
}

static ALWAYS_INLINE vec byte_swap(vec a)
{
    return _mm256_shuffle_epi8(a, _mm256_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15,
                                                  8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3));
}

static ALWAYS_INLINE vec nonces(const struct kernel_words *k, uint32_t nonce)
{
    return byte_swap(_mm256_add_epi32(word(&nonce), _mm256_loadu_si256((const __m256i *)k->lane)));
}

static ALWAYS_INLINE vec add(vec a, vec b)
{
    return _mm256_add_epi32(a, b);
}

static ALWAYS_INLINE vec shr(vec a, int n)
{
    return _mm256_srli_epi32(a, n);
}

static ALWAYS_INLINE vec ror(vec a, int n)
{
    return _mm256_or_si256(_mm256_srli_epi32(a, n), _mm256_slli_epi32(a, 32 - n));
}

static ALWAYS_INLINE vec xor3(vec a, vec b, vec c)
{
    return _mm256_xor_si256(_mm256_xor_si256(a, b), c);
}

static ALWAYS_INLINE vec choose(vec e, vec f, vec g)
{
    return _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)));
}

static ALWAYS_INLINE vec majority(vec a, vec b, vec c)
{
    return _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)));
}

static ALWAYS_INLINE uint32_t candidates(vec h7, uint32_t filter)
{
    vec top = byte_swap(h7);
    /* unsigned top <= filter: the lesser of the two is top */
    vec below = _mm256_cmpeq_epi32(_mm256_min_epu32(top, word(&filter)), top);
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(below));
}

#include "worker/kernel/kernel_lanes.h"

/* A border: what runs next may be SSE code, which is slow while the upper halves are in use. */
static uint64_t sweep_and_clean(const struct kernel_prepared *job, uint32_t nonce, uint64_t groups,
                                uint16_t mask[KERNEL_VERSIONS_MAX])
{
    uint64_t done = sweep(job, nonce, groups, mask);
    _mm256_zeroupper();
    return done;
}

const struct kernel kernel_avx2 = {.name = "avx2", .lanes = LANES, .usable = kernel_cpu_avx2, .sweep = sweep_and_clean};
