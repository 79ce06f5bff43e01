#include "test.h"

#include "ctl/render.h"

static char text[8192];

Test(render, rates_have_three_digits_and_a_unit)
{
    static const struct {
        double rate;
        const char *text;
    } cases[] = {{0, "0 H/s"},          {999, "999 H/s"},     {999.6, "1.00 kH/s"},   {1234, "1.23 kH/s"},
                 {18.4e6, "18.4 MH/s"}, {184e6, "184 MH/s"},  {9.996e6, "10.0 MH/s"}, {2.5e9, "2.50 GH/s"},
                 {3e12, "3.00 TH/s"},   {4.5e15, "4500 TH/s"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        render_rate(text, sizeof text, cases[i].rate);
        cr_assert_str_eq(text, cases[i].text);
    }
}

Test(render, ages_grow_units)
{
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {{0, "0 ms"},           {350, "350 ms"},        {3210, "3.2 s"},
                 {59999, "59.9 s"},     {245000, "4 min 05 s"}, {7800000, "2 h 10 min"},
                 {273600000, "3 d 4 h"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        render_age(text, sizeof text, cases[i].ms);
        cr_assert_str_eq(text, cases[i].text);
    }
}

Test(render, counts_are_grouped)
{
    static const struct {
        int64_t n;
        const char *text;
    } cases[] = {{0, "0"}, {999, "999"}, {1000, "1,000"}, {1234567, "1,234,567"}, {-1234, "-1,234"}, {-123, "-123"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        render_count(text, sizeof text, cases[i].n);
        cr_assert_str_eq(text, cases[i].text);
    }
    render_count(text, 5, 1234567);
    cr_assert_lt(strlen(text), 5);
}

Test(render, hashes_are_cut_and_times_are_utc)
{
    render_hash(text, sizeof text, "000000a1b2c3d4e5f60718293a4b5c6d");
    cr_assert_str_eq(text, "000000a1b2c3d4e5…");
    render_hash(text, sizeof text, "000000a1b2c3d4e5f");
    cr_assert_str_eq(text, "000000a1b2c3d4e5f");
    render_time(text, sizeof text, 1500000000);
    cr_assert_str_eq(text, "2017-07-14 02:40:00");
    render_time(text, sizeof text, INT64_MAX);
    cr_assert_str_eq(text, "-");
}

static enum render_color red(const char *cell)
{
    return strcmp(cell, "dead") == 0 ? RENDER_RED : RENDER_PLAIN;
}

static const struct render_column columns[] = {
    {.title = "NAME", .key = "name", .color = red},
    {.title = "N", .key = "n", .kind = RENDER_COUNT},
    {.title = "DATA", .key = "data", .stretch = true},
};

static void table(bool color, const json_t *rows)
{
    memset(text, 0, sizeof text);
    FILE *f = fmemopen(text, sizeof text, "w");
    render_table(f, color, columns, 3, rows);
    fclose(f);
}

Test(render, columns_are_as_wide_as_their_cells)
{
    json_t *rows =
        json_pack("[{s:s, s:i, s:s}, {s:s, s:i}]", "name", "äö", "n", 1234, "data", "x", "name", "longer", "n", 5);
    table(false, rows);
    cr_assert_str_eq(text, "NAME        N  DATA\n"
                           "äö      1,234  x\n"
                           "longer      5  -\n");
    json_decref(rows);
}

Test(render, a_long_cell_is_cut_so_that_the_line_fits)
{
    char data[301];
    memset(data, 'd', 300);
    data[300] = '\0';
    json_t *rows = json_pack("[{s:s, s:i, s:s}]", "name", "w", "n", 1, "data", data);
    table(false, rows);
    char *line = strchr(text, '\n') + 1;
    *strchr(line, '\n') = '\0';
    cr_assert_eq(render_width(line), RENDER_WIDTH);
    cr_assert_str_eq(line + strlen(line) - strlen("…"), "…");
    json_decref(rows);
}

Test(render, data_cannot_drive_the_terminal)
{
    json_t *rows = json_pack("[{s:s, s:i, s:s}]", "name", "a\033[2J\nb", "n", 1, "data", "\x7f");
    table(false, rows);
    cr_assert_null(strchr(text, '\033'));
    cr_assert_not_null(strstr(text, "a?[2J?b"));
    json_decref(rows);
    char c1[] = "a\xc2\x9b"
                "2J\xe2\x80\xae\xff\xe2\x80",
         wide[] = "gr\xc3\xbc\xc3\x9f";
    render_plain(c1);
    cr_assert_str_eq(c1, "a?2J????");
    render_plain(wide);
    cr_assert_str_eq(wide, "gr\xc3\xbc\xc3\x9f");
    render_hash(text, sizeof text, "\033[2J4567890123456789");
    cr_assert_str_eq(text, "?[2J456789012345…");
}

Test(render, json_escapes_what_would_drive_the_terminal_and_says_the_same)
{
    json_t *value = json_pack("{s:s}", "n\xc2\x9b", "gr\xc3\xbc\xc3\x9f\xe2\x80\xae\x7f\033");
    memset(text, 0, sizeof text);
    FILE *f = fmemopen(text, sizeof text, "w");
    render_json(f, value);
    fclose(f);
    json_t *back = json_loads(text, 0, NULL);
    cr_assert(json_equal(back, value), "%s", text);
    cr_assert_not_null(strstr(text, "\"n\\u009b\": \"gr\xc3\xbc\xc3\x9f\\u202e\\u007f"), "%s", text);
    cr_assert_null(strchr(text, '\033'));
    json_decref(back);
    json_decref(value);
}

static int64_t whole(json_t *value)
{
    int64_t n = render_whole(value);
    json_decref(value);
    return n;
}

Test(render, numbers_of_any_size_become_whole_ones)
{
    cr_assert_eq(whole(json_integer(-7)), -7);
    cr_assert_eq(whole(json_integer(9007199254740993)), 9007199254740993);
    cr_assert_eq(whole(json_real(2.9)), 2);
    cr_assert_eq(whole(json_real(1e300)), INT64_MAX);
    cr_assert_eq(whole(json_real(-1e300)), INT64_MIN);
    cr_assert_eq(whole(json_real(9223372036854775808.0)), INT64_MAX);
    cr_assert_eq(whole(json_string("18446744073709551615")), INT64_MAX);
    cr_assert_eq(whole(json_string("w1")), 0);
    cr_assert_eq(whole(json_string("")), 0);
    cr_assert_eq(whole(json_null()), 0);
    cr_assert_eq(render_whole(NULL), 0);
}

Test(render, colour_is_used_only_when_asked_for)
{
    json_t *rows = json_pack("[{s:s}, {s:s}]", "name", "dead", "name", "live");
    table(true, rows);
    cr_assert_not_null(strstr(text, "\033[31mdead"));
    cr_assert_null(strstr(text, "\033[31mlive"));
    table(false, rows);
    cr_assert_null(strchr(text, '\033'));
    json_decref(rows);
}

Test(render, pairs_stand_under_each_other)
{
    static const struct render_pair pairs[] = {{"a", "1"}, {"long", "2\n"}, {"", "3"}};
    memset(text, 0, sizeof text);
    FILE *f = fmemopen(text, sizeof text, "w");
    render_pairs(f, pairs, 3);
    fclose(f);
    cr_assert_str_eq(text, "a     1\nlong  2?\n      3\n");
}

Test(render, json_is_whole_and_ends_its_line)
{
    json_t *value = json_pack("{s:[i]}", "a", 1);
    memset(text, 0, sizeof text);
    FILE *f = fmemopen(text, sizeof text, "w");
    render_json(f, value);
    fclose(f);
    json_t *back = json_loads(text, 0, NULL);
    cr_assert(json_equal(back, value));
    cr_assert_eq(text[strlen(text) - 1], '\n');
    json_decref(value);
    json_decref(back);
}
