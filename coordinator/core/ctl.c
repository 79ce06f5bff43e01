#include "coordinator/core/ctl.h"

#include <string.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "coordinator/core/ctl_blocks.h"
#include "coordinator/core/ctl_mine.h"
#include "coordinator/core/ctl_status.h"
#include "coordinator/core/progress.h"

struct cursor_out ctl_begin(struct core *self)
{
    return cursor_out_over(self->result, STATE_RESULT_MAX);
}

static void reply(struct core *self, const struct ctl_call *call, int code, struct cursor_view result, bool more)
{
    struct message m = {.type = MESSAGE_CTL_REP, .seq = ++self->ctl_rep_seq};
    m.u.ctl_rep = (struct message_ctl_rep){.id = call->id, .code = code, .more = more, .result = result};
    actions_reply(self->out, call->route, &m);
}

void ctl_reply(struct core *self, const struct ctl_call *call, const struct cursor_out *result, bool more)
{
    if (result->err < 0) {
        ctl_error(self, call, result->err, NULL);
        return;
    }
    reply(self, call, 0, cursor_out_view(result), more);
}

void ctl_error(struct core *self, const struct ctl_call *call, int err, const char *key)
{
    struct cursor_out o = ctl_begin(self);
    cursor_put_map(&o, key ? 2 : 1);
    ctl_put_str(&o, "error", err_text(err));
    if (key)
        ctl_put_str(&o, "key", key);
    reply(self, call, err, cursor_out_view(&o), false);
}

int ctl_arg_u64(const struct ctl_call *call, const char *key, uint64_t max, uint64_t *value)
{
    struct cursor c = cursor_map_find(call->args, key);
    if (c.err == ERR_NOT_FOUND || cursor_peek(&c) == CURSOR_NIL)
        return 0;
    uint64_t v = cursor_u64(&c, max);
    if (c.err == 0)
        *value = v;
    return c.err;
}

int ctl_arg_bool(const struct ctl_call *call, const char *key, bool *value)
{
    struct cursor c = cursor_map_find(call->args, key);
    if (c.err == ERR_NOT_FOUND || cursor_peek(&c) == CURSOR_NIL)
        return 0;
    bool v = cursor_bool(&c);
    if (c.err == 0)
        *value = v;
    return c.err;
}

void ctl_put_u64(struct cursor_out *o, const char *key, uint64_t value)
{
    cursor_put_str(o, key);
    cursor_put_u64(o, value);
}

void ctl_put_f64(struct cursor_out *o, const char *key, double value)
{
    cursor_put_str(o, key);
    cursor_put_f64(o, value);
}

void ctl_put_str(struct cursor_out *o, const char *key, const char *value)
{
    cursor_put_str(o, key);
    cursor_put_str(o, value);
}

void ctl_put_hash(struct cursor_out *o, const char *key, const uint8_t hash[32])
{
    char hex[65];
    bytes_to_hex_reversed(hex, hash, 32);
    ctl_put_str(o, key, hex);
}

static void health(struct core *self, const struct ctl_call *call)
{
    const char *reason = self->stopping ? "stopping" : self->ailing;
    struct cursor_out o = ctl_begin(self);
    cursor_put_map(&o, 2);
    cursor_put_str(&o, "ok");
    cursor_put_bool(&o, !reason);
    ctl_put_str(&o, "reason", reason ? reason : "");
    ctl_reply(self, call, &o, false);
}

static void stop(struct core *self, const struct ctl_call *call)
{
    progress_stop(self);
    struct cursor_out o = ctl_begin(self);
    cursor_put_map(&o, 0);
    ctl_reply(self, call, &o, false);
}

static const struct {
    const char *verb;
    void (*run)(struct core *self, const struct ctl_call *call);
} verbs[] = {
    {"status", ctl_status_status},
    {"workers", ctl_status_workers},
    {"stats", ctl_status_stats},
    {"blocks", ctl_blocks_blocks},
    {"headers", ctl_blocks_headers},
    {"mine", ctl_mine_run},
    {"health", health},
    {"stop", stop},
};

void ctl_message(struct core *self, const struct core_route *route, const struct message *message)
{
    struct ctl_call call = {.route = route};
    if (message->type != MESSAGE_CTL_REQ) {
        ctl_error(self, &call, ERR_UNKNOWN_MESSAGE, NULL);
        return;
    }
    const struct message_ctl_req *req = &message->u.ctl_req;
    call.id = req->id;
    call.args = req->args;
    for (size_t i = 0; i < ARRAY_LEN(verbs); i++)
        if (cursor_view_is(req->verb, verbs[i].verb)) {
            verbs[i].run(self, &call);
            return;
        }
    ctl_error(self, &call, ERR_NOT_FOUND, "verb");
}

void ctl_bad_frame(struct core *self, const struct core_route *route, const struct message *envelope, int err)
{
    (void)envelope;
    self->stats.bad_frames++;
    struct ctl_call call = {.route = route};
    ctl_error(self, &call, err, NULL);
}
