#include "base/slab.h"

#include "base/pages.h"
#include <rt/check.h>

enum { CHUNK = 64 << 10 };

/* What objects of ours point to (a heap of timers) is not leaked: LeakSanitizer does not look into mappings by itself.
 */
#if defined(__SANITIZE_ADDRESS__)
void __lsan_register_root_region(const void *at, size_t bytes);
#define REGISTER_ROOT(at) __lsan_register_root_region(at, CHUNK)
#else
#define REGISTER_ROOT(at) ((void)(at))
#endif

void *rti_slab_take(struct rti_slab *slab)
{
    CHECK(slab->size > 0 && slab->size <= CHUNK);
    rti_lock_acquire(&slab->lock);
    if ((size_t)(slab->end - slab->next) < slab->size) {
        slab->next = rti_pages_take(CHUNK);
        slab->end = slab->next + CHUNK;
        REGISTER_ROOT(slab->next);
    }
    void *p = slab->next;
    slab->next += slab->size;
    slab->taken++;
    rti_lock_release(&slab->lock);
    return p;
}
