#include <test.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/chain/block.h"
#include "common/chain/header.h"
#include "common/chain/target.h"
#include "worker/job.h"

/* A job for a block with two payloads, and the block itself: both sides of what a job promises. */
static struct block block = {
    .header = {.version = 0x20000000, .time = 1700000000, .bits = 0x1f00ffff, .nonce = 0},
    .coinbase = {.height = 7, .extranonce = 0x01020304, .tag_len = 4, .tag = "lode"},
    .payload_count = 2,
    .payloads = {{(const uint8_t *)"one", 3}, {(const uint8_t *)"two", 3}},
};

static struct message_job job_of(const struct block *b, uint8_t coinbase[BLOCK_COINBASE_MAX])
{
    struct message_job m = {.job = 9, .version = 0x20000000, .ntime = b->header.time, .bits = b->header.bits};
    m.height = b->coinbase.height;
    int len = block_coinbase_write(coinbase, &b->coinbase);
    cr_assert_gt(len, 0);
    m.coinbase1 = (struct cursor_view){coinbase, BLOCK_COINBASE1_LEN};
    m.coinbase2 = (struct cursor_view){coinbase + BLOCK_COINBASE1_LEN + 4, (size_t)len - BLOCK_COINBASE1_LEN - 4};
    uint8_t branch[BLOCK_BRANCH_MAX * 32];
    int count = block_branch(branch, b);
    cr_assert_eq(count, 2);
    m.branch_count = (uint32_t)count;
    memcpy(m.branch, branch, sizeof m.branch);
    memset(m.parent, 0x5a, 32);
    memset(m.share_target, 0xff, 32);
    return m;
}

Test(job, gives_the_header_of_the_block_it_stands_for)
{
    uint8_t coinbase[BLOCK_COINBASE_MAX], made[HEADER_LEN], wanted[HEADER_LEN];
    struct message_job m = job_of(&block, coinbase);
    struct job j;
    cr_assert_eq(job_take(&j, &m), 0);
    job_header(&j, block.coinbase.extranonce, made);
    struct header h = block.header;
    memset(h.prev, 0x5a, 32);
    cr_assert_eq(block_root(h.merkle, &block), 0);
    header_serialize(wanted, &h);
    cr_assert_arr_eq(made, wanted, HEADER_LEN);
}

Test(job, another_extranonce_gives_another_merkle_root_and_nothing_else)
{
    uint8_t coinbase[BLOCK_COINBASE_MAX], a[HEADER_LEN], b[HEADER_LEN];
    struct message_job m = job_of(&block, coinbase);
    struct job j;
    cr_assert_eq(job_take(&j, &m), 0);
    job_header(&j, 1, a);
    job_header(&j, 2, b);
    cr_assert_arr_eq(a, b, HEADER_MERKLE_AT);
    cr_assert(memcmp(a + HEADER_MERKLE_AT, b + HEADER_MERKLE_AT, 32) != 0);
    cr_assert_arr_eq(a + 68, b + 68, HEADER_LEN - 68);
}

Test(job, does_not_borrow_from_the_frame_it_came_in)
{
    uint8_t coinbase[BLOCK_COINBASE_MAX], a[HEADER_LEN], b[HEADER_LEN];
    struct message_job m = job_of(&block, coinbase);
    struct job j;
    cr_assert_eq(job_take(&j, &m), 0);
    job_header(&j, 1, a);
    memset(coinbase, 0, sizeof coinbase);
    job_header(&j, 1, b);
    cr_assert_arr_eq(a, b, HEADER_LEN);
}

Test(job, bits_that_encode_no_target_and_parts_that_are_too_long_are_refused)
{
    uint8_t coinbase[BLOCK_COINBASE_MAX];
    struct job j;
    struct message_job m = job_of(&block, coinbase);
    m.bits = 0x1f800001;
    cr_assert_eq(job_take(&j, &m), ERR_BITS_NEGATIVE);
    m.bits = 0x23000001;
    cr_assert_eq(job_take(&j, &m), ERR_BITS_OVERFLOW);
    m.bits = 0;
    cr_assert_eq(job_take(&j, &m), ERR_BITS_ZERO);
    m = job_of(&block, coinbase);
    m.job = 0;
    cr_assert_eq(job_take(&j, &m), ERR_RANGE);
    m = job_of(&block, coinbase);
    m.branch_count = JOB_BRANCH_MAX + 1;
    cr_assert_eq(job_take(&j, &m), ERR_TOO_LONG);
    m = job_of(&block, coinbase);
    m.coinbase2.len = JOB_COINBASE_BYTES + 1;
    cr_assert_eq(job_take(&j, &m), ERR_TOO_LONG);
}

Test(job, a_hash_is_worth_a_block_a_share_or_nothing_at_the_exact_edges)
{
    uint8_t coinbase[BLOCK_COINBASE_MAX], hash[32];
    struct message_job m = job_of(&block, coinbase);
    struct u256 share = u256_from_u64(1), block_target, one = u256_from_u64(1), above;
    share = u256_shl(&share, 250);
    u256_to_be(m.share_target, &share);
    struct job j;
    cr_assert_eq(job_take(&j, &m), 0);
    cr_assert_eq(target_from_bits(&block_target, m.bits), 0);
    u256_to_le(hash, &block_target);
    cr_assert_eq(job_grade(&j, hash), JOB_BLOCK);
    cr_assert_not(u256_add(&above, &block_target, &one));
    u256_to_le(hash, &above);
    cr_assert_eq(job_grade(&j, hash), JOB_SHARE);
    u256_to_le(hash, &share);
    cr_assert_eq(job_grade(&j, hash), JOB_SHARE);
    cr_assert_not(u256_add(&above, &share, &one));
    u256_to_le(hash, &above);
    cr_assert_eq(job_grade(&j, hash), JOB_NOTHING);
}

Test(job, a_share_target_harder_than_the_block_is_raised_to_it)
{
    uint8_t coinbase[BLOCK_COINBASE_MAX];
    struct message_job m = job_of(&block, coinbase);
    memset(m.share_target, 0, 32);
    struct job j;
    cr_assert_eq(job_take(&j, &m), 0);
    cr_assert_eq(u256_compare(&j.share_target, &j.block_target), 0);
}
