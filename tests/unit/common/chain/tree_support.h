/* tree_support.h - headers for the tests of the block tree. */
#ifndef TESTS_UNIT_COMMON_CHAIN_TREE_SUPPORT_H
#define TESTS_UNIT_COMMON_CHAIN_TREE_SUPPORT_H

#include "chain_support.h"

#include "common/chain/tree.h"

/* Two easy difficulties, so that equal work meets unequal height: within 20 minutes of its parent a block has work 4,
 * later it has work 2 (testnet3's rule over a limit of 0x207fffff). */
static inline struct network two_works(void)
{
    struct network net = *network_find("lode-regtest");
    net.rule = NETWORK_TESTNET3;
    net.spacing_s = 600;
    net.genesis.bits = 0x203fffff;
    mine(&net.genesis, net.genesis_hash);
    return net;
}

static inline struct tree *new_tree(const struct network *net)
{
    return tree_new(&(struct tree_config){.network = net, .seed = 99});
}

/* A block on prev; salt makes it different from its brothers. The hard ones of a period are as far apart as wanted:
 * 2016 times the spacing over its 2015 gaps, so that a retarget leaves the difficulty alone. */
static inline struct header child_of(const struct header *parent, const uint8_t prev[32], uint32_t bits, uint32_t salt,
                                     uint8_t hash[32])
{
    const uint32_t genesis_time = network_find("lode-regtest")->genesis.time;
    uint32_t gap = bits == 0x207fffff ? 1201 : parent->time == genesis_time ? 1200 : 600;
    struct header h = {.version = 1, .time = parent->time + gap, .bits = bits};
    memcpy(h.prev, prev, 32);
    bytes_put_le32(h.merkle, salt);
    mine(&h, hash);
    return h;
}

static inline int insert(struct tree *tree, const struct header *h, struct tree_event *e)
{
    return tree_insert(tree, h, NETWORK_NO_CLOCK, e);
}

#endif
