/* treestore.h - where the block tree keeps its nodes: memory in chunks, and a hash table over them. For tree.c alone.
 * Threads: those of the tree. Memory: malloc; a node's address never changes while it is stored. */
#ifndef COMMON_CHAIN_TREESTORE_H
#define COMMON_CHAIN_TREESTORE_H

#include <stddef.h>
#include <stdint.h>

#include "common/chain/tree.h"

struct treestore_chunk;

/* The fields are the store's own; count may be read. */
struct treestore {
    struct tree_node **table; /* open addressing, linear probing, at most 5/8 full */
    size_t table_size;        /* a power of two */
    size_t count;
    struct treestore_chunk *chunks; /* newest first */
    struct tree_node *free;         /* linked by parent */
    size_t chunk_count, chunk_used; /* used: of the newest */
    uint64_t seed;
};

void treestore_init(struct treestore *self, uint64_t seed);
void treestore_done(struct treestore *self);
/* A zeroed node with this hash, which must not be stored yet. */
struct tree_node *treestore_add(struct treestore *self, const uint8_t hash[HEADER_HASH_LEN]);
/* Takes a stored node out; its memory is used again by a later treestore_add. */
void treestore_remove(struct treestore *self, struct tree_node *node);
struct tree_node *treestore_find(const struct treestore *self, const uint8_t hash[HEADER_HASH_LEN]);
/* Cursor over all nodes, in no particular order: start with {0}; NULL at the end. Nodes may be removed in between, but
 * none added. */
struct treestore_cursor {
    struct treestore_chunk *chunk;
    size_t index;
    int started;
};
struct tree_node *treestore_next(const struct treestore *self, struct treestore_cursor *cursor);
size_t treestore_bytes(const struct treestore *self);

#endif
