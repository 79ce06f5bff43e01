#include "chain_support.h"

#include <math.h>

#include "common/base/err.h"
#include "common/chain/target.h"

Test(target, decodes_and_encodes_nbits_like_bitcoin_core)
{
    json_t *all = load_json("bitcoin/nbits_vectors.json"), *one;
    size_t i, count = 0;
    json_array_foreach(json_object_get(all, "decode"), i, one)
    {
        struct target_compact c = target_decode(bits_of(one, "nbits"));
        cr_assert_eq(c.negative, json_is_true(json_object_get(one, "negative")));
        cr_assert_eq(c.overflow, json_is_true(json_object_get(one, "overflow")));
        count++;
        if (c.overflow)
            continue;
        struct u256 wanted = number(text_of(one, "target"));
        cr_assert_eq(u256_compare(&c.value, &wanted), 0);
        cr_assert_eq(target_encode(&c.value, c.negative), bits_of(one, "reencoded"));
    }
    cr_assert_eq(count, 20);
    json_array_foreach(json_object_get(all, "encode_extra"), i, one)
    {
        struct u256 v = number(text_of(one, "target_hex"));
        cr_assert_eq(target_to_bits(&v), bits_of(one, "nbits"));
    }
    json_decref(all);
}

Test(target, refuses_what_is_no_target_and_leaves_the_output_alone)
{
    struct u256 t = u256_from_u64(7);
    cr_assert_eq(target_from_bits(&t, 0x00000000), ERR_BITS_ZERO);
    cr_assert_eq(target_from_bits(&t, 0x1d000000), ERR_BITS_ZERO);
    cr_assert_eq(target_from_bits(&t, 0x01003456), ERR_BITS_ZERO);
    cr_assert_eq(target_from_bits(&t, 0x01800000), ERR_BITS_ZERO); /* a negative zero */
    cr_assert_eq(target_from_bits(&t, 0x01fedcba), ERR_BITS_NEGATIVE);
    cr_assert_eq(target_from_bits(&t, 0xff123456), ERR_BITS_OVERFLOW);
    cr_assert_eq(target_from_bits(&t, 0x23000001), ERR_BITS_OVERFLOW);
    cr_assert_eq(target_from_bits(&t, 0x22000100), ERR_BITS_OVERFLOW);
    cr_assert_eq(target_from_bits(&t, 0x21010000), ERR_BITS_OVERFLOW);
    cr_assert_eq(t.limb[0], 7);
}

Test(target, takes_the_largest_encodings_that_still_fit)
{
    struct u256 t;
    cr_assert_eq(target_from_bits(&t, 0x22000001), 0);
    cr_assert_eq(u256_bits(&t), 249);
    cr_assert_eq(target_from_bits(&t, 0x220000ff), 0);
    cr_assert_eq(u256_bits(&t), 256);
    cr_assert_eq(target_from_bits(&t, 0x2100ffff), 0);
    cr_assert_eq(u256_bits(&t), 256);
    cr_assert_eq(target_from_bits(&t, 0x207fffff), 0);
    cr_assert_eq(u256_bits(&t), 255);
}

Test(target, is_met_up_to_and_including_itself)
{
    struct u256 t = target_decode(0x1d00ffff).value, one = u256_from_u64(1), above;
    uint8_t hash[32];
    u256_to_le(hash, &t);
    cr_assert(target_met(&t, hash));
    u256_add(&above, &t, &one);
    u256_to_le(hash, &above);
    cr_assert_not(target_met(&t, hash));
    memset(hash, 0, 32);
    cr_assert(target_met(&t, hash));
}

Test(target, gives_the_work_of_the_vectors)
{
    json_t *all = load_json("bitcoin/nbits_vectors.json"), *one;
    size_t i, count = 0;
    json_array_foreach(json_object_get(all, "block_work"), i, one)
    {
        struct u256 work = target_work_of_bits(bits_of(one, "nbits")), wanted = number(text_of(one, "block_work"));
        cr_assert_eq(u256_compare(&work, &wanted), 0);
        count++;
    }
    cr_assert_eq(count, 12);
    json_decref(all);
}

Test(target, gives_exact_work_at_both_ends)
{
    struct u256 zero = {{0}}, max = u256_not(&zero), one = u256_from_u64(1);
    struct u256 work = target_work(&max);
    cr_assert_eq(u256_compare(&work, &one), 0);
    work = target_work(&zero);
    cr_assert_eq(u256_compare(&work, &max), 0);
    struct u256 half = u256_shr(&max, 1); /* 2^255 - 1: exactly two hashes */
    work = target_work(&half);
    cr_assert_eq(work.limb[0], 2);
    work = target_work_of_bits(0x01fedcba);
    cr_assert(u256_is_zero(&work));
    work = target_work_of_bits(0xff123456);
    cr_assert(u256_is_zero(&work));
}

Test(target, a_sum_of_work_that_does_not_fit_is_refused)
{
    struct u256 zero = {{0}}, sum = u256_not(&zero), one = u256_from_u64(1), max = sum;
    cr_assert_eq(target_add_work(&sum, &one), ERR_WORK_OVERFLOW);
    cr_assert_eq(u256_compare(&sum, &max), 0);
    u256_sub(&sum, &sum, &one);
    cr_assert_eq(target_add_work(&sum, &one), 0);
    cr_assert_eq(u256_compare(&sum, &max), 0);
}

Test(target, difficulty_goes_there_and_back)
{
    struct u256 t = target_decode(0x1d00ffff).value;
    cr_assert_eq(target_difficulty(&t), 1.0);
    t = target_decode(0x1b0404cb).value; /* mainnet's block 100,000 or so */
    cr_assert_lt(fabs(target_difficulty(&t) - 16307.420938523983), 1e-9);
    const double wanted[] = {1.0, 0.026, 1.0 / 3, 16307.420938523983, 1e13, 1e60, 1e-9};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        t = target_of_difficulty(wanted[i]);
        cr_assert_lt(fabs(target_difficulty(&t) / wanted[i] - 1), i == 5 ? 1e-6 : 1e-12);
    }
    t = target_of_difficulty(1e300);
    cr_assert_eq(t.limb[0], 1);
    cr_assert_eq(u256_bits(&t), 1);
    t = target_of_difficulty(1e-300);
    cr_assert_eq(u256_bits(&t), 256);
}
