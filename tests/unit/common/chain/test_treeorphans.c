#include "chain_support.h"

#include "common/chain/treeorphans.h"

static bool add(struct treeorphans *pool, uint8_t name, uint8_t parent, uint8_t *evicted)
{
    struct header h = {.nonce = name, .prev = {parent}};
    uint8_t hash[32] = {name}, out[32] = {0};
    bool full = treeorphans_add(pool, &h, hash, out);
    *evicted = out[0];
    return full;
}

static int take(struct treeorphans *pool)
{
    struct treeorphans_slot slot;
    return treeorphans_take(pool, &slot) ? slot.hash[0] : -1;
}

Test(treeorphans, the_oldest_goes_when_the_pool_is_full)
{
    struct treeorphans pool;
    treeorphans_init(&pool, 3);
    uint8_t evicted;
    for (uint8_t i = 1; i <= 3; i++)
        cr_assert_not(add(&pool, i, 100, &evicted));
    for (uint8_t i = 4; i <= 9; i++) {
        cr_assert(add(&pool, i, 100, &evicted));
        cr_assert_eq(evicted, i - 3);
        uint8_t gone[32] = {evicted}, here[32] = {i};
        cr_assert_null(treeorphans_find(&pool, gone));
        cr_assert_eq(treeorphans_find(&pool, here)->header.nonce, i);
    }
    cr_assert_eq(pool.count, 3);
    treeorphans_done(&pool);
}

Test(treeorphans, only_children_of_a_stored_block_come_out_oldest_first)
{
    struct treeorphans pool;
    treeorphans_init(&pool, 8);
    uint8_t evicted, parent[32] = {50};
    add(&pool, 1, 60, &evicted);
    add(&pool, 2, 50, &evicted);
    add(&pool, 3, 50, &evicted);
    add(&pool, 4, 60, &evicted);
    cr_assert_eq(take(&pool), -1);
    treeorphans_wake(&pool, parent);
    treeorphans_wake(&pool, parent);
    cr_assert_eq(take(&pool), 2);
    parent[0] = 60;
    treeorphans_wake(&pool, parent);
    cr_assert_eq(take(&pool), 1);
    cr_assert_eq(take(&pool), 3);
    cr_assert_eq(take(&pool), 4);
    cr_assert_eq(take(&pool), -1);
    cr_assert_eq(pool.count, 0);
    treeorphans_done(&pool);
}

Test(treeorphans, a_ready_orphan_that_is_dropped_is_not_taken_any_more)
{
    struct treeorphans pool;
    treeorphans_init(&pool, 1);
    uint8_t evicted, parent[32] = {50};
    add(&pool, 1, 50, &evicted);
    treeorphans_wake(&pool, parent);
    cr_assert(add(&pool, 2, 60, &evicted));
    cr_assert_eq(evicted, 1);
    cr_assert_eq(take(&pool), -1);
    treeorphans_done(&pool);
}
