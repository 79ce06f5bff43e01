/* tree.h - the block tree: which chain of headers has the most work (C1), and how one gets from tip to tip.
 * Pure: time is passed in, so is the seed of the hash table. Threads: one at a time. Memory: malloc, about 190 bytes a
 * header, all freed by tree_free; a struct tree_node belongs to the tree and stays valid until the next call that
 * inserts, adopts or invalidates: old side branches are dropped then. A block on the active chain is never dropped.
 *
 * The tip is the valid chain of most work (256 bits, exact); of equals the first one stored. Orphans wait in a bounded
 * pool. A header that is not above the active block TREE_SIDE_DEPTH below the tip, in height and in work, is refused.
 * Nothing recurses. */
#ifndef COMMON_CHAIN_TREE_H
#define COMMON_CHAIN_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/chain/header.h"
#include "common/chain/network.h"
#include "common/chain/u256.h"

struct tree;

enum { TREE_SIDE_DEPTH = 2016, TREE_ORPHANS = 100, TREE_SIDE_MAX = 300000 };

/* Read only for callers. */
struct tree_node {
    uint8_t hash[HEADER_HASH_LEN];
    uint8_t merkle[HEADER_HASH_LEN];
    struct u256 work;             /* of the chain through this block */
    struct tree_node *parent;     /* NULL at the start */
    const struct tree_node *skip; /* an ancestor further down, for fast descents; NULL at the start */
    uint64_t height;
    uint64_t arrival; /* order of storing, 0 is the start */
    int32_t version;
    uint32_t time, bits, nonce;
    uint32_t children;
    bool invalid; /* it, or an ancestor, was marked by tree_invalidate */
};

struct tree_config {
    const struct network *network; /* copied */
    const struct header *start;    /* NULL: the network's genesis; else a trusted header, never judged */
    uint64_t start_height;         /* of a trusted start */
    struct u256 start_work;        /* of the chain through a trusted start; zero: the start's own work alone */
    size_t max_orphans;            /* 0: TREE_ORPHANS */
    size_t max_side;               /* headers off the active chain; 0: TREE_SIDE_MAX (about 64 MiB) */
    uint64_t seed;                 /* of the hash table; anything a peer cannot guess */
};

enum tree_kind {
    TREE_CONNECTED, /* the new tip, on top of the old one */
    TREE_SIDE,      /* stored; the tip stays */
    TREE_REORG,     /* the new tip, on another branch than the old one */
    TREE_ORPHAN,    /* kept in the pool until its parent comes */
    TREE_REFUSED,   /* code says why; nothing is stored */
    TREE_UNCHANGED, /* tree_invalidate: the tip stays */
};

struct tree_event {
    enum tree_kind kind;
    int code;                              /* TREE_REFUSED: the ERR_* of the refusal; else 0 */
    uint8_t hash[HEADER_HASH_LEN];         /* of the header inserted, adopted or invalidated */
    uint64_t height;                       /* of node; 0 without one */
    const struct tree_node *node;          /* its node; NULL when orphan or refused */
    const struct tree_node *old_tip;       /* the tip before */
    const struct tree_node *new_tip;       /* the tip after; equal to old_tip unless connected or reorg */
    const struct tree_node *fork;          /* TREE_REORG: last block that old and new chain share; else NULL */
    uint64_t depth;                        /* TREE_REORG: blocks of the old chain above fork; else 0 */
    bool evicted;                          /* TREE_ORPHAN: the pool was full, its oldest was dropped ... */
    uint8_t evicted_hash[HEADER_HASH_LEN]; /* ... and this was it */
};

/* Never NULL. A genesis start is the network's own. */
struct tree *tree_new(const struct tree_config *config);
/* NULL-safe; leaves *self_p NULL. */
void tree_free(struct tree **self_p);

/* Judges a header by every rule, with now_s for the two-hour rule (or NETWORK_NO_CLOCK), and stores it.
 * Returns event->kind (0 or more), or the negative code of a refusal: ERR_DUPLICATE, the ERR_BITS_*, ERR_POW,
 * ERR_INVALID_PARENT, ERR_TOO_DEEP, ERR_FULL (too many side headers), ERR_TIME_*, ERR_BAD_VERSION,
 * ERR_WORK_OVERFLOW. *event is filled in every case. An orphan has proved its own nBits only. After anything stored
 * call tree_adopt until it says false. */
int tree_insert(struct tree *self, const struct header *header, int64_t now_s, struct tree_event *event) MUST_CHECK;
/* The same for a caller that has the header's hash already. */
int tree_insert_hashed(struct tree *self, const struct header *header, const uint8_t hash[HEADER_HASH_LEN],
                       int64_t now_s, struct tree_event *event) MUST_CHECK;
/* Takes one orphan whose parent was stored meanwhile out of the pool (oldest first) and inserts it; *header is that
 * header (when not NULL), *event tells how it went, a refusal too. False: none is ready. */
bool tree_adopt(struct tree *self, int64_t now_s, struct header *header, struct tree_event *event) MUST_CHECK;
/* Marks a stored block, and all that descends from it now or later, as never to be the tip; picks the best chain left.
 * Returns event->kind: TREE_REORG when the tip moved, TREE_UNCHANGED when not | ERR_NOT_FOUND | ERR_STATE (the start).
 * On a move to an ancestor of the old tip, event->fork is the new tip. */
int tree_invalidate(struct tree *self, const uint8_t hash[HEADER_HASH_LEN], struct tree_event *event) MUST_CHECK;

const struct tree_node *tree_tip(const struct tree *self);
const struct tree_node *tree_start(const struct tree *self);
/* By hash, O(1); NULL when not stored (orphans are not). */
const struct tree_node *tree_find(const struct tree *self, const uint8_t hash[HEADER_HASH_LEN]);
/* By height on the active chain, O(1); NULL outside of it. */
const struct tree_node *tree_at(const struct tree *self, uint64_t height);
bool tree_active(const struct tree *self, const struct tree_node *node);
/* The ancestor of node at height (node itself at its own), O(log n); NULL when height is above it or below the start.
 */
const struct tree_node *tree_ancestor(const struct tree_node *node, uint64_t height);
/* Last common ancestor of two nodes of one tree; never NULL. */
const struct tree_node *tree_fork(const struct tree_node *a, const struct tree_node *b);
/* The blocks above fork up to and including tip, lowest first, into out of cap; returns how many there are (which may
 * be more than cap: then the lowest cap are written). fork is an ancestor of tip or tip itself. With the event of a
 * reorg: (fork, new_tip) are the blocks connected, (fork, old_tip) those disconnected. */
size_t tree_path(const struct tree_node *fork, const struct tree_node *tip, const struct tree_node **out, size_t cap);
/* The whole header of a node. */
void tree_header(const struct tree *self, const struct tree_node *node, struct header *out);
/* Calls visit for every stored node, in no particular order, until it returns false. */
void tree_each(const struct tree *self, bool (*visit)(void *ctx, const struct tree_node *node), void *ctx);

/* What a block on top of parent must have: nBits (as network_next_bits) and the median time it must exceed (as
 * network_median_time). */
int tree_next_bits(const struct tree *self, const struct tree_node *parent, uint32_t time_s, uint32_t *bits) MUST_CHECK;
uint32_t tree_median_time(const struct tree *self, const struct tree_node *parent);
const struct network *tree_network(const struct tree *self);

/* Headers stored, of these off the active chain, orphans waiting, bytes allocated. */
size_t tree_count(const struct tree *self);
size_t tree_side_count(const struct tree *self);
size_t tree_orphan_count(const struct tree *self);
size_t tree_bytes(const struct tree *self);
/* Whether this hash waits as an orphan; if so *missing (may be NULL) is the hash to ask a peer for: the first ancestor
 * that is neither stored nor waiting. */
bool tree_orphan_missing(const struct tree *self, const uint8_t hash[HEADER_HASH_LEN],
                         uint8_t missing[HEADER_HASH_LEN]);

#endif
