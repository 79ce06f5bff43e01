#include "rig.h"

#include "coordinator/core/ctl_mine.h"

static void mine(struct rig *r, uint8_t client, const char *const *texts, uint32_t count)
{
    uint8_t buf[4096];
    struct cursor_out o = cursor_out_over(buf, sizeof buf);
    cursor_put_map(&o, 1);
    cursor_put_str(&o, "data");
    cursor_put_array(&o, count);
    for (uint32_t i = 0; i < count; i++)
        cursor_put_bin(&o, texts[i], strlen(texts[i]));
    rig_control(r, client, "mine", &o);
}

static struct worker *worker(struct rig *r)
{
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    return w;
}

static bool block_carries(const struct message_ctl_rep *rep, const char *text)
{
    struct cursor c = cursor_map_find(rep->result, "block");
    struct cursor data = cursor_map_find(cursor_skip(&c, 4), "data");
    if (cursor_array(&data, 10) != 1)
        return false;
    return cursor_view_is(cursor_bin(&data, 1000), text);
}

Test(ctl_mine, each_payload_gets_a_block_of_its_own_and_a_reply_when_it_is_durable)
{
    struct rig *r = rig_new();
    struct worker *w = worker(r);
    mine(r, 5, (const char *const[]){"alpha", "beta"}, 2);
    cr_assert_null(rig_reply(r, 0));
    cr_assert_eq(rig_got(r, MESSAGE_TIP)->u.tip.clean, false); /* the first payload's template */
    rig_find(r, w, 1);
    const struct message_ctl_rep *rep = rig_reply(r, 0);
    cr_assert_eq(rep->id, 77);
    cr_assert_eq(rep->more, 1);
    cr_assert_eq(rig_reply_u64(rep, "done"), 1);
    cr_assert_eq(rig_reply_u64(rep, "of"), 2);
    cr_assert(block_carries(rep, "alpha"));
    r->now_ns += INT64_C(3000000000);
    rig_find(r, w, 1);
    rep = rig_reply(r, 0);
    cr_assert_eq(rep->more, 0);
    cr_assert(block_carries(rep, "beta"));
    cr_assert_eq(rig_reply_u64(rep, "duration_ms"), 3000);
    cr_assert_eq(r->core->pool.count, 0);
    cr_assert_eq(r->core->pool.request_count, 0);
    rig_find(r, w, 1);
    cr_assert_null(rig_reply(r, 0));
    rig_free(r);
}

Test(ctl_mine, a_block_without_the_payload_leaves_it_waiting)
{
    struct rig *r = rig_new();
    struct worker *w = worker(r);
    const struct job *empty = jobs_current(&r->core->jobs);
    mine(r, 5, (const char *const[]){"alpha"}, 1);
    struct message m = rig_block(empty, w, rig_search(empty, 0, &empty->target, true));
    rig_say(r, 1, &m);
    cr_assert_eq(r->block_count, 1);
    cr_assert_null(rig_reply(r, 0));
    cr_assert_eq(r->core->pool.count, 1);
    rig_find(r, w, 1);
    cr_assert(block_carries(rig_reply(r, 0), "alpha"));
    rig_free(r);
}

Test(ctl_mine, equal_payloads_are_mined_once_each)
{
    struct rig *r = rig_new();
    struct worker *w = worker(r);
    mine(r, 5, (const char *const[]){"same", "same"}, 2);
    rig_find(r, w, 1);
    cr_assert_eq(r->core->pool.count, 1);
    rig_find(r, w, 1);
    cr_assert_eq(rig_reply_u64(rig_reply(r, 0), "done"), 2);
    rig_free(r);
}

Test(ctl_mine, a_client_that_left_gets_no_reply_but_its_payloads_are_mined)
{
    struct rig *r = rig_new();
    struct worker *w = worker(r);
    mine(r, 5, (const char *const[]){"alpha"}, 1);
    struct core_event gone = {.kind = CORE_EV_CONTROL_GONE, .route = rig_route(5)};
    rig_event(r, &gone);
    rig_find(r, w, 1);
    cr_assert_null(rig_reply(r, 0));
    cr_assert_eq(r->core->pool.count, 0);
    cr_assert_eq(r->block_count, 1);
    rig_free(r);
}

Test(ctl_mine, bad_lists_are_refused_as_a_whole)
{
    struct rig *r = rig_new();
    mine(r, 5, NULL, 0);
    cr_assert_eq(rig_reply(r, 0)->code, ERR_RANGE);
    mine(r, 5, (const char *const[]){"good", ""}, 2);
    cr_assert_eq(rig_reply(r, 0)->code, ERR_RANGE);
    rig_control(r, 5, "mine", NULL);
    cr_assert_eq(rig_reply(r, 0)->code, ERR_MISSING_KEY);
    uint8_t buf[32];
    struct cursor_out o = cursor_out_over(buf, sizeof buf);
    cursor_put_map(&o, 1);
    cursor_put_str(&o, "data");
    cursor_put_u64(&o, 3);
    rig_control(r, 5, "mine", &o);
    cr_assert_eq(rig_reply(r, 0)->code, ERR_TYPE);
    cr_assert_eq(r->core->pool.count, 0);
    cr_assert_eq(r->core->pool.request_count, 0);
    rig_free(r);
}

Test(ctl_mine, a_full_queue_says_so)
{
    struct rig *r = rig_new();
    for (int i = 0; i < POOL_REQUESTS_MAX; i++)
        mine(r, 5, (const char *const[]){"x"}, 1);
    cr_assert_null(rig_reply(r, 0));
    mine(r, 5, (const char *const[]){"x"}, 1);
    cr_assert_eq(rig_reply(r, 0)->code, ERR_FULL);
    rig_free(r);
}
