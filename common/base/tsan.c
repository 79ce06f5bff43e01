#include "common/base/tsan.h"

/* Weak: NULL where TSan is not linked in. */
void tsan_library_acquire(void *at) __asm__("__tsan_acquire") __attribute__((weak));
void tsan_library_release(void *at) __asm__("__tsan_release") __attribute__((weak));
/* The name that TSan looks for; nobody else does. */
const char *tsan_suppressions(void) __asm__("__tsan_default_suppressions");

/* libzmq is not instrumented and orders its threads by atomics that TSan does not see: what it does inside is not ours
 * to judge. Both names, because its strings are compared inside the C++ library. */
const char *tsan_suppressions(void)
{
    return "called_from_lib:libzmq.so\ncalled_from_lib:libstdc++.so\n";
}

void tsan_acquire(void *at)
{
    if (tsan_library_acquire)
        tsan_library_acquire(at);
}

void tsan_release(void *at)
{
    if (tsan_library_release)
        tsan_library_release(at);
}

static char passage; /* only its address is used */

void tsan_message_sent(void)
{
    tsan_release(&passage);
}

void tsan_message_received(void)
{
    tsan_acquire(&passage);
}
