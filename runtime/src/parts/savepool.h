/* savepool.h - room for stacks that are copied out: buffers in steps of 16 bytes. Threads: any (rank SLAB inside).
 * Memory: one reserved region, cut into chunks of one size each; a chunk nobody uses any more goes back to the kernel
 * and may serve another size. */
#ifndef RTI_SAVEPOOL_H
#define RTI_SAVEPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include <rt/attr.h>

enum { RTI_SAVEPOOL_STEP = 16, RTI_SAVEPOOL_MAX = 2048, RTI_SAVEPOOL_SIZES = RTI_SAVEPOOL_MAX / RTI_SAVEPOOL_STEP };

struct rti_savechunk;
struct rti_savepool {
    struct rti_lock lock; /* guards the rest */
    char *region, *next, *end;
    struct rti_savechunk *room[RTI_SAVEPOOL_SIZES]; /* per size: chunks with a free buffer */
    struct rti_savechunk *empty;                    /* of no size */
    size_t used_bytes;                              /* in buffers handed out */
};

/* Reserves the region; a pool without one hands out nothing. */
void rti_savepool_init(struct rti_savepool *pool, size_t bytes);
/* Unmaps all; every buffer is gone. */
void rti_savepool_destroy(struct rti_savepool *pool);
/* A buffer for 1 to RTI_SAVEPOOL_MAX bytes, 16-aligned, contents undefined. NULL: the region is used up, or too many
 * bytes are asked for. */
void *rti_savepool_take(struct rti_savepool *pool, size_t bytes) MUST_CHECK;
void rti_savepool_give(struct rti_savepool *pool, void *buffer);

#endif
