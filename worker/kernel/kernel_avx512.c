/* kernel_avx512.c - the lanes template over 512-bit vectors. Compiled with -mavx512f -mavx512bw. */
#include "worker/kernel/kernel_avx512.h"

#include "worker/kernel/kernel_cpu.h"
#include "worker/kernel/kernel_words.h"

#include <immintrin.h>

typedef __m512i vec;
enum { LANES = 16 };

static ALWAYS_INLINE vec word(const uint32_t *p)
{
    return _mm512_set1_epi32((int)*p);
}

static ALWAYS_INLINE vec byte_swap(vec a)
{
    return _mm512_shuffle_epi8(a, _mm512_set4_epi32(0x0c0d0e0f, 0x08090a0b, 0x04050607, 0x00010203));
}

static ALWAYS_INLINE vec nonces(const struct kernel_words *k, uint32_t nonce)
{
    return byte_swap(_mm512_add_epi32(word(&nonce), _mm512_loadu_si512(k->lane)));
}

static ALWAYS_INLINE vec add(vec a, vec b)
{
    return _mm512_add_epi32(a, b);
}

/* Macros: the count must be a literal where nothing is inlined (-O0). */
#define ror(a, n) _mm512_ror_epi32(a, n)
#define shr(a, n) _mm512_srli_epi32(a, n)

static ALWAYS_INLINE vec xor3(vec a, vec b, vec c)
{
    return _mm512_ternarylogic_epi32(a, b, c, 0x96);
}

static ALWAYS_INLINE vec choose(vec e, vec f, vec g)
{
    return _mm512_ternarylogic_epi32(e, f, g, 0xca);
}

static ALWAYS_INLINE vec majority(vec a, vec b, vec c)
{
    return _mm512_ternarylogic_epi32(a, b, c, 0xe8);
}

static ALWAYS_INLINE uint32_t candidates(vec h7, uint32_t filter)
{
    return _mm512_cmple_epu32_mask(byte_swap(h7), word(&filter));
}

#include "worker/kernel/kernel_lanes.h"

/* A border: on some cores SHA or SSE code after 512-bit code costs over 100 cycles a switch while the upper parts are
 * in use. */
static uint64_t sweep_and_clean(const struct kernel_prepared *job, uint32_t nonce, uint64_t groups,
                                uint16_t mask[KERNEL_VERSIONS_MAX])
{
    uint64_t done = sweep(job, nonce, groups, mask);
    _mm256_zeroupper();
    return done;
}

const struct kernel kernel_avx512 = {
    .name = "avx512", .lanes = LANES, .usable = kernel_cpu_avx512, .sweep = sweep_and_clean};
