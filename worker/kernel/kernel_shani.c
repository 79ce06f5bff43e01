/* kernel_shani.c - one header per lane through the SHA extensions, four lanes interleaved to hide the latency of two
 * rounds (4 cycles; one may start each 1 to 3 cycles, by the core). Compiled with -msha -mavx: the three-operand forms
 * save a move a quad.
 *
 * A quad is four rounds: two instructions. Block 2 needs quads 1..15 only, since quad 0 is known but for the nonce. Of
 * the second hash's last quad only the first half is needed: e of round 60 is f after round 61.
 * Registers hold a state as (f e b a) and (h g d c), lowest lane first, as the instructions want it.
 *
 * What made it fast (AMD Zen 4, 115 to 97 cycles a hash): the words of quad q + 1 are made while the rounds of quad q
 * run, one row of lanes ahead, as the schedulers do not look far enough to find that by themselves; and older quads are
 * read from memory by the instruction that needs them instead of fighting for 16 registers. Five, six and eight lanes
 * were slower, and so were three. */
#include "worker/kernel/kernel_shani.h"

#include "worker/kernel/kernel_cpu.h"
#include "worker/kernel/kernel_words.h"

#include <immintrin.h>

enum { LANES = 4 };

struct state {
    __m128i abef[LANES], cdgh[LANES];
};

/* Quads of words of each lane: the last four in memory, the very last in a register too. */
struct message {
    __m128i quad[4][LANES];
    __m128i last[LANES];
};

/* The asm makes the compiler take the stored quad for another value than the one in the register. */
static ALWAYS_INLINE void keep(struct message *m, int q, int l, __m128i w)
{
    m->quad[q & 3][l] = w;
    __asm__("" : "+m"(m->quad[q & 3][l]));
    m->last[l] = w;
}

static ALWAYS_INLINE __m128i load(const uint32_t *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

#define EACH_LANE(step) step(0) step(1) step(2) step(3)

static ALWAYS_INLINE void turn4(struct state *s, int l, __m128i kw)
{
    s->cdgh[l] = _mm_sha256rnds2_epu32(s->cdgh[l], s->abef[l], kw);
    s->abef[l] = _mm_sha256rnds2_epu32(s->abef[l], s->cdgh[l], _mm_shuffle_epi32(kw, 0x0e));
}

/* The same words for all lanes: padding. */
static ALWAYS_INLINE void turn4_all(struct state *s, const uint32_t *kw)
{
#define LANE(l) turn4(s, l, load(kw));
    EACH_LANE(LANE)
#undef LANE
}

/* Quad q of lane l by the full recurrence. */
static ALWAYS_INLINE __m128i expand(const struct message *m, int q, int l)
{
    __m128i w = _mm_sha256msg1_epu32(m->quad[q & 3][l], m->quad[(q + 1) & 3][l]);
    w = _mm_add_epi32(w, _mm_alignr_epi8(m->last[l], m->quad[(q + 2) & 3][l], 4));
    return _mm_sha256msg2_epu32(w, m->last[l]);
}

/* Quad q (5..15) of block 2's schedule, less what is zero or known there. */
static ALWAYS_INLINE void first_quad(const struct kernel_prepared *job, const struct kernel_words *k, struct message *m,
                                     int q, int l)
{
    const uint32_t *fold = job->fold;
    __m128i before, sum;
    switch (q) {
    case 5:
        before = _mm_setr_epi32((int)k->pad, 0, (int)k->length, (int)fold[FOLD_W16]);
        keep(m, 1, l, _mm_sha256msg2_epu32(before, m->last[l]));
        break;
    case 6:
        before = _mm_alignr_epi8(m->last[l], m->quad[0][l], 4);
        keep(m, 2, l, _mm_sha256msg2_epu32(before, m->last[l]));
        break;
    case 7:
        before = _mm_setr_epi32(0, 0, (int)k->s0_length, (int)fold[FOLD_W31]);
        sum = _mm_add_epi32(before, _mm_alignr_epi8(m->last[l], m->quad[1][l], 4));
        keep(m, 3, l, _mm_sha256msg2_epu32(sum, m->last[l]));
        break;
    default:
        keep(m, q, l, expand(m, q, l));
    }
}

static ALWAYS_INLINE uint32_t rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

/* Quad 4, from the nonce's word: scalar, as the integer ports are idle. */
static ALWAYS_INLINE __m128i quad4(const struct kernel_prepared *job, uint32_t word)
{
    const uint32_t *fold = job->fold;
    uint32_t s0 = rotate(word, 7) ^ rotate(word, 18) ^ word >> 3;
    return _mm_setr_epi32((int)fold[FOLD_W16], (int)fold[FOLD_W17], (int)(fold[FOLD_W18] + s0),
                          (int)(fold[FOLD_W19] + word));
}

/* What the nonce adds to the state after round 3: to e and to a. */
static ALWAYS_INLINE __m128i nonce_at(uint32_t nonce)
{
    int word = (int)__builtin_bswap32(nonce);
    return _mm_setr_epi32(0, word, 0, word);
}

/* The state before quad 4. */
static ALWAYS_INLINE void first_start(struct state *s, const uint32_t *early, const struct kernel_words *k,
                                      uint32_t nonce)
{
    const __m128i abef =
        _mm_setr_epi32((int)early[EARLY_E], (int)early[EARLY_E3], (int)early[EARLY_A], (int)early[EARLY_A3]);
    const __m128i cdgh =
        _mm_setr_epi32((int)early[EARLY_G], (int)early[EARLY_F], (int)early[EARLY_C], (int)early[EARLY_B]);
#define LANE(l)                                                                                                        \
    s->abef[l] = _mm_add_epi32(abef, nonce_at(nonce + l));                                                             \
    s->cdgh[l] = cdgh;
    EACH_LANE(LANE)
#undef LANE
    turn4_all(s, k->pad1 + 4);
    turn4_all(s, k->pad1 + 8);
    turn4_all(s, k->pad1 + 12);
}

/* The first hash as the second one's message: quads 0 and 1. */
static ALWAYS_INLINE void first_end(const struct state *s, const uint32_t *midstate, struct message *m, int l)
{
    const __m128i abcd = load(midstate), efgh = load(midstate + 4);
    __m128i abef = _mm_shuffle_epi32(s->abef[l], 0x1b), cdgh = _mm_shuffle_epi32(s->cdgh[l], 0x1b);
    keep(m, 0, l, _mm_add_epi32(_mm_unpacklo_epi64(abef, cdgh), abcd));
    keep(m, 1, l, _mm_add_epi32(_mm_unpackhi_epi64(abef, cdgh), efgh));
}

/* Quad q (4..15) of the second hash's schedule. */
static ALWAYS_INLINE void second_quad(const struct kernel_words *k, struct message *m, int q, int l)
{
    const __m128i pad = _mm_setr_epi32((int)k->pad, 0, 0, 0);
    const __m128i length = _mm_setr_epi32(0, 0, 0, (int)k->second[SECOND_LENGTH]);
    __m128i sum;
    switch (q) {
    case 4:
        keep(m, 0, l, _mm_sha256msg2_epu32(_mm_sha256msg1_epu32(m->quad[0][l], m->quad[1][l]), length));
        break;
    case 5:
        sum = _mm_add_epi32(_mm_sha256msg1_epu32(m->quad[1][l], pad), _mm_alignr_epi8(m->last[l], length, 4));
        keep(m, 1, l, _mm_sha256msg2_epu32(sum, m->last[l]));
        break;
    case 6:
        sum = _mm_add_epi32(pad, _mm_alignr_epi8(m->last[l], m->quad[0][l], 4));
        keep(m, 2, l, _mm_sha256msg2_epu32(sum, m->last[l]));
        break;
    case 7:
        sum = _mm_add_epi32(_mm_sha256msg1_epu32(length, m->quad[0][l]), _mm_alignr_epi8(m->last[l], m->quad[1][l], 4));
        keep(m, 3, l, _mm_sha256msg2_epu32(sum, m->last[l]));
        break;
    default:
        keep(m, q, l, expand(m, q, l));
    }
}

static ALWAYS_INLINE uint32_t candidate(__m128i abef, const struct kernel_words *k, uint32_t filter)
{
    return __builtin_bswap32((uint32_t)_mm_cvtsi128_si32(abef) + k->iv[7]) <= filter;
}

/* The second hash of quads 0 and 1; bit l set when lane l passes the filter. */
static ALWAYS_INLINE uint32_t second_hash(const struct kernel_words *k, struct message *m, uint32_t filter)
{
    struct state s;
    const __m128i abef = _mm_setr_epi32((int)k->iv[5], (int)k->iv[4], (int)k->iv[1], (int)k->iv[0]);
    const __m128i cdgh = _mm_setr_epi32((int)k->iv[7], (int)k->iv[6], (int)k->iv[3], (int)k->iv[2]);
    uint32_t found = 0;
#define LANE(l)                                                                                                        \
    s.abef[l] = abef;                                                                                                  \
    s.cdgh[l] = cdgh;                                                                                                  \
    turn4(&s, l, _mm_add_epi32(m->quad[0][l], load(k->k)));
    EACH_LANE(LANE)
#undef LANE
#define LANE(l) turn4(&s, l, _mm_add_epi32(m->quad[1][l], load(k->k + 4)));
    EACH_LANE(LANE)
#undef LANE
    turn4_all(&s, k->pad2 + 8);
#define LANE(l)                                                                                                        \
    turn4(&s, l, load(k->pad2 + 12));                                                                                  \
    second_quad(k, m, 4, l);
    EACH_LANE(LANE)
#undef LANE
#define LANE(l, q)                                                                                                     \
    turn4(&s, l, _mm_add_epi32(m->last[l], load(k->k + 4 * (q)-4)));                                                   \
    second_quad(k, m, q, l);
#define QUAD(q) LANE(0, q) LANE(1, q) LANE(2, q) LANE(3, q)
    QUAD(5)
    QUAD(6)
    QUAD(7)
    QUAD(8)
    QUAD(9)
    QUAD(10)
    QUAD(11)
    QUAD(12)
    QUAD(13)
    QUAD(14)
    QUAD(15)
#undef QUAD
#undef LANE
#define LANE(l)                                                                                                        \
    s.cdgh[l] = _mm_sha256rnds2_epu32(s.cdgh[l], s.abef[l], _mm_add_epi32(m->last[l], load(k->k + 60)));               \
    found |= candidate(s.cdgh[l], k, filter) << l;
    EACH_LANE(LANE)
#undef LANE
    return found;
}

/* Version v alone: schedule and rounds interleaved. */
static ALWAYS_INLINE uint32_t group_single(const struct kernel_prepared *job, const struct kernel_words *k,
                                           uint32_t nonce, int v)
{
    struct state s;
    struct message m;
    first_start(&s, job->early[v], k, nonce);
#define LANE(l) keep(&m, 0, l, quad4(job, __builtin_bswap32(nonce + l)));
    EACH_LANE(LANE)
#undef LANE
#define LANE(l, q)                                                                                                     \
    turn4(&s, l, _mm_add_epi32(m.last[l], load(k->k + 4 * (q)-4)));                                                    \
    first_quad(job, k, &m, q, l);
#define QUAD(q) LANE(0, q) LANE(1, q) LANE(2, q) LANE(3, q)
    QUAD(5)
    QUAD(6)
    QUAD(7)
    QUAD(8)
    QUAD(9)
    QUAD(10)
    QUAD(11)
    QUAD(12)
    QUAD(13)
    QUAD(14)
    QUAD(15)
#undef QUAD
#undef LANE
#define LANE(l)                                                                                                        \
    turn4(&s, l, _mm_add_epi32(m.last[l], load(k->k + 60)));                                                           \
    first_end(&s, job->midstate[v], &m, l);
    EACH_LANE(LANE)
#undef LANE
    return second_hash(k, &m, job->filter);
}

/* Quads 4..15 of block 2 with K added, for all versions. */
static ALWAYS_INLINE void schedule_shared(const struct kernel_prepared *job, const struct kernel_words *k,
                                          uint32_t nonce, __m128i kw[16][LANES])
{
    struct message m;
#define LANE(l)                                                                                                        \
    keep(&m, 0, l, quad4(job, __builtin_bswap32(nonce + l)));                                                          \
    kw[4][l] = _mm_add_epi32(m.quad[0][l], load(k->k + 16));
    EACH_LANE(LANE)
#undef LANE
#define LANE(l, q)                                                                                                     \
    first_quad(job, k, &m, q, l);                                                                                      \
    kw[q][l] = _mm_add_epi32(m.quad[(q)&3][l], load(k->k + 4 * (q)));
#define QUAD(q) LANE(0, q) LANE(1, q) LANE(2, q) LANE(3, q)
    QUAD(5)
    QUAD(6)
    QUAD(7)
    QUAD(8)
    QUAD(9)
    QUAD(10)
    QUAD(11)
    QUAD(12)
    QUAD(13)
    QUAD(14)
    QUAD(15)
#undef QUAD
#undef LANE
}

static ALWAYS_INLINE uint32_t group_shared(const struct kernel_prepared *job, const struct kernel_words *k,
                                           uint32_t nonce, const __m128i kw[16][LANES], int v)
{
    struct state s;
    struct message m;
    first_start(&s, job->early[v], k, nonce);
#define QUAD(q) turn4(&s, 0, kw[q][0]), turn4(&s, 1, kw[q][1]), turn4(&s, 2, kw[q][2]), turn4(&s, 3, kw[q][3]);
    QUAD(4)
    QUAD(5)
    QUAD(6)
    QUAD(7)
    QUAD(8)
    QUAD(9)
    QUAD(10)
    QUAD(11)
    QUAD(12)
    QUAD(13)
    QUAD(14)
    QUAD(15)
#undef QUAD
#define LANE(l) first_end(&s, job->midstate[v], &m, l);
    EACH_LANE(LANE)
#undef LANE
    return second_hash(k, &m, job->filter);
}

/* Each version by itself: the sharing costs a pass of its own, which pays from 4 versions on. */
RT_PREEMPTIBLE static uint32_t versions_apart(const struct kernel_prepared *job, uint32_t nonce, uint16_t *mask)
{
    uint32_t found = 0;
    for (int v = 0; v < job->versions; v++) {
        mask[v] = (uint16_t)group_single(job, &kernel_words, nonce, v);
        found |= mask[v];
    }
    return found;
}

RT_PREEMPTIBLE static uint32_t versions_together(const struct kernel_prepared *job, uint32_t nonce, uint16_t *mask)
{
    __m128i kw[16][LANES];
    uint32_t found = 0;
    schedule_shared(job, &kernel_words, nonce, kw);
    for (int v = 0; v < job->versions; v++) {
        mask[v] = (uint16_t)group_shared(job, &kernel_words, nonce, kw, v);
        found |= mask[v];
    }
    return found;
}

RT_PREEMPTIBLE static uint64_t sweep_single(const struct kernel_prepared *job, uint32_t nonce, uint64_t groups,
                                            uint16_t *mask)
{
    uint64_t done = 0;
    uint32_t found = 0;
    while (found == 0 && done < groups) {
        found = group_single(job, &kernel_words, nonce, 0);
        nonce += LANES;
        done++;
    }
    mask[0] = (uint16_t)found;
    return done;
}

static uint64_t sweep(const struct kernel_prepared *job, uint32_t nonce, uint64_t groups,
                      uint16_t mask[KERNEL_VERSIONS_MAX])
{
    uint64_t done = 0;
    uint32_t found = 0;
    _mm256_zeroupper(); /* SHA instructions are of the old kind: slow while a caller's upper halves are in use */
    if (job->versions == 1)
        return sweep_single(job, nonce, groups, mask);
    while (found == 0 && done < groups) {
        found = job->versions < 4 ? versions_apart(job, nonce, mask) : versions_together(job, nonce, mask);
        nonce += LANES;
        done++;
    }
    return done;
}

const struct kernel kernel_shani = {.name = "shani", .lanes = LANES, .usable = kernel_cpu_shani, .sweep = sweep};
