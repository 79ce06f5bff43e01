#include "worker/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

struct outbox {
    size_t count;
    uint64_t last_seq;
    struct outbox_entry entries[OUTBOX_MAX]; /* by seq */
};

struct outbox *outbox_new(void)
{
    struct outbox *self = calloc(1, sizeof *self);
    CHECK(self);
    return self;
}

void outbox_free(struct outbox **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

static void remove_at(struct outbox *self, size_t i)
{
    memmove(&self->entries[i], &self->entries[i + 1], (self->count - i - 1) * sizeof self->entries[0]);
    self->count--;
}

size_t outbox_count_type(const struct outbox *self, enum message_type type)
{
    size_t n = 0;
    for (size_t i = 0; i < self->count; i++)
        n += self->entries[i].type == type;
    return n;
}

/* Makes room for a block: it is worth more than any share. */
static bool push_out(struct outbox *self)
{
    for (size_t i = self->count; i > 0; i--)
        if (self->entries[i - 1].type != MESSAGE_BLOCK) {
            remove_at(self, i - 1);
            return true;
        }
    return false;
}

static bool has_room(const struct outbox *self, enum message_type type)
{
    size_t limit = type == MESSAGE_SHARE        ? OUTBOX_SHARES_MAX
                   : type == MESSAGE_LEASE_DONE ? OUTBOX_DONES_MAX
                                                : OUTBOX_MAX;
    return self->count < OUTBOX_MAX && outbox_count_type(self, type) < limit;
}

int outbox_put(struct outbox *self, const struct outbox_entry *e, bool *pushed)
{
    CHECK(e->seq > self->last_seq);
    bool out = false;
    if (!has_room(self, e->type)) {
        out = e->type == MESSAGE_BLOCK && push_out(self);
        if (!out)
            return ERR_FULL;
    }
    if (pushed)
        *pushed = out;
    self->last_seq = e->seq;
    self->entries[self->count++] = *e;
    return 0;
}

static uint8_t code_of(const struct message_ack *ack, uint64_t seq)
{
    for (uint32_t i = 0; i < ack->count; i++)
        if (ack->codes[i].seq == seq)
            return ack->codes[i].code;
    return MESSAGE_CODE_OK;
}

size_t outbox_ack(struct outbox *self, const struct message_ack *ack,
                  void (*each)(void *ctx, const struct outbox_entry *e, uint8_t code), void *ctx)
{
    size_t settled = 0;
    for (size_t i = 0; i < self->count && self->entries[i].seq <= ack->upto;) {
        if (!self->entries[i].sent) {
            i++; /* of an older session and not resent yet: this ACK cannot mean it */
            continue;
        }
        struct outbox_entry e = self->entries[i];
        remove_at(self, i);
        settled++;
        if (each)
            each(ctx, &e, code_of(ack, e.seq));
    }
    return settled;
}

void outbox_unsend(struct outbox *self)
{
    for (size_t i = 0; i < self->count; i++)
        self->entries[i].sent = false;
}

struct outbox_entry *outbox_next(struct outbox *self)
{
    for (size_t i = 0; i < self->count; i++)
        if (!self->entries[i].sent)
            return &self->entries[i];
    return NULL;
}

size_t outbox_count(const struct outbox *self)
{
    return self->count;
}

size_t outbox_list(const struct outbox *self, struct message_unacked out[OUTBOX_MAX])
{
    for (size_t i = 0; i < self->count; i++)
        out[i] = (struct message_unacked){.seq = self->entries[i].seq, .type = (uint8_t)self->entries[i].type};
    return self->count;
}
