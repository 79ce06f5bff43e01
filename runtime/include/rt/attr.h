/* attr.h - compiler attributes, spelled once. Header only: includes nothing of the runtime. */
#ifndef RT_ATTR_H
#define RT_ATTR_H

#define MUST_CHECK              __attribute__((warn_unused_result))
#define NORETURN                __attribute__((noreturn))
#define NOINLINE                __attribute__((noinline))
#define ALWAYS_INLINE           inline __attribute__((always_inline))
#define PRINTF_LIKE(fmt, first) __attribute__((format(printf, fmt, first)))
#define CACHE_LINE              64
#define CACHE_ALIGNED           __attribute__((aligned(CACHE_LINE)))
#define UNUSED                  __attribute__((unused))
#define LIKELY(x)               __builtin_expect(!!(x), 1)
#define UNLIKELY(x)             __builtin_expect(!!(x), 0)

/* AUTO(thing_free) struct thing *t: thing_free(&t) runs on every way out of the scope. */
#define AUTO(free_fn) __attribute__((cleanup(free_fn)))
/* TAKE(p): the value of p, and p is NULL from now on, so an AUTO on it frees nothing. */
#define TAKE(p)                                                                                                        \
    __extension__({                                                                                                    \
        __typeof__(p) take_ = (p);                                                                                     \
        (p) = NULL;                                                                                                    \
        take_;                                                                                                         \
    })
/* TRY(expr): returns expr from the function if it is negative. The only macro that hides a return. */
#define TRY(expr)                                                                                                      \
    do {                                                                                                               \
        int try_ = (expr);                                                                                             \
        if (UNLIKELY(try_ < 0))                                                                                        \
            return try_;                                                                                               \
    } while (0)

/* Lock annotations, checked by clang -Wthread-safety; nothing elsewhere. */
#ifdef __clang__
#define REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define GUARDED_BY(x) __attribute__((guarded_by(x)))
#else
#define REQUIRES(...)
#define GUARDED_BY(x)
#endif

/* Around the prototypes of a public header: C names, also where C++ includes them. */
#ifdef __cplusplus
#define RT_DECLS_BEGIN extern "C" {
#define RT_DECLS_END   }
#else
#define RT_DECLS_BEGIN
#define RT_DECLS_END
#endif

/* RT_ATOMIC(uint32_t) field: an atomic field of a struct that C++ may embed too, which has no _Atomic. There it is a
 * plain member of the same size and alignment: room for the field, which only the functions of the header touch. */
#ifdef __cplusplus
#define RT_ATOMIC(type) alignas(sizeof(type)) type
#else
#define RT_ATOMIC(type) _Atomic(type)
#endif

/* On a function: its code may be interrupted by a signal, and its goroutine switched away, anywhere, while that is
 * between rt_preemptible_enter and rt_preemptible_leave (rt/go.h says what that asks of it). */
#define RT_PREEMPTIBLE NOINLINE __attribute__((section("rt_preemptible"), aligned(CACHE_LINE)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
