#include "test.h"

#include "common/base/err.h"
#include "common/config/setting.h"

static int parse(const struct config_key *key, const char *text, uint64_t *out)
{
    return setting_parse(key, text, out);
}

Test(setting, durations_are_counted_in_nanoseconds)
{
    const struct config_key key = {.name = "k", .type = CONFIG_DURATION};
    static const struct {
        const char *text;
        uint64_t ns;
    } good[] = {{"0s", 0},
                {"1ns", 1},
                {"2us", 2000},
                {"500ms", 500 * CONFIG_MS},
                {"30s", 30 * CONFIG_S},
                {"2m", 120 * CONFIG_S},
                {"1h", 3600 * CONFIG_S},
                {"5", 5 * CONFIG_S},
                {"0", 0},
                {"9223372036854775807ns", INT64_MAX}};
    uint64_t v;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        cr_assert_eq(parse(&key, good[i].text, &v), 0, "%s", good[i].text);
        cr_assert_eq(v, good[i].ns, "%s", good[i].text);
    }
    static const char *const bad[] = {"", "s", "-1s", "+1s", " 1s", "1 s", "1s ", "1.5s", "1d", "1S", "0x10s", "nan"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        cr_assert_eq(parse(&key, bad[i], &v), ERR_FORMAT, "%s", bad[i]);
    cr_assert_eq(parse(&key, "9223372036854775808ns", &v), ERR_RANGE);
    cr_assert_eq(parse(&key, "99999999999h", &v), ERR_RANGE);
    cr_assert_eq(parse(&key, "18446744073709551616ns", &v), ERR_RANGE);
    cr_assert_eq(parse(&key, "9223372037", &v), ERR_RANGE);
    cr_assert_eq(parse(&key, "18446744074", &v), ERR_RANGE);
}

Test(setting, every_bound_is_held_at_its_edge)
{
    const struct config_key key = {.name = "k", .type = CONFIG_U64, .min = 5, .max = 10};
    static const struct {
        const char *text;
        int err;
    } rows[] = {{"4", ERR_RANGE}, {"5", 0}, {"10", 0}, {"11", ERR_RANGE}, {"0x0a", 0}, {"0xB", ERR_RANGE}};
    uint64_t v;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        cr_assert_eq(parse(&key, rows[i].text, &v), rows[i].err, "%s", rows[i].text);
}

Test(setting, whole_numbers_are_all_of_64_bits)
{
    const struct config_key key = {.name = "k", .type = CONFIG_U64};
    uint64_t v;
    cr_assert_eq(parse(&key, "18446744073709551615", &v), 0);
    cr_assert_eq(v, UINT64_MAX);
    cr_assert_eq(parse(&key, "18446744073709551616", &v), ERR_RANGE);
    cr_assert_eq(parse(&key, "0xffffffffffffffff", &v), 0);
    cr_assert_eq(parse(&key, "0x10000000000000000", &v), ERR_RANGE);
    static const char *const bad[] = {"", "-1", "1e3", "1.0", "0x", "x", "1_000", "inf", "NaN", "١"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        cr_assert_eq(parse(&key, bad[i], &v), ERR_FORMAT, "%s", bad[i]);
}

Test(setting, sizes_take_binary_units)
{
    const struct config_key key = {.name = "k", .type = CONFIG_SIZE};
    uint64_t v;
    cr_assert_eq(parse(&key, "64KiB", &v), 0);
    cr_assert_eq(v, 65536);
    cr_assert_eq(parse(&key, "3TiB", &v), 0);
    cr_assert_eq(v, UINT64_C(3) << 40);
    cr_assert_eq(parse(&key, "7", &v), 0);
    cr_assert_eq(parse(&key, "7B", &v), 0);
    cr_assert_eq(v, 7);
    cr_assert_eq(parse(&key, "64KB", &v), ERR_FORMAT);
    cr_assert_eq(parse(&key, "99999999TiB", &v), ERR_RANGE);
}

Test(setting, words_are_taken_exactly)
{
    static const char *const choices[] = {"text", "json", NULL};
    const struct config_key word = {.name = "k", .type = CONFIG_ENUM, .choices = choices};
    const struct config_key flag = {.name = "k", .type = CONFIG_BOOL};
    uint64_t v;
    cr_assert_eq(parse(&word, "json", &v), 0);
    cr_assert_eq(v, 1);
    cr_assert_eq(parse(&word, "JSON", &v), ERR_FORMAT);
    cr_assert_eq(parse(&word, "", &v), ERR_FORMAT);
    cr_assert_eq(parse(&flag, "yes", &v), 0);
    cr_assert_eq(v, 1);
    cr_assert_eq(parse(&flag, "off", &v), 0);
    cr_assert_eq(v, 0);
    cr_assert_eq(parse(&flag, "2", &v), ERR_FORMAT);
    cr_assert_eq(parse(&flag, "", &v), ERR_FORMAT);
}

Test(setting, strings_are_text_within_their_length)
{
    const struct config_key key = {.name = "k", .type = CONFIG_STRING, .max = 4};
    uint64_t v;
    cr_assert_eq(parse(&key, "", &v), 0);
    cr_assert_eq(parse(&key, "äb c", &v), ERR_TOO_LONG);
    cr_assert_eq(parse(&key, "ä b", &v), 0);
    cr_assert_eq(parse(&key, "a\nb", &v), ERR_FORMAT);
    cr_assert_eq(parse(&key, "\x7f", &v), ERR_FORMAT);
    cr_assert_eq(parse(&key, "\xff", &v), ERR_FORMAT);
    cr_assert_eq(parse(&key, "\xc2\x9b", &v), ERR_FORMAT);     /* starts an escape sequence as ESC [ does */
    cr_assert_eq(parse(&key, "\xe2\x80\xa8", &v), ERR_FORMAT); /* YAML would fold a line there */
    const struct config_key open = {.name = "k", .type = CONFIG_STRING};
    char *big = malloc(CONFIG_STRING_MAX + 2);
    memset(big, 'x', CONFIG_STRING_MAX + 1);
    big[CONFIG_STRING_MAX + 1] = 0;
    cr_assert_eq(parse(&open, big, &v), ERR_TOO_LONG);
    cr_assert_eq(parse(&open, big + 1, &v), 0);
    free(big);
}

Test(setting, endpoints_are_checked_each)
{
    const struct config_key one = {.name = "k", .type = CONFIG_ENDPOINT, .def = "tcp://h:1"};
    const struct config_key many = {.name = "k", .type = CONFIG_ENDPOINTS};
    uint64_t v;
    cr_assert_eq(parse(&one, "tcp://a:1", &v), 0);
    cr_assert_eq(parse(&one, "", &v), ERR_FORMAT);
    cr_assert_eq(parse(&one, "tcp://a:1,tcp://b:1", &v), ERR_FORMAT);
    cr_assert_eq(parse(&many, "", &v), 0);
    cr_assert_eq(parse(&many, "tcp://a:1,ipc://b", &v), 0);
    cr_assert_eq(parse(&many, "tcp://a:1,", &v), ERR_FORMAT);
    cr_assert_eq(parse(&many, ",tcp://a:1", &v), ERR_FORMAT);
    cr_assert_eq(parse(&many, "tcp://a:1, tcp://b:1", &v), ERR_FORMAT);
}

Test(setting, what_is_expected_is_said_with_its_bounds)
{
    char text[200];
    const struct config_key beat = {.name = "k", .type = CONFIG_DURATION, .min = 100 * CONFIG_MS, .max = 90 * CONFIG_S};
    setting_expected(&beat, text, sizeof(text));
    cr_assert_str_eq(text, "a duration such as 500ms, 30s or 2m, from 100ms to 90s");
    const struct config_key size = {.name = "k", .type = CONFIG_SIZE, .min = 1024, .max = 3u << 20};
    setting_expected(&size, text, sizeof(text));
    cr_assert_str_eq(text, "a size such as 4096, 64KiB or 2MiB, from 1KiB to 3MiB");
    static const char *const choices[] = {"text", "json", NULL};
    const struct config_key word = {.name = "k", .type = CONFIG_ENUM, .choices = choices};
    setting_expected(&word, text, sizeof(text));
    cr_assert_str_eq(text, "one of text, json");
    setting_expected(&word, text, 8);
    cr_assert_str_eq(text, "one of ");
}

Test(setting, a_refused_value_is_shown_with_what_was_expected)
{
    char why[200];
    uint64_t v;
    const struct config_key beat = {.name = "k", .type = CONFIG_DURATION, .min = CONFIG_S, .max = 90 * CONFIG_S};
    cr_assert_eq(setting_read(&beat, "30s", &v, why, sizeof why), 0);
    cr_assert_eq(v, 30 * CONFIG_S);
    cr_assert_eq(setting_read(&beat, "soon", &v, why, sizeof why), ERR_FORMAT);
    cr_assert_str_eq(why, "expected a duration such as 500ms, 30s or 2m, from 1s to 90s, not 'soon'");
    cr_assert_eq(setting_read(&beat, "91s", &v, why, 30), ERR_RANGE);
    cr_assert_str_eq(why, "expected a duration such as 5");
    const struct config_key token = {.name = "k", .type = CONFIG_STRING, .max = 3, .secret = true};
    cr_assert_eq(setting_read(&token, "hunter2", &v, why, sizeof why), ERR_TOO_LONG);
    cr_assert_null(strstr(why, "hunter"), "%s", why);
}
