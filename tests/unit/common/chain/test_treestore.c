#include "chain_support.h"

#include "common/chain/treestore.h"

enum { MANY = 3000 };

static void name_of(uint64_t i, uint8_t hash[32])
{
    memset(hash, 0, 32);
    /* Few distinct values in the bytes the table looks at: long runs of slots. */
    bytes_put_le64(hash, i % 7);
    bytes_put_le64(hash + 8, i % 11);
    bytes_put_le64(hash + 16, i);
}

Test(treestore, finds_what_is_stored_and_nothing_else_through_any_removals)
{
    struct treestore store;
    treestore_init(&store, 5);
    static struct tree_node *nodes[MANY];
    uint8_t hash[32];
    uint64_t random = 8;
    size_t count = 0;
    for (int round = 0; round < 20000; round++) {
        size_t i = next_random(&random) % MANY;
        name_of(i, hash);
        cr_assert_eq(treestore_find(&store, hash), nodes[i]);
        if (nodes[i] && round % 3 != 0) {
            treestore_remove(&store, nodes[i]);
            nodes[i] = NULL;
            count--;
        } else if (!nodes[i]) {
            nodes[i] = treestore_add(&store, hash);
            cr_assert_eq(nodes[i]->height, 0);
            cr_assert_null(nodes[i]->parent);
            nodes[i]->height = i;
            count++;
        }
        cr_assert_eq(store.count, count);
    }
    for (size_t i = 0; i < MANY; i++) {
        name_of(i, hash);
        cr_assert_eq(treestore_find(&store, hash), nodes[i]);
    }
    treestore_done(&store);
}

Test(treestore, the_cursor_sees_every_node_once_while_they_are_removed)
{
    struct treestore store;
    treestore_init(&store, 0);
    struct treestore_cursor none = {0};
    cr_assert_null(treestore_next(&store, &none));
    uint8_t hash[32];
    for (uint64_t i = 0; i < MANY; i++) {
        name_of(i, hash);
        treestore_add(&store, hash)->height = i;
    }
    for (int pass = 0; pass < 2; pass++) {
        static bool seen[MANY];
        memset(seen, 0, sizeof seen);
        struct treestore_cursor c = {0};
        size_t count = 0;
        for (struct tree_node *n; (n = treestore_next(&store, &c)); count++) {
            cr_assert_not(seen[n->height]);
            seen[n->height] = true;
            if (n->height % 2 == 0)
                treestore_remove(&store, n);
        }
        cr_assert_eq(count, pass == 0 ? MANY : MANY / 2);
    }
    size_t bytes = treestore_bytes(&store);
    for (uint64_t i = 0; i < MANY; i += 2) {
        name_of(i, hash);
        treestore_add(&store, hash);
    }
    cr_assert_eq(treestore_bytes(&store), bytes); /* freed nodes are used again */
    treestore_done(&store);
}
