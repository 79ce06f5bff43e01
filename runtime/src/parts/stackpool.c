#include "parts/stackpool.h"

#include <errno.h>

#include "base/peek.h"
#include <rt/check.h>

enum { BLOCK = 2 << 20, SMALLEST_REGION = 64 << 20, UNGUARDED = 1, CUT_AT_ONCE = 16, TRIM_AT_ONCE = 64 };
static const uint64_t CANARY = 0x6c6f64652d656e64; /* any value a program is unlikely to write there */

static const struct {
    uint32_t usable, guard;
} classes[RT_STACK_COUNT] = {[RT_STACK_DEFAULT] = {64 << 10, 16 << 10},
                             [RT_STACK_16K] = {16 << 10, 16 << 10},
                             [RT_STACK_256K] = {256 << 10, 64 << 10},
                             [RT_STACK_1M] = {1 << 20, 64 << 10}};

size_t rti_stackpool_usable(enum rt_stack class)
{
    return classes[class].usable;
}

size_t rti_stackpool_guard(enum rt_stack class)
{
    return classes[class].guard;
}

static size_t slot_bytes(enum rt_stack class)
{
    return classes[class].usable + classes[class].guard;
}

int rti_stackpool_init(struct rti_stackpool *pool, size_t bytes, enum rti_guard guard)
{
    *pool = (struct rti_stackpool){.guard = guard, .guard_limit = rti_pages_map_limit() / 4};
    rti_lock_init(&pool->lock, RTI_RANK_STACKS);
    for (bytes &= ~(size_t)(BLOCK - 1); bytes >= SMALLEST_REGION; bytes = bytes / 2 & ~(size_t)(BLOCK - 1)) {
        /* One block more, so that blocks can be aligned: each has a page of page tables for itself. */
        pool->region = rti_pages_reserve(bytes + BLOCK);
        if (pool->region)
            break;
    }
    if (!pool->region)
        return -ENOMEM;
    pool->bytes = bytes;
    pool->block_class = rti_pages_take(bytes / BLOCK);
    pool->blocks = rti_pages_take(bytes / BLOCK * sizeof *pool->blocks);
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
    rti_pages_release(pool->blocks, pool->bytes / BLOCK * sizeof *pool->blocks);
    rti_pages_release(pool->region, pool->bytes + BLOCK);
    *pool = (struct rti_stackpool){0};
}

/* Slots are passed around as base address, with the low bit for "no guard". */
static void describe(uintptr_t slot, enum rt_stack class, struct rti_stack *out)
{
    char *base = (char *)(slot & ~(uintptr_t)UNGUARDED);
    *out = (struct rti_stack){.lo = base + classes[class].guard,
                              .hi = base + slot_bytes(class),
                              .class = class,
                              .guarded = !(slot & UNGUARDED)};
}

static uintptr_t slot_of(const struct rti_stack *stack)
{
    return (uintptr_t)(stack->lo - classes[stack->class].guard) | (stack->guarded ? 0 : UNGUARDED);
}

static uintptr_t *link_of(uintptr_t slot, enum rt_stack class)
{
    return (uintptr_t *)((slot & ~(uintptr_t)UNGUARDED) + slot_bytes(class)) - 1;
}

static void set_canary(uintptr_t slot, enum rt_stack class)
{
    *(uint64_t *)((slot & ~(uintptr_t)UNGUARDED) + classes[class].guard) = CANARY;
}

/* Guards count new slots from base on; false when they have to do without. */
static bool guard_slots_locked(struct rti_stackpool *pool, enum rt_stack class, char *base, size_t count)
{
    if (pool->guard == RTI_GUARD_MADVISE)
        return rti_pages_guard_many(base, classes[class].guard, slot_bytes(class), count);
    return pool->guard == RTI_GUARD_MPROTECT && (long)load_rlx(&pool->made) < pool->guard_limit &&
           rti_pages_guard(base, classes[class].guard, RTI_GUARD_MPROTECT);
}

/* A class gets another block; false when the region is used up. */
static bool open_block_locked(struct rti_stackpool *pool, enum rt_stack class)
{
    if (pool->used == pool->bytes)
        return false;
    char *block = first_block(pool) + pool->used;
    pool->block_class[pool->used / BLOCK] = (uint8_t)(class + 1);
    pool->used += BLOCK;
    pool->of[class].next = block;
    pool->of[class].end = block + BLOCK / slot_bytes(class) * slot_bytes(class);
    return true;
}

/* Cuts new slots into an empty cache: several at once, since a guard in a batch costs half of one by itself. */
static void cut_locked(struct rti_stackpool *pool, struct rti_stackcache *cache, enum rt_stack class)
{
    if (pool->of[class].next == pool->of[class].end && !open_block_locked(pool, class))
        return;
    char *base = pool->of[class].next;
    size_t left = (size_t)(pool->of[class].end - base) / slot_bytes(class);
    size_t count = pool->guard == RTI_GUARD_MADVISE ? CUT_AT_ONCE : 1;
    count = count < left ? count : left;
    pool->of[class].next += count * slot_bytes(class);
    bool guarded = guard_slots_locked(pool, class, base, count);
    add_rlx(&pool->made, count);
    add_rlx(&pool->unguarded, guarded ? 0 : count);
    for (size_t i = count; i-- > 0;) { /* the lowest is taken first: neighbours in time are neighbours in place */
        uintptr_t slot = (uintptr_t)(base + i * slot_bytes(class)) | (guarded ? 0 : UNGUARDED);
        if (!guarded)
            set_canary(slot, class);
        cache->of[class].slot[cache->of[class].n++] = slot;
    }
}

/* A free slot without pages; 0: none. */
static uintptr_t take_cold_locked(struct rti_stackpool *pool, enum rt_stack class)
{
    uint32_t block = pool->of[class].cold;
    if (block == 0)
        return 0;
    struct rti_stackblock *b = &pool->blocks[block - 1];
    int at = __builtin_ctzll(b->cold);
    uint64_t bit = (uint64_t)1 << at;
    uintptr_t slot = (uintptr_t)first_block(pool) + (size_t)(block - 1) * BLOCK + (size_t)at * slot_bytes(class);
    if (b->bare & bit) {
        slot |= UNGUARDED;
        set_canary(slot, class);
    }
    b->cold &= ~bit;
    b->bare &= ~bit;
    if (b->cold == 0)
        pool->of[class].cold = b->next_cold;
    return slot;
}

static uintptr_t take_warm_locked(struct rti_stackpool *pool, enum rt_stack class)
{
    uintptr_t slot = pool->of[class].free;
    if (!slot)
        return 0;
    pool->of[class].free = *link_of(slot, class);
    if (--pool->of[class].free_count < pool->of[class].free_low)
        pool->of[class].free_low = pool->of[class].free_count;
    if (pool->of[class].surplus > pool->of[class].free_count)
        pool->of[class].surplus = pool->of[class].free_count;
    return slot;
}

/* Fills half of the cache from the shared slots, or cuts new ones. */
static NOINLINE bool refill(struct rti_stackpool *pool, struct rti_stackcache *cache, enum rt_stack class)
{
    uintptr_t slot = 0;
    rti_lock_acquire(&pool->lock);
    while (cache->of[class].n < RTI_STACKCACHE_SIZE / 2 &&
           ((slot = take_warm_locked(pool, class)) != 0 || (slot = take_cold_locked(pool, class)) != 0))
        cache->of[class].slot[cache->of[class].n++] = slot;
    if (cache->of[class].n == 0)
        cut_locked(pool, cache, class);
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

void rti_stackpool_mark(struct rti_stackpool *pool)
{
    rti_lock_acquire(&pool->lock);
    for (int class = 0; class < RT_STACK_COUNT; class ++) {
        pool->of[class].surplus = pool->of[class].free_low;
        pool->of[class].free_low = pool->of[class].free_count;
    }
    rti_lock_release(&pool->lock);
}

static void put_cold_locked(struct rti_stackpool *pool, enum rt_stack class, uintptr_t slot)
{
    size_t offset = (slot & ~(uintptr_t)UNGUARDED) - (uintptr_t)first_block(pool);
    struct rti_stackblock *b = &pool->blocks[offset / BLOCK];
    uint64_t bit = (uint64_t)1 << (offset % BLOCK / slot_bytes(class));
    if (b->cold == 0) {
        b->next_cold = pool->of[class].cold;
        pool->of[class].cold = (uint32_t)(offset / BLOCK) + 1;
    }
    b->cold |= bit;
    b->bare |= slot & UNGUARDED ? bit : 0;
}

/* Drops the pages of slots that belong to nobody now, those of neighbours in one call. */
static void discard(struct rti_stackpool *pool, enum rt_stack class, const uintptr_t *slot, size_t n)
{
    for (size_t i = 0; i < n;) {
        struct rti_stack s;
        describe(slot[i], class, &s);
        char *from = s.lo, *to = s.hi;
        for (i++; i < n; i++) { /* a cache spills from below, so neighbours come in either order */
            describe(slot[i], class, &s);
            if (rti_stackpool_adjacent(pool, to, s.lo))
                to = s.hi;
            else if (rti_stackpool_adjacent(pool, s.hi, from))
                from = s.lo;
            else
                break;
        }
        rti_pages_discard(from, (size_t)(to - from));
    }
}

static size_t trim_some(struct rti_stackpool *pool, enum rt_stack class)
{
    uintptr_t slot[TRIM_AT_ONCE];
    size_t n = 0;
    rti_lock_acquire(&pool->lock);
    while (n < TRIM_AT_ONCE && pool->of[class].surplus > 0) {
        pool->of[class].surplus--;
        slot[n++] = take_warm_locked(pool, class);
    }
    rti_lock_release(&pool->lock);
    if (n == 0)
        return 0;
    discard(pool, class, slot, n);
    rti_lock_acquire(&pool->lock);
    for (size_t i = 0; i < n; i++)
        put_cold_locked(pool, class, slot[i]);
    rti_lock_release(&pool->lock);
    add_rlx(&pool->trimmed, n);
    return n;
}

bool rti_stackpool_trim(struct rti_stackpool *pool, size_t max)
{
    size_t done = 0;
    for (int class = 0; class < RT_STACK_COUNT; class ++)
        for (size_t n; done < max && (n = trim_some(pool, (enum rt_stack) class)) > 0;)
            done += n;
    return done >= max;
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
    size_t slot = offset % BLOCK / slot_bytes(class);
    if (slot >= BLOCK / slot_bytes(class))
        return false; /* what is left of the block */
    describe((uintptr_t)first_block(pool) + offset / BLOCK * BLOCK + slot * slot_bytes(class), class, out);
    return true;
}

bool rti_stackpool_adjacent(const struct rti_stackpool *pool, const char *hi, const char *lo)
{
    struct rti_stack above;
    return rti_stackpool_find(pool, lo, &above) && above.lo == lo && lo - classes[above.class].guard == hi;
}

bool rti_stackpool_intact(const struct rti_stack *stack)
{
    return stack->guarded || *(const uint64_t *)(const void *)stack->lo == CANARY;
}
