#include <test.h>

#include "common/base/err.h"
#include "common/chain/target.h"
#include "worker/link/chainview.h"

#define EASY 0x207fffff /* every other hash proves it */

static struct u256 added_work(const struct u256 *base, uint32_t bits)
{
    struct u256 sum = *base, own = target_work_of_bits(bits);
    cr_assert_eq(target_add_work(&sum, &own), 0);
    return sum;
}

/* Mines a tip on top of prev (NULL: a first one). */
static struct message_tip tip_on(const struct message_tip *prev)
{
    struct header h = {.version = 1, .time = 1700000000, .bits = EASY};
    struct message_tip t = {.epoch = 1, .tip_seq = 1, .height = 0};
    struct u256 work = u256_from_u64(0), target;
    if (prev) {
        memcpy(h.prev, prev->hash, 32);
        t.epoch = prev->epoch;
        t.tip_seq = prev->tip_seq + 1;
        t.height = prev->height + 1;
        work = u256_from_be(prev->work);
    }
    work = added_work(&work, EASY);
    u256_to_be(t.work, &work);
    cr_assert_eq(target_from_bits(&target, EASY), 0);
    do {
        h.nonce++;
        header_hash(t.hash, &h);
    } while (!target_met(&target, t.hash));
    header_serialize(t.header, &h);
    return t;
}

/* The same header with a nonce that does not prove it. */
static void spoil_work(struct message_tip *t)
{
    struct u256 target;
    cr_assert_eq(target_from_bits(&target, EASY), 0);
    for (uint32_t nonce = 1000;; nonce++) {
        header_set_nonce(t->header, nonce);
        header_hash_raw(t->hash, t->header);
        if (!target_met(&target, t->hash))
            return;
    }
}

Test(chainview, takes_a_chain_tip_by_tip_and_remembers_it)
{
    AUTO(chainview_free) struct chainview *v = chainview_new();
    cr_assert_null(chainview_tip(v));
    struct message_tip t = tip_on(NULL), first = t;
    cr_assert_eq(chainview_offer(v, &t), 1);
    for (int i = 0; i < 5; i++) {
        t = tip_on(&t);
        cr_assert_eq(chainview_offer(v, &t), 1);
    }
    cr_assert_eq(chainview_tip(v)->height, 5);
    cr_assert_arr_eq(chainview_tip(v)->hash, t.hash, 32);
    cr_assert_not_null(chainview_find(v, first.hash));
    for (int i = 0; i < CHAINVIEW_KEPT; i++) {
        t = tip_on(&t);
        cr_assert_eq(chainview_offer(v, &t), 1);
    }
    cr_assert_null(chainview_find(v, first.hash), "what is kept is bounded");
}

Test(chainview, the_same_tip_and_older_ones_change_nothing)
{
    AUTO(chainview_free) struct chainview *v = chainview_new();
    struct message_tip a = tip_on(NULL), b = tip_on(&a);
    cr_assert_eq(chainview_offer(v, &b), 1);
    cr_assert_eq(chainview_offer(v, &b), 0);
    cr_assert_eq(chainview_offer(v, &a), 0);
    struct chainview_counts c;
    chainview_counts(v, &c);
    cr_assert_eq(c.repeated, 2);
    cr_assert_eq(c.taken, 1);
    cr_assert_eq(c.refused, 0);
}

Test(chainview, a_newer_template_of_the_same_block_is_taken)
{
    AUTO(chainview_free) struct chainview *v = chainview_new();
    struct message_tip t = tip_on(NULL);
    cr_assert_eq(chainview_offer(v, &t), 1);
    t.tip_seq++;
    cr_assert_eq(chainview_offer(v, &t), 1);
}

Test(chainview, a_header_that_does_not_hash_to_what_is_announced_is_refused)
{
    AUTO(chainview_free) struct chainview *v = chainview_new();
    struct message_tip t = tip_on(NULL);
    t.hash[0] ^= 1;
    cr_assert_eq(chainview_offer(v, &t), ERR_LINK);
    memset(t.header, 0, sizeof t.header);
    cr_assert_eq(chainview_offer(v, &t), ERR_LINK, "a sender that leaves the header out");
    cr_assert_null(chainview_tip(v));
}

Test(chainview, a_header_without_proof_of_work_is_refused)
{
    AUTO(chainview_free) struct chainview *v = chainview_new();
    struct message_tip t = tip_on(NULL);
    spoil_work(&t);
    cr_assert_eq(chainview_offer(v, &t), ERR_POW);
    struct header h;
    header_parse(&h, t.header);
    h.bits = 0;
    header_serialize(t.header, &h);
    header_hash(t.hash, &h);
    cr_assert_eq(chainview_offer(v, &t), ERR_BITS_ZERO);
    struct chainview_counts c;
    chainview_counts(v, &c);
    cr_assert_eq(c.refused, 2);
}

Test(chainview, an_older_epoch_is_refused_and_a_newer_one_may_start_with_less_work)
{
    AUTO(chainview_free) struct chainview *v = chainview_new();
    struct message_tip a = tip_on(NULL), b = tip_on(&a), other = tip_on(NULL);
    b.epoch = 5;
    cr_assert_eq(chainview_offer(v, &b), 1);
    cr_assert_eq(chainview_offer(v, &a), ERR_EPOCH);
    other.epoch = 6;
    cr_assert_eq(chainview_offer(v, &other), 1);
    cr_assert_eq(chainview_tip(v)->height, 0);
}

Test(chainview, less_work_in_the_same_epoch_is_refused)
{
    AUTO(chainview_free) struct chainview *v = chainview_new();
    struct message_tip a = tip_on(NULL), b = tip_on(&a), c = tip_on(&b);
    cr_assert_eq(chainview_offer(v, &b), 1);
    c.reorg = 1;
    memcpy(c.work, a.work, sizeof c.work);
    cr_assert_eq(chainview_offer(v, &c), ERR_STALE);
}

Test(chainview, an_extension_must_stand_on_our_tip_and_claim_no_more_work_than_its_own)
{
    AUTO(chainview_free) struct chainview *v = chainview_new();
    struct message_tip a = tip_on(NULL), b = tip_on(&a), c = tip_on(&b);
    cr_assert_eq(chainview_offer(v, &a), 1);
    struct message_tip greedy = b;
    greedy.work[0] = 1;
    cr_assert_eq(chainview_offer(v, &greedy), ERR_RANGE);
    struct message_tip apart = c;
    apart.height = 1;
    apart.tip_seq = 2;
    cr_assert_eq(chainview_offer(v, &apart), ERR_LINK);
    apart.reorg = 1;
    cr_assert_eq(chainview_offer(v, &apart), 1, "a reorg need not stand on our tip");
}

Test(chainview, another_block_under_the_seq_we_have_is_a_contradiction)
{
    AUTO(chainview_free) struct chainview *v = chainview_new();
    struct message_tip a = tip_on(NULL), b = tip_on(&a);
    b.tip_seq = a.tip_seq;
    cr_assert_eq(chainview_offer(v, &a), 1);
    cr_assert_eq(chainview_offer(v, &b), ERR_DUPLICATE);
}

Test(chainview, a_job_that_builds_on_something_else_is_refused)
{
    AUTO(chainview_free) struct chainview *v = chainview_new();
    struct message_tip t = tip_on(NULL);
    t.has_job = true;
    cr_assert_eq(chainview_offer(v, &t), ERR_INVALID_PARENT);
    memcpy(t.body.parent, t.hash, 32);
    cr_assert_eq(chainview_offer(v, &t), 1);
}

Test(chainview, a_gap_is_counted_and_costs_nothing)
{
    AUTO(chainview_free) struct chainview *v = chainview_new();
    struct message_tip a = tip_on(NULL), b = tip_on(&a), c = tip_on(&b);
    cr_assert_eq(chainview_offer(v, &a), 1);
    cr_assert_eq(chainview_offer(v, &c), 1);
    struct chainview_counts counts;
    chainview_counts(v, &counts);
    cr_assert_eq(counts.gaps, 1);
}

Test(chainview, a_beacon_ahead_of_us_asks_for_the_tip)
{
    AUTO(chainview_free) struct chainview *v = chainview_new();
    struct message_tip a = tip_on(NULL);
    a.epoch = 3;
    a.tip_seq = 7;
    struct message_beacon b = {.epoch = 3, .tip_seq = 7};
    memcpy(b.hash8, a.hash, 8);
    cr_assert_eq(chainview_beacon(v, &b), 1, "we have no tip at all");
    cr_assert_eq(chainview_offer(v, &a), 1);
    cr_assert_eq(chainview_beacon(v, &b), 0);
    b.hash8[0] ^= 1;
    cr_assert_eq(chainview_beacon(v, &b), 1, "another block under the same seq");
    b.tip_seq = 6;
    cr_assert_eq(chainview_beacon(v, &b), 0);
    b.tip_seq = 8;
    cr_assert_eq(chainview_beacon(v, &b), 1);
    b.epoch = 2;
    cr_assert_eq(chainview_beacon(v, &b), ERR_EPOCH);
    b.epoch = 4;
    cr_assert_eq(chainview_beacon(v, &b), 1);
}
