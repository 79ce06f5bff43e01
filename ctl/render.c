#include "ctl/render.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rt/attr.h>

#include "common/base/check.h"
#include "common/wire/cursor.h"
#include "common/wire/plain.h"

enum { CELL_CAP = 512, GAP = 2, STRETCH_MIN = 8 };

static bool is_tail(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

size_t render_width(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += !is_tail(*text);
    return n;
}

void render_plain(char *text)
{
    const uint8_t *at = (const uint8_t *)text;
    char *to = text;
    for (size_t left = strlen(text), n; left > 0; at += n, left -= n) {
        n = plain_sequence(at, left);
        if (n) {
            memmove(to, at, n);
            to += n;
            continue;
        }
        n = cursor_sequence(at, left);
        n = n ? n : 1;
        *to++ = '?'; /* last: it may stand where the character did */
    }
    *to = '\0';
}

/* Cuts text to width columns, the last one "…" then. */
static void cut(char *text, size_t cap, size_t width)
{
    if (render_width(text) <= width)
        return;
    size_t at = 0;
    for (size_t n = 0; n + 1 < width; n++)
        for (at++; is_tail(text[at]); at++)
            ;
    snprintf(text + at, cap - at, "…");
}

static const char *color_code(enum render_color color)
{
    static const char *const codes[] = {"", "\033[32m", "\033[33m", "\033[31m"};
    return codes[color];
}

static bool is_right(const struct render_column *c)
{
    return c->kind >= RENDER_COUNT;
}

static void put_cell(FILE *to, const struct render_column *c, const char *text, size_t width, bool last)
{
    int pad = (int)(width - render_width(text));
    if (is_right(c))
        fprintf(to, "%*s", pad, "");
    fputs(text, to);
    if (!last)
        fprintf(to, "%*s", (is_right(c) ? 0 : pad) + GAP, "");
}

static void format_cell(char *out, size_t cap, const struct render_column *c, const json_t *row)
{
    const json_t *value = json_object_get(row, c->key);
    const char *text = json_is_string(value) ? json_string_value(value) : "-";
    int64_t n = render_whole(value);
    switch (c->kind) {
    case RENDER_TEXT:
        snprintf(out, cap, "%s", text);
        break;
    case RENDER_HASH:
        render_hash(out, cap, text);
        break;
    case RENDER_COUNT:
        render_count(out, cap, n);
        break;
    case RENDER_RATE:
        render_rate(out, cap, json_number_value(value));
        break;
    case RENDER_AGE:
        render_age(out, cap, n);
        break;
    case RENDER_TIME:
        render_time(out, cap, n);
        break;
    }
}

static void get_cell(char out[CELL_CAP], const struct render_column *c, const json_t *row)
{
    out[0] = '\0';
    if (c->cell)
        c->cell(out, CELL_CAP - 4, row); /* room for "…" */
    else
        format_cell(out, CELL_CAP - 4, c, row);
    render_plain(out);
}

static void measure(size_t widths[], const struct render_column *columns, size_t count, const json_t *rows)
{
    char cell[CELL_CAP];
    size_t index, total = 0;
    json_t *row;
    for (size_t i = 0; i < count; i++)
        widths[i] = strlen(columns[i].title);
    json_array_foreach((json_t *)(uintptr_t)rows, index, row) for (size_t i = 0; i < count; i++)
    {
        get_cell(cell, &columns[i], row);
        if (render_width(cell) > widths[i])
            widths[i] = render_width(cell);
    }
    for (size_t i = 0; i < count; i++)
        total += widths[i] + (i ? GAP : 0);
    for (size_t i = 0; i < count; i++)
        if (columns[i].stretch && total > RENDER_WIDTH) {
            size_t over = total - RENDER_WIDTH;
            widths[i] = widths[i] > over + STRETCH_MIN ? widths[i] - over : STRETCH_MIN;
        }
}

void render_table(FILE *to, bool color, const struct render_column *columns, size_t count, const json_t *rows)
{
    char cell[CELL_CAP];
    size_t widths[RENDER_COLUMNS_MAX], index;
    json_t *row;
    CHECK(count <= RENDER_COLUMNS_MAX);
    measure(widths, columns, count, rows);
    for (size_t i = 0; i < count; i++)
        put_cell(to, &columns[i], columns[i].title, widths[i], i + 1 == count);
    fputc('\n', to);
    json_array_foreach((json_t *)(uintptr_t)rows, index, row)
    {
        for (size_t i = 0; i < count; i++) {
            get_cell(cell, &columns[i], row);
            cut(cell, sizeof cell, widths[i]);
            enum render_color hue = color && columns[i].color ? columns[i].color(cell) : RENDER_PLAIN;
            fputs(color_code(hue), to);
            put_cell(to, &columns[i], cell, widths[i], i + 1 == count);
            fputs(hue ? "\033[0m" : "", to);
        }
        fputc('\n', to);
    }
}

void render_pairs(FILE *to, const struct render_pair *pairs, size_t count)
{
    size_t width = 0;
    for (size_t i = 0; i < count; i++)
        if (strlen(pairs[i].title) > width)
            width = strlen(pairs[i].title);
    for (size_t i = 0; i < count; i++) {
        char value[sizeof pairs[i].value];
        memcpy(value, pairs[i].value, sizeof value);
        render_plain(value);
        fprintf(to, "%-*s  %s\n", (int)width, pairs[i].title, value);
    }
}

/* One character of a dumped JSON text. Beyond ASCII it stands in a string, where an escape says the same. */
static size_t put_json(FILE *to, const uint8_t *at, size_t left)
{
    size_t n = plain_sequence(at, left), len = cursor_sequence(at, left);
    if (n || *at == '\n' || !len) {
        fwrite(at, 1, n ? n : 1, to);
        return n ? n : 1;
    }
    fprintf(to, "\\u%04x", (unsigned)plain_code_point(at, len));
    return len;
}

void render_json(FILE *to, const json_t *value)
{
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    CHECK(text != NULL); /* trees hold only UTF-8 and finite numbers */
    const uint8_t *at = (const uint8_t *)text;
    for (size_t left = strlen(text), n; left > 0; at += n, left -= n)
        n = put_json(to, at, left);
    fputc('\n', to);
    free(text);
}

int64_t render_whole(const json_t *value)
{
    static const double edge = 9223372036854775808.0; /* 2^63 */
    if (json_is_integer(value))
        return json_integer_value(value);
    if (json_is_string(value)) {
        const char *digits = json_string_value(value);
        return *digits && digits[strspn(digits, "0123456789")] == '\0' ? INT64_MAX : 0;
    }
    const double v = json_number_value(value);
    return v >= edge ? INT64_MAX : v < -edge ? INT64_MIN : (int64_t)v;
}

void render_rate(char *out, size_t cap, double rate)
{
    static const char *const units[] = {"H/s", "kH/s", "MH/s", "GH/s", "TH/s"};
    size_t i = 0;
    while (rate >= 999.5 && i + 1 < ARRAY_LEN(units)) {
        rate /= 1000;
        i++;
    }
    int decimals = i == 0 || rate >= 99.95 ? 0 : rate >= 9.995 ? 1 : 2;
    snprintf(out, cap, "%.*f %s", decimals, rate, units[i]);
}

void render_age(char *out, size_t cap, int64_t ms)
{
    int64_t seconds = ms / 1000, minutes = seconds / 60, hours = minutes / 60;
    if (ms < 1000)
        snprintf(out, cap, "%" PRId64 " ms", ms);
    else if (ms < 60000)
        snprintf(out, cap, "%" PRId64 ".%" PRId64 " s", seconds, ms % 1000 / 100);
    else if (minutes < 60)
        snprintf(out, cap, "%" PRId64 " min %02" PRId64 " s", minutes, seconds % 60);
    else if (hours < 24)
        snprintf(out, cap, "%" PRId64 " h %02" PRId64 " min", hours, minutes % 60);
    else
        snprintf(out, cap, "%" PRId64 " d %" PRId64 " h", hours / 24, hours % 24);
}

void render_time(char *out, size_t cap, int64_t unix_seconds)
{
    time_t at = (time_t)unix_seconds;
    struct tm utc;
    if (!gmtime_r(&at, &utc) || strftime(out, cap, "%Y-%m-%d %H:%M:%S", &utc) == 0)
        snprintf(out, cap, "-");
}

void render_hash(char *out, size_t cap, const char *hex)
{
    snprintf(out, cap, strlen(hex) > 17 ? "%.16s…" : "%s", hex);
    render_plain(out);
}

void render_count(char *out, size_t cap, int64_t n)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, n);
    size_t len = strlen(digits), at = 0;
    for (size_t i = 0; i < len && at + 2 < cap; i++) {
        out[at++] = digits[i];
        if ((len - i - 1) % 3 == 0 && i + 1 < len && digits[i] != '-')
            out[at++] = ',';
    }
    out[at < cap ? at : cap - 1] = '\0';
}
