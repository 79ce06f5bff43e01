#include "chain_support.h"

#include "common/base/err.h"
#include "common/chain/block.h"
#include "common/chain/merkle.h"
#include "common/hash/sha256.h"

static uint8_t data[4 * BLOCK_PAYLOAD_MAX];
static uint8_t wire[BLOCK_MAX + 1];
static struct block block, back;

/* A block at height 7 with count payloads of the given length, all different, with its merkle root in the header. */
static void build(unsigned count, uint32_t len)
{
    block = (struct block){.header = {.version = 1, .time = 1767225700, .bits = 0x207fffff},
                           .coinbase = {.height = 7, .extranonce = 0xa1b2c3d4, .tag_len = 5, .tag = "miner"},
                           .payload_count = (uint16_t)count};
    uint64_t state = 17;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)next_random(&state);
    for (unsigned i = 0; i < count; i++)
        block.payloads[i] = (struct block_payload){.bytes = data + 3 * i, .len = len};
    cr_assert_eq(block_root(block.header.merkle, &block), 0);
}

Test(block, writes_the_coinbase_record_as_specified)
{
    struct block_coinbase cb = {.height = 0x0102030405060708, .extranonce = 0x090a0b0c, .tag_len = 2, .tag = "ab"}, in;
    uint8_t record[BLOCK_COINBASE_MAX];
    const uint8_t wanted[] = {1, 8, 7, 6, 5, 4, 3, 2, 1, 9, 10, 11, 12, 2, 'a', 'b'};
    cr_assert_eq(block_coinbase_write(record, &cb), 16);
    cr_assert_arr_eq(record, wanted, 16);
    cr_assert_eq(block_coinbase_parse(&in, record, 16), 0);
    cr_assert_eq(in.height, cb.height);
    cr_assert_eq(in.extranonce, cb.extranonce);
    cr_assert_eq(in.tag_len, 2);
    cr_assert_arr_eq(in.tag, "ab", 2);
}

Test(block, refuses_a_coinbase_record_that_is_not_exact)
{
    struct block_coinbase cb = {.tag_len = BLOCK_TAG_MAX}, in;
    uint8_t record[BLOCK_COINBASE_MAX + 1] = {0};
    cr_assert_eq(block_coinbase_write(record, &cb), BLOCK_COINBASE_MAX);
    for (size_t len = 0; len < BLOCK_COINBASE_MAX; len++)
        cr_assert_eq(block_coinbase_parse(&in, record, len), ERR_TRUNCATED);
    cr_assert_eq(block_coinbase_parse(&in, record, BLOCK_COINBASE_MAX), 0);
    cr_assert_eq(block_coinbase_parse(&in, record, BLOCK_COINBASE_MAX + 1), ERR_TRAILING);
    record[13] = BLOCK_TAG_MAX + 1;
    cr_assert_eq(block_coinbase_parse(&in, record, BLOCK_COINBASE_MAX + 1), ERR_TOO_LONG);
    record[0] = 2;
    cr_assert_eq(block_coinbase_parse(&in, record, BLOCK_COINBASE_MAX), ERR_VERSION);
    cb.tag_len = BLOCK_TAG_MAX + 1;
    cr_assert_eq(block_coinbase_write(record, &cb), ERR_TOO_LONG);
}

Test(block, a_worker_derives_the_same_root_from_the_jobs_halves)
{
    for (unsigned count = 0; count <= BLOCK_PAYLOADS_MAX; count = count < 9 ? count + 1 : count * 2 - 1) {
        build(count, 100);
        uint8_t record[BLOCK_COINBASE_MAX], branch[BLOCK_BRANCH_MAX * 32], root[32];
        int len = block_coinbase_write(record, &block.coinbase);
        int height = block_branch(branch, &block);
        cr_assert_geq(height, 0);
        cr_assert_leq(height, BLOCK_BRANCH_MAX);
        block_coinbase_leaf(root, record, 0xa1b2c3d4, record + 13, (size_t)len - 13);
        merkle_root_from_branch(root, root, branch, (size_t)height);
        cr_assert_arr_eq(root, block.header.merkle, 32);
        block_coinbase_leaf(root, record, 0xa1b2c3d5, record + 13, (size_t)len - 13);
        merkle_root_from_branch(root, root, branch, (size_t)height);
        cr_assert_neq(memcmp(root, block.header.merkle, 32), 0);
    }
    build(BLOCK_PAYLOADS_MAX, 100);
    uint8_t branch[BLOCK_BRANCH_MAX * 32];
    cr_assert_eq(block_branch(branch, &block), BLOCK_BRANCH_MAX);
}

Test(block, a_payloads_leaf_hashes_more_than_an_inner_nodes_64_bytes)
{
    uint8_t tagged[64 + 64], leaf[32], wanted[32];
    sha256_once(tagged, "Lode/payload", 12);
    memcpy(tagged + 32, tagged, 32);
    for (size_t len = 1; len <= 64; len++) {
        memset(tagged + 64, 0xab, len);
        sha256_double(wanted, tagged, 64 + len);
        block_payload_leaf(leaf, tagged + 64, len);
        cr_assert_arr_eq(leaf, wanted, 32);
        sha256_double(wanted, tagged + 64, len);
        cr_assert_neq(memcmp(leaf, wanted, 32), 0);
    }
}

Test(block, goes_to_bytes_and_back)
{
    for (unsigned count = 0; count < 40; count += 13) {
        build(count, 1 + 500 * count);
        int64_t size = block_size(&block);
        cr_assert_eq(size, 80 + 2 + 19 + 2 + count * (4 + 1 + 500 * (int64_t)count));
        cr_assert_eq(block_serialize(wire, (size_t)size - 1, &block), ERR_FULL);
        cr_assert_eq(block_serialize(wire, (size_t)size, &block), size);
        cr_assert_eq(block_parse(&back, wire, (size_t)size), 0);
        cr_assert_eq(back.payload_count, count);
        cr_assert_eq(back.coinbase.height, 7);
        for (unsigned i = 0; i < count; i++) {
            cr_assert_eq(back.payloads[i].len, block.payloads[i].len);
            cr_assert_arr_eq(back.payloads[i].bytes, block.payloads[i].bytes, back.payloads[i].len);
        }
        cr_assert_eq(block_check(&back, 7), 0);
    }
}

Test(block, every_shorter_or_longer_form_is_refused)
{
    build(3, 10);
    int64_t size = block_serialize(wire, sizeof wire, &block);
    for (int64_t len = 0; len < size; len++) {
        uint8_t *exact = malloc((size_t)len + 1); /* one byte more, as there is no malloc(0) to speak of */
        memcpy(exact + 1, wire, (size_t)len);
        cr_assert_eq(block_parse(&back, exact + 1, (size_t)len), ERR_TRUNCATED);
        free(exact);
    }
    cr_assert_eq(block_parse(&back, wire, (size_t)size + 1), ERR_TRAILING);
    cr_assert_eq(block_parse(&back, wire, BLOCK_MAX + 1), ERR_TOO_LONG);
}

Test(block, every_limit_holds_on_both_ways)
{
    build(1, 1);
    int64_t size = block_serialize(wire, sizeof wire, &block);
    block.payloads[0].len = 0;
    cr_assert_eq(block_size(&block), ERR_RANGE);
    cr_assert_eq(block_serialize(wire, sizeof wire, &block), ERR_RANGE);
    block.payloads[0].len = BLOCK_PAYLOAD_MAX + 1;
    cr_assert_eq(block_size(&block), ERR_TOO_LONG);
    block.payloads[0].len = BLOCK_PAYLOAD_MAX;
    cr_assert_geq(block_size(&block), BLOCK_PAYLOAD_MAX);
    block.payload_count = BLOCK_PAYLOADS_MAX + 1;
    cr_assert_eq(block_size(&block), ERR_TOO_LONG);
    build(33, 1);
    for (unsigned i = 0; i < 33; i++) /* each fits, together they are over a mebibyte */
        block.payloads[i].len = BLOCK_PAYLOAD_MAX;
    uint8_t root[32], branch[BLOCK_BRANCH_MAX * 32];
    cr_assert_eq(block_size(&block), ERR_TOO_LONG);
    cr_assert_eq(block_root(root, &block), ERR_TOO_LONG);
    cr_assert_eq(block_branch(branch, &block), ERR_TOO_LONG);
    cr_assert_eq(block_check(&block, 7), ERR_TOO_LONG);

    build(1, 1);
    cr_assert_eq(block_serialize(wire, sizeof wire, &block), size);
    size_t count_at = 80 + 2 + 19, len_at = count_at + 2;
    bytes_put_le32(wire + len_at, 0);
    cr_assert_eq(block_parse(&back, wire, (size_t)size), ERR_RANGE);
    bytes_put_le32(wire + len_at, BLOCK_PAYLOAD_MAX + 1);
    cr_assert_eq(block_parse(&back, wire, (size_t)size), ERR_TOO_LONG);
    bytes_put_le32(wire + len_at, UINT32_MAX);
    cr_assert_eq(block_parse(&back, wire, (size_t)size), ERR_TOO_LONG);
    wire[count_at + 1] = 2;
    cr_assert_eq(block_parse(&back, wire, (size_t)size), ERR_TOO_LONG);
    wire[81] = 1;
    cr_assert_eq(block_parse(&back, wire, (size_t)size), ERR_TOO_LONG);
}

Test(block, check_names_what_is_wrong)
{
    build(4, 50);
    cr_assert_eq(block_check(&block, 7), 0);
    cr_assert_eq(block_check(&block, 8), ERR_RANGE);
    block.coinbase.height = 8;
    cr_assert_eq(block_check(&block, 8), ERR_MERKLE);
    build(4, 50);
    data[58] ^= 1; /* the last byte of the last payload */
    cr_assert_eq(block_check(&block, 7), ERR_MERKLE);
}

Test(block, a_mutated_copy_is_refused_and_the_honest_block_is_still_good)
{
    build(2, 50); /* three leaves: the last is paired with itself */
    struct block honest = block;
    block.payloads[2] = block.payloads[1];
    block.payload_count = 3;
    uint8_t root[32];
    cr_assert_eq(block_root(root, &block), ERR_MUTATED);
    cr_assert_arr_eq(root, honest.header.merkle, 32);
    cr_assert_eq(block_check(&block, 7), ERR_MUTATED);
    cr_assert_eq(block_check(&honest, 7), 0);
}
