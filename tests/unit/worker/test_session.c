#include <test.h>

#include <errno.h>

#include "common/base/err.h"
#include "worker/session.h"

#define MS INT64_C(1000000)
#define S  (1000 * MS)

/* A port that keeps what was said; `closed` takes nothing, as a socket that is not connected. */
struct record {
    bool closed;
    size_t count;
    struct message said[256];
};
static struct record record;

static int hear(void *ctx, const struct message *m)
{
    struct record *r = ctx;
    if (r->closed)
        return -EAGAIN;
    cr_assert_lt(r->count, ARRAY_LEN(r->said));
    r->said[r->count++] = *m;
    return 0;
}

static size_t said(enum message_type type)
{
    size_t n = 0;
    for (size_t i = 0; i < record.count; i++)
        n += record.said[i].type == type;
    return n;
}

static const struct message *last(enum message_type type)
{
    for (size_t i = record.count; i > 0; i--)
        if (record.said[i - 1].type == type)
            return &record.said[i - 1];
    cr_assert_fail("no message of type %d was said", (int)type);
    return NULL;
}

static const struct session_crew idle_crew = {0};
/* Holds one lease that lasts for long. */
static const struct session_crew busy_crew = {
    .held_count = 1,
    .held = {{.id = 7, .pos = 50, .end = 1000000, .hashes = 50}},
    .left = 999950,
    .rate = 10,
};

static struct session *fresh(void)
{
    struct session_identity who = {.uuid = {1, 2, 3}, .name = "w1", .agent = "lode-worker/0 kernel=x", .lanes = 2};
    struct session_port port = {hear, &record};
    const char *const endpoints[] = {"tcp://127.0.0.1:1", "tcp://127.0.0.1:2"};
    memset(&record, 0, sizeof record);
    return session_new(&who, &port, endpoints, 2);
}

static struct message_welcome welcome_of(uint64_t wid)
{
    return (struct message_welcome){.ver = 1, .wid = wid, .beat_ms = 1000, .dead_ms = 5000, .metrics_ms = 2000};
}

static struct session *live(int64_t now)
{
    struct session *s = fresh();
    session_dialled(s, now);
    session_greet(s, now, &idle_crew);
    struct message_welcome w = welcome_of(42);
    session_welcome(s, now, &w);
    return s;
}

Test(session, hello_says_who_we_are_what_we_hold_and_what_is_unacknowledged)
{
    AUTO(session_free) struct session *s = fresh();
    session_dialled(s, 0);
    struct message_share_entry share = {.job = 1};
    cr_assert_eq(session_share(s, 0, &share), 0);
    cr_assert_eq(record.count, 0, "nothing but HELLO before WELCOME");
    session_tip(s, 3, 9);
    session_greet(s, 0, &busy_crew);
    const struct message *m = last(MESSAGE_HELLO);
    cr_assert_eq(m->wid, 0);
    cr_assert_eq(m->u.hello.uuid[2], 3);
    cr_assert(cursor_view_is(m->u.hello.host, "w1"));
    cr_assert_eq(m->u.hello.lanes, 2);
    cr_assert_eq(m->u.hello.last_epoch, 3);
    cr_assert_eq(m->u.hello.last_tip, 9);
    cr_assert_eq(m->u.hello.held_count, 1);
    cr_assert_eq(m->u.hello.held[0].pos, 50);
    cr_assert_eq(m->u.hello.unacked_count, 1);
    cr_assert_eq(m->u.hello.unacked[0].seq, 1);
    cr_assert_eq(m->u.hello.unacked[0].type, MESSAGE_SHARE);
    cr_assert_gt(m->seq, 1);
}

Test(session, hello_is_said_again_each_second_until_welcome)
{
    AUTO(session_free) struct session *s = fresh();
    session_dialled(s, 0);
    session_greet(s, 0, &idle_crew);
    cr_assert_not(session_tick(s, 500 * MS, &idle_crew));
    cr_assert_eq(said(MESSAGE_HELLO), 1);
    cr_assert_not(session_tick(s, 1000 * MS, &idle_crew));
    cr_assert_eq(said(MESSAGE_HELLO), 2);
    struct message_welcome w = welcome_of(1);
    session_welcome(s, 1100 * MS, &w);
    cr_assert_not(session_tick(s, 3000 * MS, &idle_crew));
    cr_assert_eq(said(MESSAGE_HELLO), 2);
}

Test(session, a_hello_that_did_not_go_out_is_tried_at_every_tick)
{
    AUTO(session_free) struct session *s = fresh();
    session_dialled(s, 0);
    record.closed = true;
    session_greet(s, 0, &idle_crew);
    cr_assert_not(session_tick(s, 25 * MS, &idle_crew));
    record.closed = false;
    cr_assert_not(session_tick(s, 50 * MS, &idle_crew));
    cr_assert_eq(said(MESSAGE_HELLO), 1);
    cr_assert_eq(last(MESSAGE_HELLO)->seq, 1, "a message that was not said takes no seq");
}

Test(session, no_welcome_in_time_is_silence_even_if_something_else_is_heard)
{
    AUTO(session_free) struct session *s = fresh();
    session_dialled(s, 0);
    session_greet(s, 0, &idle_crew);
    session_heard(s, 4900 * MS);
    cr_assert_not(session_tick(s, 5000 * MS, &idle_crew));
    cr_assert(session_tick(s, 5001 * MS, &idle_crew));
}

Test(session, a_coordinator_silent_for_dead_ms_is_left_and_any_message_is_a_sign_of_life)
{
    AUTO(session_free) struct session *s = live(0);
    session_heard(s, 3 * S);
    cr_assert_not(session_tick(s, 7 * S, &busy_crew));
    cr_assert(session_tick(s, 8 * S + 1, &busy_crew));
}

Test(session, every_message_after_welcome_carries_its_wid_and_a_rising_seq)
{
    AUTO(session_free) struct session *s = live(0);
    for (int i = 0; i < 4; i++) {
        session_heard(s, i * S);
        cr_assert_not(session_tick(s, i * S, &busy_crew));
    }
    uint64_t seq = 0;
    for (size_t i = 0; i < record.count; i++) {
        cr_assert_eq(record.said[i].seq, seq + 1);
        seq = record.said[i].seq;
        cr_assert_eq(record.said[i].wid, record.said[i].type == MESSAGE_HELLO ? 0 : 42);
    }
    cr_assert_eq(said(MESSAGE_PROGRESS), 4);
    cr_assert_eq(last(MESSAGE_PROGRESS)->u.progress.entries[0].pos, 50);
}

Test(session, a_share_is_said_at_once_and_settled_by_an_ack)
{
    AUTO(session_free) struct session *s = live(0);
    struct message_share_entry share = {.job = 1, .lease = 7, .nonce = 99};
    cr_assert_eq(session_share(s, 0, &share), 0);
    const struct message *m = last(MESSAGE_SHARE);
    cr_assert_eq(m->u.share.count, 1);
    cr_assert_eq(m->u.share.entries[0].nonce, 99);
    cr_assert_eq(session_unacked(s), 1);
    struct message_ack ack = {.upto = m->seq, .count = 1, .codes = {{m->seq, MESSAGE_CODE_STALE}}};
    session_ack(s, &ack, NULL, NULL);
    cr_assert_eq(session_unacked(s), 0);
    struct session_counts c;
    session_counts(s, &c);
    cr_assert_eq(c.shares_bad, 1);
}

Test(session, a_block_is_resent_with_its_old_seq_after_every_welcome_until_acknowledged)
{
    AUTO(session_free) struct session *s = live(0);
    struct message_block block = {.job = 3, .nonce = 5};
    cr_assert_eq(session_block(s, 10 * MS, &block, 8 * MS), 0);
    uint64_t seq = last(MESSAGE_BLOCK)->seq;
    cr_assert_eq(last(MESSAGE_BLOCK)->u.block.age_us, 2000);
    for (uint64_t round = 2; round <= 3; round++) {
        session_dialled(s, 100 * MS);
        session_greet(s, 100 * MS, &idle_crew);
        cr_assert_eq(last(MESSAGE_HELLO)->u.hello.unacked[0].seq, seq);
        struct message_ack early = {.upto = UINT64_MAX};
        session_ack(s, &early, NULL, NULL);
        cr_assert_eq(session_unacked(s), 1, "an ACK from before the resend does not mean it");
        struct message_welcome w = welcome_of(43);
        session_welcome(s, 110 * MS, &w);
        cr_assert_eq(said(MESSAGE_BLOCK), round);
        cr_assert_eq(last(MESSAGE_BLOCK)->seq, seq);
        cr_assert_eq(last(MESSAGE_BLOCK)->wid, 43);
        cr_assert_eq(last(MESSAGE_BLOCK)->u.block.age_us, 102000);
    }
    struct message_ack ack = {.upto = seq};
    session_ack(s, &ack, NULL, NULL);
    cr_assert_eq(session_unacked(s), 0);
    session_dialled(s, 200 * MS);
    struct message_welcome w = welcome_of(44);
    session_welcome(s, 200 * MS, &w);
    cr_assert_eq(said(MESSAGE_BLOCK), 3);
}

static int refusals;
static void count_refusal(void *ctx, const struct outbox_entry *block, uint8_t code)
{
    cr_assert_eq(block->u.block.job, 3);
    *(uint8_t *)ctx = code;
    refusals++;
}

Test(session, a_refused_block_is_told_to_the_caller_and_a_duplicate_is_not_refused)
{
    AUTO(session_free) struct session *s = live(0);
    struct message_block block = {.job = 3};
    cr_assert_eq(session_block(s, 0, &block, 0), 0);
    uint64_t first = last(MESSAGE_BLOCK)->seq;
    cr_assert_eq(session_block(s, 0, &block, 0), 0);
    uint8_t code = 0;
    struct message_ack ack = {
        .upto = first + 1, .count = 2, .codes = {{first, MESSAGE_CODE_DUPLICATE}, {first + 1, MESSAGE_CODE_STALE}}};
    session_ack(s, &ack, count_refusal, &code);
    cr_assert_eq(refusals, 1);
    cr_assert_eq(code, MESSAGE_CODE_STALE);
}

Test(session, results_that_did_not_go_out_follow_in_order_when_the_port_takes_them)
{
    AUTO(session_free) struct session *s = live(0);
    record.closed = true;
    struct message_share_entry share = {.nonce = 1};
    struct message_lease_done done = {.lease = 7};
    cr_assert_eq(session_share(s, 0, &share), 0);
    cr_assert_eq(session_done(s, 0, &done), 0);
    record.closed = false;
    cr_assert_not(session_tick(s, MS, &busy_crew));
    cr_assert_eq(record.said[1].type, MESSAGE_SHARE);
    cr_assert_eq(record.said[2].type, MESSAGE_LEASE_DONE);
    cr_assert_lt(record.said[1].seq, record.said[2].seq);
}

Test(session, shares_beyond_the_limit_are_dropped_and_counted)
{
    AUTO(session_free) struct session *s = live(0);
    struct message_share_entry share = {.nonce = 1};
    for (int i = 0; i < OUTBOX_SHARES_MAX; i++)
        cr_assert_eq(session_share(s, 0, &share), 0);
    cr_assert_eq(session_share(s, 0, &share), ERR_FULL);
    struct session_counts c;
    session_counts(s, &c);
    cr_assert_eq(c.shares_dropped, 1);
    cr_assert_eq(c.shares_sent, OUTBOX_SHARES_MAX);
}

Test(session, leases_are_asked_for_until_two_are_ahead_and_not_twice)
{
    AUTO(session_free) struct session *s = live(0);
    session_prefetch(s, 0, &idle_crew);
    session_prefetch(s, 0, &idle_crew);
    size_t credit = 0;
    for (size_t i = 0; i < record.count; i++)
        if (record.said[i].type == MESSAGE_LEASE_REQ)
            credit += record.said[i].u.lease_req.n;
    cr_assert_eq(credit, HOLDINGS_WANTED, "2 and 1");
    session_prefetch(s, 0, &idle_crew);
    cr_assert_eq(said(MESSAGE_LEASE_REQ), 2);
    struct message_lease lease = {.want_ms = 30000};
    session_leased(s, MS, &lease);
    struct session_crew one_short = {.held_count = 1, .left = 10, .rate = 1000};
    session_prefetch(s, MS, &one_short);
    cr_assert_eq(said(MESSAGE_LEASE_REQ), 2, "two are on their way");
}

Test(session, a_full_table_of_work_asks_for_nothing_until_half_a_lease_time_is_left)
{
    AUTO(session_free) struct session *s = live(0);
    struct message_lease lease = {.want_ms = 30000};
    session_leased(s, 0, &lease);
    struct session_crew plenty = {.held_count = 2, .left = 16000, .rate = 1000};
    session_prefetch(s, 0, &plenty);
    cr_assert_eq(said(MESSAGE_LEASE_REQ), 0);
    plenty.left = 14000;
    session_prefetch(s, 0, &plenty);
    cr_assert_eq(said(MESSAGE_LEASE_REQ), 1);
    cr_assert_eq(last(MESSAGE_LEASE_REQ)->u.lease_req.n, 1);
    cr_assert_eq(last(MESSAGE_LEASE_REQ)->u.lease_req.left_ms, 14000);
}

Test(session, a_lease_request_without_an_answer_is_made_again)
{
    AUTO(session_free) struct session *s = live(0);
    struct session_crew two = {.held_count = 2, .left = 1, .rate = 1000};
    session_prefetch(s, 0, &two);
    session_prefetch(s, 900 * MS, &two);
    cr_assert_eq(said(MESSAGE_LEASE_REQ), 1);
    session_prefetch(s, 1100 * MS, &two);
    cr_assert_eq(said(MESSAGE_LEASE_REQ), 2);
}

Test(session, who_stops_asks_for_no_more_leases)
{
    AUTO(session_free) struct session *s = live(0);
    session_stop_asking(s);
    session_prefetch(s, 0, &idle_crew);
    cr_assert_not(session_tick(s, 0, &idle_crew));
    cr_assert_eq(said(MESSAGE_LEASE_REQ), 0);
    cr_assert_eq(said(MESSAGE_PROGRESS), 1);
}

Test(session, a_long_round_trip_makes_it_ask_earlier)
{
    AUTO(session_free) struct session *s = live(0);
    struct message_lease lease = {.want_ms = 100};
    struct session_crew two = {.held_count = 2, .left = 300, .rate = 1000};
    session_leased(s, 0, &lease);
    session_prefetch(s, 0, &two);
    cr_assert_eq(said(MESSAGE_LEASE_REQ), 0, "300 ms left, 4 x 50 ms needed");
    two.left = 199;
    session_prefetch(s, 0, &two);
    cr_assert_eq(said(MESSAGE_LEASE_REQ), 1);
    session_leased(s, 400 * MS, &lease);
    two.left = 300;
    session_prefetch(s, 400 * MS, &two);
    cr_assert_eq(said(MESSAGE_LEASE_REQ), 2, "the round trip took 400 ms: the mean is 93 ms now");
}

Test(session, endpoints_take_turns_with_a_back_off_that_doubles_to_its_limit)
{
    AUTO(session_free) struct session *s = fresh();
    cr_assert_str_eq(session_endpoint(s), "tcp://127.0.0.1:1");
    int64_t none = session_next(s, 0), full = session_next(s, UINT32_MAX);
    cr_assert_eq(none, 125 * MS);
    cr_assert_gt(full, 700 * MS, "500 ms and a half");
    cr_assert_leq(full, 750 * MS);
    cr_assert_str_eq(session_endpoint(s), "tcp://127.0.0.1:1");
    for (int i = 0; i < 40; i++)
        none = session_next(s, 0);
    cr_assert_eq(none, 5 * S);
    struct message_welcome w = welcome_of(1);
    session_welcome(s, 0, &w);
    cr_assert_eq(session_next(s, 0), 125 * MS, "a WELCOME starts it anew");
}

Test(session, peers_named_in_welcome_join_the_turn_once)
{
    AUTO(session_free) struct session *s = fresh();
    struct message_welcome w = welcome_of(1);
    w.peer_count = 3;
    w.peers[0] = cursor_view_of("tcp://127.0.0.1:3");
    w.peers[1] = cursor_view_of("tcp://127.0.0.1:1");
    w.peers[2] = cursor_view_of("nonsense");
    session_welcome(s, 0, &w);
    session_welcome(s, 0, &w);
    session_next(s, 0);
    session_next(s, 0);
    cr_assert_str_eq(session_endpoint(s), "tcp://127.0.0.1:3");
    session_next(s, 0);
    cr_assert_str_eq(session_endpoint(s), "tcp://127.0.0.1:1");
}

Test(session, go_to_moves_us_to_its_endpoint_within_its_time)
{
    AUTO(session_free) struct session *s = live(0);
    struct message_go_to g = {.endpoint_count = 1, .when_ms = 1000};
    g.endpoints[0] = cursor_view_of("no endpoint");
    cr_assert_eq(session_go_to(s, 0, &g, 0), ERR_FORMAT);
    g.endpoints[0] = cursor_view_of("tcp://127.0.0.1:9");
    cr_assert_eq(session_go_to(s, 0, &g, 1u << 31), 0);
    cr_assert_not(session_tick(s, 499 * MS, &busy_crew));
    cr_assert(session_tick(s, 500 * MS, &busy_crew));
    session_next(s, 0);
    cr_assert_str_eq(session_endpoint(s), "tcp://127.0.0.1:9");
}

Test(session, tip_get_waits_for_its_jitter_and_a_tip_that_comes_first_cancels_it)
{
    AUTO(session_free) struct session *s = live(0);
    session_tip(s, 1, 5);
    session_want_tip(s, 0, 1u << 31);
    session_want_tip(s, 50 * MS, UINT32_MAX);
    cr_assert_not(session_tick(s, 99 * MS, &busy_crew));
    cr_assert_eq(said(MESSAGE_TIP_GET), 0);
    cr_assert_not(session_tick(s, 100 * MS, &busy_crew));
    cr_assert_eq(last(MESSAGE_TIP_GET)->u.tip_get.have, 5);
    session_want_tip(s, 200 * MS, 0);
    session_tip(s, 1, 6);
    cr_assert_not(session_tick(s, 300 * MS, &busy_crew));
    cr_assert_eq(said(MESSAGE_TIP_GET), 1);
}

Test(session, config_changes_intervals_and_absurd_ones_are_kept_in_bounds)
{
    AUTO(session_free) struct session *s = live(0);
    struct message_config c = {.count = 4,
                               .settings = {{.key = MESSAGE_SETTING_METRICS_MS, .number = 1},
                                            {.key = MESSAGE_SETTING_DEAD_MS, .number = 2000},
                                            {.key = MESSAGE_SETTING_SHARE_TARGET, .is_binary = true},
                                            {.key = 200, .number = 7}}};
    session_config(s, &c);
    cr_assert_eq(session_metrics_ms(s), 10);
    cr_assert(session_tick(s, 2001 * MS, &busy_crew));
}

Test(session, bye_lists_what_is_held_and_ends_the_session)
{
    AUTO(session_free) struct session *s = live(0);
    session_bye(s, &busy_crew, MESSAGE_REASON_STOP);
    const struct message *m = last(MESSAGE_BYE);
    cr_assert_eq(m->u.bye.held_count, 1);
    cr_assert_eq(m->u.bye.held[0].end, 1000000);
    cr_assert_not(session_live(s));
    size_t count = record.count;
    session_bye(s, &busy_crew, MESSAGE_REASON_STOP);
    session_return(s, 1, 2, MESSAGE_REASON_ERROR);
    cr_assert_eq(record.count, count, "nothing is said without a session");
}

Test(session, returns_and_cut_answers_name_their_lease)
{
    AUTO(session_free) struct session *s = live(0);
    session_return(s, 7, 60, MESSAGE_REASON_ERROR);
    cr_assert_eq(last(MESSAGE_LEASE_RETURN)->u.lease_return.pos, 60);
    session_cut_ack(s, 7, 500);
    cr_assert_eq(last(MESSAGE_CUT_ACK)->u.cut_ack.end, 500);
    struct message m = {.type = MESSAGE_METRICS};
    cr_assert_eq(session_say(s, &m), 0);
    cr_assert_eq(last(MESSAGE_METRICS)->wid, 42);
    session_dialled(s, 0);
    cr_assert_eq(session_say(s, &m), ERR_STATE);
}

Test(session, a_new_name_is_said_in_the_next_hello)
{
    static const uint8_t uuid[16] = {9, 9};
    struct session *s = fresh();
    session_greet(s, 0, &idle_crew);
    session_rename(s, uuid);
    session_greet(s, S, &idle_crew);
    cr_assert_arr_eq(last(MESSAGE_HELLO)->u.hello.uuid, uuid, 16);
    session_free(&s);
}
