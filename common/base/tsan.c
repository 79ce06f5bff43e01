#include "common/base/tsan.h"

#if defined(__SANITIZE_THREAD__)
#define ACTIVE 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ACTIVE 1
#endif
#endif

#ifdef ACTIVE
void __tsan_acquire(void *at);
void __tsan_release(void *at);
/* The name that TSan looks for. */
const char *tsan_suppressions(void) __asm__("__tsan_default_suppressions");

/* libzmq is not instrumented and orders its threads by atomics that TSan does not see: what it does inside is not ours
 * to judge. Both names, because its strings are compared inside the C++ library. */
const char *tsan_suppressions(void)
{
    return "called_from_lib:libzmq.so\ncalled_from_lib:libstdc++.so\n";
}

void tsan_acquire(void *at)
{
    __tsan_acquire(at);
}

void tsan_release(void *at)
{
    __tsan_release(at);
}
#else
void tsan_acquire(void *at)
{
    (void)at;
}

void tsan_release(void *at)
{
    (void)at;
}
#endif
