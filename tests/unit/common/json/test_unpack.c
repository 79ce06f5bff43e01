#include "test.h"

#include <math.h>

#include "common/base/err.h"
#include "common/json/unpack.h"

static json_t *unpack(const struct cursor_out *o)
{
    json_t *tree = NULL;
    cr_assert_eq(o->err, 0);
    cr_assert_eq(unpack_json(&tree, cursor_out_view(o)), 0);
    return tree;
}

Test(unpack, every_kind_of_value_arrives)
{
    uint8_t buf[512];
    struct cursor_out o = cursor_out_over(buf, sizeof buf);
    cursor_put_map(&o, 8);
    cursor_put_str(&o, "n");
    cursor_put_u64(&o, 42);
    cursor_put_str(&o, "neg");
    cursor_put_i64(&o, -7);
    cursor_put_str(&o, "f");
    cursor_put_f64(&o, 1.5);
    cursor_put_str(&o, "yes");
    cursor_put_bool(&o, true);
    cursor_put_str(&o, "nil");
    cursor_put_nil(&o);
    cursor_put_str(&o, "s");
    cursor_put_str(&o, "ä");
    cursor_put_str(&o, "list");
    cursor_put_array(&o, 2);
    cursor_put_u64(&o, 1);
    cursor_put_map(&o, 0);
    cursor_put_str(&o, "big");
    cursor_put_u64(&o, UINT64_MAX);
    json_t *tree = unpack(&o);
    json_t *expected = json_pack("{s:i, s:i, s:f, s:b, s:n, s:s, s:[i, {}], s:s}", "n", 42, "neg", -7, "f", 1.5, "yes",
                                 1, "nil", "s", "ä", "list", 1, "big", "18446744073709551615");
    cr_assert(json_equal(tree, expected));
    json_decref(expected);
    unpack_free(&tree);
    cr_assert_null(tree);
}

Test(unpack, binary_is_text_where_it_is_text_and_hex_elsewhere)
{
    uint8_t buf[256];
    struct cursor_out o = cursor_out_over(buf, sizeof buf);
    cursor_put_map(&o, 5);
    cursor_put_str(&o, "text");
    cursor_put_bin(&o, "hi", 2);
    cursor_put_str(&o, "raw");
    cursor_put_bin(&o, "\xff\x00", 2);
    cursor_put_str(&o, "empty");
    cursor_put_bin(&o, NULL, 0);
    cursor_put_str(&o, "headers");
    cursor_put_bin(&o, "hi", 2);
    cursor_put_str(&o, "data");
    cursor_put_array(&o, 1);
    cursor_put_bin(&o, "x", 1);
    json_t *tree = unpack(&o);
    json_t *expected = json_pack("{s:s, s:s, s:s, s:s, s:[s]}", "text", "hi", "raw", "ff00", "empty", "", "headers",
                                 "6869", "data", "x");
    cr_assert(json_equal(tree, expected));
    json_decref(expected);
    json_decref(tree);
}

Test(unpack, a_number_that_json_lacks_is_null)
{
    uint8_t buf[32];
    struct cursor_out o = cursor_out_over(buf, sizeof buf);
    cursor_put_f64(&o, NAN);
    json_t *tree = unpack(&o);
    cr_assert(json_is_null(tree));
    json_decref(tree);
}

Test(unpack, the_first_of_two_equal_keys_counts)
{
    static const uint8_t twice[] = {0x82, 0xa1, 'a', 1, 0xa1, 'a', 2};
    json_t *tree;
    cr_assert_eq(unpack_json(&tree, (struct cursor_view){twice, sizeof twice}), 0);
    cr_assert_eq(json_integer_value(json_object_get(tree, "a")), 1);
    json_decref(tree);
}

Test(unpack, what_is_malformed_is_refused)
{
    static const struct {
        uint8_t bytes[12];
        size_t len;
        int err;
    } cases[] = {
        {{0}, 0, ERR_TRUNCATED},          {{0x81, 0xa1, 'a'}, 3, ERR_TRUNCATED},
        {{0x01, 0x02}, 2, ERR_TRAILING},  {{0x81, 0x01, 0x02}, 3, ERR_TYPE},
        {{0x92, 0x01}, 2, ERR_TRUNCATED}, {{0xd4, 0x01, 0x02}, 3, ERR_TYPE},
        {{0xa1, 0xff}, 2, ERR_FORMAT},    {{0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x90}, 9, ERR_DEPTH},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *tree = NULL;
        int err = unpack_json(&tree, (struct cursor_view){cases[i].bytes, cases[i].len});
        cr_assert_eq(err, cases[i].err, "case %zu: %s", i, err_code(err));
        cr_assert_null(tree);
    }
}

Test(unpack, a_small_frame_does_not_become_a_large_tree)
{
    size_t len = 5 + UNPACK_NODES_MAX;
    uint8_t *bytes = calloc(1, len);
    json_t *tree = NULL;
    bytes[0] = 0xdd; /* array 32 of UNPACK_NODES_MAX zeroes: one node too many with itself */
    bytes[2] = UNPACK_NODES_MAX >> 16;
    cr_assert_eq(unpack_json(&tree, (struct cursor_view){bytes, len}), ERR_TOO_LONG);
    free(bytes);
}
