/* kernel_lanes.h - double SHA-256 of a header for several nonces side by side, written once for all vector widths.
 * A template: a kernel file defines, then includes it once:
 *   vec                      type of LANES unsigned 32-bit words
 *   word(p)                  vec with *p in every lane (a load, not a constant: an immediate costs a port)
 *   add, ror, shr            a + b; a rotated, shifted right by n
 *   xor3, choose, majority   a ^ b ^ c; e ? f : g; bitwise majority
 *   LANES, nonces(k, n)      how many; the words of nonces n, n + 1, ...: byte-swapped
 *   candidates(h7, filter)   bit l set when byte-swapped lane l of h7 is at or below filter
 * and gets sweep(). Straight-line code: each message word is made right before its round. The savings are those of
 * reference mining kernels: what does not depend on the nonce is folded into tables (kernel_words.h), the last rounds
 * compute only what reaches the top word of the hash. With k > 1 versions the schedule of block 2, which is the same
 * for all midstates, is expanded once and read k times. The loops may be interrupted and their goroutine switched away
 * (RT_PREEMPTIBLE): they hold nothing but registers and their stack. Threads: any. Memory: a few KiB of stack, less
 * than 6. */
#ifndef WORKER_KERNEL_KERNEL_LANES_H
#define WORKER_KERNEL_KERNEL_LANES_H

#include "worker/kernel/kernel.h"
#include "worker/kernel/kernel_words.h"

#define REPEAT8(step, i)                                                                                               \
    step(i) step((i) + 1) step((i) + 2) step((i) + 3) step((i) + 4) step((i) + 5) step((i) + 6) step((i) + 7)

static ALWAYS_INLINE vec small0(vec x)
{
    return xor3(ror(x, 7), ror(x, 18), shr(x, 3));
}

static ALWAYS_INLINE vec small1(vec x)
{
    return xor3(ror(x, 17), ror(x, 19), shr(x, 10));
}

static ALWAYS_INLINE vec big0(vec x)
{
    return xor3(ror(x, 2), ror(x, 13), ror(x, 22));
}

static ALWAYS_INLINE vec big1(vec x)
{
    return xor3(ror(x, 6), ror(x, 11), ror(x, 25));
}

/* Round i; hkw is h + K + W. The state rotates through the indices instead of moving: a of round i is s[-i mod 8]. */
#define AT(j) s[((j)-i) & 7]
static ALWAYS_INLINE void turn(vec s[8], int i, vec hkw)
{
    vec t1 = add(add(hkw, choose(AT(4), AT(5), AT(6))), big1(AT(4)));
    vec t2 = add(big0(AT(0)), majority(AT(0), AT(1), AT(2)));
    AT(3) = add(AT(3), t1);
    AT(7) = add(t1, t2);
}

/* Only e of round i: its a reaches no word we look at. */
static ALWAYS_INLINE void turn_e(vec s[8], int i, vec kw)
{
    vec t1 = add(add(add(AT(7), kw), choose(AT(4), AT(5), AT(6))), big1(AT(4)));
    AT(3) = add(AT(3), t1);
}

static ALWAYS_INLINE void turn_kw(vec s[8], int i, vec kw)
{
    turn(s, i, add(AT(7), kw));
}
#undef AT

/* The full recurrence of the schedule; w holds the last 16 words. */
static ALWAYS_INLINE vec expand(vec w[16], int i)
{
    return add(add(small1(w[(i - 2) & 15]), w[(i - 7) & 15]), add(small0(w[(i - 15) & 15]), w[i & 15]));
}

/* Word i (18..63) of block 2's schedule, less what is zero or known there. w[3] holds the nonce at the start. */
static ALWAYS_INLINE void first_word(const struct kernel_prepared *job, const struct kernel_words *k, vec w[16], int i)
{
    switch (i) {
    case 18:
        w[2] = add(small0(w[3]), word(&job->fold[FOLD_W18]));
        break;
    case 19:
        w[3] = add(w[3], word(&job->fold[FOLD_W19]));
        break;
    case 20:
        w[4] = add(small1(w[2]), word(&k->pad));
        break;
    case 21:
        w[5] = small1(w[3]);
        break;
    case 22:
        w[6] = add(small1(w[4]), word(&k->length));
        break;
    case 23:
        w[7] = add(small1(w[5]), word(&job->fold[FOLD_W16]));
        break;
    case 24:
        w[8] = add(small1(w[6]), word(&job->fold[FOLD_W17]));
        break;
    case 25:
    case 26:
    case 27:
    case 28:
    case 29:
        w[i & 15] = add(small1(w[(i - 2) & 15]), w[(i - 7) & 15]);
        break;
    case 30:
        w[14] = add(add(small1(w[12]), w[7]), word(&k->s0_length));
        break;
    case 31:
        w[15] = add(add(small1(w[13]), w[8]), word(&job->fold[FOLD_W31]));
        break;
    case 32:
        w[0] = add(add(small1(w[14]), w[9]), word(&job->fold[FOLD_W32]));
        break;
    case 33:
        w[1] = add(add(small1(w[15]), w[10]), add(small0(w[2]), word(&job->fold[FOLD_W17])));
        break;
    default:
        w[i & 15] = expand(w, i);
    }
}

/* Word i (16..60) of the second hash's schedule; w[0..7] hold the first hash at the start. */
static ALWAYS_INLINE void second_word(const struct kernel_words *k, vec w[16], int i)
{
    switch (i) {
    case 16:
        w[0] = add(small0(w[1]), w[0]);
        break;
    case 17:
        w[1] = add(add(small0(w[2]), w[1]), word(&k->second[SECOND_S1_LENGTH]));
        break;
    case 18:
    case 19:
    case 20:
    case 21:
        w[i & 15] = add(small1(w[(i - 2) & 15]), add(small0(w[(i - 15) & 15]), w[i & 15]));
        break;
    case 22:
        w[6] = add(add(small1(w[4]), word(&k->second[SECOND_LENGTH])), add(small0(w[7]), w[6]));
        break;
    case 23:
        w[7] = add(add(small1(w[5]), w[0]), add(w[7], word(&k->second[SECOND_S0_PAD])));
        break;
    case 24:
        w[8] = add(add(small1(w[6]), w[1]), word(&k->pad));
        break;
    case 25:
    case 26:
    case 27:
    case 28:
    case 29:
        w[i & 15] = add(small1(w[(i - 2) & 15]), w[(i - 7) & 15]);
        break;
    case 30:
        w[14] = add(add(small1(w[12]), w[7]), word(&k->second[SECOND_S0_LENGTH]));
        break;
    case 31:
        w[15] = add(add(small1(w[13]), w[8]), add(small0(w[0]), word(&k->second[SECOND_LENGTH])));
        break;
    default:
        w[i & 15] = expand(w, i);
    }
}

/* Rounds 0..15 of block 2: from the tables to the state before round 16, whose a is s[0]. */
static ALWAYS_INLINE void first_start(const uint32_t *early, const struct kernel_words *k, vec nonce, vec s[8])
{
    /* before round 4, whose a is s[4]: a b c d = a3 a b c, e f g h = e3 e f (known) */
    s[4] = add(nonce, word(&early[EARLY_A3]));
    s[5] = word(&early[EARLY_A]);
    s[6] = word(&early[EARLY_B]);
    s[7] = word(&early[EARLY_C]);
    s[0] = add(nonce, word(&early[EARLY_E3]));
    s[1] = word(&early[EARLY_E]);
    s[2] = word(&early[EARLY_F]);
    turn(s, 4, word(&early[EARLY_T4]));
    turn(s, 5, word(&early[EARLY_T5]));
    turn(s, 6, word(&early[EARLY_T6]));
    turn_kw(s, 7, word(&k->pad1[7]));
#define STEP(i) turn_kw(s, i, word(&k->pad1[i]));
    REPEAT8(STEP, 8)
#undef STEP
}

/* The second hash of the words w[0..7]; the last word of its value, less nothing. */
static ALWAYS_INLINE vec second_hash(const struct kernel_words *k, vec w[16])
{
    vec s[8];
    /* before round 1, whose a is s[7] */
    s[7] = add(w[0], word(&k->second[SECOND_A0]));
    s[0] = word(&k->iv[0]);
    s[1] = word(&k->iv[1]);
    s[2] = word(&k->iv[2]);
    s[3] = add(w[0], word(&k->second[SECOND_E0]));
    s[4] = word(&k->iv[4]);
    s[5] = word(&k->iv[5]);
    turn(s, 1, add(w[1], word(&k->second[SECOND_T1])));
    turn(s, 2, add(w[2], word(&k->second[SECOND_T2])));
    turn(s, 3, add(w[3], word(&k->second[SECOND_T3])));
#define STEP(i) turn_kw(s, i, add(w[i], word(&k->k[i])));
    STEP(4)
    STEP(5)
    STEP(6)
    STEP(7)
#undef STEP
#define STEP(i) turn_kw(s, i, word(&k->pad2[i]));
    REPEAT8(STEP, 8)
#undef STEP
#define STEP(i)                                                                                                        \
    second_word(k, w, i);                                                                                              \
    turn_kw(s, i, add(w[(i)&15], word(&k->k[i])));
    REPEAT8(STEP, 16)
    REPEAT8(STEP, 24)
    REPEAT8(STEP, 32)
    REPEAT8(STEP, 40)
    REPEAT8(STEP, 48)
    STEP(56)
#undef STEP
#define STEP(i)                                                                                                        \
    second_word(k, w, i);                                                                                              \
    turn_e(s, i, add(w[(i)&15], word(&k->k[i])));
    STEP(57)
    STEP(58)
    STEP(59)
    STEP(60)
#undef STEP
    /* e after round 60 is h after round 63: e of round 61 is s[(4 - 61) & 7] */
    return add(s[(4 - 61) & 7], word(&k->iv[7]));
}

/* w = midstate + state: the first hash as the second one's message. */
static ALWAYS_INLINE void first_end(const uint32_t *midstate, const vec s[8], vec w[16])
{
    for (int i = 0; i < 8; i++)
        w[i] = add(s[i], word(&midstate[i]));
}

/* One version: schedule and rounds interleaved, nothing leaves the registers that fits there. */
static ALWAYS_INLINE uint32_t group_single(const struct kernel_prepared *job, const struct kernel_words *k, vec nonce)
{
    vec s[8], w[16];
    w[3] = nonce;
    first_start(job->early[0], k, nonce, s);
    turn_kw(s, 16, word(&job->fold[FOLD_KW16]));
    turn_kw(s, 17, word(&job->fold[FOLD_KW17]));
#define STEP(i)                                                                                                        \
    first_word(job, k, w, i);                                                                                          \
    turn_kw(s, i, add(w[(i)&15], word(&k->k[i])));
    STEP(18)
    STEP(19)
    STEP(20)
    STEP(21)
    STEP(22)
    STEP(23)
    REPEAT8(STEP, 24)
    REPEAT8(STEP, 32)
    REPEAT8(STEP, 40)
    REPEAT8(STEP, 48)
    REPEAT8(STEP, 56)
#undef STEP
    first_end(job->midstate[0], s, w);
    return candidates(second_hash(k, w), job->filter);
}

/* The schedule of block 2 with K added, words 18..63, for all versions. */
static ALWAYS_INLINE void schedule_shared(const struct kernel_prepared *job, const struct kernel_words *k, vec nonce,
                                          vec kw[64])
{
    vec w[16];
    w[3] = nonce;
#define STEP(i)                                                                                                        \
    first_word(job, k, w, i);                                                                                          \
    kw[i] = add(w[(i)&15], word(&k->k[i]));
    STEP(18)
    STEP(19)
    STEP(20)
    STEP(21)
    STEP(22)
    STEP(23)
    REPEAT8(STEP, 24)
    REPEAT8(STEP, 32)
    REPEAT8(STEP, 40)
    REPEAT8(STEP, 48)
    REPEAT8(STEP, 56)
#undef STEP
}

static ALWAYS_INLINE uint32_t group_shared(const struct kernel_prepared *job, const struct kernel_words *k, vec nonce,
                                           const vec kw[64], int v)
{
    vec s[8], w[16];
    first_start(job->early[v], k, nonce, s);
    turn_kw(s, 16, word(&job->fold[FOLD_KW16]));
    turn_kw(s, 17, word(&job->fold[FOLD_KW17]));
#define STEP(i) turn_kw(s, i, kw[i]);
    STEP(18)
    STEP(19)
    STEP(20)
    STEP(21)
    STEP(22)
    STEP(23)
    REPEAT8(STEP, 24)
    REPEAT8(STEP, 32)
    REPEAT8(STEP, 40)
    REPEAT8(STEP, 48)
    REPEAT8(STEP, 56)
#undef STEP
    first_end(job->midstate[v], s, w);
    return candidates(second_hash(k, w), job->filter);
}

/* The compiler must not see that the table is constant: it would put the values into instructions, which costs a move
 * and a broadcast each instead of a memory operand. */
static ALWAYS_INLINE const struct kernel_words *words_hidden(void)
{
    const struct kernel_words *k = &kernel_words;
    __asm__ volatile("" : "+r"(k));
    return k;
}

RT_PREEMPTIBLE static uint64_t sweep_single(const struct kernel_prepared *job, uint32_t nonce, uint64_t groups,
                                            uint16_t *mask)
{
    const struct kernel_words *k = words_hidden();
    uint64_t done = 0;
    uint32_t found = 0;
    while (found == 0 && done < groups) {
        found = group_single(job, k, nonces(k, nonce));
        nonce += LANES;
        done++;
    }
    mask[0] = (uint16_t)found;
    return done;
}

RT_PREEMPTIBLE static uint64_t sweep_shared(const struct kernel_prepared *job, uint32_t nonce, uint64_t groups,
                                            uint16_t *mask)
{
    const struct kernel_words *k = words_hidden();
    uint64_t done = 0;
    uint32_t found = 0;
    while (found == 0 && done < groups) {
        vec n = nonces(k, nonce), kw[64];
        schedule_shared(job, k, n, kw);
        for (int v = 0; v < job->versions; v++) {
            mask[v] = (uint16_t)group_shared(job, k, n, kw, v);
            found |= mask[v];
        }
        nonce += LANES;
        done++;
    }
    return done;
}

static uint64_t sweep(const struct kernel_prepared *job, uint32_t nonce, uint64_t groups,
                      uint16_t mask[KERNEL_VERSIONS_MAX])
{
    return job->versions == 1 ? sweep_single(job, nonce, groups, mask) : sweep_shared(job, nonce, groups, mask);
}

#endif
