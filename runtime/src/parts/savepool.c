#include "parts/savepool.h"

#include "base/pages.h"
#include <rt/check.h>

enum { CHUNK = 64 << 10 };

struct rti_savechunk { /* at the start of each chunk */
    struct rti_savechunk *next, *prev;
    void *free;  /* buffers given back, linked through their first word */
    char *fresh; /* from here on none was ever handed out */
    uint32_t size, live;
    bool listed; /* in the list of its size */
} CACHE_ALIGNED;

void rti_savepool_init(struct rti_savepool *pool, size_t bytes)
{
    *pool = (struct rti_savepool){0};
    rti_lock_init(&pool->lock, RTI_RANK_SLAB);
    pool->region = rti_pages_reserve(bytes);
    if (!pool->region)
        return;
    rti_pages_small(pool->region, bytes);
    pool->next = pool->region;
    pool->end = pool->region + bytes / CHUNK * CHUNK;
}

void rti_savepool_destroy(struct rti_savepool *pool)
{
    if (pool->region)
        rti_pages_release(pool->region, (size_t)(pool->end - pool->region));
    *pool = (struct rti_savepool){0};
}

static void list(struct rti_savepool *pool, struct rti_savechunk *c)
{
    struct rti_savechunk **head = &pool->room[c->size / RTI_SAVEPOOL_STEP - 1];
    c->next = *head;
    c->prev = NULL;
    if (c->next)
        c->next->prev = c;
    *head = c;
    c->listed = true;
}

static void unlist(struct rti_savepool *pool, struct rti_savechunk *c)
{
    if (c->next)
        c->next->prev = c->prev;
    if (c->prev)
        c->prev->next = c->next;
    else
        pool->room[c->size / RTI_SAVEPOOL_STEP - 1] = c->next;
    c->listed = false;
}

static struct rti_savechunk *new_chunk_locked(struct rti_savepool *pool, uint32_t size)
{
    struct rti_savechunk *c = pool->empty;
    if (c) {
        pool->empty = c->next;
    } else {
        if (pool->next == pool->end)
            return NULL;
        c = (struct rti_savechunk *)(void *)pool->next;
        pool->next += CHUNK;
    }
    *c = (struct rti_savechunk){.fresh = (char *)(c + 1), .size = size};
    list(pool, c);
    return c;
}

static bool is_full(const struct rti_savechunk *c)
{
    return !c->free && c->fresh + c->size > (const char *)c + CHUNK;
}

static void *take_locked(struct rti_savepool *pool, uint32_t size)
{
    struct rti_savechunk *c = pool->room[size / RTI_SAVEPOOL_STEP - 1];
    if (!c && !(c = new_chunk_locked(pool, size)))
        return NULL;
    void *buffer = c->free;
    if (buffer) {
        c->free = *(void **)buffer;
    } else {
        buffer = c->fresh;
        c->fresh += size;
    }
    c->live++;
    pool->used_bytes += size;
    if (is_full(c))
        unlist(pool, c);
    return buffer;
}

void *rti_savepool_take(struct rti_savepool *pool, size_t bytes)
{
    if (bytes == 0 || bytes > RTI_SAVEPOOL_MAX || !pool->region)
        return NULL;
    uint32_t size = (uint32_t)(bytes + RTI_SAVEPOOL_STEP - 1) / RTI_SAVEPOOL_STEP * RTI_SAVEPOOL_STEP;
    rti_lock_acquire(&pool->lock);
    void *buffer = take_locked(pool, size);
    rti_lock_release(&pool->lock);
    return buffer;
}

/* Nobody uses c: its pages go back, but for the last chunk of its size, which is likely to be wanted again. */
static void retire_locked(struct rti_savepool *pool, struct rti_savechunk *c)
{
    if (!c->next && !c->prev)
        return;
    unlist(pool, c);
    rti_pages_discard((char *)c + RTI_PAGE, CHUNK - RTI_PAGE);
    c->next = pool->empty;
    pool->empty = c;
}

void rti_savepool_give(struct rti_savepool *pool, void *buffer)
{
    size_t offset = (size_t)((char *)buffer - pool->region);
    struct rti_savechunk *c = (struct rti_savechunk *)(void *)(pool->region + offset / CHUNK * CHUNK);
    rti_lock_acquire(&pool->lock);
    CHECK(c->live > 0);
    *(void **)buffer = c->free;
    c->free = buffer;
    c->live--;
    pool->used_bytes -= c->size;
    if (!c->listed)
        list(pool, c);
    if (c->live == 0)
        retire_locked(pool, c);
    rti_lock_release(&pool->lock);
}
