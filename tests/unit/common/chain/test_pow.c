#include "chain_support.h"

#include "common/base/err.h"
#include "common/chain/target.h"

Test(pow, judges_the_cases_of_the_vectors)
{
    const struct network *net = network_find("bitcoin-mainnet");
    json_t *all = load_json("bitcoin/nbits_vectors.json"), *one;
    size_t i, count = 0;
    json_array_foreach(json_object_get(all, "pow_check_mainnet"), i, one)
    {
        uint8_t hash[32];
        cr_assert_eq(bytes_from_hex_reversed(hash, 32, text_of(one, "hash"), 64), 0);
        bool ok = pow_check(hash, bits_of(one, "nbits"), &net->limit) == 0;
        cr_assert_eq(ok, json_is_true(json_object_get(one, "ok")));
        count++;
    }
    cr_assert_eq(count, 7);
    json_decref(all);
}

Test(pow, names_each_reason)
{
    const struct u256 limit = target_decode(0x1d00ffff).value;
    uint8_t hash[32] = {1};
    cr_assert_eq(pow_check(hash, 0x1d00ffff, &limit), 0);
    cr_assert_eq(pow_check(hash, 0x1d80ffff, &limit), ERR_BITS_NEGATIVE);
    cr_assert_eq(pow_check(hash, 0xff7fffff, &limit), ERR_BITS_OVERFLOW);
    cr_assert_eq(pow_check(hash, 0x1d000000, &limit), ERR_BITS_ZERO);
    cr_assert_eq(pow_check(hash, 0x1d010000, &limit), ERR_BITS_LIMIT);
    hash[28] = 1;
    cr_assert_eq(pow_check(hash, 0x1d00ffff, &limit), ERR_POW);
}
