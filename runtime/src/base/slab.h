/* slab.h - fixed-size objects outside the collected heap: G, M, waiters. Never given back to the kernel, so a stale
 * pointer finds an object of the same type. Threads: any. Memory: mmap, 64 KiB at a time. */
#ifndef RTI_SLAB_H
#define RTI_SLAB_H

#include <stddef.h>

#include "base/lock.h"

struct rti_slab {
    struct rti_lock lock; /* rank SLAB; guards the rest */
    size_t size;          /* of an object; a multiple of 64 makes every object cache-aligned */
    char *next, *end;     /* of the current chunk */
    size_t taken;         /* objects handed out */
};

#define RTI_SLAB_INIT(size_)                                                                                           \
    {                                                                                                                  \
        .lock = RTI_LOCK_INIT(RTI_RANK_SLAB), .size = (size_)                                                          \
    }

/* A zeroed object, never NULL. */
void *rti_slab_take(struct rti_slab *slab);

#endif
