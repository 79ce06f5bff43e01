#include "common/log/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/wire/cursor.h"
#include "common/wire/plain.h"

/* The process's one log. Set before the first thread, but for level and lost, which any thread may write. */
static struct {
    const char *component;
    enum log_form form;
    int fd;
    _Atomic(int) level;
    _Atomic(uint64_t) lost;
} state = {.component = "lode", .fd = STDERR_FILENO, .level = LOG_LEVEL_INFO};
/* The output took a part of the last line, so the next one begins on a line of its own. Written by any thread. */
static atomic_bool torn;

enum {
    KEY_MAX = 64,
    VALUE_MAX = 1024,
    TIME_MAX = 64,
    TAIL_MAX = 64, /* room kept for cut=true and the end of the line */
};

/* A line under construction; what does not fit is left out and `cut` says so. */
struct line {
    char text[LOG_LINE_MAX];
    size_t len;
    bool cut;
};

/* One value whole, before it is quoted. */
struct piece {
    const char *text;
    size_t len;
    bool is_number; /* bare in JSON */
    bool cut;       /* not all of it is there */
};

/* One value under construction. */
struct value {
    char text[VALUE_MAX];
    size_t len;
    bool cut;
    bool is_number; /* exactly one number: bare in JSON */
    unsigned parts; /* conversions and pieces of literal text */
};

static const char *const level_names[] = {"error", "warn", "info", "debug"};

void log_init(const char *component, enum log_form form, int fd)
{
    state.component = component;
    state.form = form;
    state.fd = fd;
}

void log_set_level(enum log_level level)
{
    state.level = (int)level;
}

enum log_level log_level(void)
{
    return (enum log_level)state.level;
}

bool log_enabled(enum log_level level)
{
    return (int)level <= state.level;
}

const char *log_level_name(enum log_level level)
{
    return (size_t)level < ARRAY_LEN(level_names) ? level_names[level] : "unknown";
}

int log_level_parse(enum log_level *out, const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++)
        if (strcasecmp(name, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return 0;
        }
    return ERR_FORMAT;
}

uint64_t log_lost(void)
{
    return state.lost;
}

/* Appending. All of it is safe in a signal handler. */

static void put(struct line *l, const char *bytes, size_t len)
{
    if (l->len + len > sizeof(l->text) - TAIL_MAX) {
        l->cut = true;
        return;
    }
    memcpy(l->text + l->len, bytes, len);
    l->len += len;
}

static void put_text(struct line *l, const char *text)
{
    put(l, text, strlen(text));
}

/* v in decimal, padded with zeroes to width. Returns the digits in buf's end. */
static char *digits(char buf[24], uint64_t v, int width)
{
    char *p = buf + 23;
    *p = 0;
    do {
        *--p = (char)('0' + v % 10);
        v /= 10;
    } while (v || buf + 23 - p < width);
    return p;
}

/* RFC 3339 in UTC with nanoseconds; days to a date by the algorithm of H. Hinnant, "chrono-compatible low-level date
 * algorithms", civil_from_days. (gmtime_r takes a lock, so it is not for signal handlers.) */
static void format_time(char out[TIME_MAX], const struct timespec *ts)
{
    const int64_t day = ts->tv_sec / 86400, second = ts->tv_sec % 86400;
    const int64_t z = day + 719468, era = z / 146097, doe = z - era * 146097;
    const int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    const int64_t month = mp < 10 ? mp + 3 : mp - 9, year = yoe + era * 400 + (month <= 2);
    const struct {
        int64_t v;
        int width;
        char after;
    } parts[] = {{year, 4, '-'},
                 {month, 2, '-'},
                 {doy - (153 * mp + 2) / 5 + 1, 2, 'T'},
                 {second / 3600, 2, ':'},
                 {second / 60 % 60, 2, ':'},
                 {second % 60, 2, '.'},
                 {ts->tv_nsec, 9, 'Z'}};
    char buf[24];
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        const char *text = digits(buf, (uint64_t)parts[i].v, parts[i].width);
        while (*text)
            *out++ = *text++;
        *out++ = parts[i].after;
    }
    *out = 0;
}

/* Bytes of one character of text[0..len), 0 when it must be escaped: quote, backslash, and what is not plain. */
static size_t plain_char(const char *text, size_t len)
{
    return *text == '"' || *text == '\\' ? 0 : plain_sequence((const uint8_t *)text, len);
}

static char escape_letter(char c)
{
    switch (c) {
    case '"':
    case '\\':
        return c;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

/* A character that may not stand for itself, by its code point (all of them have four digits); a byte that is no UTF-8
 * by its value. Returns the bytes it took. */
static size_t put_escaped(struct line *l, const char *text, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    const uint8_t *at = (const uint8_t *)text;
    const char named[] = {'\\', escape_letter(*text), 0};
    if (named[1]) {
        put_text(l, named);
        return 1;
    }
    const size_t n = cursor_sequence(at, len);
    const uint32_t c = n ? plain_code_point(at, n) : *at;
    const char unicode[] = {'\\', 'u', hex[c >> 12 & 15], hex[c >> 8 & 15], hex[c >> 4 & 15], hex[c & 15], 0};
    put_text(l, unicode);
    return n ? n : 1;
}

static void put_quoted(struct line *l, const char *text, size_t len)
{
    put(l, "\"", 1);
    for (size_t i = 0, n; i < len; i += n) {
        n = plain_char(text + i, len - i);
        if (n)
            put(l, text + i, n);
        else
            n = put_escaped(l, text + i, len - i);
    }
    put(l, "\"", 1);
}

/* logfmt: bare when nothing in it could be taken for something else. */
static bool is_bare(const char *text, size_t len)
{
    for (size_t i = 0, n; i < len; i += n) {
        n = plain_char(text + i, len - i);
        if (n == 0 || text[i] == ' ' || text[i] == '=')
            return false;
    }
    return len > 0;
}

static void put_key(struct line *l, const char *key, size_t len)
{
    if (state.form == LOG_FORM_JSON) {
        put(l, l->len > 1 ? "," : "", l->len > 1);
        put_quoted(l, key, len);
        put(l, ":", 1);
        return;
    }
    put(l, " ", l->len > 0);
    put(l, key, len);
    put(l, "=", 1);
}

static void put_value(struct line *l, const char *text, size_t len, bool is_number)
{
    if (state.form == LOG_FORM_JSON ? is_number : is_bare(text, len))
        put(l, text, len);
    else
        put_quoted(l, text, len);
}

/* Key and value, whole or not at all. */
static void put_pair(struct line *l, const char *key, size_t key_len, const struct piece *v)
{
    const size_t before = l->len;
    const bool was_cut = l->cut;
    l->cut = false;
    put_key(l, key, key_len);
    put_value(l, v->text, v->len, v->is_number);
    if (l->cut)
        l->len = before;
    l->cut = l->cut || was_cut || v->cut;
}

static void put_named(struct line *l, const char *key, const char *text)
{
    const size_t len = strlen(text);
    put_pair(l, key, strlen(key), &(struct piece){text, len < VALUE_MAX ? len : VALUE_MAX, false, len > VALUE_MAX});
}

static void put_count(struct line *l, const char *key, int64_t n)
{
    char buf[24] = {0}; /* twenty digits, a sign and the NUL */
    char *text = digits(buf, n < 0 ? 0 - (uint64_t)n : (uint64_t)n, 1);
    if (n < 0)
        *--text = '-';
    put_pair(l, key, strlen(key), &(struct piece){.text = text, .len = strlen(text), .is_number = true});
}

static void begin(struct line *l, enum log_level level, const char *event)
{
    struct timespec ts;
    char stamp[TIME_MAX];
    clock_gettime(CLOCK_REALTIME, &ts);
    format_time(stamp, &ts);
    l->len = 0;
    l->cut = false;
    if (state.form == LOG_FORM_JSON)
        put(l, "{", 1);
    put_named(l, "ts", stamp);
    put_named(l, "level", log_level_name(level));
    put_named(l, "component", state.component);
    put_named(l, "event", event);
}

/* True when the output took all of it. */
static bool write_out(const char *bytes, size_t len)
{
    ssize_t n;
    do {
        n = write(state.fd, bytes, len);
    } while (n < 0 && errno == EINTR);
    if (n > 0 && (size_t)n < len)
        torn = true;
    return n == (ssize_t)len;
}

/* Ends the line and hands it over in one write. A line that the output does not take whole is counted, not waited for:
 * the log must not stop the program. */
static void end(struct line *l)
{
    const bool json = state.form == LOG_FORM_JSON;
    const char *tail = l->cut ? (json ? ",\"cut\":true}\n" : " cut=true\n") : (json ? "}\n" : "\n");
    const size_t len = strlen(tail);
    memcpy(l->text + l->len, tail, len); /* TAIL_MAX was kept free */
    l->len += len;
    if (atomic_exchange(&torn, false) && !write_out("\n", 1))
        torn = true;
    if (!write_out(l->text, l->len))
        state.lost++;
}

/* Formatting. */

static void add(struct value *v, const char *text, size_t len)
{
    const size_t room = sizeof(v->text) - v->len;
    v->cut = v->cut || len > room;
    len = len > room ? room : len;
    memcpy(v->text + v->len, text, len);
    v->len += len;
}

/* One conversion, as in printf: %[0][width][.precision][length]letter. */
struct conversion {
    bool zero;
    int width, precision; /* precision -1: none */
    char length;          /* 0 h H(hh) l q(ll) z j t */
    char letter;
};

static int read_digits(const char **p)
{
    int n = 0;
    for (; **p >= '0' && **p <= '9'; ++*p)
        n = n < 1000 ? n * 10 + (**p - '0') : n;
    return n;
}

static char read_length(const char **p)
{
    const char c = **p;
    if (!c || !strchr("hlzjt", c))
        return 0;
    ++*p;
    if (**p != c || (c != 'h' && c != 'l'))
        return c;
    ++*p;
    return c == 'h' ? 'H' : 'q';
}

/* Reads the conversion behind a '%'; a '*' takes its number from args. */
static struct conversion read_conversion(const char **p, va_list *args)
{
    struct conversion k = {.precision = -1};
    k.zero = **p == '0';
    k.width = read_digits(p);
    if (**p == '.') {
        ++*p;
        if (**p == '*') {
            ++*p;
            k.precision = va_arg(*args, int);
        } else {
            k.precision = read_digits(p);
        }
    }
    k.length = read_length(p);
    k.letter = **p;
    if (**p)
        ++*p;
    return k;
}

static intmax_t signed_arg(char length, va_list *args)
{
    switch (length) {
    case 'l':
        return va_arg(*args, long);
    case 'q':
        return va_arg(*args, long long);
    case 'j':
        return va_arg(*args, intmax_t);
    case 'z':
        return va_arg(*args, ssize_t);
    case 't':
        return va_arg(*args, ptrdiff_t);
    case 'h':
        return (short)va_arg(*args, int);
    case 'H':
        return (signed char)va_arg(*args, int);
    default:
        return va_arg(*args, int);
    }
}

static uintmax_t unsigned_arg(char length, va_list *args)
{
    switch (length) {
    case 'l':
        return va_arg(*args, unsigned long);
    case 'q':
        return va_arg(*args, unsigned long long);
    case 'j':
        return va_arg(*args, uintmax_t);
    case 'z':
    case 't':
        return va_arg(*args, size_t);
    case 'h':
        return (unsigned short)va_arg(*args, unsigned);
    case 'H':
        return (unsigned char)va_arg(*args, unsigned);
    default:
        return va_arg(*args, unsigned);
    }
}

static void add_string(struct value *v, const char *text, int precision)
{
    const char *s = text ? text : "(null)";
    add(v, s, precision < 0 ? strlen(s) : strnlen(s, (size_t)precision));
}

static void add_float(struct value *v, double d, const struct conversion *k)
{
    char buf[512];
    const int precision = k->precision < 0 ? 6 : k->precision;
    const int n = k->letter == 'f' ? snprintf(buf, sizeof(buf), "%.*f", precision, d)
                                   : snprintf(buf, sizeof(buf), "%.*g", precision, d);
    add(v, buf, n < 0 ? 0 : strnlen(buf, sizeof(buf)));
    v->is_number = v->is_number && d - d == 0; /* JSON has no infinities and no NaN */
}

static void add_integer(struct value *v, const struct conversion *k, va_list *args)
{
    char buf[64];
    const int width = k->width < 40 ? k->width : 40;
    int n;
    if (k->letter == 'x') {
        const uintmax_t x = unsigned_arg(k->length, args);
        n = k->zero ? snprintf(buf, sizeof(buf), "%0*jx", width, x) : snprintf(buf, sizeof(buf), "%jx", x);
        v->is_number = false;
    } else if (k->letter == 'u') {
        n = snprintf(buf, sizeof(buf), "%ju", unsigned_arg(k->length, args));
    } else {
        n = snprintf(buf, sizeof(buf), "%jd", signed_arg(k->length, args));
    }
    add(v, buf, n > 0 ? (size_t)n : 0);
}

/* Puts one argument into v. False for a conversion that is not ours: the arguments behind it cannot be found then. */
static bool add_conversion(struct value *v, const struct conversion *k, va_list *args)
{
    char buf[24];
    v->is_number = v->parts++ == 0 && strchr("diufg", k->letter);
    switch (k->letter) {
    case 's':
        add_string(v, va_arg(*args, const char *), k->precision);
        return true;
    case 'c':
        buf[0] = (char)va_arg(*args, int);
        add(v, buf, 1);
        return true;
    case 'd':
    case 'i':
    case 'u':
    case 'x':
        add_integer(v, k, args);
        return true;
    case 'f':
    case 'g':
        add_float(v, va_arg(*args, double), k);
        return true;
    case 'p':
        add(v, buf, (size_t)snprintf(buf, sizeof(buf), "%p", va_arg(*args, void *)));
        return true;
    case '%':
        add(v, "%", 1);
        return true;
    default:
        add(v, "?", 1);
        return false;
    }
}

/* Formats up to the next space of the format itself. */
static bool read_value(struct value *v, const char **p, va_list *args)
{
    v->len = 0;
    v->parts = 0;
    v->cut = v->is_number = false;
    while (**p && **p != ' ') {
        if (**p == '%') {
            ++*p;
            const struct conversion k = read_conversion(p, args);
            if (!add_conversion(v, &k, args))
                return false;
            continue;
        }
        add(v, (*p)++, 1);
        v->parts++;
        v->is_number = false;
    }
    return true;
}

/* "key=%d key=%s:%d ...": a word without '=' is a key that is true. */
static void put_pairs(struct line *l, const char *format, va_list *args)
{
    struct value v;
    for (const char *p = format; *p;) {
        if (*p == ' ') {
            p++;
            continue;
        }
        const char *key = p;
        p += strcspn(p, "= ");
        const size_t key_len = (size_t)(p - key) < KEY_MAX ? (size_t)(p - key) : KEY_MAX;
        if (*p != '=') {
            put_pair(l, key, key_len, &(struct piece){.text = "true", .len = 4, .is_number = true});
            continue;
        }
        p++;
        const bool ok = read_value(&v, &p, args);
        put_pair(l, key, key_len, &(struct piece){v.text, v.len, v.is_number, v.cut});
        if (!ok)
            return;
    }
}

/* Whether this site may write now, and how many lines it swallowed before. Racing threads may let a line more pass. */
static bool admit(struct log_site *site, uint32_t *suppressed)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    const int64_t now = ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
    const int64_t window = site->window_ns;
    *suppressed = 0;
    if (window == 0 || now - window >= INT64_C(1000000000)) {
        site->window_ns = now;
        site->lines = 0;
    }
    if (site->lines++ >= LOG_BURST) {
        site->suppressed++;
        return false;
    }
    *suppressed = atomic_exchange(&site->suppressed, 0);
    return true;
}

void log_write(struct log_site *site, enum log_level level, const char *event, const char *format, ...)
{
    const int keep = errno;
    uint32_t suppressed;
    struct line l;
    va_list args;
    if (!admit(site, &suppressed)) {
        errno = keep;
        return;
    }
    begin(&l, level, event);
    va_start(args, format);
    put_pairs(&l, format, &args);
    va_end(args);
    if (suppressed)
        put_count(&l, "suppressed", suppressed);
    end(&l);
    errno = keep;
}

void log_crash_sig(const char *event, const struct log_pair *pairs, size_t n)
{
    const int keep = errno;
    struct line l;
    begin(&l, LOG_LEVEL_ERROR, event);
    for (size_t i = 0; i < n; i++) {
        if (pairs[i].text)
            put_named(&l, pairs[i].key, pairs[i].text);
        else
            put_count(&l, pairs[i].key, pairs[i].number);
    }
    end(&l);
    errno = keep;
}
