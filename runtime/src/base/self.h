/* self.h - reads a thread-local pointer without the compiler remembering where it lives. Threads: any. Memory: none.
 * Compilers keep the address of a thread-local across a call that resumes on another thread, and use the first thread's
 * copy. So the runtime reads its one thread-local by hand: the offset comes from the linker, the base from the thread
 * register, in one volatile asm that is never merged with an earlier one. */
#ifndef RTI_SELF_H
#define RTI_SELF_H

#include <stdint.h>

/* The value of the thread-local pointer variable `name` (initial-exec). */
#if defined(__x86_64__)
#define RTI_SELF_LOAD(name)                                                                                            \
    __extension__({                                                                                                    \
        void *self_;                                                                                                   \
        __asm__ volatile("movq " #name "@gottpoff(%%rip), %0\n\tmovq %%fs:(%0), %0" : "=r"(self_) : : "memory");       \
        self_;                                                                                                         \
    })
/* Adds the constant n to the thread-local uint32_t variable `name`, in one instruction as seen by signal handlers. */
#define RTI_SELF_ADD(name, n)                                                                                          \
    do {                                                                                                               \
        void *self_;                                                                                                   \
        __asm__ volatile("movq " #name "@gottpoff(%%rip), %0\n\taddl %1, %%fs:(%0)"                                    \
                         : "=&r"(self_)                                                                                \
                         : "i"(n)                                                                                      \
                         : "memory", "cc");                                                                            \
    } while (0)
#elif defined(__aarch64__)
#define RTI_SELF_LOAD(name)                                                                                            \
    __extension__({                                                                                                    \
        void *self_, *base_;                                                                                           \
        __asm__ volatile("adrp %0, :gottprel:" #name "\n\tldr %0, [%0, :gottprel_lo12:" #name "]\n\t"                  \
                         "mrs %1, tpidr_el0\n\tldr %0, [%1, %0]"                                                       \
                         : "=&r"(self_), "=&r"(base_)                                                                  \
                         :                                                                                             \
                         : "memory");                                                                                  \
        self_;                                                                                                         \
    })
#define RTI_SELF_ADD(name, n)                                                                                          \
    do {                                                                                                               \
        void *self_, *base_;                                                                                           \
        uint32_t sum_;                                                                                                 \
        __asm__ volatile("adrp %0, :gottprel:" #name "\n\tldr %0, [%0, :gottprel_lo12:" #name "]\n\t"                  \
                         "mrs %1, tpidr_el0\n\tadd %1, %1, %0\n\tldr %w2, [%1]\n\tadd %w2, %w2, %w3\n\t"               \
                         "str %w2, [%1]"                                                                               \
                         : "=&r"(self_), "=&r"(base_), "=&r"(sum_)                                                     \
                         : "r"(n)                                                                                      \
                         : "memory");                                                                                  \
    } while (0)
#endif

#endif
