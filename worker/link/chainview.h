/* chainview.h - the worker's own view of the chain: every tip is checked before a hash is spent on it. A tip with bad
 * proof of work, a broken link or less work than the one we have is refused, whoever announces it. Pure.
 * Threads: one at a time (the link's goroutine). Memory: one allocation, bounded: the last CHAINVIEW_KEPT tips. */
#ifndef WORKER_LINK_CHAINVIEW_H
#define WORKER_LINK_CHAINVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/chain/header.h"
#include "common/chain/u256.h"
#include "common/wire/message.h"

enum { CHAINVIEW_KEPT = 64 };

struct chainview_tip {
    uint64_t epoch, tip_seq, height;
    uint8_t hash[32];
    struct header header;
    struct u256 work;
};

struct chainview_counts {
    uint64_t taken, repeated, refused; /* tips */
    uint64_t gaps;                     /* tip_seq skipped: lost on the way, costs nothing */
    uint64_t reorgs;
};

struct chainview;

struct chainview *chainview_new(void); /* never NULL; caller owns */
void chainview_free(struct chainview **self_p);

/* Judges a tip. 1: taken, it is the tip now (or the same block with a newer template). 0: known or older within the
 * epoch; nothing changes. Refused and counted:
 * ERR_EPOCH the epoch is below one seen (a deposed coordinator); ERR_LINK the header's hash is not the one announced,
 * or it claims to extend our tip and does not; ERR_POW, ERR_BITS_*: the header does not prove the work its nBits claim;
 * ERR_STALE less work than ours in the same epoch; ERR_RANGE its work is not ours plus its own;
 * ERR_DUPLICATE another block under a seq we have (say HELLO again); ERR_INVALID_PARENT the job it carries does not
 * build on it. */
int chainview_offer(struct chainview *self, const struct message_tip *tip) MUST_CHECK;
/* 1: the beacon is ahead of us, or names another block: ask for the tip. 0: we are up to date. ERR_EPOCH as above. */
int chainview_beacon(struct chainview *self, const struct message_beacon *beacon) MUST_CHECK;

/* The present tip, NULL before the first; borrowed until the next offer. */
const struct chainview_tip *chainview_tip(const struct chainview *self);
/* One of the last CHAINVIEW_KEPT tips by hash (wire order), NULL if it is not among them. */
const struct chainview_tip *chainview_find(const struct chainview *self, const uint8_t hash[32]);
void chainview_counts(const struct chainview *self, struct chainview_counts *out);

#endif
