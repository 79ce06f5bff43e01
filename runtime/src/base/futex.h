/* futex.h - the kernel's wait on a word, for what is neither a lock nor a note. Threads: any; safe in signal handlers.
 * Memory: none. */
#ifndef RTI_FUTEX_H
#define RTI_FUTEX_H

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include <rt/check.h>

/* Sleeps while *word is `value`, for at most timeout_ns (negative: for ever). May return at any time: look again. */
static inline void rti_futex_wait(_Atomic(uint32_t) *word, uint32_t value, int64_t timeout_ns)
{
    struct timespec ts = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    if (syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout_ns >= 0 ? &ts : NULL, NULL, 0) != 0 &&
        errno != EAGAIN && errno != EINTR && errno != ETIMEDOUT)
        rt_throw("futex wait failed (errno %d)", errno); /* else whoever waits would spin */
}

/* Wakes up to n sleepers. */
static inline void rti_futex_wake(_Atomic(uint32_t) *word, int n)
{
    if (syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0) < 0)
        rt_throw("futex wake failed (errno %d)", errno); /* else whoever waits would wait for ever */
}

static inline void rti_futex_wake_all(_Atomic(uint32_t) *word)
{
    rti_futex_wake(word, INT_MAX);
}

#endif
