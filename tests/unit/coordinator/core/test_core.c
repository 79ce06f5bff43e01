#include "rig.h"

static struct rig *rig_with_chain(int blocks)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    for (int i = 0; i < blocks; i++)
        rig_find(r, w, 1);
    cr_assert_eq(r->block_count, (size_t)blocks);
    return r;
}

Test(core, a_bitcoin_network_is_not_mined)
{
    struct rig r = {0};
    struct core_config config = rig_config(&r);
    config.network = network_find("bitcoin-mainnet");
    struct core *core = NULL;
    cr_assert_eq(core_new(&core, &config), ERR_NETWORK);
    cr_assert_null(core);
}

Test(core, state_rebuilt_from_the_store_is_the_state_in_memory)
{
    struct rig *r = rig_with_chain(20);
    uint8_t tip[32];
    memcpy(tip, tree_tip(r->core->tree)->hash, 32);
    struct u256 work = tree_tip(r->core->tree)->work;
    rig_end_core(r);
    struct core_config config = rig_config(r);
    config.epoch = 2;
    config.mark = r->mark;
    rig_begin(r, &config); /* loads and verifies all */
    cr_assert_arr_eq(tree_tip(r->core->tree)->hash, tip, 32);
    cr_assert_eq(u256_compare(&tree_tip(r->core->tree)->work, &work), 0);
    cr_assert_eq(tree_tip(r->core->tree)->height, 20);
    rig_free(r);
}

Test(core, a_restart_goes_on_at_the_mark_and_knows_held_leases)
{
    struct rig *r = rig_with_chain(1);
    struct worker *w = r->core->fleet.first;
    struct lease held = w->leases.slots[0];
    rig_end_core(r);
    struct core_config config = rig_config(r);
    config.epoch = 2;
    config.mark = r->mark;
    uint64_t mark = r->mark;
    rig_begin(r, &config);
    struct message m = rig_hello_message(1);
    m.u.hello.held_count = 1;
    m.u.hello.held[0] = (struct message_held){held.id, held.start + 5, held.end};
    rig_say(r, 1, &m);
    cr_assert_eq(rig_got(r, MESSAGE_WELCOME)->u.welcome.verdicts[0].code, MESSAGE_CODE_OK);
    w = r->core->fleet.first;
    rig_ask(r, w, 1, 1);
    cr_assert_geq(rig_got(r, MESSAGE_LEASE)->u.lease.start, mark); /* J1 */
    cr_assert_gt(rig_got(r, MESSAGE_LEASE)->u.lease.lease, held.id);
    rig_free(r);
}

Test(core, a_block_found_before_a_crash_counts_once_after_it)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    const struct job *job = jobs_current(&r->core->jobs);
    struct message m = rig_block(job, w, rig_search(job, 0, &job->target, true));
    rig_say(r, 1, &m); /* stored; the acknowledgement is lost with the process */
    rig_end_core(r);
    struct core_config config = rig_config(r);
    config.epoch = 2;
    rig_begin(r, &config);
    w = rig_hello(r, 1);
    m.wid = w->wid;
    rig_say(r, 1, &m);
    rig_kind(r, CORE_EV_FLUSH);
    cr_assert_eq(r->block_count, 1); /* J2 */
    cr_assert_eq(rig_got(r, MESSAGE_ACK)->u.ack.count, 1);
    rig_free(r);
}

Test(core, a_block_found_while_nobody_was_here_is_the_tip_when_it_comes)
{
    struct rig *r = rig_with_chain(2);
    const struct job *job = jobs_current(&r->core->jobs);
    struct worker nobody = {.wid = 1};
    struct message m = rig_block(job, &nobody, rig_search(job, 0, &job->target, true));
    uint64_t plain = rig_search(job, 0, &job->target, false);
    struct message share = {.type = MESSAGE_SHARE, .seq = 11};
    share.u.share.count = 1;
    share.u.share.entries[0] = (struct message_share_entry){.job = job->id, .nonce = plain};
    struct header header;
    jobs_header(job, plain, &header);
    header_hash(share.u.share.entries[0].hash, &header);
    rig_end_core(r);
    struct core_config config = rig_config(r);
    config.epoch = 2;
    config.mark = r->mark;
    rig_begin(r, &config);
    struct worker *w = rig_hello(r, 1);
    m.wid = share.wid = w->wid;
    rig_say(r, 1, &share);
    cr_assert_eq(w->counts.shares, 0); /* J2: nobody knows whether it was credited before */
    rig_say(r, 1, &m);
    rig_kind(r, CORE_EV_FLUSH);
    cr_assert_eq(r->block_count, 3);
    cr_assert_eq(tree_tip(r->core->tree)->height, 3);
    cr_assert_eq(w->counts.blocks, 1);
    rig_free(r);
}

Test(core, a_damaged_block_is_noticed_at_load)
{
    struct rig *r = rig_with_chain(3);
    rig_end_core(r);
    struct core_config config = rig_config(r);
    for (int byte = 0; byte < 80; byte += 7) {
        struct core_block b = r->blocks[0].block;
        b.header[byte] ^= 0x40;
        struct core *core = NULL;
        cr_assert_eq(core_new(&core, &config), 0);
        cr_assert_eq(core_load(core, &b), ERR_CORRUPT, "header byte %d", byte);
        core_free(&core);
    }
    for (size_t byte = 0; byte < r->blocks[0].block.body_len; byte++) {
        r->blocks[0].body[byte] ^= 0x40;
        struct core *core = NULL;
        cr_assert_eq(core_new(&core, &config), 0);
        cr_assert_eq(core_load(core, &r->blocks[0].block), ERR_CORRUPT, "body byte %zu", byte);
        core_free(&core);
        r->blocks[0].body[byte] ^= 0x40;
    }
    struct core *core = NULL;
    cr_assert_eq(core_new(&core, &config), 0);
    cr_assert_eq(core_load(core, &r->blocks[1].block), ERR_CORRUPT); /* C2: its parent is not there */
    struct core_block truncated = r->blocks[0].block;
    truncated.body_len--;
    cr_assert_eq(core_load(core, &truncated), ERR_CORRUPT);
    struct core_block renamed = r->blocks[0].block;
    renamed.hash[0] ^= 1;
    cr_assert_eq(core_load(core, &renamed), ERR_CORRUPT);
    core_free(&core);
    r->core = NULL;
    rig_free(r);
}

/* A day of a small cluster, by its seed; the sum of all that the core sent. */
static uint64_t history(uint64_t seed)
{
    struct rig *r = rig_new();
    uint64_t sum = 0;
    for (int i = 0; i < 400; i++) {
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        uint8_t n = (uint8_t)(1 + (seed >> 33) % 5);
        struct core_route route = rig_route(n);
        struct worker *w = fleet_at(&r->core->fleet, &route);
        if (!w)
            rig_hello(r, n);
        else if ((seed >> 40) % 4 == 0)
            rig_ask(r, w, n, 2);
        else if ((seed >> 40) % 4 == 1 && w->leases.live > 0)
            rig_find(r, w, n);
        else
            rig_pass(r, 50 + (int64_t)((seed >> 50) % 40) * 50);
        for (size_t k = 0; k < r->sent_count; k++)
            for (size_t b = 0; b < r->sent[k].len; b++)
                sum = sum * 31 + r->sent[k].bytes[b];
    }
    rig_free(r);
    return sum;
}

Test(core, the_same_events_give_the_same_bytes)
{
    cr_assert_eq(history(1), history(1));
    cr_assert_eq(history(2), history(2));
    cr_assert_neq(history(1), history(2));
}
