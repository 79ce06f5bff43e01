/* tsan.h - tell ThreadSanitizer of an order that it cannot see, as through libzmq's queues. Nothing in other builds.
 * Threads: any. Memory: none. */
#ifndef COMMON_BASE_TSAN_H
#define COMMON_BASE_TSAN_H

#if defined(__SANITIZE_THREAD__)
#define TSAN_ACTIVE 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TSAN_ACTIVE 1
#endif
#endif

#ifdef TSAN_ACTIVE
void __tsan_acquire(void *at);
void __tsan_release(void *at);
/* What this thread did before TSAN_RELEASE(at) is seen by one that then passes TSAN_ACQUIRE(at). */
#define TSAN_ACQUIRE(at) __tsan_acquire(at)
#define TSAN_RELEASE(at) __tsan_release(at)
#else
#define TSAN_ACQUIRE(at) ((void)(at))
#define TSAN_RELEASE(at) ((void)(at))
#endif

#endif
