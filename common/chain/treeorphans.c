#include "common/chain/treeorphans.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

void treeorphans_init(struct treeorphans *self, size_t max)
{
    *self = (struct treeorphans){.max = max, .slots = calloc(max, sizeof self->slots[0])};
    CHECK(self->slots != NULL);
}

void treeorphans_done(struct treeorphans *self)
{
    free(self->slots);
    *self = (struct treeorphans){0};
}

static void drop(struct treeorphans *self, size_t i)
{
    self->ready_count -= self->slots[i].ready;
    self->slots[i] = self->slots[--self->count];
}

static size_t oldest(const struct treeorphans *self, bool ready_only)
{
    size_t found = self->count;
    for (size_t i = 0; i < self->count; i++)
        if ((self->slots[i].ready || !ready_only) &&
            (found == self->count || self->slots[i].order < self->slots[found].order))
            found = i;
    return found;
}

bool treeorphans_add(struct treeorphans *self, const struct header *header, const uint8_t hash[HEADER_HASH_LEN],
                     uint8_t evicted[HEADER_HASH_LEN])
{
    bool full = self->count == self->max;
    if (full) {
        size_t i = oldest(self, false);
        memcpy(evicted, self->slots[i].hash, HEADER_HASH_LEN);
        drop(self, i);
    }
    struct treeorphans_slot *s = &self->slots[self->count++];
    *s = (struct treeorphans_slot){.header = *header, .order = self->next_order++};
    memcpy(s->hash, hash, HEADER_HASH_LEN);
    return full;
}

const struct treeorphans_slot *treeorphans_find(const struct treeorphans *self, const uint8_t hash[HEADER_HASH_LEN])
{
    for (size_t i = 0; i < self->count; i++)
        if (memcmp(self->slots[i].hash, hash, HEADER_HASH_LEN) == 0)
            return &self->slots[i];
    return NULL;
}

void treeorphans_wake(struct treeorphans *self, const uint8_t parent[HEADER_HASH_LEN])
{
    for (size_t i = 0; i < self->count; i++) {
        struct treeorphans_slot *s = &self->slots[i];
        if (!s->ready && memcmp(s->header.prev, parent, HEADER_HASH_LEN) == 0) {
            s->ready = true;
            self->ready_count++;
        }
    }
}

bool treeorphans_take(struct treeorphans *self, struct treeorphans_slot *out)
{
    if (self->ready_count == 0)
        return false;
    size_t i = oldest(self, true);
    *out = self->slots[i];
    drop(self, i);
    return true;
}
