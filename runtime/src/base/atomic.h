/* atomic.h - the only spelling of memory orders. A site that is not relaxed names its partner. Threads: any. Memory:
 * none.
 * Why macros: they take any _Atomic type, of gcc and of clang. Why assembly for the full fence: ThreadSanitizer does
 * not model fences (gcc refuses to compile them with it), and every happens-before it needs comes from acquire and
 * release. */
#ifndef RTI_ATOMIC_H
#define RTI_ATOMIC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define load_rlx(p)     atomic_load_explicit(p, memory_order_relaxed)
#define load_acq(p)     atomic_load_explicit(p, memory_order_acquire)
#define load_seq(p)     atomic_load_explicit(p, memory_order_seq_cst)
#define store_rlx(p, v) atomic_store_explicit(p, v, memory_order_relaxed)
#define store_rel(p, v) atomic_store_explicit(p, v, memory_order_release)

/* Read-modify-write: about 6 ns each; count them. cas_*: on failure *expected holds what was there. */
#define xchg_acq_rel(p, v) atomic_exchange_explicit(p, v, memory_order_acq_rel)
#define xchg_seq(p, v)     atomic_exchange_explicit(p, v, memory_order_seq_cst)
#define add_rlx(p, v)      atomic_fetch_add_explicit(p, v, memory_order_relaxed)
#define add_seq(p, v)      atomic_fetch_add_explicit(p, v, memory_order_seq_cst)
#define sub_acq_rel(p, v)  atomic_fetch_sub_explicit(p, v, memory_order_acq_rel)
#define sub_seq(p, v)      atomic_fetch_sub_explicit(p, v, memory_order_seq_cst)
#define or_acq_rel(p, v)   atomic_fetch_or_explicit(p, v, memory_order_acq_rel)
#define or_rlx(p, v)       atomic_fetch_or_explicit(p, v, memory_order_relaxed)
#define and_acq_rel(p, v)  atomic_fetch_and_explicit(p, v, memory_order_acq_rel)
#define and_rlx(p, v)      atomic_fetch_and_explicit(p, v, memory_order_relaxed)
#define cas_rlx(p, expected, v)                                                                                        \
    atomic_compare_exchange_strong_explicit(p, expected, v, memory_order_relaxed, memory_order_relaxed)
#define cas_acq(p, expected, v)                                                                                        \
    atomic_compare_exchange_strong_explicit(p, expected, v, memory_order_acquire, memory_order_relaxed)
#define cas_rel(p, expected, v)                                                                                        \
    atomic_compare_exchange_strong_explicit(p, expected, v, memory_order_release, memory_order_relaxed)
#define cas_acq_rel(p, expected, v)                                                                                    \
    atomic_compare_exchange_strong_explicit(p, expected, v, memory_order_acq_rel, memory_order_acquire)
#define cas_seq(p, expected, v)                                                                                        \
    atomic_compare_exchange_strong_explicit(p, expected, v, memory_order_seq_cst, memory_order_seq_cst)

/* Nothing moves across, in the compiler only. */
#define fence_compiler() __asm__ volatile("" ::: "memory")

/* Store-then-load order between threads (the two-sided checks). */
static inline void fence_full(void)
{
#if defined(__x86_64__)
    __asm__ volatile("lock orl $0, (%%rsp)" ::: "memory", "cc");
#elif defined(__aarch64__)
    __asm__ volatile("dmb ish" ::: "memory");
#else
    __sync_synchronize();
#endif
}

/* The same where the last access to memory was a sequentially consistent read-modify-write: free on x86. */
static inline void fence_full_after_rmw(void)
{
#if defined(__x86_64__)
    fence_compiler();
#else
    fence_full();
#endif
}

#endif
