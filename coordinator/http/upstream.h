/* upstream.h - the HTTP thread's client of the control protocol: asks the reactor over inproc and hands every reply to
 * whoever asked. Threads: the one that runs the event base. Memory: malloc. */
#ifndef COORDINATOR_HTTP_UPSTREAM_H
#define COORDINATOR_HTTP_UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <rt/attr.h>

#include "common/wire/cursor.h"

struct event_base;
struct frame_context;
struct upstream;

struct upstream_reply {
    uint64_t ticket;
    int code;       /* 0, or a negative code of common/base/err.h: the coordinator's, or ERR_TIMEOUT, -EPROTO */
    bool more;      /* more replies to this ticket follow */
    json_t *result; /* an object; borrowed during the call */
};

struct upstream_question {
    const char *verb;
    struct cursor_view args;                                   /* a MessagePack map; empty for none */
    int timeout_ms;                                            /* until the next reply; 0 for none */
    void (*fn)(void *arg, const struct upstream_reply *reply); /* may ask and cancel, also its own ticket */
    void *arg;                                                 /* borrowed until the last reply or upstream_cancel */
};

/* Connects to endpoint (which may be bound later). 0 and *out, the caller's, or -errno. */
int upstream_new(struct upstream **out, struct event_base *base, struct frame_context *zmq,
                 const char *endpoint) MUST_CHECK;
/* Drops every question without a call, and closes. NULL-safe. */
void upstream_free(struct upstream **self_p);

/* Sends the question; fn is called later, never from inside this call. 0 and its ticket (not 0), or ERR_FULL when the
 * reactor does not keep up, ERR_TOO_LONG for args above the protocol's limit, -errno. */
int upstream_ask(struct upstream *self, const struct upstream_question *question, uint64_t *ticket) MUST_CHECK;
/* Forgets the question: fn is not called again. What the coordinator does for it goes on (the protocol has no
 * cancellation: a payload handed in stays queued). An unknown ticket is fine. */
void upstream_cancel(struct upstream *self, uint64_t ticket);
/* Questions that wait for a reply. */
unsigned upstream_pending(const struct upstream *self);

#endif
