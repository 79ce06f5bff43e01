#include "parts/stackpool.h"

#include <errno.h>

#include "base/peek.h"
#include <rt/check.h>

enum { BLOCK = 1 << 20, SMALLEST_REGION = 64 << 20, UNGUARDED = 1 };
static const uint64_t CANARY = 0x6c6f64652d656e64; /* any value a program is unlikely to write there */

static const uint32_t class_bytes[RT_STACK_COUNT] = {
    [RT_STACK_DEFAULT] = 64 << 10, [RT_STACK_16K] = 16 << 10, [RT_STACK_256K] = 256 << 10, [RT_STACK_1M] = 1 << 20};

size_t rti_stackpool_class_bytes(enum rt_stack class)
{
    return class_bytes[class];
}

int rti_stackpool_init(struct rti_stackpool *pool, size_t bytes, enum rti_guard guard)
{
    *pool = (struct rti_stackpool){.guard = guard, .guard_limit = rti_pages_map_limit() / 4};
    rti_lock_init(&pool->lock, RTI_RANK_STACKS);
    for (bytes &= ~(size_t)(BLOCK - 1); bytes >= SMALLEST_REGION; bytes = bytes / 2 & ~(size_t)(BLOCK - 1)) {
        /* One block more, so that slots can be aligned to their size. */
        pool->region = rti_pages_reserve(bytes + BLOCK);
        if (pool->region)
            break;
    }
    if (!pool->region)
        return -ENOMEM;
    pool->bytes = bytes;
    pool->block_class = rti_pages_take(bytes / BLOCK);
    rti_pages_small(pool->region, bytes + BLOCK);
    return 0;
}

static char *first_block(const struct rti_stackpool *pool)
{
    return (char *)(((uintptr_t)pool->region + BLOCK - 1) & ~(uintptr_t)(BLOCK - 1));
}

void rti_stackpool_destroy(struct rti_stackpool *pool)
{
    if (!pool->region)
        return;
    rti_pages_release(pool->block_class, pool->bytes / BLOCK);
    rti_pages_release(pool->region, pool->bytes + BLOCK);
    *pool = (struct rti_stackpool){0};
}

/* Slots are passed around as base address, with the low bit for "no guard page". */
static void describe(uintptr_t slot, enum rt_stack class, struct rti_stack *out)
{
    char *base = (char *)(slot & ~(uintptr_t)UNGUARDED);
    *out = (struct rti_stack){
        .lo = base + RTI_PAGE, .hi = base + class_bytes[class], .class = class, .guarded = !(slot & UNGUARDED)};
}

static uintptr_t slot_of(const struct rti_stack *stack)
{
    return (uintptr_t)(stack->lo - RTI_PAGE) | (stack->guarded ? 0 : UNGUARDED);
}

static uintptr_t *link_of(uintptr_t slot, enum rt_stack class)
{
    return (uintptr_t *)((slot & ~(uintptr_t)UNGUARDED) + class_bytes[class]) - 1;
}

static bool guard_slot_locked(struct rti_stackpool *pool, char *base)
{
    bool allowed = pool->guard == RTI_GUARD_MADVISE ||
                   (pool->guard == RTI_GUARD_MPROTECT && (long)load_rlx(&pool->made) < pool->guard_limit);
    return allowed && rti_pages_guard(base, pool->guard);
}

/* Cuts a new slot; 0 when the region is used up. */
static uintptr_t cut_locked(struct rti_stackpool *pool, enum rt_stack class)
{
    if (pool->of[class].next == pool->of[class].end) {
        if (pool->used == pool->bytes)
            return 0;
        char *block = first_block(pool) + pool->used;
        pool->block_class[pool->used / BLOCK] = (uint8_t)(class + 1);
        pool->used += BLOCK;
        pool->of[class].next = block;
        pool->of[class].end = block + BLOCK;
    }
    char *base = pool->of[class].next;
    pool->of[class].next += class_bytes[class];
    bool guarded = guard_slot_locked(pool, base);
    add_rlx(&pool->made, 1);
    if (guarded)
        return (uintptr_t)base;
    add_rlx(&pool->unguarded, 1);
    *(uint64_t *)(base + RTI_PAGE) = CANARY;
    return (uintptr_t)base | UNGUARDED;
}

/* Fills half of the cache from the shared list, or cuts one new. */
static NOINLINE bool refill(struct rti_stackpool *pool, struct rti_stackcache *cache, enum rt_stack class)
{
    rti_lock_acquire(&pool->lock);
    while (pool->of[class].free && cache->of[class].n < RTI_STACKCACHE_SIZE / 2) {
        uintptr_t slot = pool->of[class].free;
        pool->of[class].free = *link_of(slot, class);
        pool->of[class].free_count--;
        cache->of[class].slot[cache->of[class].n++] = slot;
    }
    if (cache->of[class].n == 0) {
        uintptr_t slot = cut_locked(pool, class);
        if (slot)
            cache->of[class].slot[cache->of[class].n++] = slot;
    }
    rti_lock_release(&pool->lock);
    return cache->of[class].n > 0;
}

bool rti_stackpool_take(struct rti_stackpool *pool, struct rti_stackcache *cache, enum rt_stack class,
                        struct rti_stack *out)
{
    if (UNLIKELY(cache->of[class].n == 0) && !refill(pool, cache, class))
        return false;
    describe(cache->of[class].slot[--cache->of[class].n], class, out);
    return true;
}

/* The coldest (lowest) count slots of the cache to the shared list. */
static NOINLINE void spill(struct rti_stackpool *pool, struct rti_stackcache *cache, enum rt_stack class,
                           uint32_t count)
{
    rti_lock_acquire(&pool->lock);
    for (uint32_t i = 0; i < count; i++) {
        uintptr_t slot = cache->of[class].slot[i];
        *link_of(slot, class) = pool->of[class].free;
        pool->of[class].free = slot;
        pool->of[class].free_count++;
    }
    rti_lock_release(&pool->lock);
    cache->of[class].n -= count;
    for (uint32_t i = 0; i < cache->of[class].n; i++)
        cache->of[class].slot[i] = cache->of[class].slot[i + count];
}

void rti_stackpool_give(struct rti_stackpool *pool, struct rti_stackcache *cache, const struct rti_stack *stack)
{
    enum rt_stack class = stack->class;
    if (UNLIKELY(cache->of[class].n == RTI_STACKCACHE_SIZE))
        spill(pool, cache, class, RTI_STACKCACHE_SIZE / 2);
    cache->of[class].slot[cache->of[class].n++] = slot_of(stack);
}

void rti_stackpool_flush(struct rti_stackpool *pool, struct rti_stackcache *cache)
{
    for (int class = 0; class < RT_STACK_COUNT; class ++)
        if (cache->of[class].n > 0)
            spill(pool, cache, (enum rt_stack) class, cache->of[class].n);
}

void rti_stackpool_trim(struct rti_stackpool *pool)
{
    rti_lock_acquire(&pool->lock);
    for (int class = 0; class < RT_STACK_COUNT; class ++) {
        for (uintptr_t slot = pool->of[class].free; slot; slot = *link_of(slot, (enum rt_stack) class)) {
            struct rti_stack s;
            describe(slot, (enum rt_stack) class, &s);
            char *from = s.guarded ? s.lo : s.lo + RTI_PAGE; /* the canary stays */
            rti_pages_discard(from, (size_t)(s.hi - RTI_PAGE - from));
        }
    }
    rti_lock_release(&pool->lock);
}

bool rti_stackpool_find(const struct rti_stackpool *pool, const void *at, struct rti_stack *out)
{
    if (!pool->region)
        return false;
    uintptr_t offset = (uintptr_t)at - (uintptr_t)first_block(pool);
    uint8_t owner = offset < pool->bytes ? rti_peek_u8(&pool->block_class[offset / BLOCK]) : 0;
    if (owner == 0)
        return false;
    enum rt_stack class = (enum rt_stack)(owner - 1);
    describe((uintptr_t)first_block(pool) + offset / class_bytes[class] * class_bytes[class], class, out);
    return true;
}

bool rti_stackpool_adjacent(const struct rti_stackpool *pool, const char *hi, const char *lo)
{
    struct rti_stack above;
    return rti_stackpool_find(pool, lo, &above) && above.lo == lo && lo - RTI_PAGE == hi;
}

bool rti_stackpool_intact(const struct rti_stack *stack)
{
    return stack->guarded || *(const uint64_t *)(const void *)stack->lo == CANARY;
}
