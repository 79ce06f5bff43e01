#include "base/debugvars.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/print.h"

struct rti_debugvars rti_debugvars = {
#define DEFAULT(name, dflt, text) .name = (dflt),
    RTI_DEBUGVARS(DEFAULT) RTI_DEBUGVARS_WIDE(DEFAULT)
#undef DEFAULT
};

static const struct {
    const char *name;
    size_t offset;
    int dflt;
    bool wide;
} table[] = {
#define ROW(name, dflt, text) {#name, offsetof(struct rti_debugvars, name), dflt, true},
    RTI_DEBUGVARS_WIDE(ROW)
#undef ROW
#define ROW(name, dflt, text) {#name, offsetof(struct rti_debugvars, name), dflt, false},
        RTI_DEBUGVARS(ROW)
#undef ROW
};

static void *field(const struct rti_debugvars *vars, size_t row)
{
    return (char *)(uintptr_t)vars + table[row].offset;
}

void rti_debugvars_reset(struct rti_debugvars *vars)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].wide)
            *(uint64_t *)field(vars, i) = (uint64_t)table[i].dflt;
        else
            *(int *)field(vars, i) = table[i].dflt;
}

static bool read_int(const char *s, size_t len, int *out)
{
    bool minus = len > 0 && *s == '-';
    long v = 0;
    if (minus)
        s++, len--;
    if (len == 0 || len > 9)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9')
            return false;
        v = v * 10 + (s[i] - '0');
    }
    *out = (int)(minus ? -v : v);
    return true;
}

static int digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char low = (char)(c | 0x20);
    return low >= 'a' && low <= 'f' ? low - 'a' + 10 : INT_MAX;
}

static bool read_wide(const char *s, size_t len, uint64_t *out)
{
    uint64_t v = 0;
    bool hex = len > 2 && s[0] == '0' && (s[1] | 0x20) == 'x';
    int base = hex ? 16 : 10;
    if (hex)
        s += 2, len -= 2;
    for (size_t i = 0; i < len; i++)
        if (digit(s[i]) >= base || __builtin_mul_overflow(v, (uint64_t)base, &v) ||
            __builtin_add_overflow(v, (uint64_t)digit(s[i]), &v))
            return false;
    *out = v;
    return len > 0;
}

/* The row that the part s of GODEBUG names; -1: none. */
static int row_of(const char *s, size_t len)
{
    const char *eq = memchr(s, '=', len);
    size_t name_len = eq ? (size_t)(eq - s) : 0;
    for (size_t i = 0; eq && i < ARRAY_LEN(table); i++)
        if (strlen(table[i].name) == name_len && memcmp(table[i].name, s, name_len) == 0)
            return (int)i;
    return -1;
}

static bool set_one(struct rti_debugvars *vars, const char *s, size_t len)
{
    int row = row_of(s, len);
    if (row < 0)
        return false;
    size_t skip = strlen(table[row].name) + 1;
    void *to = field(vars, (size_t)row);
    return table[row].wide ? read_wide(s + skip, len - skip, to) : read_int(s + skip, len - skip, to);
}

const char *rti_debugvars_why(const char *bad)
{
    int row = row_of(bad, strlen(bad));
    if (row < 0)
        return "is not a known name=number";
    return table[row].wide ? "wants a number below 2^64, decimal or after 0x" : "wants a number of up to nine digits";
}

int rti_debugvars_parse(struct rti_debugvars *vars, const char *text, char *bad, size_t bad_cap)
{
    for (const char *s = text ? text : ""; *s;) {
        size_t len = strcspn(s, ",");
        if (len > 0 && !set_one(vars, s, len)) {
            size_t n = len < bad_cap - 1 ? len : bad_cap - 1;
            memcpy(bad, s, n);
            bad[n] = '\0';
            return -EINVAL;
        }
        s += len + (s[len] == ',');
    }
    return 0;
}

static size_t append(char *buf, size_t cap, const char *fmt, ...) PRINTF_LIKE(3, 4);
static size_t append(char *buf, size_t cap, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    size_t n = rti_print_format(buf, cap, fmt, args);
    va_end(args);
    return n;
}

void rti_debugvars_format(const struct rti_debugvars *vars, char *buf, size_t cap)
{
    size_t len = 0;
    buf[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(table) && len + 1 < cap; i++) {
        const char *comma = len ? "," : "";
        uint64_t wide = table[i].wide ? *(uint64_t *)field(vars, i) : 0;
        int value = table[i].wide ? table[i].dflt : *(int *)field(vars, i);
        if (table[i].wide && wide != (uint64_t)table[i].dflt)
            len += append(buf + len, cap - len, "%s%s=%lu", comma, table[i].name, (unsigned long)wide);
        else if (value != table[i].dflt)
            len += append(buf + len, cap - len, "%s%s=%d", comma, table[i].name, value);
    }
}
