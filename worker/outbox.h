/* outbox.h - results that are not acknowledged yet: shares, blocks, finished leases. They keep their seq across
 * reconnects until the coordinator settles them (at least once, and keys make it exactly once). Pure, bounded.
 * Threads: one at a time. Memory: one allocation; entries are values. */
#ifndef WORKER_OUTBOX_H
#define WORKER_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/wire/message.h"

enum {
    OUTBOX_MAX = MESSAGE_UNACKED_MAX, /* all of it fits HELLO */
    OUTBOX_SHARES_MAX = 64,
    OUTBOX_DONES_MAX = 32,
};

struct outbox_entry {
    uint64_t seq;
    enum message_type type; /* MESSAGE_SHARE, MESSAGE_BLOCK or MESSAGE_LEASE_DONE */
    bool sent;              /* in the present session */
    int64_t found_ns;
    union {
        struct message_share_entry share;
        struct message_block block; /* age_us is filled in when it is sent */
        struct message_lease_done done;
    } u;
};

struct outbox;

struct outbox *outbox_new(void); /* never NULL; caller owns */
void outbox_free(struct outbox **self_p);

/* Copies e in; its seq must be above all earlier ones (CHECKed). ERR_FULL when shares or finished leases are at their
 * limit, or, for a block, when nothing but blocks is left: a block pushes the newest share or finished lease out, and
 * then *pushed (may be NULL) is true. */
int outbox_put(struct outbox *self, const struct outbox_entry *e, bool *pushed) MUST_CHECK;
/* Settles entries with seq <= upto that were sent in this session; returns how many. Calls each (may be NULL) for every
 * one with its code, which is MESSAGE_CODE_OK unless ack lists it. */
size_t outbox_ack(struct outbox *self, const struct message_ack *ack,
                  void (*each)(void *ctx, const struct outbox_entry *e, uint8_t code), void *ctx);
/* A new session: nothing counts as sent. */
void outbox_unsend(struct outbox *self);
/* The oldest entry that is not sent in this session, NULL when there is none; the caller sends it and sets sent. */
struct outbox_entry *outbox_next(struct outbox *self);

size_t outbox_count(const struct outbox *self);
size_t outbox_count_type(const struct outbox *self, enum message_type type);
/* For HELLO: seq and type of all entries, oldest first. */
size_t outbox_list(const struct outbox *self, struct message_unacked out[OUTBOX_MAX]);

#endif
