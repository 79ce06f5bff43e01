/* stackpool.h - goroutine stacks out of one reserved region. Threads: a pool is shared (rank STACKS inside), a cache
 * belongs to one P. Memory: address space is reserved at once, pages are committed by touch, and stay committed while a
 * stack is cached; trim gives them back.
 *
 * The region is cut into blocks of 2 MiB, each holding slots of one class, so any address is mapped to its slot by
 * arithmetic (in a signal handler too). A slot is [guard | usable]. The guard costs address space only; it is several
 * pages, since code of others (a C library built without stack clash protection) steps over one with a single frame. */
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
    bool guarded;  /* below lo is a guard; else *lo holds a canary */
};

enum { RTI_STACKCACHE_SIZE = 32 };
struct rti_stackcache {
    struct {
        uintptr_t slot[RTI_STACKCACHE_SIZE];
        uint32_t n;
    } of[RT_STACK_COUNT];
};

struct rti_stackblock { /* which of its slots, by number from below: */
    uint64_t cold;      /* are free and hold no pages */
    uint64_t bare;      /* of the cold ones: have no guard */
    uint32_t next_cold; /* block number + 1, in the list of its class while cold is not 0 */
};

struct rti_stackpool {
    struct rti_lock lock; /* rank STACKS; guards what can change, but for the counts at the end */
    char *region;
    size_t bytes, used;   /* used: blocks handed to classes, in bytes */
    uint8_t *block_class; /* per block: class + 1, 0 while unused; read without the lock by find */
    struct rti_stackblock *blocks;
    enum rti_guard guard;
    long guard_limit; /* how many guards may be made by mprotect */
    struct {
        char *next, *end;  /* of the open block */
        uintptr_t free;    /* slots linked through their topmost word */
        size_t free_count; /* of these */
        size_t free_low;   /* the least free_count since the last mark */
        size_t surplus;    /* how many of them trim may give back */
        uint32_t cold;     /* the first block with cold slots, number + 1 */
    } of[RT_STACK_COUNT];
    _Atomic(uint64_t) made;      /* slots ever cut; written under the lock, read by anybody */
    _Atomic(uint64_t) unguarded; /* of these without a guard */
    _Atomic(uint64_t) trimmed;   /* how often a free slot was given back */
};

/* Bytes a stack of the class can use, and the bytes of address space below it that fault. */
size_t rti_stackpool_usable(enum rt_stack class);
size_t rti_stackpool_guard(enum rt_stack class);

/* Reserves the region; when the kernel refuses, half as much, and so on. -ENOMEM below 64 MiB. */
int rti_stackpool_init(struct rti_stackpool *pool, size_t bytes, enum rti_guard guard) MUST_CHECK;
/* Unmaps all; no stack may be in use. */
void rti_stackpool_destroy(struct rti_stackpool *pool);

/* A stack of the class: the cache's hottest, a shared one, one without pages, or a new one. False when the region is
 * used up. */
bool rti_stackpool_take(struct rti_stackpool *pool, struct rti_stackcache *cache, enum rt_stack class,
                        struct rti_stack *out) MUST_CHECK;
/* Back to the cache; half of a full cache moves to the shared list. */
void rti_stackpool_give(struct rti_stackpool *pool, struct rti_stackcache *cache, const struct rti_stack *stack);
/* The whole cache to the shared list. */
void rti_stackpool_flush(struct rti_stackpool *pool, struct rti_stackcache *cache);
/* As many shared free stacks as nobody wanted since the mark before are surplus from now on. */
void rti_stackpool_mark(struct rti_stackpool *pool);
/* Gives the pages of surplus stacks back to the kernel, of max at most. True: there are more. */
bool rti_stackpool_trim(struct rti_stackpool *pool, size_t max);

/* Which stack is at `at`, guard included. False outside the slots. Async-signal-safe. */
bool rti_stackpool_find(const struct rti_stackpool *pool, const void *at, struct rti_stack *out);
/* Is `lo` the lowest byte of the stack right above the one that ends at `hi`, with nothing but a guard between? */
bool rti_stackpool_adjacent(const struct rti_stackpool *pool, const char *hi, const char *lo);
/* False when the canary of an unguarded stack is gone: it has overflowed. */
bool rti_stackpool_intact(const struct rti_stack *stack);

#endif
