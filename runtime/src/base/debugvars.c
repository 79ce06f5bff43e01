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
    RTI_DEBUGVARS(DEFAULT)
#undef DEFAULT
};

static const struct {
    const char *name;
    size_t offset;
    int dflt;
} table[] = {
#define ROW(name, dflt, text) {#name, offsetof(struct rti_debugvars, name), dflt},
    RTI_DEBUGVARS(ROW)
#undef ROW
};

static int *field(struct rti_debugvars *vars, size_t row)
{
    return (int *)((char *)vars + table[row].offset);
}

void rti_debugvars_reset(struct rti_debugvars *vars)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        *field(vars, i) = table[i].dflt;
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

static bool set_one(struct rti_debugvars *vars, const char *s, size_t len)
{
    const char *eq = memchr(s, '=', len);
    if (!eq)
        return false;
    size_t name_len = (size_t)(eq - s);
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (strlen(table[i].name) == name_len && memcmp(table[i].name, s, name_len) == 0)
            return read_int(eq + 1, len - name_len - 1, field(vars, i));
    return false;
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
        int value = *field((struct rti_debugvars *)(uintptr_t)vars, i);
        if (value != table[i].dflt)
            len += append(buf + len, cap - len, "%s%s=%d", len ? "," : "", table[i].name, value);
    }
}
