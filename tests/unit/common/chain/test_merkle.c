#include "chain_support.h"

#include "common/base/err.h"
#include "common/chain/merkle.h"
#include "common/hash/sha256.h"

enum { MANY = 600 };

/* The tree as the textbook has it, row by row. */
static void slow_root(uint8_t root[32], const uint8_t *leaves, size_t count)
{
    static uint8_t row[MANY + 1][32];
    memcpy(row, leaves, count * 32);
    for (; count > 1; count = (count + 1) / 2) {
        if (count % 2)
            memcpy(row[count], row[count - 1], 32);
        for (size_t i = 0; i < count; i += 2)
            sha256_double(row[i / 2], row[i], 64);
    }
    memcpy(root, row[0], 32);
}

static void fill(uint8_t *leaves, size_t count, uint64_t seed)
{
    for (size_t i = 0; i < count * 32; i++)
        leaves[i] = (uint8_t)next_random(&seed);
}

Test(merkle, gives_the_roots_of_real_blocks)
{
    json_t *all = load_json("bitcoin/merkle_vectors.json"), *one, *txid;
    size_t i, j, count = 0;
    json_array_foreach(all, i, one)
    {
        json_t *txids = json_object_get(one, "txids");
        size_t n = json_array_size(txids);
        uint8_t *leaves = malloc(n * 32), root[32], wanted[32], branch[MERKLE_BRANCH_MAX * 32];
        json_array_foreach(txids, j, txid)
        {
            cr_assert_eq(bytes_from_hex_reversed(leaves + 32 * j, 32, json_string_value(txid), 64), 0);
        }
        cr_assert_eq(bytes_from_hex_reversed(wanted, 32, text_of(one, "merkle_root"), 64), 0);
        cr_assert_eq(merkle_root(root, leaves, n), 0);
        cr_assert_arr_eq(root, wanted, 32);
        int height = merkle_branch(branch, leaves, n);
        cr_assert_geq(height, 1);
        merkle_root_from_branch(root, leaves, branch, (size_t)height);
        cr_assert_arr_eq(root, wanted, 32);
        free(leaves);
        count++;
    }
    cr_assert_eq(count, 9);
    json_decref(all);
}

Test(merkle, agrees_with_the_textbook_for_every_count)
{
    static uint8_t leaves[MANY * 32];
    fill(leaves, MANY, 5);
    for (size_t n = 1; n <= MANY; n += n < 70 ? 1 : 53) {
        uint8_t root[32], wanted[32], branch[MERKLE_BRANCH_MAX * 32];
        slow_root(wanted, leaves, n);
        cr_assert_eq(merkle_root(root, leaves, n), 0);
        cr_assert_arr_eq(root, wanted, 32);
        int height = merkle_branch(branch, leaves, n);
        cr_assert_geq(height, 0);
        merkle_root_from_branch(root, leaves, branch, (size_t)height);
        cr_assert_arr_eq(root, wanted, 32);
    }
}

Test(merkle, one_leaf_is_its_own_root_and_none_gives_zero)
{
    uint8_t leaf[32], root[32], zero[32] = {0}, branch[MERKLE_BRANCH_MAX * 32];
    fill(leaf, 1, 9);
    cr_assert_eq(merkle_root(root, leaf, 1), 0);
    cr_assert_arr_eq(root, leaf, 32);
    cr_assert_eq(merkle_branch(branch, leaf, 1), 0);
    cr_assert_eq(merkle_root(root, leaf, 0), 0);
    cr_assert_arr_eq(root, zero, 32);
}

Test(merkle, a_repeated_tail_has_the_same_root_and_is_reported)
{
    static uint8_t leaves[2 * MANY * 32];
    /* count, and how many of the last leaves are appended again: each gives the root of the list without them. */
    const size_t cases[][2] = {{3, 1}, {5, 1}, {6, 2}, {7, 1}, {12, 4}, {10, 2}, {20, 4}, {24, 8}, {461, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n = cases[i][0], again = cases[i][1];
        uint8_t honest[32], mutated[32];
        fill(leaves, n, 11 + i);
        memcpy(leaves + n * 32, leaves + (n - again) * 32, again * 32);
        cr_assert_eq(merkle_root(honest, leaves, n), 0);
        cr_assert_eq(merkle_root(mutated, leaves, n + again), ERR_MUTATED);
        cr_assert_arr_eq(honest, mutated, 32);
    }
}

Test(merkle, equal_neighbours_are_reported_wherever_they_are_paired)
{
    static uint8_t leaves[16 * 32];
    uint8_t root[32];
    for (size_t i = 0; i + 1 < 16; i++) {
        fill(leaves, 16, 3);
        memcpy(leaves + 32 * (i + 1), leaves + 32 * i, 32);
        cr_assert_eq(merkle_root(root, leaves, 16), i % 2 ? 0 : ERR_MUTATED); /* at odd places they are not a pair */
    }
    fill(leaves, 16, 4);
    memcpy(leaves + 32 * 4, leaves, 32 * 4); /* two equal subtrees */
    cr_assert_eq(merkle_root(root, leaves, 16), ERR_MUTATED);
}

Test(merkle, a_list_of_four_billion_hashes_is_refused_before_it_is_read)
{
    uint8_t leaf[32] = {1}, root[32], zero[32] = {0}, branch[MERKLE_BRANCH_MAX * 32];
    cr_assert_eq(merkle_root(root, leaf, (size_t)1 << 32), ERR_TOO_LONG);
    cr_assert_arr_eq(root, zero, 32);
    cr_assert_eq(merkle_branch(branch, leaf, (size_t)1 << 32), ERR_TOO_LONG);
}

/* ---- whole blocks: the header and the ids of their transactions ---- */

struct reader {
    const uint8_t *p, *end;
};

static uint64_t read_count(struct reader *r)
{
    cr_assert_lt(r->p, r->end);
    uint8_t first = *r->p++;
    unsigned width = first == 0xfd ? 2 : first == 0xfe ? 4 : first == 0xff ? 8 : 0;
    uint64_t v = width ? 0 : first;
    for (unsigned i = 0; i < width; i++)
        v |= (uint64_t)*r->p++ << (8 * i);
    return v;
}

/* A transaction without witness: steps over it and gives its id. */
static void read_transaction(struct reader *r, uint8_t id[32])
{
    const uint8_t *begin = r->p;
    r->p += 4;
    for (uint64_t inputs = read_count(r); inputs > 0; inputs--) {
        r->p += 36;
        uint64_t script = read_count(r);
        r->p += script + 4;
    }
    for (uint64_t outputs = read_count(r); outputs > 0; outputs--) {
        r->p += 8;
        uint64_t script = read_count(r);
        r->p += script;
    }
    r->p += 4;
    cr_assert_leq(r->p, r->end);
    sha256_double(id, begin, (size_t)(r->p - begin));
}

static void expect_good_block(struct reader *r, uint32_t bits_wanted)
{
    struct header h;
    uint8_t hash[32], root[32];
    header_parse(&h, r->p);
    header_hash(hash, &h);
    cr_assert(bits_wanted == 0 || h.bits == bits_wanted);
    cr_assert_eq(pow_check(hash, h.bits, &network_find("bitcoin-mainnet")->limit), 0);
    r->p += HEADER_LEN;
    uint64_t count = read_count(r);
    uint8_t *ids = malloc(count * 32);
    for (uint64_t i = 0; i < count; i++)
        read_transaction(r, ids + 32 * i);
    cr_assert_eq(merkle_root(root, ids, count), 0);
    cr_assert_arr_eq(root, h.merkle, 32);
    free(ids);
}

Test(merkle, mainnets_first_255_blocks_hold_together)
{
    size_t len, count = 0;
    char *bytes = test_slurp(test_data("bitcoin/blocks_1_255.dat"), &len);
    struct reader r = {.p = (const uint8_t *)bytes, .end = (const uint8_t *)bytes + len};
    while (r.p < r.end) {
        cr_assert_eq(bytes_be32(r.p), 0xf9beb4d9u);
        const uint8_t *next = r.p + 8 + bytes_le32(r.p + 4);
        r.p += 8;
        expect_good_block(&r, 0x1d00ffff);
        cr_assert_eq(r.p, next);
        count++;
    }
    cr_assert_eq(count, 255);
    free(bytes);
}

Test(merkle, a_block_of_461_transactions_holds_together)
{
    size_t len;
    char *bytes = test_slurp(test_data("bitcoin/block_300025.raw"), &len);
    struct reader r = {.p = (const uint8_t *)bytes, .end = (const uint8_t *)bytes + len};
    expect_good_block(&r, 0);
    cr_assert_eq(r.p, r.end);
    free(bytes);
}
