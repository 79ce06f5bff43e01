/* kernel_words.c - the table; written as sums where a value is one, so that it can be checked by eye. */
#include "worker/kernel/kernel_words.h"

#define ROR(x, n) ((uint32_t)(x) >> (n) | (uint32_t)(x) << (32 - (n)))
#define S0(x)     (ROR(x, 7) ^ ROR(x, 18) ^ (uint32_t)(x) >> 3)
#define S1(x)     (ROR(x, 17) ^ ROR(x, 19) ^ (uint32_t)(x) >> 10)
#define BIG0(x)   (ROR(x, 2) ^ ROR(x, 13) ^ ROR(x, 22))
#define BIG1(x)   (ROR(x, 6) ^ ROR(x, 11) ^ ROR(x, 25))

enum { HEADER_BITS = 640, HASH_BITS = 256 };

/* The initial values. */
#define A 0x6a09e667u
#define B 0xbb67ae85u
#define C 0x3c6ef372u
#define D 0xa54ff53au
#define E 0x510e527fu
#define F 0x9b05688cu
#define G 0x1f83d9abu
#define H 0x5be0cd19u
/* Round constants that are needed in a sum. */
#define K0  0x428a2f98u
#define K1  0x71374491u
#define K2  0xb5c0fbcfu
#define K3  0xe9b5dba5u
#define K4  0x3956c25bu
#define K5  0x59f111f1u
#define K6  0x923f82a4u
#define K7  0xab1c5ed5u
#define K8  0xd807aa98u
#define K9  0x12835b01u
#define K10 0x243185beu
#define K11 0x550c7dc3u
#define K12 0x72be5d74u
#define K13 0x80deb1feu
#define K14 0x9bdc06a7u
#define K15 0xc19bf174u
#define PAD 0x80000000u

#define T1_OF_ROUND_0 (H + BIG1(E) + ((E & F) ^ (~E & G)) + K0)
#define T2_OF_ROUND_0 (BIG0(A) + ((A & B) ^ (A & C) ^ (B & C)))

const struct kernel_words kernel_words = {
    .k = {K0,         K1,         K2,         K3,         K4,         K5,         K6,         K7,
          K8,         K9,         K10,        K11,        K12,        K13,        K14,        K15,
          0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
          0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
          0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
          0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
          0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
          0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2},
    .pad1 = {[4] = K4 + PAD,
             [5] = K5,
             [6] = K6,
             [7] = K7,
             [8] = K8,
             [9] = K9,
             [10] = K10,
             [11] = K11,
             [12] = K12,
             [13] = K13,
             [14] = K14,
             [15] = K15 + HEADER_BITS},
    .pad2 =
        {[8] = K8 + PAD, [9] = K9, [10] = K10, [11] = K11, [12] = K12, [13] = K13, [14] = K14, [15] = K15 + HASH_BITS},
    .second = {[SECOND_E0] = D + T1_OF_ROUND_0,
               [SECOND_A0] = T1_OF_ROUND_0 + T2_OF_ROUND_0,
               [SECOND_T1] = G + K1,
               [SECOND_T2] = F + K2,
               [SECOND_T3] = E + K3,
               [SECOND_S1_LENGTH] = S1(HASH_BITS),
               [SECOND_LENGTH] = HASH_BITS,
               [SECOND_S0_PAD] = S0(PAD),
               [SECOND_S0_LENGTH] = S0(HASH_BITS)},
    .iv = {A, B, C, D, E, F, G, H},
    .pad = PAD,
    .length = HEADER_BITS,
    .s0_length = S0(HEADER_BITS),
    .lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
};
