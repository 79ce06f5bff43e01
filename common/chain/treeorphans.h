/* treeorphans.h - headers whose parent is not known yet: a bounded pool, oldest out. For tree.c alone.
 * Threads: those of the tree. Memory: malloc, all of it at the start. */
#ifndef COMMON_CHAIN_TREEORPHANS_H
#define COMMON_CHAIN_TREEORPHANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/chain/header.h"

struct treeorphans_slot {
    struct header header;
    uint8_t hash[HEADER_HASH_LEN];
    uint64_t order; /* of arrival */
    bool ready;     /* the parent is stored */
};

struct treeorphans {
    struct treeorphans_slot *slots; /* count of them, in no order */
    size_t count, max, ready_count;
    uint64_t next_order;
};

void treeorphans_init(struct treeorphans *self, size_t max);
void treeorphans_done(struct treeorphans *self);
/* Keeps an orphan whose hash is not in the pool. True when the pool was full and its oldest was dropped, whose hash is
 * then in evicted. */
bool treeorphans_add(struct treeorphans *self, const struct header *header, const uint8_t hash[HEADER_HASH_LEN],
                     uint8_t evicted[HEADER_HASH_LEN]);
/* NULL when the hash is not in the pool; valid until the next change. */
const struct treeorphans_slot *treeorphans_find(const struct treeorphans *self, const uint8_t hash[HEADER_HASH_LEN]);
/* The block with this hash was stored: its children in the pool are ready. */
void treeorphans_wake(struct treeorphans *self, const uint8_t parent[HEADER_HASH_LEN]);
/* Takes out the oldest that is ready; false when none is. */
bool treeorphans_take(struct treeorphans *self, struct treeorphans_slot *out);

#endif
