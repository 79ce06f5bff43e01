#include "test.h"

#include <jansson.h>
#include <math.h>

#include "common/base/err.h"
#include "common/wire/cursor.h"

/* An exact-size heap copy, so that AddressSanitizer sees a read past its end. */
static uint8_t *exact(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len ? len : 1);
    memcpy(copy, data, len);
    return copy;
}

/* "c4-01-ff" to bytes. */
static size_t from_dashes(uint8_t *out, const char *text)
{
    size_t n = 0;
    for (unsigned v; sscanf(text, "%2x", &v) == 1; text += 3) {
        out[n++] = (uint8_t)v;
        if (text[2] != '-')
            break;
    }
    return n;
}

static struct cursor over_text(uint8_t *buf, const char *dashes)
{
    return cursor_over(buf, from_dashes(buf, dashes));
}

static bool same_value(struct cursor *c, json_t *want);

static bool same_number(struct cursor *c, json_t *row)
{
    const char *big = json_string_value(json_object_get(row, "bignum"));
    json_t *number = json_object_get(row, "number");
    switch (cursor_peek(c)) {
    case CURSOR_FLOAT:
        return number ? cursor_f64(c) == json_number_value(number) : cursor_f64(c) == strtod(big, NULL);
    case CURSOR_UINT:
        return cursor_u64(c, UINT64_MAX) == (big ? strtoull(big, NULL, 10) : (uint64_t)json_number_value(number));
    case CURSOR_INT:
        return cursor_i64(c) == (big ? strtoll(big, NULL, 10) : (int64_t)json_number_value(number));
    default:
        return false;
    }
}

static bool same_array(struct cursor *c, json_t *want)
{
    const uint32_t n = cursor_array(c, 100);
    bool same = n == json_array_size(want);
    for (uint32_t i = 0; i < n && same; i++)
        same = same_value(c, json_array_get(want, i));
    return same;
}

static bool same_map(struct cursor *c, json_t *want)
{
    const uint32_t n = cursor_map(c, 100);
    bool same = n == json_object_size(want);
    const char *key;
    json_t *value;
    json_object_foreach(want, key, value) same =
        same && cursor_view_is(cursor_str(c, 100), key) && same_value(c, value);
    return same;
}

static bool same_value(struct cursor *c, json_t *want)
{
    if (json_is_array(want))
        return same_array(c, want);
    if (json_is_object(want))
        return same_map(c, want);
    if (json_is_string(want))
        return cursor_view_is(cursor_str(c, 100), json_string_value(want));
    if (json_is_boolean(want))
        return cursor_bool(c) == json_is_true(want);
    if (json_is_null(want)) {
        cursor_nil(c);
        return c->err == 0;
    }
    return cursor_u64(c, UINT64_MAX) == (uint64_t)json_integer_value(want);
}

static bool same_binary(struct cursor *c, const char *dashes)
{
    uint8_t want[100];
    const size_t len = from_dashes(want, dashes);
    const struct cursor_view v = cursor_bin(c, 100);
    return c->err == 0 && v.len == len && memcmp(v.at, want, len) == 0;
}

/* One encoding of one row of the suite. */
static bool reads_as(const uint8_t *bytes, size_t len, json_t *row)
{
    struct cursor c = cursor_over(bytes, len);
    json_t *value;
    if (json_object_get(row, "ext") || json_object_get(row, "timestamp")) {
        const bool is_ext = cursor_peek(&c) == CURSOR_EXT;
        cursor_skip(&c, CURSOR_DEPTH_MAX);
        return is_ext && c.err == ERR_TYPE;
    }
    if (json_object_get(row, "number") || json_object_get(row, "bignum"))
        return same_number(&c, row) && cursor_at_end(&c);
    if ((value = json_object_get(row, "binary")))
        return same_binary(&c, json_string_value(value)) && cursor_at_end(&c);
    static const char *const names[] = {"nil", "bool", "string", "array", "map"};
    for (size_t i = 0; i < 5; i++)
        if ((value = json_object_get(row, names[i])))
            return same_value(&c, value) && cursor_at_end(&c);
    return false;
}

static json_t *suite(void)
{
    json_error_t error;
    json_t *root = json_load_file(test_data("msgpack/msgpack-test-suite.json"), 0, &error);
    cr_assert_not_null(root);
    return root;
}

/* Calls with for each encoding; returns how many there were. */
static int for_each_encoding(bool (*with)(const uint8_t *, size_t, json_t *))
{
    json_t *root = suite(), *rows, *row, *encoding;
    const char *group;
    size_t i, j;
    int n = 0;
    json_object_foreach(root, group, rows) json_array_foreach(rows, i, row)
        json_array_foreach(json_object_get(row, "msgpack"), j, encoding)
    {
        uint8_t bytes[256];
        const size_t len = from_dashes(bytes, json_string_value(encoding));
        uint8_t *copy = exact(bytes, len);
        cr_assert(with(copy, len, row), "in %s: %s", group, json_string_value(encoding));
        free(copy);
        n++;
    }
    json_decref(root);
    return n;
}

Test(cursor, every_encoding_of_the_public_suite_reads_as_its_value)
{
    cr_assert_eq(for_each_encoding(reads_as), 233);
}

static bool prefixes_are_refused(const uint8_t *bytes, size_t len, json_t *row)
{
    (void)row;
    for (size_t n = 0; n < len; n++) {
        uint8_t *prefix = exact(bytes, n);
        struct cursor c = cursor_over(prefix, n);
        cursor_skip(&c, CURSOR_DEPTH_MAX);
        free(prefix);
        if (c.err == 0)
            return false;
    }
    return true;
}

Test(cursor, every_prefix_of_the_public_suite_is_refused)
{
    cr_assert_eq(for_each_encoding(prefixes_are_refused), 233);
}

static bool flips_stay_inside(const uint8_t *bytes, size_t len, json_t *row)
{
    (void)row;
    for (size_t bit = 0; bit < len * 8; bit++) {
        uint8_t *flipped = exact(bytes, len);
        flipped[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct cursor c = cursor_over(flipped, len);
        const struct cursor_view v = cursor_skip(&c, CURSOR_DEPTH_MAX);
        const bool inside = c.at <= c.end && v.len <= len && (c.err < 0) == (v.len == 0);
        free(flipped);
        if (!inside)
            return false;
    }
    return true;
}

Test(cursor, a_flipped_bit_of_the_public_suite_never_leads_outside)
{
    cr_assert_eq(for_each_encoding(flips_stay_inside), 233);
}

Test(cursor, numbers_are_held_to_their_limits)
{
    uint8_t b[32];
    struct cursor c = over_text(b, "ff");
    cr_assert_eq(cursor_u64(&c, 10), 0);
    cr_assert_eq(c.err, ERR_RANGE);
    c = over_text(b, "cd-01-00");
    cursor_u64(&c, 255);
    cr_assert_eq(c.err, ERR_RANGE);
    c = over_text(b, "cd-01-00");
    cr_assert_eq(cursor_u64(&c, 256), 256);
    c = over_text(b, "cf-80-00-00-00-00-00-00-00");
    cursor_i64(&c);
    cr_assert_eq(c.err, ERR_RANGE);
    c = over_text(b, "d3-80-00-00-00-00-00-00-00");
    cr_assert_eq(cursor_i64(&c), INT64_MIN);
    c = over_text(b, "d0-05");
    cr_assert_eq(cursor_peek(&c), CURSOR_UINT);
    cr_assert_eq(cursor_u64(&c, 5), 5);
    c = over_text(b, "ca-7f-80-00-00");
    cr_assert(isinf(cursor_f64(&c)));
}

Test(cursor, a_number_of_any_type_keeps_its_type)
{
    uint8_t b[32];
    struct cursor_number n;
    struct cursor c = over_text(b, "d0-05-ff-ca-3f-00-00-00-c0");
    cursor_number(&c, &n);
    cr_assert(n.type == CURSOR_UINT && n.u == 5);
    cursor_number(&c, &n);
    cr_assert(n.type == CURSOR_INT && n.i == -1);
    cursor_number(&c, &n);
    cr_assert(n.type == CURSOR_FLOAT && n.f == 0.5);
    cursor_number(&c, &n);
    cr_assert(n.type == CURSOR_END && n.u == 0);
    cr_assert_eq(c.err, ERR_TYPE);
}

Test(cursor, an_integer_is_no_float_and_a_string_no_binary)
{
    uint8_t b[32];
    struct cursor c = over_text(b, "01");
    cursor_f64(&c);
    cr_assert_eq(c.err, ERR_TYPE);
    c = over_text(b, "a1-61");
    cursor_bin(&c, 10);
    cr_assert_eq(c.err, ERR_TYPE);
    c = over_text(b, "c1");
    cr_assert_eq(cursor_peek(&c), CURSOR_END);
    cursor_skip(&c, 1);
    cr_assert_eq(c.err, ERR_TYPE);
}

Test(cursor, the_first_error_stays_and_later_reads_give_nothing)
{
    uint8_t b[32];
    struct cursor c = over_text(b, "c0-05-a1-61");
    cr_assert_not(cursor_bool(&c));
    cr_assert_eq(cursor_u64(&c, 10), 0);
    cr_assert_eq(cursor_str(&c, 10).len, 0);
    cr_assert_eq(c.err, ERR_TYPE);
    cr_assert_eq(cursor_peek(&c), CURSOR_END);
    cr_assert_not(cursor_at_end(&c));
    cr_assert_eq(c.at, b);
}

Test(cursor, a_count_the_bytes_cannot_hold_is_refused)
{
    uint8_t b[32];
    struct cursor c = over_text(b, "dd-06-00-00-00");
    cr_assert_eq(cursor_array(&c, UINT32_MAX), 0);
    cr_assert_eq(c.err, ERR_TRUNCATED);
    c = over_text(b, "82-01-02-03");
    cr_assert_eq(cursor_map(&c, 10), 0);
    cr_assert_eq(c.err, ERR_TRUNCATED);
    c = over_text(b, "93-01-02-03");
    cr_assert_eq(cursor_array(&c, 2), 0);
    cr_assert_eq(c.err, ERR_TOO_LONG);
}

Test(cursor, lengths_are_held_to_their_limits)
{
    uint8_t b[32], out[3];
    struct cursor c = over_text(b, "a3-61-62-63");
    cursor_str(&c, 2);
    cr_assert_eq(c.err, ERR_TOO_LONG);
    c = over_text(b, "db-ff-ff-ff-ff-61");
    cursor_str(&c, SIZE_MAX);
    cr_assert_eq(c.err, ERR_TRUNCATED);
    c = over_text(b, "c4-02-01-02");
    cursor_bin_exact(&c, out, 3);
    cr_assert_eq(c.err, ERR_RANGE);
    cr_assert_eq(out[0] + out[1] + out[2], 0);
    c = over_text(b, "c4-03-01-02-03");
    cursor_bin_exact(&c, out, 3);
    cr_assert_eq(c.err, 0);
    cr_assert_eq(out[2], 3);
}

Test(cursor, nesting_beyond_the_depth_is_refused_without_recursion)
{
    uint8_t deep[10000];
    memset(deep, 0x91, sizeof(deep));
    struct cursor c = cursor_over(deep, sizeof(deep));
    cursor_skip(&c, CURSOR_DEPTH_MAX);
    cr_assert_eq(c.err, ERR_DEPTH);
    memset(deep, 0x91, 8);
    deep[8] = 0xc0;
    c = cursor_over(deep, 9);
    cr_assert_eq(cursor_skip(&c, CURSOR_DEPTH_MAX).len, 9);
    c = cursor_over(deep, 9);
    cursor_skip(&c, 7);
    cr_assert_eq(c.err, ERR_DEPTH);
    c = cursor_over("\x90", 1);
    cursor_skip(&c, 0);
    cr_assert_eq(c.err, ERR_DEPTH);
}

Test(cursor, text_is_utf8_without_surrogates_overlong_forms_and_nul)
{
    static const char *const good[] = {
        "", "a", "\xc2\x80", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\x80",
                                      "\xc1\x81",
                                      "\xc2",
                                      "\xe0\x9f\x80",
                                      "\xed\xa0\x80",
                                      "\xe2\x82",
                                      "\xe2\x82\x28",
                                      "\xf0\x8f\x80\x80",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80",
                                      "\xff",
                                      "a\xf0\x90\x80"};
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        cr_assert(cursor_is_text(cursor_view_of(good[i])), "good %zu", i);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        cr_assert_not(cursor_is_text(cursor_view_of(bad[i])), "bad %zu", i);
    cr_assert_not(cursor_is_text((struct cursor_view){(const uint8_t *)"a\0b", 3}));
    uint8_t b[8];
    struct cursor c = over_text(b, "a2-c3-28");
    cursor_str(&c, 10);
    cr_assert_eq(c.err, ERR_FORMAT);
}

Test(cursor, what_is_written_is_read_back)
{
    uint8_t b[256];
    struct cursor_out o = cursor_out_over(b, sizeof(b));
    cursor_put_array(&o, 9);
    cursor_put_u64(&o, UINT64_MAX);
    cursor_put_i64(&o, INT64_MIN);
    cursor_put_bool(&o, true);
    cursor_put_bool(&o, false);
    cursor_put_f64(&o, -0.25);
    cursor_put_nil(&o);
    cursor_put_str(&o, "häß");
    cursor_put_bin(&o, "\0\1", 2);
    cursor_put_map(&o, 1);
    cursor_put_str(&o, "k");
    cursor_put_raw(&o, (struct cursor_view){(const uint8_t *)"\x2a", 1});
    cr_assert_eq(o.err, 0);
    struct cursor c = cursor_over(cursor_out_view(&o).at, o.len);
    cr_assert_eq(cursor_array(&c, 9), 9);
    cr_assert_eq(cursor_u64(&c, UINT64_MAX), UINT64_MAX);
    cr_assert_eq(cursor_i64(&c), INT64_MIN);
    cr_assert(cursor_bool(&c));
    cr_assert_not(cursor_bool(&c));
    cr_assert_eq(cursor_f64(&c), -0.25);
    cursor_nil(&c);
    cr_assert(cursor_view_is(cursor_str(&c, 10), "häß"));
    cr_assert_eq(cursor_bin(&c, 2).len, 2);
    cr_assert_eq(cursor_map(&c, 1), 1);
    cr_assert(cursor_view_is(cursor_str(&c, 1), "k"));
    cr_assert_eq(cursor_u64(&c, 42), 42);
    cr_assert(cursor_at_end(&c));
}

Test(cursor, a_full_buffer_is_an_error_that_stays_and_writes_nothing_more)
{
    uint8_t b[4] = {0, 0, 0, 0xee};
    struct cursor_out o = cursor_out_over(b, 3);
    cursor_put_str(&o, "abcdef");
    cr_assert_eq(o.err, ERR_TOO_LONG);
    const size_t len = o.len;
    cursor_put_u64(&o, 1);
    cr_assert_eq(o.len, len);
    cr_assert_leq(o.len, 3);
    cr_assert_eq(b[3], 0xee);
}

Test(cursor, a_key_of_a_map_is_found_whatever_stands_before_it)
{
    uint8_t b[64];
    /* {1: [2, {}], "a": "x", "b": 7, "b": 8} */
    const size_t len = from_dashes(b, "84-01-92-02-80-a1-61-a1-78-a1-62-07-a1-62-08");
    const struct cursor_view map = {b, len};
    struct cursor c = cursor_map_find(map, "b");
    cr_assert_eq(cursor_u64(&c, 100), 7);
    cr_assert(cursor_at_end(&c));
    c = cursor_map_find(map, "a");
    cr_assert(cursor_view_is(cursor_str(&c, 5), "x"));
    c = cursor_map_find(map, "c");
    cr_assert_eq(c.err, ERR_NOT_FOUND);
    c = cursor_map_find((struct cursor_view){0}, "c");
    cr_assert_eq(c.err, ERR_NOT_FOUND);
    c = cursor_map_find((struct cursor_view){b, len - 1}, "c");
    cr_assert_eq(c.err, ERR_TRUNCATED);
}
