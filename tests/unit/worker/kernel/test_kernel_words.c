#include "test.h"

#include "worker/kernel/kernel_words.h"

static uint32_t ror(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

/* floor(2^32 * frac(p^(1/root))) by integer search: the definition in FIPS 180-4, 4.2.2 and 5.3.3. */
static uint32_t root_fraction(uint64_t p, int root)
{
    unsigned __int128 low = 0, high = (unsigned __int128)1 << 38;
    while (high - low > 1) { /* the largest x with (x / 2^32)^root <= p */
        unsigned __int128 x = low + (high - low) / 2;
        unsigned __int128 square = x * x, wanted = (unsigned __int128)p << 64;
        bool above = root == 2 ? square >= wanted : (square >> 32) * x + ((square & UINT32_MAX) * x >> 32) >= wanted;
        if (above)
            high = x;
        else
            low = x;
    }
    return (uint32_t)low;
}

static uint64_t next_prime(uint64_t after)
{
    for (uint64_t n = after + 1;; n++) {
        uint64_t d = 2;
        while (d * d <= n && n % d != 0)
            d++;
        if (d * d > n)
            return n;
    }
}

Test(kernel_words, constants_are_the_roots_of_the_primes)
{
    uint64_t p = 1;
    for (int i = 0; i < 64; i++) {
        p = next_prime(p);
        cr_assert_eq(kernel_words.k[i], root_fraction(p, 3), "a round constant");
        if (i < 8)
            cr_assert_eq(kernel_words.iv[i], root_fraction(p, 2), "an initial value");
    }
}

Test(kernel_words, sums_with_the_padding_are_what_they_say)
{
    for (int i = 4; i < 16; i++)
        cr_assert_eq(kernel_words.pad1[i], kernel_words.k[i] + (i == 4 ? 0x80000000u : i == 15 ? 640u : 0u));
    for (int i = 8; i < 16; i++)
        cr_assert_eq(kernel_words.pad2[i], kernel_words.k[i] + (i == 8 ? 0x80000000u : i == 15 ? 256u : 0u));
    for (uint32_t i = 0; i < 16; i++)
        cr_assert_eq(kernel_words.lane[i], i);
}

Test(kernel_words, the_second_hash_starts_after_a_known_round)
{
    const uint32_t *s = kernel_words.iv;
    uint32_t t1 =
        s[7] + kernel_words.k[0] + (ror(s[4], 6) ^ ror(s[4], 11) ^ ror(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6]));
    uint32_t t2 = (ror(s[0], 2) ^ ror(s[0], 13) ^ ror(s[0], 22)) + ((s[0] & s[1]) | (s[2] & (s[0] | s[1])));
    cr_assert_eq(kernel_words.second[SECOND_E0], s[3] + t1);
    cr_assert_eq(kernel_words.second[SECOND_A0], t1 + t2);
    cr_assert_eq(kernel_words.second[SECOND_T1], s[6] + kernel_words.k[1]);
    cr_assert_eq(kernel_words.second[SECOND_T2], s[5] + kernel_words.k[2]);
    cr_assert_eq(kernel_words.second[SECOND_T3], s[4] + kernel_words.k[3]);
}
