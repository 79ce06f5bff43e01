/* log.h - one event, one line: logfmt or JSON, with levels, a rate limit per call site and a signal-safe variant.
 * Threads: any. Memory: none; a line is built on the stack (2 KiB). State: one per process (level, form, output), here
 * because every floor logs; everything else passes self.
 *
 *   LOG_WARN("share_stale", "worker=%s age_ms=%d", name, age);
 *   ts=2026-11-24T19:50:00.123456789Z level=warn component=coordinator event=share_stale worker=w1 age_ms=7
 *
 * The format is split into pairs at its own spaces, before any argument is put in; then each value is quoted if it must
 * be. So whatever bytes an argument holds, it stays one value: it cannot end its line or start another key.
 * Conversions: %s %c %d %i %u %x %f %g %p %%, with h, hh, l, ll, z, j, t, a precision (%.*s too), and 0 with a width
 * for %x. No secrets; never in a hash loop. */
#ifndef COMMON_LOG_LOG_H
#define COMMON_LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

enum log_level {
    LOG_LEVEL_ERROR = 0, /* a person must act */
    LOG_LEVEL_WARN = 1,  /* healed itself */
    LOG_LEVEL_INFO = 2,  /* life cycle; the default */
    LOG_LEVEL_DEBUG = 3, /* per message */
};

enum log_form { LOG_FORM_TEXT = 0, LOG_FORM_JSON = 1 };

enum {
    LOG_LINE_MAX = 2048, /* bytes with the newline; longer lines are cut and say cut=true */
    LOG_BURST = 20,      /* lines per second and call site; then only their count, as suppressed=N of the next line */
};

/* One call site's bucket; made by the macros. Written by any thread, atomically. */
struct log_site {
    _Atomic(int64_t) window_ns;
    _Atomic(uint32_t) lines, suppressed;
};

#define LOG_AT(level, event, ...)                                                                                      \
    do {                                                                                                               \
        static struct log_site log_site_;                                                                              \
        if (log_enabled(level))                                                                                        \
            log_write(&log_site_, level, event, " " __VA_ARGS__);                                                      \
    } while (0)
#define LOG_ERROR(event, ...) LOG_AT(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define LOG_WARN(event, ...)  LOG_AT(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define LOG_INFO(event, ...)  LOG_AT(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define LOG_DEBUG(event, ...) LOG_AT(LOG_LEVEL_DEBUG, event, __VA_ARGS__)

/* Before the first thread: the program's name in every line (borrowed for ever), form and output descriptor (2 by
 * default; borrowed). */
void log_init(const char *component, enum log_form form, int fd);
/* Any time, any thread. */
void log_set_level(enum log_level level);
enum log_level log_level(void);
bool log_enabled(enum log_level level);
/* "error", "warn", "info", "debug", to and from. ERR_FORMAT for another word. */
const char *log_level_name(enum log_level level);
int log_level_parse(enum log_level *out, const char *name) MUST_CHECK;
/* Lines that the output did not take (full pipe, error), since the start. */
uint64_t log_lost(void);

/* For the macros: event and format are literals. Keeps errno. */
PRINTF_LIKE(4, 5)
void log_write(struct log_site *site, enum log_level level, const char *event, const char *format, ...);

/* One key and value of a crash line. */
struct log_pair {
    const char *key;
    const char *text; /* NULL: number is the value */
    int64_t number;
};
/* An ERROR line from a signal handler: no lock, no allocation, no limit; keeps errno. */
void log_crash_sig(const char *event, const struct log_pair *pairs, size_t n);

#endif
