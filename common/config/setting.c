#include "common/config/setting.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "common/wire/cursor.h"
#include "common/wire/endpoint.h"
#include "common/wire/plain.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit durations[] = {
    {"ns", 1}, {"us", 1000}, {"ms", CONFIG_MS}, {"s", CONFIG_S}, {"m", 60 * CONFIG_S}, {"h", 3600 * CONFIG_S},
};
static const struct unit sizes[] = {
    {"", 1}, {"B", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}, {"TiB", UINT64_C(1) << 40},
};

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* Digits of the base at *text, at least one; *text ends behind them. */
static int parse_digits(const char **text, unsigned base, uint64_t *out)
{
    uint64_t v = 0;
    if ((unsigned)digit_of(**text) >= base)
        return ERR_FORMAT;
    for (; (unsigned)digit_of(**text) < base; ++*text)
        if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, (unsigned)digit_of(**text), &v))
            return ERR_RANGE;
    *out = v;
    return 0;
}

static int parse_u64(const char *text, uint64_t *out)
{
    const bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    text += hex ? 2 : 0;
    TRY(parse_digits(&text, hex ? 16 : 10, out));
    return *text ? ERR_FORMAT : 0;
}

/* A decimal number with one of the units behind it. */
static int parse_with_unit(const char *text, const struct unit *units, size_t n, uint64_t *out)
{
    uint64_t v;
    TRY(parse_digits(&text, 10, &v));
    for (size_t i = 0; i < n; i++)
        if (strcmp(text, units[i].name) == 0)
            return __builtin_mul_overflow(v, units[i].factor, out) ? ERR_RANGE : 0;
    return ERR_FORMAT;
}

/* A bare number is seconds, as systemd has it. */
static int parse_duration(const char *text, uint64_t *out)
{
    uint64_t seconds;
    const char *end = text;
    if (parse_digits(&end, 10, &seconds) == 0 && !*end)
        return __builtin_mul_overflow(seconds, CONFIG_S, out) ? ERR_RANGE : 0;
    return parse_with_unit(text, durations, ARRAY_LEN(durations), out);
}

static int parse_bool(const char *text, uint64_t *out)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(text, words[i]) == 0) {
            *out = i % 2;
            return 0;
        }
    return ERR_FORMAT;
}

static int parse_choice(const struct config_key *key, const char *text, uint64_t *out)
{
    for (size_t i = 0; key->choices[i]; i++)
        if (strcmp(text, key->choices[i]) == 0) {
            *out = i;
            return 0;
        }
    return ERR_FORMAT;
}

static int parse_string(const struct config_key *key, const char *text)
{
    const struct cursor_view v = cursor_view_of(text);
    if (v.len > (key->max ? key->max : CONFIG_STRING_MAX))
        return ERR_TOO_LONG;
    for (size_t i = 0, n; i < v.len; i += n) {
        n = plain_sequence(v.at + i, v.len - i);
        if (n == 0)
            return ERR_FORMAT;
    }
    return 0;
}

static void check_endpoint(void *arg, const char *part, size_t len)
{
    int *err = arg;
    if (*err == 0)
        *err = endpoint_parse(NULL, part, len);
}

static int parse_endpoints(const struct config_key *key, const char *text)
{
    int err = 0;
    /* Empty is "none", where the default is none too. */
    if (!*text)
        return key->def && *key->def ? ERR_FORMAT : 0;
    if (strlen(text) > CONFIG_STRING_MAX)
        return ERR_TOO_LONG;
    if (key->type == CONFIG_ENDPOINT)
        check_endpoint(&err, text, strlen(text));
    else
        setting_split(text, check_endpoint, &err);
    return err;
}

size_t setting_split(const char *text, void (*one)(void *arg, const char *part, size_t len), void *arg)
{
    size_t n = 0;
    if (!*text)
        return 0;
    for (;; n++) {
        const size_t len = strcspn(text, ",");
        one(arg, text, len);
        if (!text[len])
            return n + 1;
        text += len + 1;
    }
}

static int parse(const struct config_key *key, const char *text, uint64_t *number)
{
    switch (key->type) {
    case CONFIG_BOOL:
        return parse_bool(text, number);
    case CONFIG_U64:
        return parse_u64(text, number);
    case CONFIG_DURATION:
        return parse_duration(text, number);
    case CONFIG_SIZE:
        return parse_with_unit(text, sizes, ARRAY_LEN(sizes), number);
    case CONFIG_ENUM:
        return parse_choice(key, text, number);
    case CONFIG_STRING:
        return parse_string(key, text);
    default:
        return parse_endpoints(key, text);
    }
}

static bool is_ranged(const struct config_key *key)
{
    return key->type == CONFIG_U64 || key->type == CONFIG_DURATION || key->type == CONFIG_SIZE;
}

/* The largest value of a key; a duration stays a positive int64_t of nanoseconds. */
static uint64_t limit(const struct config_key *key)
{
    if (key->max)
        return key->max;
    return key->type == CONFIG_DURATION ? INT64_MAX : UINT64_MAX;
}

int setting_parse(const struct config_key *key, const char *text, uint64_t *number)
{
    *number = 0;
    TRY(parse(key, text, number));
    if (is_ranged(key) && (*number < key->min || *number > limit(key)))
        return ERR_RANGE;
    return 0;
}

/* v in the largest unit that leaves it whole. */
static void format(const struct config_key *key, uint64_t v, char *out, size_t cap)
{
    const struct unit *units = key->type == CONFIG_SIZE ? sizes : durations;
    size_t i = key->type == CONFIG_SIZE ? ARRAY_LEN(sizes) - 1 : ARRAY_LEN(durations) - 1;
    while (i > 0 && (v == 0 || v % units[i].factor != 0))
        i--;
    if (key->type == CONFIG_U64)
        snprintf(out, cap, "%" PRIu64, v);
    else
        snprintf(out, cap, "%" PRIu64 "%s", v / units[i].factor, units[i].name);
}

static void add_text(char *out, size_t cap, const char *text)
{
    const size_t len = strlen(out);
    snprintf(out + len, cap - len, "%s", text);
}

void setting_expected(const struct config_key *key, char *out, size_t cap)
{
    static const char *const words[] = {
        [CONFIG_BOOL] = "true or false",
        [CONFIG_U64] = "a number",
        [CONFIG_DURATION] = "a duration such as 500ms, 30s or 2m",
        [CONFIG_SIZE] = "a size such as 4096, 64KiB or 2MiB",
        [CONFIG_STRING] = "a text without control characters",
        [CONFIG_ENUM] = "one of",
        [CONFIG_ENDPOINT] = "an endpoint such as tcp://127.0.0.1:7070, ipc:///run/x",
        [CONFIG_ENDPOINTS] = "endpoints such as tcp://127.0.0.1:7070, separated by commas",
    };
    char number[64];
    snprintf(out, cap, "%s", words[key->type]);
    for (size_t i = 0; key->type == CONFIG_ENUM && key->choices[i]; i++) {
        add_text(out, cap, i ? ", " : " ");
        add_text(out, cap, key->choices[i]);
    }
    if (key->type == CONFIG_STRING) {
        snprintf(number, sizeof(number), ", at most %" PRIu64 " bytes",
                 key->max ? key->max : (uint64_t)CONFIG_STRING_MAX);
        add_text(out, cap, number);
    }
    if (!is_ranged(key) || (key->min == 0 && key->max == 0))
        return;
    format(key, key->min, number, sizeof(number));
    add_text(out, cap, ", from ");
    add_text(out, cap, number);
    if (key->max == 0)
        return;
    format(key, key->max, number, sizeof(number));
    add_text(out, cap, " to ");
    add_text(out, cap, number);
}

int setting_read(const struct config_key *key, const char *text, uint64_t *number, char *why, size_t cap)
{
    char expected[200];
    const int err = setting_parse(key, text, number);
    if (err < 0) {
        setting_expected(key, expected, sizeof(expected));
        snprintf(why, cap, "expected %s, not '%.60s%s'", expected, key->secret ? "(secret)" : text,
                 !key->secret && strlen(text) > 60 ? "..." : "");
    }
    return err;
}
