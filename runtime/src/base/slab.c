#include "base/slab.h"

#include "base/pages.h"
#include <rt/check.h>

enum { CHUNK = 64 << 10 };

void *rti_slab_take(struct rti_slab *slab)
{
    CHECK(slab->size > 0 && slab->size <= CHUNK);
    rti_lock_acquire(&slab->lock);
    if ((size_t)(slab->end - slab->next) < slab->size) {
        slab->next = rti_pages_take(CHUNK);
        slab->end = slab->next + CHUNK;
    }
    void *p = slab->next;
    slab->next += slab->size;
    slab->taken++;
    rti_lock_release(&slab->lock);
    return p;
}
