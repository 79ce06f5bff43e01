/* network.h - named parameter sets and the rules that need a header's ancestors: nBits, time, version.
 * Pure: time is passed in. Threads: any, the tables are constant. Memory: none.
 *
 * Sources: Bitcoin Core pow.cpp, validation.cpp (ContextualCheckBlockHeader) and kernel/chainparams.cpp; BIP 34, 65,
 * 66, 94; for ASERT the Bitcoin Cash specification "aserti3-2d" (2020-11-15). */
#ifndef COMMON_CHAIN_NETWORK_H
#define COMMON_CHAIN_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/chain/block.h"
#include "common/chain/header.h"
#include "common/chain/u256.h"

enum network_rule {
    NETWORK_NO_RETARGET, /* every block has the genesis's nBits */
    NETWORK_BITCOIN,     /* every 2016 blocks, over 2015 intervals, factor 4 at most */
    NETWORK_TESTNET3,    /* the same; a block 20 minutes after its parent may have the easiest target */
    NETWORK_TESTNET4,    /* the same with BIP 94: period's first nBits as base, and the timewarp rule */
    NETWORK_ASERT,       /* every block, aserti3-2d with spacing_s and half_life_s */
};

enum {
    NETWORK_INTERVAL = 2016,        /* blocks of a retarget period */
    NETWORK_MEDIAN_SPAN = 11,       /* headers of the median time */
    NETWORK_FUTURE_S = 2 * 60 * 60, /* how far ahead of now a time may be */
    NETWORK_TIMEWARP_S = 600,       /* BIP 94 */
};
/* For now_s: judge no header by the clock (a file being verified must give the same answer every day). */
#define NETWORK_NO_CLOCK INT64_MAX

/* A value: a caller may copy one and change spacing_s and half_life_s (ASERT networks), both at least 1.
 *
 * ASERT's anchor is block 1, which takes the genesis's nBits, at block 1's own time: the genesis is fixed and old, and
 * an anchor at its time would count the years until the first start as lateness and pin the target at the limit. So
 * a block of height h + 1 has the target of  nBits(1) * 2^((time(h) - time(1) - spacing_s * (h - 1)) / half_life_s). */
struct network {
    const char *name; /* static */
    enum network_rule rule;
    struct u256 limit;      /* easiest target */
    uint32_t limit_bits;    /* the same, compact */
    uint32_t spacing_s;     /* wanted seconds between blocks */
    uint32_t half_life_s;   /* ASERT: being late by this many seconds doubles the target; else 0 */
    uint64_t version_at[3]; /* heights from which the version must be at least 2, 3, 4; UINT64_MAX: never */
    int32_t version_min;    /* at every height but the genesis */
    bool lode;              /* blocks are struct block: coinbase record and payloads */
    struct header genesis;
    uint8_t genesis_hash[HEADER_HASH_LEN];
};

/* lode, lode-regtest, bitcoin-mainnet, bitcoin-testnet3, bitcoin-testnet4, bitcoin-signet; NULL for another name. */
const struct network *network_find(const char *name);
/* The i-th, for help texts; NULL past the end. */
const struct network *network_at(size_t i);
/* The whole genesis block of a Lode network (no payloads). 0 | ERR_NETWORK when it is one of Bitcoin's. */
int network_genesis(const struct network *self, struct block *out) MUST_CHECK;

/* The ancestors of the block being judged, as the rules read them. The caller fills it in; a block tree gives one by
 * tree_past. */
struct network_past {
    uint64_t height; /* of the parent; the block judged is one above */
    /* Time and nBits of the ancestor at that height (at most the parent's). False when the header is not held (below
     * a trusted start). The rules ask for heights mostly one below the last one asked for. */
    bool (*at)(void *ctx, uint64_t height, uint32_t *time, uint32_t *bits);
    void *ctx;
};

/* The nBits that a block on top of past, with this time, must have. 0 | ERR_NOT_FOUND when the rule needs a header
 * that past does not hold. time_s matters on testnet3 and testnet4 alone. */
int network_next_bits(const struct network *self, const struct network_past *past, uint32_t time_s,
                      uint32_t *bits) MUST_CHECK;
/* Whether a retarget from old_bits to new_bits is within the rule's factor, for a period whose start is not held.
 * 0 | ERR_BITS_WRONG. As Core's PermittedDifficultyTransition. */
int network_check_step(const struct network *self, uint64_t height, uint32_t old_bits, uint32_t new_bits) MUST_CHECK;
/* The median of the last 11 times up to the parent's, near the genesis of all there are (the upper of two middles).
 * 0 where one of them is not held, below a trusted start: then any time is later. */
uint32_t network_median_time(const struct network_past *past);
/* All the rules that need ancestors: nBits, median time, timewarp, two hours, version. header's own hash and work are
 * pow_check's. now_s in seconds since 1970, or NETWORK_NO_CLOCK.
 * 0 | ERR_BITS_WRONG | ERR_TIME_OLD | ERR_TIME_WARP | ERR_TIME_NEW | ERR_BAD_VERSION, in this order. */
int network_check_header(const struct network *self, const struct network_past *past, const struct header *header,
                         int64_t now_s) MUST_CHECK;
/* aserti3-2d: anchor_bits * 2^((time_delta_s - spacing_s * height_delta) / half_life_s), within 1 and the limit.
 * time_delta_s is the parent's time minus the anchor's, height_delta the parent's height minus the anchor's. */
uint32_t network_asert(const struct network *self, uint32_t anchor_bits, int64_t time_delta_s, uint64_t height_delta);

#endif
