#include "rig.h"

#include "coordinator/core/ctl.h"

static bool text_is(const struct message_ctl_rep *rep, const char *key, const char *wanted)
{
    struct cursor c = cursor_map_find(rep->result, key);
    struct cursor_view v = cursor_str(&c, 256);
    return c.err == 0 && cursor_view_is(v, wanted);
}

Test(ctl, an_unknown_verb_is_an_error_that_names_it)
{
    struct rig *r = rig_new();
    rig_control(r, 1, "fly", NULL);
    const struct message_ctl_rep *rep = rig_reply(r, 0);
    cr_assert_eq(rep->code, ERR_NOT_FOUND);
    cr_assert_eq(rep->id, 77);
    cr_assert_eq(rep->more, 0);
    cr_assert(text_is(rep, "key", "verb"));
    rig_free(r);
}

Test(ctl, anything_but_a_request_is_refused)
{
    struct rig *r = rig_new();
    struct message m = rig_hello_message(1);
    struct core_event e = {.kind = CORE_EV_CONTROL, .route = rig_route(1), .message = &m};
    rig_event(r, &e);
    cr_assert_eq(rig_reply(r, 0)->code, ERR_UNKNOWN_MESSAGE);
    cr_assert_eq(r->core->fleet.count, 0); /* no worker comes in by the control socket */
    rig_free(r);
}

Test(ctl, a_frame_that_does_not_decode_is_answered)
{
    struct rig *r = rig_new();
    struct message envelope = {0};
    struct core_event e = {
        .kind = CORE_EV_BAD_CONTROL, .route = rig_route(1), .message = &envelope, .err = ERR_TRUNCATED};
    rig_event(r, &e);
    cr_assert_eq(rig_reply(r, 0)->code, ERR_TRUNCATED);
    rig_free(r);
}

Test(ctl, health_is_good_until_it_stops)
{
    struct rig *r = rig_new();
    rig_control(r, 1, "health", NULL);
    struct cursor ok = cursor_map_find(rig_reply(r, 0)->result, "ok");
    cr_assert(cursor_bool(&ok));
    rig_control(r, 1, "stop", NULL);
    cr_assert_eq(rig_reply(r, 0)->code, 0);
    rig_control(r, 1, "health", NULL);
    ok = cursor_map_find(rig_reply(r, 0)->result, "ok");
    cr_assert_not(cursor_bool(&ok));
    cr_assert(text_is(rig_reply(r, 0), "reason", "stopping"));
    rig_pass(r, 100);
    cr_assert_eq(r->exit_status, 0);
    rig_free(r);
}

Test(ctl, arguments_are_typed_and_absent_ones_leave_the_default)
{
    uint8_t buf[64];
    struct cursor_out o = cursor_out_over(buf, sizeof buf);
    cursor_put_map(&o, 3);
    ctl_put_u64(&o, "n", 5);
    ctl_put_str(&o, "s", "x");
    cursor_put_str(&o, "nil");
    cursor_put_nil(&o);
    struct ctl_call call = {.args = cursor_out_view(&o)};
    uint64_t n = 9;
    bool b = true;
    cr_assert_eq(ctl_arg_u64(&call, "missing", 10, &n), 0);
    cr_assert_eq(ctl_arg_u64(&call, "nil", 10, &n), 0);
    cr_assert_eq(n, 9);
    cr_assert_eq(ctl_arg_u64(&call, "n", 4, &n), ERR_RANGE);
    cr_assert_eq(ctl_arg_u64(&call, "s", 4, &n), ERR_TYPE);
    cr_assert_eq(n, 9);
    cr_assert_eq(ctl_arg_u64(&call, "n", 5, &n), 0);
    cr_assert_eq(n, 5);
    cr_assert_eq(ctl_arg_bool(&call, "n", &b), ERR_TYPE);
    cr_assert_eq(ctl_arg_bool(&call, "missing", &b), 0);
    cr_assert(b);
}
