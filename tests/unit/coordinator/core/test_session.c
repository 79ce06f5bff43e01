#include "rig.h"

#include "coordinator/core/shares.h"

static struct message share_of(const struct job *job, const struct worker *w, uint64_t counter, uint64_t seq)
{
    struct message m = {.type = MESSAGE_SHARE, .wid = w->wid, .seq = seq};
    m.u.share.count = 1;
    m.u.share.entries[0] = (struct message_share_entry){.job = job->id, .nonce = counter};
    struct header header;
    jobs_header(job, counter, &header);
    header_hash(m.u.share.entries[0].hash, &header);
    return m;
}

static uint8_t ack_code(const struct rig *r, uint64_t seq)
{
    const struct message *m = rig_got(r, MESSAGE_ACK);
    cr_assert_not_null(m);
    cr_assert_geq(m->u.ack.upto, seq);
    for (uint32_t i = 0; i < m->u.ack.count; i++)
        if (m->u.ack.codes[i].seq == seq)
            return m->u.ack.codes[i].code;
    return MESSAGE_CODE_OK;
}

/* A counter of w's first lease whose hash is no block, so that it is a share and nothing more. The share target is made
 * the easiest there is, since regtest's block target is easier than any share target. */
static uint64_t plain_share(struct job *job, const struct worker *w)
{
    memset(&job->share_target, 0xff, sizeof job->share_target);
    return rig_search(job, w->leases.slots[0].start, &job->target, false);
}

Test(session, a_message_without_a_session_is_told_to_say_hello)
{
    struct rig *r = rig_new();
    struct message m = {.type = MESSAGE_PROGRESS, .seq = 4};
    rig_say(r, 1, &m);
    const struct message *e = rig_got(r, MESSAGE_ERROR);
    cr_assert_not_null(e);
    cr_assert_eq(e->u.error.code, MESSAGE_CODE_STATE);
    cr_assert_eq(e->u.error.ref, 4);
    rig_free(r);
}

Test(session, a_wrong_wid_is_no_session)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    struct message m = {.type = MESSAGE_PROGRESS, .wid = w->wid + 1, .seq = 2};
    rig_say(r, 1, &m);
    cr_assert_eq(rig_got(r, MESSAGE_ERROR)->u.error.code, MESSAGE_CODE_STATE);
    rig_free(r);
}

Test(session, leases_are_given_as_credit_says_and_never_overlap)
{
    struct rig *r = rig_new();
    struct worker *a = rig_hello(r, 1), *b = rig_hello(r, 2);
    rig_ask(r, a, 1, 2);
    cr_assert_not_null(rig_sent_at(r, MESSAGE_LEASE, 1));
    cr_assert_null(rig_sent_at(r, MESSAGE_LEASE, 2));
    struct message_lease one = rig_sent_at(r, MESSAGE_LEASE, 0)->message.u.lease;
    struct message_lease two = rig_sent_at(r, MESSAGE_LEASE, 1)->message.u.lease;
    rig_ask(r, b, 2, 1);
    struct message_lease three = rig_got(r, MESSAGE_LEASE)->u.lease;
    cr_assert_eq(one.job, 0);
    cr_assert_eq(one.epoch, 1);
    cr_assert_leq(one.end, two.start);
    cr_assert_leq(two.end, three.start);
    cr_assert_geq(r->mark, three.end); /* J1 */
    rig_ask(r, a, 1, 16);
    cr_assert_null(rig_sent_at(r, MESSAGE_LEASE, 1)); /* three are live: one more and no more */
    rig_free(r);
}

Test(session, no_lease_is_given_when_the_mark_cannot_be_made_durable)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    r->store_err = ERR_STORE;
    rig_ask(r, w, 1, 2);
    cr_assert_null(rig_got(r, MESSAGE_LEASE));
    cr_assert_eq(r->exit_status, 1);
    rig_free(r);
}

Test(session, a_share_is_judged_and_acknowledged_once_a_batch)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    struct job *job = jobs_current(&r->core->jobs);
    uint64_t counter = plain_share(job, w);
    struct message m = share_of(job, w, counter, 5);
    rig_say(r, 1, &m);
    cr_assert_null(rig_got(r, MESSAGE_ACK));
    m.seq = 6;
    rig_say(r, 1, &m);
    rig_kind(r, CORE_EV_FLUSH);
    cr_assert_null(rig_sent_at(r, MESSAGE_ACK, 1));
    cr_assert_eq(rig_got(r, MESSAGE_ACK)->u.ack.upto, 6);
    cr_assert_eq(ack_code(r, 5), MESSAGE_CODE_OK);
    cr_assert_eq(ack_code(r, 6), MESSAGE_CODE_DUPLICATE);
    cr_assert_eq(w->counts.shares, 1); /* J2 */
    cr_assert_eq(r->block_count, 0);
    rig_free(r);
}

Test(session, the_end_of_the_search_space_is_an_error_and_ill_health)
{
    struct rig *r = rig_new();
    struct core_config config = rig_config(r);
    rig_end_core(r);
    config.epoch = 2;
    config.mark = UINT64_MAX - 10;
    rig_begin(r, &config);
    struct worker *w = rig_hello(r, 1);
    int errors = r->logs[CORE_ERROR];
    rig_ask(r, w, 1, 1);
    cr_assert_not_null(rig_got(r, MESSAGE_LEASE));
    cr_assert_eq(r->logs[CORE_ERROR], errors);
    cr_assert_null(r->core->ailing);
    for (int i = 0; i < 3; i++) {
        rig_ask(r, w, 1, 1);
        cr_assert_null(rig_got(r, MESSAGE_LEASE));
    }
    cr_assert_eq(r->logs[CORE_ERROR], errors + 1, "said once a minute");
    rig_control(r, 9, "health", NULL);
    struct cursor ok = cursor_map_find(rig_reply(r, 0)->result, "ok");
    cr_assert_not(cursor_bool(&ok));
    r->now_ns += INT64_C(61) * 1000000000;
    rig_ask(r, w, 1, 1);
    cr_assert_eq(r->logs[CORE_ERROR], errors + 2);
    rig_free(r);
}

/* A clock behind the median gives every job of a tip the same time, if nobody takes care. */
Test(session, a_share_is_credited_once_under_whichever_jobs)
{
    struct rig *r = rig_new();
    struct core_config config = rig_config(r);
    rig_end_core(r);
    r->wall_ms = ((int64_t)config.network->genesis.time - 3600) * 1000;
    config.epoch = 2;
    rig_begin(r, &config);
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    struct job *job = jobs_current(&r->core->jobs);
    uint64_t counter = plain_share(job, w);
    struct message m = share_of(job, w, counter, 5);
    rig_say(r, 1, &m);
    cr_assert_eq(w->counts.shares, 1);
    w->heard_ns = r->now_ns + INT64_C(60) * 1000000000; /* it stays in session */
    rig_pass(r, 31000);
    struct job *fresh = jobs_current(&r->core->jobs);
    cr_assert_neq(fresh, job);
    memset(&fresh->share_target, 0xff, sizeof fresh->share_target);
    m.u.share.entries[0].job = fresh->id;
    rig_say(r, 1, &m);
    cr_assert_eq(w->counts.shares, 1); /* J2 */
    rig_free(r);
}

Test(session, each_wrong_share_has_its_code)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    struct job *job = jobs_current(&r->core->jobs);
    uint64_t counter = plain_share(job, w);
    uint64_t outside = rig_search(job, w->leases.slots[0].end + 1000, &job->target, false);
    struct message bad_job = share_of(job, w, counter, 10);
    bad_job.u.share.entries[0].job = 99;
    struct message lie = share_of(job, w, counter, 11);
    lie.u.share.entries[0].hash[0] ^= 1;
    struct message foreign = share_of(job, w, outside, 12);
    rig_say(r, 1, &bad_job);
    rig_say(r, 1, &lie);
    rig_say(r, 1, &foreign);
    job->share_target = job->target;
    struct message low = share_of(job, w, counter, 13);
    rig_say(r, 1, &low);
    rig_kind(r, CORE_EV_FLUSH);
    cr_assert_eq(ack_code(r, 10), MESSAGE_CODE_UNKNOWN_JOB);
    cr_assert_eq(ack_code(r, 11), MESSAGE_CODE_BAD_POW);
    cr_assert_eq(ack_code(r, 12), MESSAGE_CODE_BAD_RANGE);
    cr_assert_eq(ack_code(r, 13), MESSAGE_CODE_LOW_DIFF);
    cr_assert_eq(w->counts.rejected, 4);
    cr_assert_eq(w->counts.shares, 0);
    rig_free(r);
}

Test(session, a_share_of_the_last_tip_is_stale)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    struct job *job = jobs_current(&r->core->jobs);
    uint64_t counter = plain_share(job, w);
    rig_find(r, w, 1);
    struct message m = share_of(job, w, counter, 20);
    rig_say(r, 1, &m);
    rig_kind(r, CORE_EV_FLUSH);
    cr_assert_eq(ack_code(r, 20), MESSAGE_CODE_STALE);
    cr_assert_eq(w->counts.stale, 1);
    rig_free(r);
}

Test(session, a_share_that_is_a_block_is_taken_as_one)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    struct job *job = jobs_current(&r->core->jobs);
    uint64_t counter = rig_search(job, w->leases.slots[0].start, &job->target, true);
    struct message m = share_of(job, w, counter, 5), b = rig_block(job, w, counter);
    rig_say(r, 1, &m);
    cr_assert_eq(r->block_count, 1);
    rig_say(r, 1, &b);
    rig_kind(r, CORE_EV_FLUSH);
    cr_assert_eq(r->block_count, 1);
    cr_assert_eq(ack_code(r, b.seq), MESSAGE_CODE_DUPLICATE);
    cr_assert_eq(w->counts.blocks, 1);
    rig_free(r);
}

Test(session, a_block_is_published_before_the_store_and_acknowledged_after)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    const struct job *job = jobs_current(&r->core->jobs);
    struct message m = rig_block(job, w, rig_search(job, 0, &job->target, true));
    struct core_event e = {.kind = CORE_EV_MESSAGE, .route = rig_route(1), .message = &m, .wall_ms = r->wall_ms};
    core_step(r->core, &e, r->now_ns, &r->actions);
    int published = -1, persisted = -1;
    for (size_t i = 0; i < r->actions.count; i++) {
        if (r->actions.items[i].kind == CORE_PUBLISH)
            published = (int)i;
        if (r->actions.items[i].kind == CORE_PERSIST)
            persisted = (int)i;
        cr_assert_neq(r->actions.items[i].kind, CORE_SEND, "acknowledged before it is durable"); /* J3 */
    }
    cr_assert_geq(published, 0);
    cr_assert_gt(persisted, published);
    rig_do(r);
    rig_kind(r, CORE_EV_FLUSH);
    cr_assert_eq(ack_code(r, m.seq), MESSAGE_CODE_OK);
    rig_free(r);
}

Test(session, a_block_that_cannot_be_stored_is_not_acknowledged_and_ends_the_program)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    r->store_err = ERR_STORE;
    rig_find(r, w, 1);
    cr_assert_eq(r->exit_status, 1);
    rig_kind(r, CORE_EV_FLUSH);
    cr_assert_null(rig_got(r, MESSAGE_ACK)); /* J3 */
    cr_assert_eq(r->progress[0], 0);
    rig_free(r);
}

Test(session, the_same_block_again_is_one_record_and_one_credit)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    const struct job *job = jobs_current(&r->core->jobs);
    struct message m = rig_block(job, w, rig_search(job, 0, &job->target, true));
    for (int i = 0; i < 5; i++)
        rig_say(r, 1, &m);
    rig_kind(r, CORE_EV_FLUSH);
    cr_assert_eq(r->block_count, 1); /* J2 */
    cr_assert_eq(w->counts.blocks, 1);
    cr_assert_eq(w->counts.shares, 1);
    cr_assert_eq(r->core->stats.blocks, 1);
    rig_free(r);
}

Test(session, a_block_outside_every_lease_counts_but_for_nobody)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    const struct job *job = jobs_current(&r->core->jobs);
    struct message m = rig_block(job, w, rig_search(job, UINT64_C(1) << 60, &job->target, true));
    rig_say(r, 1, &m);
    cr_assert_eq(r->block_count, 1);
    cr_assert_str_eq(r->blocks[0].block.worker, "");
    cr_assert_eq(w->counts.blocks, 0);
    rig_free(r);
}

Test(session, a_mutated_block_is_refused)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    const struct job *job = jobs_current(&r->core->jobs);
    struct message good = rig_block(job, w, rig_search(job, 0, &job->target, true));
    struct message bad[4] = {good, good, good, rig_block(job, w, rig_search(job, 0, &job->target, false))};
    bad[0].u.block.hash[5] ^= 1;
    bad[1].u.block.header[40] ^= 1;
    bad[2].u.block.job++;
    for (int i = 0; i < 4; i++) {
        bad[i].seq = 100 + (uint64_t)i;
        rig_say(r, 1, &bad[i]);
    }
    rig_kind(r, CORE_EV_FLUSH);
    cr_assert_eq(ack_code(r, 100), MESSAGE_CODE_BAD_POW);
    cr_assert_eq(ack_code(r, 101), MESSAGE_CODE_BAD_POW);
    cr_assert_eq(ack_code(r, 102), MESSAGE_CODE_UNKNOWN_JOB);
    cr_assert_eq(ack_code(r, 103), MESSAGE_CODE_BAD_POW);
    cr_assert_eq(r->block_count, 0);
    rig_free(r);
}

Test(session, a_second_block_of_one_height_is_kept_aside_and_told_stale)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    const struct job *job = jobs_current(&r->core->jobs);
    uint64_t first = rig_search(job, 0, &job->target, true);
    struct message a = rig_block(job, w, first), b = rig_block(job, w, rig_search(job, first + 1, &job->target, true));
    rig_say(r, 1, &a);
    uint64_t tip_seq = r->core->tip_seq;
    b.seq = 11;
    rig_say(r, 1, &b);
    rig_kind(r, CORE_EV_FLUSH);
    cr_assert_eq(ack_code(r, 11), MESSAGE_CODE_STALE);
    cr_assert_eq(r->block_count, 2);
    cr_assert_eq(r->core->tip_seq, tip_seq);
    cr_assert_eq(r->core->stats.side_blocks, 1);
    rig_free(r);
}

Test(session, a_resend_with_an_old_seq_is_acknowledged_apart)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    struct message m = {.type = MESSAGE_LEASE_DONE, .wid = w->wid, .seq = 50};
    m.u.lease_done.end = 1;
    rig_say(r, 1, &m);
    m.seq = 3;
    rig_say(r, 1, &m); /* the gathered ACK of 50 goes out first, so that ... */
    cr_assert_eq(rig_got(r, MESSAGE_ACK)->u.ack.upto, 50);
    rig_kind(r, CORE_EV_FLUSH);
    cr_assert_eq(rig_got(r, MESSAGE_ACK)->u.ack.upto, 3); /* ... upto never claims what was not seen */
    rig_free(r);
}

Test(session, many_codes_are_split_over_several_acks)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    struct message m = {.type = MESSAGE_LEASE_DONE, .wid = w->wid};
    m.u.lease_done.end = 1;
    int codes = 0;
    for (uint64_t seq = 1; seq <= 100; seq++) {
        m.seq = seq;
        rig_say(r, 1, &m);
        const struct message *a = rig_got(r, MESSAGE_ACK);
        codes += a ? (int)a->u.ack.count : 0;
    }
    rig_kind(r, CORE_EV_FLUSH);
    codes += (int)rig_got(r, MESSAGE_ACK)->u.ack.count;
    cr_assert_eq(codes, 100); /* unknown lease, every one */
    rig_free(r);
}

Test(session, finished_leases_are_counted_and_a_second_report_is_a_duplicate)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    struct message_lease l = rig_got(r, MESSAGE_LEASE)->u.lease;
    struct message m = {.type = MESSAGE_LEASE_DONE, .wid = w->wid, .seq = 3};
    m.u.lease_done = (struct message_lease_done){
        .lease = l.lease, .start = l.start, .end = l.end, .hashes = l.end - l.start, .busy_us = 1000};
    rig_say(r, 1, &m);
    m.seq = 4;
    rig_say(r, 1, &m);
    rig_kind(r, CORE_EV_FLUSH);
    cr_assert_eq(ack_code(r, 3), MESSAGE_CODE_OK);
    cr_assert_eq(ack_code(r, 4), MESSAGE_CODE_DUPLICATE);
    cr_assert_eq(w->counts.hashes, l.end - l.start);
    rig_free(r);
}

Test(session, progress_counts_hashes_and_gives_a_rate)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    struct message_lease l = rig_got(r, MESSAGE_LEASE)->u.lease;
    struct message m = {.type = MESSAGE_PROGRESS, .wid = w->wid, .seq = 3};
    m.u.progress.count = 1;
    m.u.progress.entries[0] = (struct message_progress_entry){l.lease, l.start + 1000, 1000};
    r->now_ns += INT64_C(1000000000);
    rig_say(r, 1, &m);
    cr_assert_eq(w->counts.hashes, 1000);
    cr_assert_gt(w->hashrate, 990);
    cr_assert_lt(w->hashrate, 1010);
    rig_free(r);
}

Test(session, a_returned_lease_is_live_no_more)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    struct message_lease l = rig_got(r, MESSAGE_LEASE)->u.lease;
    struct message m = {.type = MESSAGE_LEASE_RETURN, .wid = w->wid, .seq = 3};
    m.u.lease_return = (struct message_lease_return){.lease = l.lease, .pos = l.start + 5};
    rig_say(r, 1, &m);
    cr_assert_eq(w->leases.live, 0);
    rig_say(r, 1, &m);
    cr_assert_eq(r->logs[CORE_DEBUG], 1);
    rig_free(r);
}

Test(session, bye_ends_the_session_and_the_leases)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 2);
    struct message m = {.type = MESSAGE_BYE, .wid = w->wid, .seq = 3};
    m.u.bye.held_count = 1;
    m.u.bye.held[0] =
        (struct message_held){w->leases.slots[0].id, w->leases.slots[0].start + 1, w->leases.slots[0].end};
    rig_say(r, 1, &m);
    cr_assert_eq(w->state, WORKER_AWAY);
    cr_assert_eq(w->leases.live, 0);
    cr_assert_eq(w->leases.slots[0].state, LEASE_RETURNED);
    cr_assert_eq(w->leases.slots[1].state, LEASE_EXPIRED);
    cr_assert_eq(r->core->fleet.live, 0);
    rig_free(r);
}

Test(session, a_tip_is_given_on_request)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    struct message m = {.type = MESSAGE_TIP_GET, .wid = w->wid, .seq = 3};
    rig_say(r, 1, &m);
    cr_assert_eq(rig_got(r, MESSAGE_TIP)->u.tip.tip_seq, r->core->tip_seq);
    rig_free(r);
}

Test(session, three_frames_in_a_minute_that_do_not_decode_end_a_session)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    struct message envelope = {.seq = 9};
    struct core_event e = {
        .kind = CORE_EV_BAD_FRAME, .route = rig_route(1), .message = &envelope, .err = ERR_TRUNCATED};
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(w->state, WORKER_LIVE);
        rig_event(r, &e);
        cr_assert_eq(rig_got(r, MESSAGE_ERROR)->u.error.code, MESSAGE_CODE_MALFORMED);
        cr_assert_eq(rig_got(r, MESSAGE_ERROR)->u.error.ref, 9);
    }
    cr_assert_eq(w->state, WORKER_AWAY);
    rig_free(r);
}

Test(session, unknown_messages_are_named_but_forgiven)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    struct message envelope = {.seq = 9};
    struct core_event e = {
        .kind = CORE_EV_BAD_FRAME, .route = rig_route(1), .message = &envelope, .err = ERR_UNKNOWN_MESSAGE};
    for (int i = 0; i < 10; i++)
        rig_event(r, &e);
    cr_assert_eq(rig_got(r, MESSAGE_ERROR)->u.error.code, MESSAGE_CODE_UNKNOWN);
    cr_assert_eq(w->state, WORKER_LIVE);
    struct message m = {.type = MESSAGE_BEACON, .wid = w->wid, .seq = 9};
    rig_say(r, 1, &m);
    cr_assert_eq(rig_got(r, MESSAGE_ERROR)->u.error.code, MESSAGE_CODE_UNKNOWN);
    rig_free(r);
}

Test(session, an_unreachable_peer_is_lost)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 2);
    struct core_event e = {.kind = CORE_EV_UNREACHABLE, .route = rig_route(1)};
    rig_event(r, &e);
    cr_assert_eq(w->state, WORKER_AWAY);
    cr_assert_eq(w->leases.live, 0);
    rig_event(r, &e); /* once more: nobody is there */
    rig_free(r);
}

Test(session, metrics_without_a_schema_are_refused)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    struct message m = {.type = MESSAGE_METRICS, .wid = w->wid, .seq = 3};
    m.u.metrics.schema = 5;
    rig_say(r, 1, &m);
    cr_assert_eq(rig_got(r, MESSAGE_ERROR)->u.error.code, MESSAGE_CODE_REFUSED);
    rig_free(r);
}

Test(session, a_worker_s_error_is_logged)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    struct message m = {.type = MESSAGE_ERROR, .wid = w->wid, .seq = 3};
    m.u.error.code = MESSAGE_CODE_EPOCH;
    int before = r->logs[CORE_WARN];
    rig_say(r, 1, &m);
    cr_assert_eq(r->logs[CORE_WARN], before + 1);
    rig_free(r);
}
