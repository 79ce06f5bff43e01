#include "test.h"

#include "common/base/err.h"
#include "common/chain/merkle.h"
#include "coordinator/core/jobs.h"

static struct job *make(struct jobs *jobs, uint8_t parent, struct payload *payload)
{
    uint8_t hash[32] = {parent};
    struct job_recipe recipe = {
        .parent = hash, .height = 5, .bits = 0x207fffff, .ntime = jobs_time(jobs, hash, 1800000000), .tag = "tag"};
    recipe.payload = payload;
    return jobs_make(jobs, &recipe);
}

static struct payload *payload(const char *text)
{
    struct pool pool = {0};
    pool_append(&pool, (const uint8_t *)text, (uint32_t)strlen(text), 0);
    struct payload *p = pool_front(&pool);
    pool_free(&pool);
    return p;
}

Test(jobs, the_header_is_the_block_s_own)
{
    struct jobs jobs;
    jobs_init(&jobs, 1);
    const struct job *job = make(&jobs, 1, payload("data"));
    struct block block;
    struct header header;
    uint64_t counter = UINT64_C(0x0123456789abcdef);
    jobs_block(job, counter, &block);
    jobs_header(job, counter, &header);
    cr_assert_eq(memcmp(&block.header, &header, sizeof header), 0);
    cr_assert_eq(header.nonce, 0x89abcdef);
    cr_assert_eq(block.coinbase.extranonce, 0x01234567);
    cr_assert_eq(block_check(&block, 5), 0); /* its merkle root included */
    cr_assert_neq(block_check(&block, 6), 0);
    jobs_free(&jobs);
}

Test(jobs, the_wire_form_gives_the_same_root)
{
    struct jobs jobs;
    jobs_init(&jobs, 1);
    const struct job *job = make(&jobs, 1, payload("data"));
    struct message_job m;
    jobs_message(job, &m);
    uint8_t leaf[32], root[32];
    cr_assert_eq(m.coinbase1.len, BLOCK_COINBASE1_LEN);
    cr_assert_eq(m.branch_count, 1);
    block_coinbase_leaf(leaf, m.coinbase1.at, 7, m.coinbase2.at, m.coinbase2.len);
    merkle_root_from_branch(root, leaf, m.branch[0], m.branch_count);
    struct header header;
    jobs_header(job, UINT64_C(7) << 32, &header);
    cr_assert_arr_eq(header.merkle, root, 32);
    cr_assert_arr_eq(header.prev, m.parent, 32);
    cr_assert_eq(m.ntime, 1800000000);
    cr_assert_eq(m.job, job->id);
    jobs_free(&jobs);
}

Test(jobs, the_last_ones_are_known_and_older_ones_dropped)
{
    struct jobs jobs;
    jobs_init(&jobs, 1);
    uint64_t ids[200];
    for (int i = 0; i < 200; i++)
        ids[i] = make(&jobs, (uint8_t)i, NULL)->id;
    cr_assert_not_null(jobs_find(&jobs, ids[199]));
    cr_assert_not_null(jobs_find(&jobs, ids[200 - JOBS_KEPT]));
    cr_assert_null(jobs_find(&jobs, ids[199 - JOBS_KEPT]));
    cr_assert_null(jobs_find(&jobs, ids[199] + 1));
    cr_assert_null(jobs_find(&jobs, 0));
    jobs_free(&jobs);
}

Test(jobs, all_of_the_last_two_tips_are_kept_up_to_a_bound)
{
    struct jobs jobs;
    jobs_init(&jobs, 1);
    uint64_t first = make(&jobs, 1, NULL)->id;
    for (int i = 0; i < 200; i++)
        make(&jobs, 1, NULL);
    cr_assert_not_null(jobs_find(&jobs, first));
    make(&jobs, 2, NULL);
    cr_assert_not_null(jobs_find(&jobs, first));
    make(&jobs, 3, NULL);
    cr_assert_null(jobs_find(&jobs, first));
    for (int i = 0; i < 2 * JOBS_MAX; i++)
        make(&jobs, 4, NULL);
    cr_assert_leq(jobs.next - jobs.first, JOBS_MAX);
    jobs_free(&jobs);
}

Test(jobs, a_counter_is_credited_once)
{
    struct jobs jobs;
    jobs_init(&jobs, 1);
    struct job *job = make(&jobs, 1, NULL);
    for (uint64_t c = 0; c < 5000; c++)
        cr_assert_eq(jobs_credit(job, c << 20), 0);
    for (uint64_t c = 0; c < 5000; c++)
        cr_assert_eq(jobs_credit(job, c << 20), ERR_DUPLICATE);
    cr_assert_eq(jobs_credit(job, 1), 0);
    cr_assert_eq(jobs_credit(job, UINT64_MAX), ERR_FULL);
    jobs_free(&jobs);
}

Test(jobs, the_set_of_credited_counters_is_bounded)
{
    struct jobs jobs;
    jobs_init(&jobs, 1);
    struct job *job = make(&jobs, 1, NULL);
    for (uint64_t c = 0; c < JOBS_SEEN_MAX; c++)
        cr_assert_eq(jobs_credit(job, c), 0);
    cr_assert_eq(jobs_credit(job, UINT64_C(1) << 40), ERR_FULL);
    cr_assert_eq(jobs_credit(job, 5), ERR_DUPLICATE);
    jobs_free(&jobs);
}

Test(jobs, a_share_target_is_never_harder_than_the_block_s)
{
    struct jobs jobs;
    jobs_init(&jobs, 1);
    uint8_t parent[32] = {1};
    struct job_recipe recipe = {
        .parent = parent, .height = 1, .bits = 0x1e00ffff, .tag = "", .share_target = u256_from_u64(1)};
    const struct job *job = jobs_make(&jobs, &recipe);
    cr_assert_eq(u256_compare(&job->share_target, &job->target), 0);
    memset(&recipe.share_target, 0xff, sizeof recipe.share_target);
    recipe.ntime = jobs_time(&jobs, parent, 0);
    job = jobs_make(&jobs, &recipe);
    cr_assert_gt(u256_compare(&job->share_target, &job->target), 0);
    jobs_free(&jobs);
}

Test(jobs, a_job_is_restored_whole_and_known_by_its_id)
{
    struct jobs jobs, next;
    jobs_init(&jobs, 1);
    jobs_init(&next, 2);
    const struct job *job = make(&jobs, 7, payload("data"));
    uint8_t record[JOBS_RECORD_MAX];
    struct cursor_out o = cursor_out_over(record, sizeof record);
    jobs_pack(job, &o);
    cr_assert_eq(o.err, 0);
    cr_assert_eq(jobs_restore(&next, job->id, record, o.len), 0);
    struct job *again = jobs_find(&next, job->id);
    cr_assert_not_null(again);
    cr_assert(again->closed);
    struct header a, b;
    jobs_header(job, UINT64_C(0x1122334455667788), &a);
    jobs_header(again, UINT64_C(0x1122334455667788), &b);
    cr_assert_eq(memcmp(&a, &b, sizeof a), 0);
    struct block block;
    jobs_block(again, 5, &block);
    cr_assert_eq(block_check(&block, 5), 0);
    cr_assert_null(jobs_current(&next));
    for (uint8_t tip = 0; tip < 10; tip++)
        make(&next, tip, NULL);
    cr_assert_null(jobs_find(&next, job->id)); /* of no use any more */
    jobs_free(&jobs);
    jobs_free(&next);
}

Test(jobs, a_damaged_record_is_refused)
{
    struct jobs jobs, next;
    jobs_init(&jobs, 1);
    jobs_init(&next, 2);
    const struct job *job = make(&jobs, 7, NULL);
    uint8_t record[JOBS_RECORD_MAX];
    struct cursor_out o = cursor_out_over(record, sizeof record);
    jobs_pack(job, &o);
    for (size_t len = 0; len < o.len; len++)
        cr_assert_eq(jobs_restore(&next, job->id, record, len), ERR_CORRUPT);
    cr_assert_eq(jobs_restore(&next, next.next, record, o.len), ERR_CORRUPT); /* an id of now */
    cr_assert_eq(next.earlier_count, 0);
    jobs_free(&jobs);
    jobs_free(&next);
}

Test(jobs, of_many_restored_ones_the_last_are_kept)
{
    struct jobs jobs, next;
    jobs_init(&jobs, 1);
    jobs_init(&next, 2);
    const struct job *job = make(&jobs, 7, NULL);
    uint8_t record[JOBS_RECORD_MAX];
    struct cursor_out o = cursor_out_over(record, sizeof record);
    jobs_pack(job, &o);
    for (uint64_t i = 0; i < 100; i++)
        cr_assert_eq(jobs_restore(&next, job->id + i, record, o.len), 0);
    cr_assert_null(jobs_find(&next, job->id + 99 - JOBS_KEPT));
    cr_assert_not_null(jobs_find(&next, job->id + 100 - JOBS_KEPT));
    jobs_free(&jobs);
    jobs_free(&next);
}

Test(jobs, no_two_jobs_of_a_parent_have_a_header_in_common_across_restarts)
{
    struct jobs jobs, next;
    jobs_init(&jobs, 1);
    jobs_init(&next, 2);
    struct header before, now;
    jobs_header(make(&jobs, 1, NULL), 5, &before);
    for (int i = 0; i < 100; i++) {
        const struct job *job = make(&jobs, 1, i % 2 ? payload("data") : NULL);
        jobs_header(job, 5, &now);
        cr_assert_gt(now.time, before.time);
        before = now;
    }
    const struct job *job = jobs_current(&jobs);
    uint8_t record[JOBS_RECORD_MAX];
    struct cursor_out o = cursor_out_over(record, sizeof record);
    jobs_pack(job, &o);
    cr_assert_eq(jobs_restore(&next, job->id, record, o.len), 0);
    uint8_t parent[32] = {1}, other[32] = {2};
    cr_assert_eq(jobs_time(&next, other, 1800000000), 1800000000);
    make(&next, 2, NULL); /* the block the record builds on was not stored: it comes again later */
    cr_assert_eq(jobs_time(&next, parent, 1800000000), job->ntime + 1);
    cr_assert_eq(jobs_time(&next, parent, job->ntime - 8000), job->ntime - 8000, "a clock that was far ahead");
    cr_assert_eq(jobs_time(&next, parent, job->ntime), job->ntime + 1);
    cr_assert_eq(make(&next, 1, NULL)->ntime, job->ntime + 1);
    jobs_free(&jobs);
    jobs_free(&next);
}

Test(jobs, another_parent_closes_the_jobs_before_and_frees_their_sets)
{
    struct jobs jobs;
    jobs_init(&jobs, 1);
    struct job *old = make(&jobs, 1, NULL);
    cr_assert_eq(jobs_credit(old, 7), 0);
    struct job *same = make(&jobs, 1, NULL);
    cr_assert_eq(jobs_credit(old, 8), 0);
    cr_assert_eq(jobs_credit(same, 8), 0);
    cr_assert_eq(jobs.seen_sum, 3);
    struct job *tip = make(&jobs, 2, NULL);
    cr_assert_eq(jobs_credit(old, 9), ERR_STALE);
    cr_assert_eq(jobs_credit(same, 8), ERR_STALE);
    cr_assert_null(same->seen.slots);
    cr_assert_eq(jobs.seen_sum, 0);
    cr_assert_eq(jobs_credit(tip, 8), 0);
    jobs_free(&jobs);
}

Test(jobs, the_sets_of_all_jobs_together_are_bounded_and_the_newest_go_on)
{
    struct jobs jobs;
    jobs_init(&jobs, 1);
    enum { COUNT = 2 * JOBS_SEEN_SUM / JOBS_SEEN_MAX };
    struct job *all[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        all[i] = make(&jobs, 1, NULL);
        for (uint64_t c = 0; c < JOBS_SEEN_MAX; c++)
            cr_assert_eq(jobs_credit(all[i], c), 0);
        size_t sum = 0, slots = 0;
        for (size_t k = 0; k <= i; k++) {
            sum += all[k]->seen.count;
            slots += all[k]->seen.cap;
        }
        cr_assert_eq(jobs.seen_sum, sum);
        cr_assert_leq(sum, JOBS_SEEN_SUM);
        cr_assert_leq(slots, 4 * JOBS_SEEN_SUM);
    }
    cr_assert_eq(jobs_credit(all[0], 5), ERR_STALE);
    cr_assert_eq(jobs_credit(all[COUNT - 1], 5), ERR_DUPLICATE);
    cr_assert_eq(jobs_find(&jobs, all[0]->id), all[0], "its blocks still count");
    jobs_free(&jobs);
}
