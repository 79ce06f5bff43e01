#include "rig.h"

#include "coordinator/core/forks.h"
#include "coordinator/core/pool.h"

/* A block on parent that carries one payload (or none), mined by hand. */
static void mine_on(const struct rig *r, const struct tree_node *parent, const char *text, struct block *out)
{
    memset(out, 0, sizeof *out);
    out->coinbase.height = parent->height + 1;
    if (text) {
        out->payload_count = 1;
        out->payloads[0] = (struct block_payload){(const uint8_t *)text, (uint32_t)strlen(text)};
    }
    out->header = (struct header){.version = 1, .time = parent->time + 1, .bits = 0x207fffff};
    memcpy(out->header.prev, parent->hash, 32);
    cr_assert_eq(block_root(out->header.merkle, out), 0);
    uint8_t hash[32];
    do {
        out->header.nonce++;
        header_hash(hash, &out->header);
    } while (!target_met(&r->core->network.limit, hash));
}

/* forks_accept as an event would bring it about. */
static int accept(struct rig *r, const struct block *block)
{
    struct forks_finder finder = {.name = "elsewhere"};
    rig_forget_sent(r);
    r->core->now_ns = r->now_ns;
    r->core->wall_ms = r->wall_ms;
    r->core->out = &r->actions;
    int err = forks_accept(r->core, block, &finder);
    rig_do(r);
    return err;
}

static void put_payload(struct rig *r, const char *text)
{
    pool_append(&r->core->pool, (const uint8_t *)text, (uint32_t)strlen(text), 0);
}

Test(forks, a_reorg_gives_the_payloads_of_abandoned_blocks_back_in_their_order)
{
    struct rig *r = rig_new();
    struct block b;
    const struct tree_node *start = tree_tip(r->core->tree);
    mine_on(r, start, "one", &b);
    cr_assert_eq(accept(r, &b), 0);
    mine_on(r, tree_tip(r->core->tree), "two", &b);
    cr_assert_eq(accept(r, &b), 0);
    const struct tree_node *old = tree_tip(r->core->tree);
    put_payload(r, "three");
    /* Three blocks on the start, one of which carries "two" as well. */
    const struct tree_node *parent = start;
    const char *texts[3] = {NULL, "two", NULL};
    for (int i = 0; i < 3; i++) {
        mine_on(r, parent, texts[i], &b);
        uint8_t hash[32];
        header_hash(hash, &b.header);
        cr_assert_eq(accept(r, &b), 0);
        parent = tree_find(r->core->tree, hash);
        cr_assert_not_null(parent);
    }
    cr_assert_eq(tree_tip(r->core->tree), parent);
    cr_assert_neq(tree_tip(r->core->tree), old);
    cr_assert_eq(r->core->stats.reorgs, 1);
    const struct message *tip = rig_got(r, MESSAGE_TIP);
    cr_assert_eq(tip->u.tip.reorg, 2);
    cr_assert(tip->u.tip.clean);
    struct pool *pool = &r->core->pool;
    cr_assert_eq(pool->count, 2); /* "two" is on the new chain, too */
    cr_assert_eq(memcmp(pool->first->payload->bytes, "one", 3), 0);
    cr_assert_eq(memcmp(pool->last->payload->bytes, "three", 5), 0);
    rig_free(r);
}

Test(forks, the_first_of_equals_stays_the_tip_also_after_a_restart)
{
    struct rig *r = rig_new();
    struct block a, b;
    const struct tree_node *start = tree_tip(r->core->tree);
    mine_on(r, start, "a", &a);
    mine_on(r, start, "b", &b);
    cr_assert_eq(accept(r, &a), 0);
    cr_assert_eq(accept(r, &b), 0);
    uint8_t tip[32];
    memcpy(tip, tree_tip(r->core->tree)->hash, 32);
    size_t count = tree_count(r->core->tree);
    rig_end_core(r);
    struct core_config config = rig_config(r);
    config.epoch = 2;
    rig_begin(r, &config);
    cr_assert_arr_eq(tree_tip(r->core->tree)->hash, tip, 32); /* C1, T1 */
    cr_assert_eq(tree_count(r->core->tree), count);
    rig_free(r);
}

Test(forks, a_block_without_a_parent_is_an_orphan_and_changes_nothing)
{
    struct rig *r = rig_new();
    struct tree_node nowhere = {.height = 5, .time = 1800000000};
    nowhere.hash[0] = 1;
    struct block b;
    mine_on(r, &nowhere, NULL, &b);
    cr_assert_eq(accept(r, &b), ERR_ORPHAN);
    cr_assert_eq(r->block_count, 0);
    cr_assert_eq(r->core->stats.orphans, 1);
    rig_free(r);
}

Test(forks, a_block_whose_body_does_not_match_is_refused_and_the_honest_one_still_taken)
{
    struct rig *r = rig_new();
    struct block b, bad;
    mine_on(r, tree_tip(r->core->tree), "payload", &b);
    bad = b;
    bad.payloads[0] = (struct block_payload){(const uint8_t *)"other", 5};
    cr_assert_eq(accept(r, &bad), ERR_MERKLE);
    bad = b;
    bad.coinbase.height = 7;
    cr_assert_lt(accept(r, &bad), 0);
    cr_assert_eq(r->block_count, 0);
    cr_assert_eq(accept(r, &b), 0);
    cr_assert_eq(accept(r, &b), ERR_DUPLICATE);
    cr_assert_eq(r->block_count, 1);
    rig_free(r);
}

Test(forks, what_is_handed_to_the_store_is_the_block_itself)
{
    struct rig *r = rig_new();
    struct block b, again;
    mine_on(r, tree_tip(r->core->tree), "payload", &b);
    cr_assert_eq(accept(r, &b), 0);
    const struct core_block *s = &r->blocks[0].block;
    uint8_t raw[BLOCK_MIN + 256];
    memcpy(raw, s->header, HEADER_LEN);
    memcpy(raw + HEADER_LEN, s->body, s->body_len);
    cr_assert_eq(block_parse(&again, raw, HEADER_LEN + s->body_len), 0);
    cr_assert_eq(block_check(&again, 1), 0);
    cr_assert_eq(s->height, 1);
    cr_assert_str_eq(s->worker, "elsewhere");
    cr_assert_arr_eq(s->hash, tree_tip(r->core->tree)->hash, 32);
    cr_assert_arr_eq(s->prev, tree_start(r->core->tree)->hash, 32);
    rig_free(r);
}
