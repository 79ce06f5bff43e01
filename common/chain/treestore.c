#include "common/chain/treestore.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/base/check.h"

enum { CHUNK_NODES = 1024, FIRST_TABLE = 1024 };
#define ARRIVAL_FREE UINT64_MAX

struct treestore_chunk {
    struct treestore_chunk *next;
    struct tree_node nodes[CHUNK_NODES];
};

static void *must(void *p)
{
    CHECK(p != NULL);
    return p;
}

void treestore_init(struct treestore *self, uint64_t seed)
{
    *self = (struct treestore){.table_size = FIRST_TABLE, .seed = seed};
    self->table = must(calloc(self->table_size, sizeof self->table[0]));
}

void treestore_done(struct treestore *self)
{
    for (struct treestore_chunk *c = self->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(self->table);
    *self = (struct treestore){0};
}

/* A miner chooses a good part of a hash's bits, at the price of work; the seed keeps him from choosing the slot. The
 * finish is that of splitmix64 (Steele, Lea, Flood, OOPSLA 2014). */
static size_t home(const struct treestore *self, const uint8_t *hash)
{
    uint64_t x = (bytes_le64(hash) ^ self->seed) * UINT64_C(0x9e3779b97f4a7c15) ^ bytes_le64(hash + 8);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return (size_t)(x ^ x >> 31) & (self->table_size - 1);
}

/* The slot that holds hash, or the free one where it would go. */
static size_t probe(const struct treestore *self, const uint8_t *hash)
{
    size_t i = home(self, hash);
    while (self->table[i] && memcmp(self->table[i]->hash, hash, HEADER_HASH_LEN) != 0)
        i = (i + 1) & (self->table_size - 1);
    return i;
}

static void grow(struct treestore *self)
{
    struct tree_node **old = self->table;
    size_t old_size = self->table_size;
    self->table_size *= 2;
    self->table = must(calloc(self->table_size, sizeof self->table[0]));
    for (size_t i = 0; i < old_size; i++)
        if (old[i])
            self->table[probe(self, old[i]->hash)] = old[i];
    free(old);
}

static struct tree_node *take_node(struct treestore *self)
{
    if (self->free) {
        struct tree_node *node = self->free;
        self->free = node->parent;
        memset(node, 0, sizeof *node);
        return node;
    }
    if (!self->chunks || self->chunk_used == CHUNK_NODES) {
        struct treestore_chunk *c = must(calloc(1, sizeof *c));
        c->next = self->chunks;
        self->chunks = c;
        self->chunk_count++;
        self->chunk_used = 0;
    }
    return &self->chunks->nodes[self->chunk_used++];
}

struct tree_node *treestore_add(struct treestore *self, const uint8_t hash[HEADER_HASH_LEN])
{
    if (self->count >= self->table_size / 8 * 5)
        grow(self);
    size_t i = probe(self, hash);
    CHECK(self->table[i] == NULL);
    struct tree_node *node = take_node(self);
    memcpy(node->hash, hash, HEADER_HASH_LEN);
    self->table[i] = node;
    self->count++;
    return node;
}

/* Linear probing without tombstones: whatever follows in the run moves up, where its home allows. */
void treestore_remove(struct treestore *self, struct tree_node *node)
{
    size_t mask = self->table_size - 1, hole = probe(self, node->hash);
    CHECK(self->table[hole] == node);
    for (size_t i = (hole + 1) & mask; self->table[i]; i = (i + 1) & mask) {
        size_t from_home = (i - home(self, self->table[i]->hash)) & mask;
        if (from_home >= ((i - hole) & mask)) {
            self->table[hole] = self->table[i];
            hole = i;
        }
    }
    self->table[hole] = NULL;
    self->count--;
    node->arrival = ARRIVAL_FREE;
    node->parent = self->free;
    self->free = node;
}

struct tree_node *treestore_find(const struct treestore *self, const uint8_t hash[HEADER_HASH_LEN])
{
    return self->table[probe(self, hash)];
}

struct tree_node *treestore_next(const struct treestore *self, struct treestore_cursor *cursor)
{
    if (!cursor->started)
        *cursor = (struct treestore_cursor){.chunk = self->chunks, .started = 1};
    for (; cursor->chunk; cursor->chunk = cursor->chunk->next, cursor->index = 0) {
        size_t end = cursor->chunk == self->chunks ? self->chunk_used : CHUNK_NODES;
        while (cursor->index < end) {
            struct tree_node *node = &cursor->chunk->nodes[cursor->index++];
            if (node->arrival != ARRIVAL_FREE)
                return node;
        }
    }
    return NULL;
}

size_t treestore_bytes(const struct treestore *self)
{
    return self->chunk_count * sizeof(struct treestore_chunk) + self->table_size * sizeof self->table[0];
}
