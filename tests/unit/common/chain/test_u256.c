#include "chain_support.h"

#include <math.h>

#include "common/base/err.h"

static struct u256 random_number(uint64_t *state)
{
    struct u256 v;
    for (int i = 0; i < 4; i++)
        v.limb[i] = next_random(state);
    return u256_shr(&v, (unsigned)(next_random(state) % 257));
}

static void expect(struct u256 got, const char *hex)
{
    struct u256 wanted = number(hex);
    cr_assert_eq(u256_compare(&got, &wanted), 0);
}

static const char all_ones[] = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

Test(u256, adds_and_subtracts_with_carry_and_borrow)
{
    struct u256 max = number(all_ones), one = u256_from_u64(1), r;
    cr_assert(u256_add(&r, &max, &one));
    cr_assert(u256_is_zero(&r));
    cr_assert(u256_sub(&r, &r, &one));
    cr_assert_eq(u256_compare(&r, &max), 0);
    struct u256 low = number("ffffffffffffffff");
    cr_assert_not(u256_add(&r, &low, &one));
    expect(r, "10000000000000000");
    cr_assert_not(u256_sub(&r, &r, &one));
    expect(r, "ffffffffffffffff");
}

Test(u256, multiplies_into_a_fifth_word)
{
    struct u256 max = number(all_ones), r;
    cr_assert_eq(u256_mul_u64(&r, &max, UINT64_MAX), UINT64_MAX - 1);
    expect(r, "ffffffffffffffffffffffffffffffffffffffffffffffff0000000000000001");
    cr_assert_eq(u256_mul_u64(&r, &max, 0), 0);
    cr_assert(u256_is_zero(&r));
}

Test(u256, divides_like_long_integers)
{
    /* Quotients and remainders computed with another program's integers. */
    struct u256 a = number("123456789abcdef0fedcba9876543210deadbeefcafebabe0123456789abcdef"), q, r;
    struct u256 b = number("fedcba98765432100123456789");
    u256_div(&q, &r, &a, &b);
    expect(q, "1249249249249238ec5397829cc8687f90597b");
    expect(r, "cc09c286d25dd0d28942446e1c");
    u256_div(&q, NULL, &b, &a);
    cr_assert(u256_is_zero(&q));
    u256_div(&q, &r, &a, &a);
    expect(q, "1");
    cr_assert(u256_is_zero(&r));
}

Test(u256, keeps_the_laws_of_arithmetic_on_random_numbers)
{
    uint64_t state = 1;
    for (int i = 0; i < 20000; i++) {
        struct u256 a = random_number(&state), b = random_number(&state), q, r, back;
        uint64_t m = next_random(&state) >> (next_random(&state) % 64);
        u256_add(&back, &a, &b);
        u256_sub(&back, &back, &b);
        cr_assert_eq(u256_compare(&back, &a), 0);
        struct u256 wide_m = u256_from_u64(m);
        if (m != 0) {
            u256_div(&q, &r, &a, &wide_m);
            cr_assert_lt(u256_compare(&r, &wide_m), 0);
            cr_assert_eq(u256_mul_u64(&back, &q, m), 0);
            cr_assert_not(u256_add(&back, &back, &r));
            cr_assert_eq(u256_compare(&back, &a), 0);
        }
        if (!u256_is_zero(&b)) {
            u256_div(&q, &r, &a, &b);
            cr_assert_lt(u256_compare(&r, &b), 0);
            struct u256 sum = r, part;
            for (int limb = 0; limb < 4; limb++) { /* q * b by limbs: it fits, being at most a */
                u256_mul_u64(&part, &b, q.limb[limb]);
                part = u256_shl(&part, 64 * (unsigned)limb);
                u256_add(&sum, &sum, &part);
            }
            cr_assert_eq(u256_compare(&sum, &a), 0);
        }
    }
}

Test(u256, shifts_by_any_count)
{
    struct u256 one = u256_from_u64(1), max = number(all_ones), r;
    for (unsigned n = 0; n < 256; n++) {
        r = u256_shl(&one, n);
        cr_assert_eq(u256_bits(&r), n + 1);
        r = u256_shr(&r, n);
        cr_assert_eq(u256_compare(&r, &one), 0);
        r = u256_shr(&max, n);
        cr_assert_eq(u256_bits(&r), 256 - n);
    }
    r = u256_shl(&max, 256);
    cr_assert(u256_is_zero(&r));
    r = u256_shr(&max, 300);
    cr_assert(u256_is_zero(&r));
    r = u256_not(&max);
    cr_assert(u256_is_zero(&r));
    cr_assert_eq(u256_bits(&r), 0);
}

Test(u256, goes_to_bytes_and_back_in_both_orders)
{
    struct u256 a = number("0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20"), back;
    uint8_t bytes[U256_LEN];
    u256_to_be(bytes, &a);
    for (int i = 0; i < U256_LEN; i++)
        cr_assert_eq(bytes[i], i + 1);
    back = u256_from_be(bytes);
    cr_assert_eq(u256_compare(&back, &a), 0);
    u256_to_le(bytes, &a);
    for (int i = 0; i < U256_LEN; i++)
        cr_assert_eq(bytes[i], U256_LEN - i);
    back = u256_from_le(bytes);
    cr_assert_eq(u256_compare(&back, &a), 0);
}

Test(u256, reads_and_writes_hex)
{
    char text[U256_HEX_SIZE];
    struct u256 a = number("7e107e107e1"), untouched = a;
    u256_to_hex(text, &a);
    cr_assert_str_eq(text, "000000000000000000000000000000000000000000000000000007e107e107e1");
    cr_assert_eq(u256_from_hex(&a, "", 0), ERR_FORMAT);
    cr_assert_eq(u256_from_hex(&a, "12x4", 4), ERR_FORMAT);
    cr_assert_eq(u256_from_hex(&a, "00000000000000000000000000000000000000000000000000000000000000000", 65),
                 ERR_FORMAT);
    cr_assert_eq(u256_compare(&a, &untouched), 0);
}

Test(u256, becomes_the_nearest_double)
{
    struct u256 a = number(all_ones);
    cr_assert_eq(u256_to_double(&a), ldexp(1.0, 256));
    a = u256_from_u64(12345);
    cr_assert_eq(u256_to_double(&a), 12345.0);
    /* Half way between two doubles but for one bit far below: up, not to even. */
    a = number("400000000000020000000000000000000000000000000001");
    cr_assert_eq(u256_to_double(&a), ldexp((double)0x40000000000004, 136));
    a = number("400000000000020000000000000000000000000000000000");
    cr_assert_eq(u256_to_double(&a), ldexp((double)0x40000000000000, 136));
    a = u256_from_u64(0);
    cr_assert_eq(u256_to_double(&a), 0.0);
}
