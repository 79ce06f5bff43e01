/* Headers from anyone: the 80 bytes survive a round trip, and the tree takes any list of them without breaking C1. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/base/check.h"
#include "common/chain/header.h"
#include "common/chain/tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool no_better(void *ctx, const struct tree_node *node)
{
    const struct tree_node *tip = ctx;
    int order = u256_compare(&node->work, &tip->work);
    CHECK(order < 0 || (order == 0 && node->arrival >= tip->arrival)); /* C1 */
    return true;
}

/* Every header is put on an earlier one (the first bytes say which) or left as it is, so that whole branches grow. */
static void grow_tree(const uint8_t *data, size_t count)
{
    struct tree_config config = {.network = network_find("lode-regtest"), .max_orphans = 4, .max_side = 8};
    struct tree *tree = tree_new(&config);
    struct tree_event e;
    uint8_t hashes[64][HEADER_HASH_LEN];
    memcpy(hashes[0], config.network->genesis_hash, HEADER_HASH_LEN);
    for (size_t i = 0; i < count; i++) {
        struct header h;
        header_parse(&h, data + i * HEADER_LEN);
        if (h.prev[0] % 8 != 7)
            memcpy(h.prev, hashes[h.prev[1] % (i + 1)], HEADER_HASH_LEN);
        if (h.prev[2] % 4 != 3)
            h.bits = 0x207fffff;
        int kind = tree_insert(tree, &h, NETWORK_NO_CLOCK, &e);
        CHECK((kind < 0) == (e.kind == TREE_REFUSED) && (kind < 0 || kind == (int)e.kind));
        memcpy(hashes[i + 1], e.hash, HEADER_HASH_LEN);
        while (tree_adopt(tree, NETWORK_NO_CLOCK, NULL, &e))
            CHECK(e.kind != TREE_ORPHAN);
        CHECK(tree_orphan_count(tree) <= 4);
        CHECK(tree_at(tree, tree_tip(tree)->height) == tree_tip(tree));
    }
    tree_each(tree, no_better, (void *)(uintptr_t)tree_tip(tree));
    tree_free(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    size_t count = len / HEADER_LEN < 63 ? len / HEADER_LEN : 63;
    for (size_t i = 0; i < count; i++) {
        struct header h;
        uint8_t again[HEADER_LEN];
        header_parse(&h, data + i * HEADER_LEN);
        header_serialize(again, &h);
        CHECK(memcmp(again, data + i * HEADER_LEN, HEADER_LEN) == 0);
    }
    grow_tree(data, count);
    return 0;
}
