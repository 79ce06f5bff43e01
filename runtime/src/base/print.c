#include "base/print.h"

#include <stdint.h>
#include <unistd.h>

struct out {
    char *at, *end;
};

static void put(struct out *o, char c)
{
    if (o->at < o->end)
        *o->at++ = c;
}

static void put_text(struct out *o, const char *s)
{
    for (s = s ? s : "(null)"; *s; s++)
        put(o, *s);
}

static void put_number(struct out *o, uint64_t v, unsigned base)
{
    char digits[24];
    int n = 0;
    do {
        digits[n++] = "0123456789abcdef"[v % base];
        v /= base;
    } while (v);
    while (n > 0)
        put(o, digits[--n]);
}

static void put_signed(struct out *o, int64_t v)
{
    if (v < 0)
        put(o, '-');
    put_number(o, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10);
}

/* One conversion; args is passed by address since va_list may be an array. */
static void put_conversion(struct out *o, char conv, int longs, va_list *args)
{
    switch (conv) {
    case 's':
        put_text(o, va_arg(*args, const char *));
        break;
    case 'd':
        put_signed(o, longs ? va_arg(*args, long) : va_arg(*args, int));
        break;
    case 'u':
        put_number(o, longs ? va_arg(*args, unsigned long) : va_arg(*args, unsigned), 10);
        break;
    case 'x':
        put_number(o, longs ? va_arg(*args, unsigned long) : va_arg(*args, unsigned), 16);
        break;
    case 'p':
        put_text(o, "0x");
        put_number(o, (uintptr_t)va_arg(*args, void *), 16);
        break;
    case 'c':
        put(o, (char)va_arg(*args, int));
        break;
    default:
        put(o, '%');
        if (conv != '%')
            put(o, conv);
    }
}

size_t rti_print_format(char *buf, size_t cap, const char *fmt, va_list args)
{
    struct out o = {.at = buf, .end = buf + cap - 1};
    va_list ap;
    va_copy(ap, args);
    for (; *fmt; fmt++) {
        if (*fmt != '%') {
            put(&o, *fmt);
            continue;
        }
        int longs = 0;
        for (fmt++; *fmt == 'l' || *fmt == 'z'; fmt++)
            longs++;
        if (!*fmt)
            break;
        put_conversion(&o, *fmt, longs, &ap);
    }
    va_end(ap);
    *o.at = '\0';
    return (size_t)(o.at - buf);
}

void rti_print_args(const char *fmt, va_list args)
{
    char buf[512];
    size_t n = rti_print_format(buf, sizeof buf, fmt, args);
    for (size_t done = 0; done < n;) {
        ssize_t w = write(STDERR_FILENO, buf + done, n - done);
        if (w <= 0)
            return; /* nowhere to complain to */
        done += (size_t)w;
    }
}

void rti_print_text(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    rti_print_args(fmt, args);
    va_end(args);
}
