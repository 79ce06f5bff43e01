#include "rig.h"

static const struct message_error *refused(const struct rig *r)
{
    const struct message *m = rig_got(r, MESSAGE_ERROR);
    cr_assert_not_null(m);
    cr_assert_null(rig_got(r, MESSAGE_WELCOME));
    return &m->u.error;
}

Test(greet, welcome_tells_all_that_a_worker_needs)
{
    struct rig *r = rig_new();
    struct message m = rig_hello_message(1);
    rig_say(r, 1, &m);
    const struct message *w = rig_got(r, MESSAGE_WELCOME);
    cr_assert_eq(w->wid, w->u.welcome.wid);
    cr_assert_gt(w->u.welcome.wid, 0);
    cr_assert_eq(w->u.welcome.epoch, 1);
    cr_assert_eq(w->u.welcome.beat_ms, 1000);
    cr_assert_eq(w->u.welcome.dead_ms, 5000);
    cr_assert(cursor_view_is(w->u.welcome.tip_ep, "tcp://127.0.0.1:2"));
    cr_assert_eq(w->u.welcome.tip.tip_seq, 1);
    cr_assert(w->u.welcome.tip.has_job);
    cr_assert_eq(w->u.welcome.tip.body.height, 1);
    rig_free(r);
}

Test(greet, another_version_is_told_the_span)
{
    struct rig *r = rig_new();
    struct message m = rig_hello_message(1);
    m.u.hello.ver_min = 2;
    m.u.hello.ver_max = 9;
    rig_say(r, 1, &m);
    cr_assert_eq(refused(r)->code, MESSAGE_CODE_VERSION);
    cr_assert_not(cursor_view_is(refused(r)->text, ""));
    rig_free(r);
}

Test(greet, another_cluster_is_refused_and_ours_is_not)
{
    struct rig *r = rig_new();
    struct message m = rig_hello_message(1);
    m.u.hello.has_cluster = true;
    rig_say(r, 1, &m);
    cr_assert_not_null(rig_got(r, MESSAGE_WELCOME)); /* sixteen zeroes are the rig's own */
    m.u.hello.cluster[3] = 1;
    rig_say(r, 2, &m);
    cr_assert_eq(refused(r)->code, MESSAGE_CODE_WRONG_CLUSTER);
    rig_free(r);
}

Test(greet, a_full_table_refuses_until_somebody_is_away)
{
    struct rig *r = calloc(1, sizeof *r);
    struct core_config config = rig_config(r);
    config.max_workers = 2;
    rig_begin(r, &config);
    struct worker *a = rig_hello(r, 1);
    rig_hello(r, 2);
    struct message m = rig_hello_message(3);
    rig_say(r, 3, &m);
    cr_assert_eq(refused(r)->code, MESSAGE_CODE_FULL);
    a->counts.shares = 5;
    struct message bye = {.type = MESSAGE_BYE, .wid = a->wid, .seq = 2};
    rig_say(r, 1, &bye);
    rig_say(r, 3, &m);
    cr_assert_not_null(rig_got(r, MESSAGE_WELCOME));
    cr_assert_eq(r->core->fleet.departed.shares, 5); /* what it did is not forgotten */
    rig_free(r);
}

Test(greet, silence_makes_suspect_then_dead_and_a_word_revives)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_pass(r, 2900);
    cr_assert_eq(w->state, WORKER_LIVE);
    rig_pass(r, 300);
    cr_assert_eq(w->state, WORKER_SUSPECT);
    struct message m = {.type = MESSAGE_PROGRESS, .wid = w->wid, .seq = 2};
    rig_say(r, 1, &m);
    cr_assert_eq(w->state, WORKER_LIVE);
    rig_pass(r, 4900);
    cr_assert_eq(w->state, WORKER_SUSPECT);
    rig_pass(r, 300);
    cr_assert_eq(w->state, WORKER_AWAY);
    cr_assert_eq(r->core->fleet.live, 0);
    rig_free(r);
}

Test(greet, a_worker_that_speaks_is_never_suspect)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    struct message m = {.type = MESSAGE_PROGRESS, .wid = w->wid, .seq = 2};
    for (int i = 0; i < 20; i++) {
        rig_pass(r, 1000);
        rig_say(r, 1, &m);
        cr_assert_eq(w->state, WORKER_LIVE);
    }
    cr_assert_eq(r->logs[CORE_WARN], 0);
    rig_free(r);
}

Test(greet, a_dead_worker_that_returns_finds_its_leases_and_counts)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    uint64_t wid = w->wid;
    rig_ask(r, w, 1, 2);
    struct message_lease l = rig_got(r, MESSAGE_LEASE)->u.lease;
    w->counts.shares = 3;
    rig_pass(r, 6000);
    cr_assert_eq(w->state, WORKER_AWAY);
    cr_assert_eq(w->leases.live, 0);
    struct message m = rig_hello_message(1);
    m.u.hello.held_count = 2;
    m.u.hello.held[0] = (struct message_held){l.lease, l.start + 10, l.end};
    m.u.hello.held[1] = (struct message_held){l.lease + 1000, l.start, l.end};
    rig_say(r, 9, &m); /* by another connection */
    const struct message_welcome *welcome = &rig_got(r, MESSAGE_WELCOME)->u.welcome;
    cr_assert_eq(welcome->wid, wid);
    cr_assert_eq(welcome->verdict_count, 2);
    cr_assert_eq(welcome->verdicts[0].code, MESSAGE_CODE_OK);
    cr_assert_eq(welcome->verdicts[1].code, MESSAGE_CODE_UNKNOWN_LEASE);
    cr_assert_eq(w->leases.live, 1);
    cr_assert_eq(w->counts.shares, 3);
    rig_free(r);
}

Test(greet, a_reconnect_before_we_noticed_moves_the_session)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    struct message m = rig_hello_message(1);
    rig_say(r, 2, &m);
    struct core_route old = rig_route(1), new = rig_route(2);
    cr_assert_null(fleet_at(&r->core->fleet, &old));
    cr_assert_eq(fleet_at(&r->core->fleet, &new), w);
    cr_assert_eq(r->core->fleet.live, 1);
    cr_assert_eq(w->seq_out, 1); /* a new session counts anew */
    rig_free(r);
}

Test(greet, another_uuid_on_one_connection_ends_the_session_before)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    struct message m = rig_hello_message(2);
    rig_say(r, 1, &m);
    cr_assert_eq(w->state, WORKER_AWAY);
    cr_assert_eq(r->core->fleet.live, 1);
    rig_free(r);
}

Test(greet, a_row_is_forgotten_after_an_hour_away)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    w->counts.blocks = 2;
    struct message bye = {.type = MESSAGE_BYE, .wid = w->wid, .seq = 2};
    rig_say(r, 1, &bye);
    r->now_ns += INT64_C(3599) * 1000000000;
    rig_kind(r, CORE_EV_TICK);
    cr_assert_eq(r->core->fleet.count, 1);
    r->now_ns += INT64_C(2) * 1000000000;
    rig_kind(r, CORE_EV_TICK);
    cr_assert_eq(r->core->fleet.count, 0);
    cr_assert_eq(r->core->fleet.departed.blocks, 2);
    rig_free(r);
}

Test(greet, a_name_is_cut_between_characters)
{
    struct rig *r = rig_new();
    char name[MESSAGE_HOST_LEN + 1];
    memset(name, 'a', sizeof name);
    name[MESSAGE_HOST_LEN] = 0;
    struct message m = rig_hello_message(1);
    m.u.hello.host = cursor_view_of(name);
    m.u.hello.agent = cursor_view_of("lode-worker/0.1 kernel=shani x");
    rig_say(r, 1, &m);
    struct worker *w = r->core->fleet.first;
    cr_assert_eq(strlen(w->name), MESSAGE_HOST_LEN);
    cr_assert_str_eq(w->kernel, "shani");
    m = rig_hello_message(2);
    m.u.hello.host = cursor_view_of("");
    m.u.hello.agent = cursor_view_of("nokernel=x kernel=");
    rig_say(r, 2, &m);
    cr_assert_str_eq(r->core->fleet.first->kernel, "-");
    cr_assert_str_eq(r->core->fleet.first->name, "00000000"); /* the uuid's beginning */
    rig_free(r);
}

Test(greet, who_is_displaced_is_told_and_the_log_names_the_uuid_now_and_then)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    struct core_route a = rig_route(1), b = rig_route(2);
    struct message m = rig_hello_message(1);
    int warnings = r->logs[CORE_WARN];
    rig_say(r, 1, &m);
    cr_assert_null(rig_got(r, MESSAGE_ERROR), "its own connection again");
    rig_say(r, 2, &m);
    const struct rig_sent *e = rig_sent_at(r, MESSAGE_ERROR, 0);
    cr_assert_not_null(e);
    cr_assert_eq(memcmp(&e->route, &a, sizeof a), 0);
    cr_assert_eq(e->message.u.error.code, MESSAGE_CODE_SUPERSEDED);
    cr_assert_eq(e->message.wid, w->wid);
    cr_assert_eq(fleet_at(&r->core->fleet, &b), w);
    cr_assert_null(fleet_at(&r->core->fleet, &a));
    cr_assert_eq(r->logs[CORE_WARN], warnings + 1);
    for (uint8_t i = 0; i < 20; i++)
        rig_say(r, 1 + i % 2, &m); /* the tug of war of workers that do not give way */
    cr_assert_eq(r->logs[CORE_WARN], warnings + 1);
    cr_assert_eq(w->displaced, 21);
    r->now_ns += INT64_C(10) * 1000000000;
    rig_say(r, 1, &m);
    cr_assert_eq(r->logs[CORE_WARN], warnings + 2);
    rig_free(r);
}
