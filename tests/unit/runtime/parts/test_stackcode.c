#include "test.h"

#include "base/rand.h"
#include "parts/stackcode.h"

enum { WORDS = RTI_STACKCODE_MAX / 8 };
static uint64_t words[WORDS], again[WORDS];
static uint32_t packed[RTI_STACKCODE_ROOM / 4];
static int in_program;

static size_t round_trip(size_t n)
{
    memset(packed, 0xee, sizeof packed);
    memset(again, 0xee, sizeof again);
    size_t bytes = rti_stackcode_pack(packed, words, n * 8);
    cr_assert_leq(bytes, sizeof packed);
    rti_stackcode_unpack(again, words, n * 8, packed);
    for (size_t i = 0; i < n; i++)
        cr_assert_eq(again[i], words[i], "word %zu of %zu", i, n);
    for (size_t i = n; i < WORDS; i++)
        cr_assert_eq(again[i], 0xeeeeeeeeeeeeeeee, "beyond the end");
    return bytes;
}

Test(stackcode, zeros_and_addresses_of_stack_and_program_are_short)
{
    for (int i = 0; i < 16; i++)
        words[i] = i % 4 == 0 ? 0 : i % 4 == 1 ? (uintptr_t)&words[i] : (uintptr_t)&in_program - 16 + (uintptr_t)i;
    cr_assert_eq(round_trip(16), 4 + 12 * 4);
    memset(words, 0, sizeof words);
    cr_assert_eq(round_trip(WORDS), WORDS / 4);
    memset(words, 0x5a, sizeof words);
    cr_assert_eq(round_trip(WORDS), WORDS / 4 + WORDS * 8);
    cr_assert_eq(round_trip(0), 0);
}

Test(stackcode, any_words_come_back)
{
    struct rti_rand r = {.state = 7};
    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < WORDS; i++) {
            uint64_t bits = (uint64_t)rti_rand_next(&r) << 32 | rti_rand_next(&r);
            uint64_t near[] = {0, (uintptr_t)words, (uintptr_t)&in_program, 0};
            words[i] = (bits & 3) == 3 ? bits : near[bits & 3] + (bits & 4 ? bits >> 40 : 0) - (bits & 8 ? 1 : 0);
        }
        round_trip((size_t)round % (WORDS + 1));
    }
}
