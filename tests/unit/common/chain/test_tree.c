#include "tree_support.h"

#include "common/base/err.h"

/* count regtest blocks on top of from (or of the genesis where from is NULL); hashes too. */
static void make_chain(struct header *out, uint8_t (*hashes)[32], size_t count, const struct header *from,
                       uint32_t salt)
{
    struct header parent = from ? *from : network_find("lode-regtest")->genesis;
    uint8_t prev[32];
    header_hash(prev, &parent);
    for (size_t i = 0; i < count; i++) {
        out[i] = child_of(&parent, prev, 0x207fffff, salt, hashes[i]);
        parent = out[i];
        memcpy(prev, hashes[i], 32);
    }
}

/* ---- real headers ---- */

static void feed_file(const char *network, const char *file, uint64_t from, const char *tip_hash, const char *work)
{
    size_t len;
    char *bytes = test_slurp(test_data(file), &len);
    struct header h;
    struct tree_event e;
    header_parse(&h, (const uint8_t *)bytes);
    struct tree_config config = {.network = network_find(network), .start = from ? &h : NULL, .start_height = from};
    struct tree *tree = tree_new(&config);
    for (size_t at = HEADER_LEN; at < len; at += HEADER_LEN) {
        struct header again;
        header_parse(&h, (const uint8_t *)bytes + at);
        cr_assert_eq(insert(tree, &h, &e), TREE_CONNECTED);
        tree_header(tree, e.node, &again);
        cr_assert_eq(memcmp(&again, &h, sizeof h), 0);
    }
    char text[65];
    bytes_to_hex_reversed(text, tree_tip(tree)->hash, 32);
    cr_assert_str_eq(text, tip_hash);
    struct u256 wanted = number(work);
    cr_assert_eq(u256_compare(&tree_tip(tree)->work, &wanted), 0);
    cr_assert_eq(tree_tip(tree)->height, from + len / HEADER_LEN - 1);
    for (uint64_t height = from; height <= tree_tip(tree)->height; height += 7) {
        cr_assert_eq(tree_at(tree, height), tree_ancestor(tree_tip(tree), height));
        cr_assert_eq(tree_at(tree, height)->height, height);
    }
    cr_assert_null(tree_ancestor(tree_tip(tree), tree_tip(tree)->height + 1));
    cr_assert(from == 0 || tree_ancestor(tree_tip(tree), from - 1) == NULL);
    cr_assert_null(tree_at(tree, tree_tip(tree)->height + 1));
    tree_free(&tree);
    cr_assert_null(tree);
    free(bytes);
}

Test(tree, accepts_mainnets_first_10080_headers)
{
    feed_file("bitcoin-mainnet", "bitcoin/mainnet_headers_0_10079.bin", 0,
              "000000009b0a4b2833b4a0aa61171ee75b8eb301ac45a18713795a72e461a946", "276027602760");
}

Test(tree, accepts_mainnet_from_a_trusted_start_over_three_retargets)
{
    feed_file("bitcoin-mainnet", "bitcoin/mainnet_headers_40000_44999.bin", 40000,
              "0000000024cc468cc190fcc92e05915e3faa87b332865b35167701fb2a06583b", "3f6d2245c828");
}

Test(tree, accepts_signets_first_2016_headers)
{
    feed_file("bitcoin-signet", "bitcoin/signet_headers_0_2015.bin", 0,
              "000000c0a3841a6ae64c45864ae25314b40fd522bfb299a4b6bd5ef288cae74d", "245661d80");
}

/* Blocks 1 to 100 in reverse: all wait, then the first brings in all of them. */
Test(tree, connects_a_hundred_orphans_given_in_reverse)
{
    size_t len;
    char *bytes = test_slurp(test_data("bitcoin/mainnet_headers_0_10079.bin"), &len);
    struct tree *tree = new_tree(network_find("bitcoin-mainnet"));
    struct header h, adopted;
    struct tree_event e;
    uint8_t missing[32], prev[32];
    for (size_t i = 101; i > 1; i--) {
        header_parse(&h, (const uint8_t *)bytes + i * HEADER_LEN);
        cr_assert_eq(insert(tree, &h, &e), TREE_ORPHAN);
        cr_assert_not(e.evicted);
        cr_assert(tree_orphan_missing(tree, e.hash, NULL));
        cr_assert_eq(insert(tree, &h, &e), ERR_DUPLICATE);
    }
    cr_assert_not(tree_adopt(tree, 0, NULL, &e));
    header_parse(&h, (const uint8_t *)bytes + 101 * HEADER_LEN);
    header_hash(prev, &h);
    header_parse(&h, (const uint8_t *)bytes + HEADER_LEN);
    uint8_t first[32];
    header_hash(first, &h);
    cr_assert(tree_orphan_missing(tree, prev, missing));
    cr_assert_arr_eq(missing, first, 32);
    cr_assert_eq(tree_orphan_count(tree), 100);
    cr_assert_eq(insert(tree, &h, &e), TREE_CONNECTED);
    for (uint64_t height = 2; height <= 101; height++) {
        cr_assert(tree_adopt(tree, NETWORK_NO_CLOCK, &adopted, &e));
        cr_assert_eq(e.kind, TREE_CONNECTED);
        cr_assert_eq(e.height, height);
        cr_assert_arr_eq(adopted.prev, tree_at(tree, height - 1)->hash, 32);
    }
    cr_assert_not(tree_adopt(tree, NETWORK_NO_CLOCK, &adopted, &e));
    cr_assert_eq(tree_orphan_count(tree), 0);
    tree_free(&tree);
    free(bytes);
}

/* ---- refusals ---- */

static int refused(struct tree *tree, struct header h, struct tree_event *e)
{
    uint8_t hash[32];
    mine(&h, hash);
    size_t before = tree_count(tree);
    int code = insert(tree, &h, e);
    cr_assert_eq(e->kind, TREE_REFUSED);
    cr_assert_eq(e->code, code);
    cr_assert_null(e->node);
    cr_assert_eq(tree_count(tree), before);
    return code;
}

Test(tree, names_each_reason_for_a_refusal)
{
    const struct network *net = network_find("lode-regtest");
    struct tree *tree = new_tree(net);
    struct tree_event e;
    struct header good[3], h;
    uint8_t hashes[3][32];
    make_chain(good, hashes, 3, NULL, 0);
    cr_assert_eq(insert(tree, &good[0], &e), TREE_CONNECTED);
    cr_assert_eq(insert(tree, &good[0], &e), ERR_DUPLICATE);
    cr_assert_eq(insert(tree, &net->genesis, &e), ERR_DUPLICATE);
    h = good[1];
    h.bits = 0x1d00ffff;
    cr_assert_eq(insert(tree, &h, &e), ERR_POW);
    h.bits = 0x20800001;
    cr_assert_eq(insert(tree, &h, &e), ERR_BITS_NEGATIVE);
    h.bits = 0x00000000;
    cr_assert_eq(insert(tree, &h, &e), ERR_BITS_ZERO);
    h.bits = 0xff000001;
    cr_assert_eq(insert(tree, &h, &e), ERR_BITS_OVERFLOW);
    h.bits = 0x2100ffff;
    cr_assert_eq(insert(tree, &h, &e), ERR_BITS_LIMIT);
    h.bits = 0x203fffff;
    cr_assert_eq(refused(tree, h, &e), ERR_BITS_WRONG);
    h = good[1];
    h.time = net->genesis.time;
    cr_assert_eq(refused(tree, h, &e), ERR_TIME_OLD);
    h = good[1];
    h.version = 0;
    cr_assert_eq(refused(tree, h, &e), ERR_BAD_VERSION);
    h = net->genesis;
    h.nonce++;
    cr_assert_eq(refused(tree, h, &e), ERR_GENESIS);
    cr_assert_eq(tree_insert(tree, &good[1], (int64_t)good[1].time - 7201, &e), ERR_TIME_NEW);
    cr_assert_eq(tree_insert(tree, &good[1], (int64_t)good[1].time - 7200, &e), TREE_CONNECTED);
    tree_free(&tree);
}

Test(tree, refuses_testnet_headers_under_mainnets_rules)
{
    struct tree *tree = new_tree(network_find("bitcoin-mainnet"));
    struct tree_event e;
    cr_assert_eq(insert(tree, &network_find("bitcoin-testnet3")->genesis, &e), ERR_GENESIS);
    cr_assert_eq(insert(tree, &network_find("bitcoin-signet")->genesis, &e), ERR_BITS_LIMIT);
    tree_free(&tree);
}

Test(tree, refuses_work_that_does_not_fit)
{
    const struct network *net = network_find("lode-regtest");
    struct header start = net->genesis, h[2];
    uint8_t hashes[2][32];
    struct tree_config config = {.network = net, .start = &start, .start_height = 5};
    config.start_work = number("fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffc");
    struct tree *tree = tree_new(&config);
    struct tree_event e;
    make_chain(h, hashes, 2, NULL, 0);
    cr_assert_eq(insert(tree, &h[0], &e), TREE_CONNECTED);
    cr_assert_eq(e.height, 6);
    cr_assert_eq(insert(tree, &h[1], &e), ERR_WORK_OVERFLOW);
    tree_free(&tree);
}

Test(tree, a_trusted_start_keeps_its_own_parents_hash)
{
    struct header start = network_find("lode-regtest")->genesis, again;
    start.prev[7] = 3;
    struct tree_config config = {.network = network_find("lode-regtest"), .start = &start, .start_height = 10};
    struct tree *tree = tree_new(&config);
    tree_header(tree, tree_start(tree), &again);
    cr_assert_eq(memcmp(&again, &start, sizeof start), 0);
    cr_assert_eq(tree_start(tree)->height, 10);
    cr_assert_eq(tree_start(tree)->work.limb[0], 2);
    tree_free(&tree);
}

/* ---- bounds ---- */

enum { LONG = TREE_SIDE_DEPTH + 10 };
static struct header main_chain[LONG], side_chain[LONG + 1];
static uint8_t main_hashes[LONG][32], side_hashes[LONG + 1][32];

static struct tree *long_tree(size_t max_side)
{
    struct tree_config config = {.network = network_find("lode-regtest"), .max_side = max_side};
    struct tree *tree = tree_new(&config);
    struct tree_event e;
    make_chain(main_chain, main_hashes, LONG, NULL, 0);
    for (size_t i = 0; i < LONG; i++)
        cr_assert_eq(insert(tree, &main_chain[i], &e), TREE_CONNECTED);
    return tree;
}

Test(tree, refuses_a_branch_more_than_2016_below_the_tip)
{
    struct tree *tree = long_tree(0);
    struct tree_event e;
    /* Height of main_chain[i] is i + 1, the tip's is LONG: the lowest fork allowed is at height 10. */
    make_chain(side_chain, side_hashes, 1, &main_chain[8], 1);
    cr_assert_eq(insert(tree, &side_chain[0], &e), ERR_TOO_DEEP);
    make_chain(side_chain, side_hashes, 1, &main_chain[9], 1);
    cr_assert_eq(insert(tree, &side_chain[0], &e), TREE_SIDE);
    tree_free(&tree);
}

/* count blocks with these bits on top of *parent, which moves up with them; each must give want. */
static void extend(struct tree *tree, struct header *parent, size_t count, uint32_t bits, int want)
{
    struct tree_event e;
    uint8_t hash[32];
    for (size_t i = 0; i < count; i++) {
        header_hash(hash, parent);
        struct header h = child_of(parent, hash, bits, bits, hash);
        cr_assert_eq(insert(tree, &h, &e), want);
        if (want >= 0)
            *parent = h;
    }
}

Test(tree, depth_is_measured_in_height_and_in_work)
{
    struct network net = two_works();
    const uint32_t hard = 0x203fffff, easy = 0x207fffff;
    /* A side branch of work 4 a block is ahead in work of a main chain of 2 a block, but low: refused by height. */
    struct tree *tree = new_tree(&net);
    struct header trunk = net.genesis, side;
    extend(tree, &trunk, 1, hard, TREE_CONNECTED);
    side = trunk;
    extend(tree, &trunk, 30, easy, TREE_CONNECTED);
    extend(tree, &side, 10, hard, TREE_SIDE);
    extend(tree, &trunk, TREE_SIDE_DEPTH + 11 - 31, easy, TREE_CONNECTED); /* the floor is at height 11, work 28 */
    extend(tree, &side, 1, hard, TREE_SIDE);                               /* height 12, work 52 */
    extend(tree, &trunk, 2, easy, TREE_CONNECTED);                         /* the floor is at height 13, work 32 */
    extend(tree, &side, 1, hard, ERR_TOO_DEEP);                            /* height 13 */
    tree_free(&tree);
    /* And the other way round: higher than the floor, but with less work. */
    tree = new_tree(&net);
    trunk = net.genesis;
    extend(tree, &trunk, 1, hard, TREE_CONNECTED);
    side = trunk;
    extend(tree, &trunk, 30, hard, TREE_CONNECTED);
    extend(tree, &side, 20, easy, TREE_SIDE);                              /* height 21, work 48 */
    extend(tree, &trunk, TREE_SIDE_DEPTH + 11 - 31, hard, TREE_CONNECTED); /* the floor is at height 11, work 48 */
    extend(tree, &side, 1, easy, TREE_SIDE);                               /* work 50 */
    extend(tree, &trunk, 1, hard, TREE_CONNECTED);                         /* the floor is at height 12, work 52 */
    extend(tree, &side, 1, easy, ERR_TOO_DEEP);                            /* height 23, work 52 */
    tree_free(&tree);
}

Test(tree, reorganises_2016_blocks_deep_and_back)
{
    struct tree *tree = long_tree(0);
    struct tree_event e;
    make_chain(side_chain, side_hashes, TREE_SIDE_DEPTH + 1, &main_chain[9], 1);
    for (size_t i = 0; i < TREE_SIDE_DEPTH; i++)
        cr_assert_eq(insert(tree, &side_chain[i], &e), TREE_SIDE); /* equal work at the last: first stored stays */
    cr_assert_eq(insert(tree, &side_chain[TREE_SIDE_DEPTH], &e), TREE_REORG);
    cr_assert_eq(e.depth, TREE_SIDE_DEPTH);
    cr_assert_arr_eq(e.fork->hash, main_hashes[9], 32);
    cr_assert_arr_eq(e.old_tip->hash, main_hashes[LONG - 1], 32);
    cr_assert_arr_eq(e.new_tip->hash, side_hashes[TREE_SIDE_DEPTH], 32);
    const struct tree_node *path[3];
    cr_assert_eq(tree_path(e.fork, e.old_tip, path, 3), TREE_SIDE_DEPTH);
    cr_assert_arr_eq(path[0]->hash, main_hashes[10], 32);
    cr_assert_arr_eq(path[2]->hash, main_hashes[12], 32);
    cr_assert_eq(tree_path(e.fork, e.new_tip, path, 3), TREE_SIDE_DEPTH + 1);
    cr_assert_arr_eq(path[0]->hash, side_hashes[0], 32);
    cr_assert_eq(tree_path(e.fork, e.fork, path, 3), 0);

    struct header more[2];
    uint8_t hashes[2][32];
    make_chain(more, hashes, 2, &main_chain[LONG - 1], 2);
    cr_assert_eq(insert(tree, &more[0], &e), TREE_SIDE);
    cr_assert_eq(insert(tree, &more[1], &e), TREE_REORG);
    cr_assert_eq(e.depth, TREE_SIDE_DEPTH + 1);
    for (uint64_t h = 1; h <= LONG; h++)
        cr_assert_arr_eq(tree_at(tree, h)->hash, main_hashes[h - 1], 32);
    tree_free(&tree);
}

Test(tree, side_blocks_are_capped_and_old_ones_make_room)
{
    struct tree *tree = long_tree(20);
    struct tree_event e;
    /* 20 side blocks low down, in branches of two, are all there may be. */
    for (uint32_t i = 0; i < 10; i++) {
        make_chain(side_chain, side_hashes, 2, &main_chain[9 + i], 50 + i);
        cr_assert_eq(insert(tree, &side_chain[0], &e), TREE_SIDE);
        cr_assert_eq(insert(tree, &side_chain[1], &e), TREE_SIDE);
    }
    cr_assert_eq(tree_side_count(tree), 20);
    make_chain(side_chain, side_hashes, 1, &main_chain[LONG - 5], 99);
    cr_assert_eq(insert(tree, &side_chain[0], &e), ERR_FULL);
    /* Five blocks later the lowest branches can never grow again: they go, lowest first, and only where whole. */
    struct header more[6];
    uint8_t hashes[6][32];
    make_chain(more, hashes, 6, &main_chain[LONG - 1], 3);
    for (size_t i = 0; i < 6; i++)
        cr_assert_eq(insert(tree, &more[i], &e), TREE_CONNECTED);
    cr_assert_eq(insert(tree, &side_chain[0], &e), TREE_SIDE);
    cr_assert_eq(tree_side_count(tree), 20 - 8 + 1);
    cr_assert_arr_eq(tree_find(tree, side_hashes[0])->hash, side_hashes[0], 32);
    for (size_t i = 0; i < LONG; i++)
        cr_assert_not_null(tree_find(tree, main_hashes[i]));
    tree_free(&tree);
}

Test(tree, the_heaviest_chain_is_taken_even_when_side_blocks_are_at_their_cap)
{
    struct tree_config config = {.network = network_find("lode-regtest"), .max_side = 3};
    struct tree *tree = tree_new(&config);
    struct tree_event e;
    struct header a[3], b[4];
    uint8_t hashes[4][32];
    make_chain(a, hashes, 3, NULL, 1);
    make_chain(b, hashes, 4, NULL, 2);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(insert(tree, &a[i], &e), TREE_CONNECTED);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(insert(tree, &b[i], &e), TREE_SIDE);
    cr_assert_eq(insert(tree, &b[3], &e), TREE_REORG);
    cr_assert_eq(tree_side_count(tree), 3);
    tree_free(&tree);
}

Test(tree, a_flood_of_orphans_stays_within_its_pool)
{
    struct tree_config config = {.network = network_find("lode-regtest"), .max_orphans = 10};
    struct tree *tree = tree_new(&config);
    struct tree_event e;
    struct header chain[102];
    uint8_t hashes[102][32];
    make_chain(chain, hashes, 102, NULL, 0);
    size_t bytes = tree_bytes(tree);
    for (size_t i = 1; i < 101; i++) {
        cr_assert_eq(insert(tree, &chain[i], &e), TREE_ORPHAN);
        cr_assert_eq(e.evicted, i > 10);
        cr_assert(i <= 10 || memcmp(e.evicted_hash, hashes[i - 10], 32) == 0);
    }
    cr_assert_eq(tree_orphan_count(tree), 10);
    cr_assert_eq(tree_bytes(tree), bytes);
    tree_free(&tree);
}

Test(tree, memory_stays_under_200_bytes_a_header)
{
    struct tree *tree = long_tree(0);
    cr_assert_leq(sizeof(struct tree_node), 168);
    cr_assert_lt(tree_bytes(tree), 32768 + 2 * 200 * (size_t)LONG); /* the tables double, so up to half is ahead */
    tree_free(&tree);
}

/* ---- questions ---- */

static bool count_node(void *ctx, const struct tree_node *node)
{
    size_t *count = ctx;
    cr_assert_not_null(node);
    return ++*count != 5;
}

Test(tree, answers_what_a_block_on_top_must_have)
{
    struct network net = two_works();
    struct tree *tree = new_tree(&net);
    struct tree_event e;
    struct header parent = net.genesis;
    uint8_t hash[32];
    memcpy(hash, net.genesis_hash, 32);
    for (int i = 0; i < 8; i++) {
        struct header h = child_of(&parent, hash, 0x203fffff, 0, hash);
        cr_assert_eq(insert(tree, &h, &e), TREE_CONNECTED);
        parent = h;
    }
    uint32_t bits;
    cr_assert_eq(tree_next_bits(tree, tree_tip(tree), parent.time + 1200, &bits), 0);
    cr_assert_eq(bits, 0x203fffff);
    cr_assert_eq(tree_next_bits(tree, tree_tip(tree), parent.time + 1201, &bits), 0);
    cr_assert_eq(bits, 0x207fffff);
    cr_assert_eq(tree_median_time(tree, tree_tip(tree)), net.genesis.time + 1200 + 3 * 600);
    cr_assert_str_eq(tree_network(tree)->name, "lode-regtest");
    size_t seen = 10;
    tree_each(tree, count_node, &seen);
    cr_assert_eq(seen, 19);
    seen = 0;
    tree_each(tree, count_node, &seen); /* leaves when told */
    cr_assert_eq(seen, 5);
    tree_free(&tree);
}

Test(tree, invalid_marks_of_unknown_blocks_and_of_the_start_are_refused)
{
    struct tree *tree = new_tree(network_find("lode-regtest"));
    struct tree_event e;
    uint8_t unknown[32] = {9};
    cr_assert_eq(tree_invalidate(tree, unknown, &e), ERR_NOT_FOUND);
    cr_assert_eq(tree_invalidate(tree, tree_start(tree)->hash, &e), ERR_STATE);
    tree_free(&tree);
}
