/* check.h - CHECK (always) and DCHECK (debug builds). They guard invariants of our own and cite them; they never judge
 * input, which gets an error code. No side effects inside. Threads: any. */
#ifndef COMMON_BASE_CHECK_H
#define COMMON_BASE_CHECK_H

#include <rt/attr.h>

/* Prints file, line and expression to standard error and aborts. */
NORETURN void check_failed(const char *file, int line, const char *expr);

#define CHECK(expr)                                                                                                    \
    do {                                                                                                               \
        if (UNLIKELY(!(expr)))                                                                                         \
            check_failed(__FILE__, __LINE__, #expr);                                                                   \
    } while (0)
#if LODE_DCHECK
#define DCHECK(expr) CHECK(expr)
#else
#define DCHECK(expr) ((void)sizeof(!(expr)))
#endif

#endif
