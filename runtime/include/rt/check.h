/* check.h - CHECK, DCHECK and rt_throw of the runtime. They guard our own invariants and cite them; they never judge
 * input, which gets an error code. Threads: any, signal handlers too. Memory: none. */
#ifndef RT_CHECK_H
#define RT_CHECK_H

#include <rt/attr.h>

RT_DECLS_BEGIN

/* Prints "fatal error: " and the message (a subset of printf: %s %d %u %x %p %c %%, and l or ll or z before them), then
 * the goroutine dump if the runtime is up, and exits with status 2 like Go; GOTRACEBACK=crash aborts instead.
 * Async-signal-safe. */
NORETURN void rt_throw(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* What CHECK calls. */
NORETURN void rt_throw_check(const char *file, int line, const char *expr);

#define CHECK(expr)                                                                                                    \
    do {                                                                                                               \
        if (UNLIKELY(!(expr)))                                                                                         \
            rt_throw_check(__FILE__, __LINE__, #expr);                                                                 \
    } while (0)
#if defined(LODE_DCHECK) && LODE_DCHECK
#define DCHECK(expr) CHECK(expr)
#else
#define DCHECK(expr) ((void)sizeof(!(expr)))
#endif

RT_DECLS_END

#endif
