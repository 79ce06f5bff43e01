/* ctl.h - the control verbs: lodectl's and the HTTP thread's questions and orders (docs/PROTOCOL.md, "Control").
 * Pure. Threads: one at a time. Memory: results are built in the core's result buffer. */
#ifndef COORDINATOR_CORE_CTL_H
#define COORDINATOR_CORE_CTL_H

#include "coordinator/core/state.h"

/* A CTL_REQ under way: whom to answer. */
struct ctl_call {
    const struct core_route *route;
    uint64_t id;
    struct cursor_view args;
};

/* A message from the control socket. Anything but a CTL_REQ of a known verb is answered with an error. */
void ctl_message(struct core *self, const struct core_route *route, const struct message *message);
/* A frame that does not decode. */
void ctl_bad_frame(struct core *self, const struct core_route *route, const struct message *envelope, int err);

/* For the verbs: an empty result to fill; one reply with it (more: others follow); or an error, with the key of args it
 * is about, or NULL. */
struct cursor_out ctl_begin(struct core *self);
void ctl_reply(struct core *self, const struct ctl_call *call, const struct cursor_out *result, bool more);
void ctl_error(struct core *self, const struct ctl_call *call, int err, const char *key);
/* An unsigned argument: *value is left alone if the key is absent. 0, or ERR_TYPE, ERR_RANGE (above max). */
int ctl_arg_u64(const struct ctl_call *call, const char *key, uint64_t max, uint64_t *value) MUST_CHECK;
int ctl_arg_bool(const struct ctl_call *call, const char *key, bool *value) MUST_CHECK;
/* key and value at once. */
void ctl_put_u64(struct cursor_out *o, const char *key, uint64_t value);
void ctl_put_f64(struct cursor_out *o, const char *key, double value);
void ctl_put_str(struct cursor_out *o, const char *key, const char *value);
/* A hash as people read it: reversed hex. */
void ctl_put_hash(struct cursor_out *o, const char *key, const uint8_t hash[32]);

#endif
