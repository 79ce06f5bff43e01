#include "chain_support.h"

Test(header, reads_and_writes_the_80_bytes_of_every_genesis)
{
    json_t *all = load_json("bitcoin/genesis_headers.json"), *one;
    size_t i, count = 0;
    json_array_foreach(all, i, one)
    {
        uint8_t raw[HEADER_LEN], again[HEADER_LEN], hash[32], wanted[32];
        struct header h;
        cr_assert_eq(bytes_from_hex(raw, HEADER_LEN, text_of(one, "header"), 160), 0);
        cr_assert_eq(bytes_from_hex_reversed(wanted, 32, text_of(one, "hash"), 64), 0);
        header_parse(&h, raw);
        cr_assert_eq(h.version, 1);
        cr_assert_eq(h.time, (uint32_t)json_integer_value(json_object_get(one, "time")));
        cr_assert_eq(h.bits, bits_of(one, "nbits"));
        cr_assert_eq(h.nonce, (uint32_t)json_integer_value(json_object_get(one, "nonce")));
        header_hash(hash, &h);
        cr_assert_arr_eq(hash, wanted, 32);
        header_hash_raw(hash, raw);
        cr_assert_arr_eq(hash, wanted, 32);
        header_serialize(again, &h);
        cr_assert_arr_eq(again, raw, HEADER_LEN);
        count++;
    }
    cr_assert_eq(count, 5);
    json_decref(all);
}

Test(header, any_80_bytes_survive_the_round_trip)
{
    uint64_t state = 3;
    for (int round = 0; round < 1000; round++) {
        uint8_t raw[HEADER_LEN], again[HEADER_LEN];
        for (int i = 0; i < HEADER_LEN; i++)
            raw[i] = (uint8_t)next_random(&state);
        struct header h;
        header_parse(&h, raw);
        header_serialize(again, &h);
        cr_assert_arr_eq(again, raw, HEADER_LEN);
    }
}

Test(header, a_nonce_set_in_the_bytes_is_the_nonce_read_back)
{
    uint8_t raw[HEADER_LEN] = {0};
    struct header h;
    header_set_nonce(raw, 0x01020304);
    header_parse(&h, raw);
    cr_assert_eq(h.nonce, 0x01020304u);
    cr_assert_eq(raw[76], 4);
    cr_assert_eq(raw[75], 0);
}
