#include "test.h"

#include <event2/event.h>

#include "coordinator/http/upstream.h"
#include "fake_control.h"

/* What has come back, in order. */
struct heard {
    struct event_base *base;
    struct upstream *up;
    int calls, wanted; /* the loop ends when calls reaches wanted */
    int code;
    bool more;
    uint64_t ticket;
    json_int_t height;
    bool cancel_at_first;
};

static void hear(void *arg, const struct upstream_reply *r)
{
    struct heard *h = arg;
    h->calls++;
    h->code = r->code;
    h->more = r->more;
    h->ticket = r->ticket;
    h->height = json_integer_value(json_object_get(r->result, "height"));
    if (h->cancel_at_first)
        upstream_cancel(h->up, r->ticket);
    if (h->calls == h->wanted)
        event_base_loopbreak(h->base);
}

struct rig {
    struct frame_context *ctx;
    struct fake_control *fake;
    struct heard heard;
};

static void rig_start(struct rig *g, int wanted)
{
    g->ctx = frame_context_new(1, 0);
    g->heard = (struct heard){.base = event_base_new(), .wanted = wanted};
    cr_assert_eq(upstream_new(&g->heard.up, g->heard.base, g->ctx, "inproc://control"), 0);
    g->fake = fake_control_start("inproc://control", g->ctx, 4);
}

static void rig_stop(struct rig *g)
{
    upstream_free(&g->heard.up);
    cr_assert_null(g->heard.up);
    fake_control_stop(g->fake);
    event_base_free(g->heard.base);
    frame_context_free(&g->ctx);
}

static uint64_t ask(struct rig *g, const char *verb, struct cursor_view args, int timeout_ms)
{
    uint64_t ticket = 0;
    const struct upstream_question q = {
        .verb = verb, .args = args, .timeout_ms = timeout_ms, .fn = hear, .arg = &g->heard};
    cr_assert_eq(upstream_ask(g->heard.up, &q, &ticket), 0);
    cr_assert_neq(ticket, 0);
    return ticket;
}

static struct cursor_view payloads(uint8_t *buf, size_t cap, int n)
{
    struct cursor_out o = cursor_out_over(buf, cap);
    cursor_put_map(&o, 1);
    cursor_put_str(&o, "data");
    cursor_put_array(&o, (uint32_t)n);
    for (int i = 0; i < n; i++)
        cursor_put_bin(&o, "x", 1);
    return cursor_out_view(&o);
}

static const struct cursor_view none = {0};

Test(upstream, a_question_asked_before_the_coordinator_binds_is_answered)
{
    struct rig g;
    rig_start(&g, 1);
    uint64_t ticket = ask(&g, "status", none, 10000);
    cr_assert_eq(g.heard.calls, 0, "called from inside the asking");
    event_base_dispatch(g.heard.base);
    cr_assert_eq(g.heard.code, 0);
    cr_assert_eq(g.heard.ticket, ticket);
    cr_assert_eq(g.heard.height, 3);
    cr_assert_eq(upstream_pending(g.heard.up), 0);
    rig_stop(&g);
}

Test(upstream, every_reply_of_a_burst_arrives)
{
    enum { BURST = 500 };
    struct rig g;
    rig_start(&g, BURST);
    for (int i = 0; i < BURST; i++)
        ask(&g, "status", none, 0);
    cr_assert_eq(upstream_pending(g.heard.up), BURST);
    event_base_dispatch(g.heard.base);
    cr_assert_eq(g.heard.calls, BURST);
    cr_assert_eq(upstream_pending(g.heard.up), 0);
    rig_stop(&g);
}

Test(upstream, several_replies_to_one_question_end_with_the_one_without_more)
{
    uint8_t buf[256];
    struct rig g;
    rig_start(&g, 7);
    ask(&g, "mine", payloads(buf, sizeof buf, 7), 10000);
    event_base_dispatch(g.heard.base);
    cr_assert_not(g.heard.more);
    cr_assert_eq(upstream_pending(g.heard.up), 0);
    rig_stop(&g);
}

Test(upstream, a_question_that_is_not_answered_times_out)
{
    struct rig g;
    rig_start(&g, 1);
    atomic_store(&g.fake->mode, FAKE_SILENT);
    ask(&g, "status", none, 20);
    event_base_dispatch(g.heard.base);
    cr_assert_eq(g.heard.code, ERR_TIMEOUT);
    cr_assert_eq(upstream_pending(g.heard.up), 0);
    rig_stop(&g);
}

Test(upstream, a_cancelled_question_is_not_heard_of_again)
{
    uint8_t buf[256];
    struct rig g;
    rig_start(&g, 2);
    upstream_cancel(g.heard.up, ask(&g, "status", none, 10000));
    upstream_cancel(g.heard.up, 999);
    g.heard.cancel_at_first = true;
    ask(&g, "mine", payloads(buf, sizeof buf, 5), 10000); /* cancelled by its first reply */
    uint64_t last = ask(&g, "status", none, 10000);
    event_base_dispatch(g.heard.base);
    cr_assert_eq(g.heard.calls, 2);
    cr_assert_eq(g.heard.ticket, last);
    cr_assert_eq(upstream_pending(g.heard.up), 0);
    rig_stop(&g);
}

Test(upstream, a_refusal_comes_with_its_code)
{
    struct rig g;
    rig_start(&g, 1);
    atomic_store(&g.fake->mode, FAKE_REFUSE);
    ask(&g, "status", none, 10000);
    event_base_dispatch(g.heard.base);
    cr_assert_eq(g.heard.code, ERR_STATE);
    rig_stop(&g);
}

Test(upstream, a_reply_that_is_none_fails_all_who_wait)
{
    struct rig g;
    rig_start(&g, 2);
    atomic_store(&g.fake->mode, FAKE_SILENT);
    ask(&g, "status", none, 0);
    while (atomic_load(&g.fake->questions) < 1)
        event_base_loop(g.heard.base, EVLOOP_NONBLOCK);
    atomic_store(&g.fake->mode, FAKE_GARBAGE);
    ask(&g, "status", none, 0);
    event_base_dispatch(g.heard.base);
    cr_assert_eq(g.heard.code, -EPROTO);
    cr_assert_eq(upstream_pending(g.heard.up), 0);
    rig_stop(&g);
}

Test(upstream, what_is_too_large_for_the_protocol_is_not_sent)
{
    static uint8_t buf[MESSAGE_ARGS_LEN + 16];
    struct rig g;
    rig_start(&g, 1);
    struct cursor_out o = cursor_out_over(buf, sizeof buf);
    static const uint8_t zeroes[MESSAGE_ARGS_LEN];
    cursor_put_map(&o, 1);
    cursor_put_str(&o, "d");
    cursor_put_bin(&o, zeroes, sizeof zeroes);
    uint64_t ticket = 0;
    const struct upstream_question q = {.verb = "mine", .args = cursor_out_view(&o), .fn = hear, .arg = &g.heard};
    cr_assert_eq(upstream_ask(g.heard.up, &q, &ticket), ERR_TOO_LONG);
    cr_assert_eq(upstream_pending(g.heard.up), 0);
    rig_stop(&g);
}
