#include "rig.h"

#include "coordinator/core/progress.h"

static struct rig *rig_wanting(uint64_t blocks)
{
    struct rig *r = calloc(1, sizeof *r);
    struct core_config config = rig_config(r);
    config.blocks_wanted = blocks;
    rig_begin(r, &config);
    return r;
}

Test(progress, the_line_says_height_hash_time_rate_and_worker)
{
    struct rig *r = rig_wanting(3);
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    w->hashrate = 18.4e6;
    r->now_ns += INT64_C(1320000000);
    rig_find(r, w, 1);
    char wanted[128], hash[65];
    bytes_to_hex_reversed(hash, tree_tip(r->core->tree)->hash, 32);
    (void)snprintf(wanted, sizeof wanted, "block 1  %.16s…  1.32 s  18.4 MH/s  worker worker  [1/3]", hash);
    cr_assert_str_eq(r->progress, wanted);
    rig_free(r);
}

Test(progress, after_the_blocks_that_were_wanted_it_drains_and_ends)
{
    struct rig *r = rig_wanting(2);
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    rig_find(r, w, 1);
    cr_assert_null(rig_got(r, MESSAGE_CTRL));
    rig_find(r, w, 1);
    cr_assert_eq(rig_got(r, MESSAGE_CTRL)->u.ctrl.verb, MESSAGE_CTRL_DRAIN);
    cr_assert_eq(r->exit_status, -1);
    rig_kind(r, CORE_EV_FLUSH);
    cr_assert_not_null(rig_got(r, MESSAGE_ACK));
    rig_find(r, w, 1); /* too late: refused by its seq, so that no later ACK can be taken for one of it */
    cr_assert_eq(r->block_count, 2);
    rig_kind(r, CORE_EV_FLUSH);
    const struct message *late = rig_got(r, MESSAGE_ACK);
    cr_assert_not_null(late);
    cr_assert_eq(late->u.ack.count, 1);
    cr_assert_eq(late->u.ack.codes[0].seq, 10);
    cr_assert_eq(late->u.ack.codes[0].code, MESSAGE_CODE_STATE);
    cr_assert_eq(w->counts.rejected, 0);
    rig_pass(r, 100);
    cr_assert_eq(r->exit_status, -1);
    struct message bye = {.type = MESSAGE_BYE, .wid = w->wid, .seq = 99};
    rig_say(r, 1, &bye);
    rig_pass(r, 50);
    cr_assert_eq(r->exit_status, 0);
    rig_free(r);
}

Test(progress, a_worker_that_does_not_leave_does_not_hold_the_end_up)
{
    struct rig *r = rig_wanting(1);
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    rig_find(r, w, 1);
    rig_pass(r, 900);
    cr_assert_eq(r->exit_status, -1);
    rig_pass(r, 200);
    cr_assert_eq(r->exit_status, 0);
    rig_free(r);
}

Test(progress, side_blocks_are_not_counted)
{
    struct rig *r = rig_wanting(2);
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    const struct job *job = jobs_current(&r->core->jobs);
    uint64_t counter = rig_search(job, 0, &job->target, true);
    struct message a = rig_block(job, w, counter);
    struct message b = rig_block(job, w, rig_search(job, counter + 1, &job->target, true));
    rig_say(r, 1, &a);
    rig_say(r, 1, &b);
    cr_assert_eq(r->block_count, 2);
    cr_assert_eq(r->core->blocks_done, 1);
    cr_assert_not(r->core->stopping);
    rig_free(r);
}

Test(progress, a_stop_ends_soon_without_sending_workers_away)
{
    struct rig *r = rig_new();
    rig_hello(r, 1);
    rig_kind(r, CORE_EV_STOP);
    cr_assert_null(rig_got(r, MESSAGE_CTRL)); /* they go on hashing until it is back */
    rig_kind(r, CORE_EV_STOP);                /* twice is once */
    struct message m = rig_hello_message(2);
    rig_say(r, 2, &m);
    cr_assert_eq(rig_got(r, MESSAGE_ERROR)->u.error.code, MESSAGE_CODE_BUSY);
    rig_pass(r, 100);
    cr_assert_eq(r->exit_status, 0);
    rig_free(r);
}

Test(progress, what_comes_while_it_stops_is_stored_before_it_is_acknowledged)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    rig_kind(r, CORE_EV_STOP);
    rig_find(r, w, 1); /* seq 10 */
    const struct lease *l = &w->leases.slots[0];
    struct message done = {.type = MESSAGE_LEASE_DONE, .wid = w->wid, .seq = 11};
    done.u.lease_done = (struct message_lease_done){.lease = l->id, .start = l->start, .end = l->end, .hashes = 1};
    rig_say(r, 1, &done);
    rig_kind(r, CORE_EV_FLUSH);
    cr_assert_eq(rig_got(r, MESSAGE_ACK)->u.ack.upto, 11); /* and so the block, too: J3 */
    cr_assert_eq(rig_got(r, MESSAGE_ACK)->u.ack.count, 0);
    cr_assert_eq(r->block_count, 1);
    rig_free(r);
}

Test(progress, rates_are_written_with_three_digits_and_a_unit)
{
    char text[32];
    progress_rate(text, sizeof text, 0);
    cr_assert_str_eq(text, "0.0 H/s");
    progress_rate(text, sizeof text, 999);
    cr_assert_str_eq(text, "999 H/s");
    progress_rate(text, sizeof text, 18.44e6);
    cr_assert_str_eq(text, "18.4 MH/s");
    progress_rate(text, sizeof text, 123.4e9);
    cr_assert_str_eq(text, "123 GH/s");
    progress_rate(text, sizeof text, 5e18);
    cr_assert_str_eq(text, "5000 PH/s");
}
