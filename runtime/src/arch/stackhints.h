/* stackhints.h - tell ASan and TSan that the stack changes. Empty otherwise. Threads: the one that switches. Memory:
 * TSan keeps a record per fiber.
 * Each hint sits in the very function that switches: a helper that was entered on one fiber and left on another would
 * under-run TSan's shadow stack. So they are macros, and the function is RTI_NO_SANITIZE.
 * ASan's fake stack is never passed as NULL: that would free the thread's, not the goroutine's, when
 * detect_stack_use_after_return is on (google/sanitizers 1760). */
#ifndef RTI_STACKHINTS_H
#define RTI_STACKHINTS_H

#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#if defined(__SANITIZE_THREAD__)
#define RTI_HAVE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define RTI_HAVE_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define RTI_HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RTI_HAVE_ASAN 1
#endif
#endif

struct rti_stackhints { /* without sanitizers it takes no room in a G */
#if defined(RTI_HAVE_TSAN) || defined(RTI_HAVE_ASAN)
    void *asan_fake;  /* saved when switched away */
    void *tsan_fiber; /* NULL: none yet */
    int tsan_uses;    /* goroutines this fiber has served */
    const void *lo;   /* lowest byte of the stack */
    size_t size;
#endif
};

/* What a function that switches calls, and what orders memory: inlined there, TSan would not see its atomics. */
#if defined(RTI_HAVE_TSAN) || defined(RTI_HAVE_ASAN)
#define RTI_INLINE_UNLESS_SANITIZED NOINLINE
#else
#define RTI_INLINE_UNLESS_SANITIZED ALWAYS_INLINE
#endif

#define RTI_NO_SANITIZE __attribute__((no_sanitize("address", "thread", "undefined")))

#if defined(RTI_HAVE_TSAN)
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
/* Directly before the switch. */
#define RTI_STACKHINTS_LEAVE(from, to) __tsan_switch_to_fiber((to)->tsan_fiber, 0)
#define RTI_STACKHINTS_ARRIVE(me)      ((void)(me))
enum { RTI_STACKHINTS_SANITIZED = 1 };
#elif defined(RTI_HAVE_ASAN)
void __sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake, const void **bottom_old, size_t *size_old);
#define RTI_STACKHINTS_LEAVE(from, to) __sanitizer_start_switch_fiber(&(from)->asan_fake, (to)->lo, (to)->size)
/* First thing on the stack that was switched to. */
#define RTI_STACKHINTS_ARRIVE(me)      __sanitizer_finish_switch_fiber((me)->asan_fake, NULL, NULL)
enum { RTI_STACKHINTS_SANITIZED = 1 };
#else
#define RTI_STACKHINTS_LEAVE(from, to) ((void)(from), (void)(to))
#define RTI_STACKHINTS_ARRIVE(me)      ((void)(me))
enum { RTI_STACKHINTS_SANITIZED = 0 };
#endif

/* The calling thread's own stack. */
void rti_stackhints_thread(struct rti_stackhints *h);
/* A goroutine gets the stack [lo, lo + size); what an earlier one left poisoned there is forgotten. */
void rti_stackhints_bind(struct rti_stackhints *h, void *lo, size_t size);
/* It is done with it; not while it runs. */
void rti_stackhints_unbind(struct rti_stackhints *h);

#endif
