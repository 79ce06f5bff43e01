/* kernel_words.h - the constants of SHA-256 (FIPS 180-4) and what is known before a nonce is: one table that all
 * kernels read from memory, and the names of the entries of a prepared job. Threads: any, read-only. Memory: static.
 *
 * Notation: W[i] is word i of a message schedule, K[i] the round constant, a..h the state, s0 s1 S0 S1 the four mixing
 * functions; "the nonce" is its word, byte-swapped. "Block 2" is the second block of the header's first hash: 12 bytes
 * of the header, the nonce, padding. The "second hash" is that of the 32 bytes of the first. */
#ifndef WORKER_KERNEL_KERNEL_WORDS_H
#define WORKER_KERNEL_KERNEL_WORDS_H

#include <stdint.h>

/* kernel_prepared.early[v]: rounds 0..2 of block 2 do not depend on the nonce, round 3 only adds it, and the state
 * words of round 2 that rounds 4..6 still add are known as well. a..g: the state after round 2. */
enum kernel_early {
    EARLY_A3, /* a after round 3, less the nonce */
    EARLY_E3, /* e after round 3, less the nonce */
    EARLY_A,
    EARLY_B,
    EARLY_C,
    EARLY_E,
    EARLY_F,
    EARLY_G,
    EARLY_T4, /* g + K[4] + W[4]: the h of round 4 */
    EARLY_T5, /* f + K[5] */
    EARLY_T6  /* e + K[6] */
};

/* kernel_prepared.fold */
enum kernel_fold {
    FOLD_W16,
    FOLD_W17,
    FOLD_KW16, /* K[16] + W[16] */
    FOLD_KW17,
    FOLD_W18, /* W[18] - s0(nonce) */
    FOLD_W19, /* W[19] - nonce */
    FOLD_W31, /* s0(W[16]) + W[15] */
    FOLD_W32  /* s0(W[17]) + W[16] */
};

/* The second hash's rounds 0..3 start from the initial values, which are constants. */
enum kernel_second {
    SECOND_E0,        /* e after round 0, less W[0] */
    SECOND_A0,        /* a after round 0, less W[0] */
    SECOND_T1,        /* g + K[1] of the initial values: the h of round 1 */
    SECOND_T2,        /* f + K[2] */
    SECOND_T3,        /* e + K[3] */
    SECOND_S1_LENGTH, /* s1(256), in W[17] */
    SECOND_LENGTH,    /* 256, in W[22] and W[31] */
    SECOND_S0_PAD,    /* s0(0x80000000), in W[23] */
    SECOND_S0_LENGTH, /* s0(256), in W[30] */
    SECOND_WORDS
};

struct kernel_words {
    uint32_t k[64];
    uint32_t pad1[16]; /* K + the padding of block 2: index 4..15 */
    uint32_t pad2[16]; /* K + the padding of the second hash: index 8..15 */
    uint32_t second[SECOND_WORDS];
    uint32_t iv[8];
    uint32_t pad;       /* 0x80000000 */
    uint32_t length;    /* 640, the header's bits, in W[22] */
    uint32_t s0_length; /* s0(640), in W[30] */
    uint32_t lane[16];  /* 0, 1, 2, ... */
};

extern const struct kernel_words kernel_words;

#endif
