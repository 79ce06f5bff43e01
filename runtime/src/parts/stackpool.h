/* stackpool.h - goroutine stacks out of one reserved region. Threads: a pool is shared (rank STACKS inside), a cache
 * belongs to one P. Memory: address space is reserved at once, pages are committed by touch, and stay committed while a
 * stack is cached; trim gives them back.
 *
 * The region is cut into blocks of 1 MiB, each holding slots of one class, so any address is mapped to its slot by
 * arithmetic (in a signal handler too). A slot is [guard page | usable]. */
#ifndef RTI_STACKPOOL_H
#define RTI_STACKPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "base/pages.h"
#include <rt/attr.h>
#include <rt/go.h>

struct rti_stack {
    char *lo, *hi; /* usable bytes [lo, hi) */
    uint8_t class; /* enum rt_stack */
    bool guarded;  /* below lo is a guard page; else *lo holds a canary */
};

enum { RTI_STACKCACHE_SIZE = 32 };
struct rti_stackcache {
    struct {
        uintptr_t slot[RTI_STACKCACHE_SIZE];
        uint32_t n;
    } of[RT_STACK_COUNT];
};

struct rti_stackpool {
    struct rti_lock lock; /* rank STACKS; guards used, open, free, free_count, guards */
    char *region;
    size_t bytes, used;   /* used: blocks handed to classes, in bytes */
    uint8_t *block_class; /* per block: class + 1, 0 while unused; read without the lock by find */
    enum rti_guard guard;
    long guard_limit; /* how many guard pages may be made by mprotect */
    struct {
        char *next, *end; /* of the open block */
        uintptr_t free;   /* slots linked through their topmost word */
        size_t free_count;
    } of[RT_STACK_COUNT];
    _Atomic(uint64_t) made;      /* slots ever cut; written under the lock, read by anybody */
    _Atomic(uint64_t) unguarded; /* of these without a guard page */
};

/* Bytes of address space of a class, guard page included. */
size_t rti_stackpool_class_bytes(enum rt_stack class);

/* Reserves the region; when the kernel refuses, half as much, and so on. -ENOMEM below 64 MiB. */
int rti_stackpool_init(struct rti_stackpool *pool, size_t bytes, enum rti_guard guard) MUST_CHECK;
/* Unmaps all; no stack may be in use. */
void rti_stackpool_destroy(struct rti_stackpool *pool);

/* A stack of the class: the cache's hottest, a shared one, or a new one. False when the region is used up. */
bool rti_stackpool_take(struct rti_stackpool *pool, struct rti_stackcache *cache, enum rt_stack class,
                        struct rti_stack *out) MUST_CHECK;
/* Back to the cache; half of a full cache moves to the shared list. */
void rti_stackpool_give(struct rti_stackpool *pool, struct rti_stackcache *cache, const struct rti_stack *stack);
/* The whole cache to the shared list. */
void rti_stackpool_flush(struct rti_stackpool *pool, struct rti_stackcache *cache);
/* Gives the pages of shared free stacks back to the kernel (all but the topmost page of each). */
void rti_stackpool_trim(struct rti_stackpool *pool);

/* Which stack is at `at`, guard page included. False outside the slots. Async-signal-safe. */
bool rti_stackpool_find(const struct rti_stackpool *pool, const void *at, struct rti_stack *out);
/* Is `lo` the lowest byte of the stack right above the one that ends at `hi`, with nothing but a guard between? */
bool rti_stackpool_adjacent(const struct rti_stackpool *pool, const char *hi, const char *lo);
/* False when the canary of an unguarded stack is gone: it has overflowed. */
bool rti_stackpool_intact(const struct rti_stack *stack);

#endif
