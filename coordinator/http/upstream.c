#include "coordinator/http/upstream.h"

#include <errno.h>
#include <stdlib.h>

#include <event2/event.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/json/unpack.h"
#include "common/log/log.h"
#include "common/net/frame.h"
#include "common/wire/codec.h"

enum {
    FRAME_CAP = MESSAGE_ARGS_LEN + 128, /* a CTL_REQ: its args and the few fields around them */
    REPLY_BYTES_MAX = MESSAGE_RESULT_LEN + 128,
    QUEUE_LEN = 1024,
};

struct question {
    uint64_t ticket;
    int timeout_ms;
    struct event *timer; /* NULL without a time-out */
    void (*fn)(void *arg, const struct upstream_reply *reply);
    void *arg;
    struct upstream *owner;
    struct question *next;
};

struct upstream {
    struct event_base *base;
    struct frame_socket *socket;
    struct event *readable;
    struct question *questions;
    unsigned pending;
    uint64_t last; /* ticket and seq of the last question */
    uint8_t out[FRAME_CAP];
};

static void restart_timer(struct question *q)
{
    const struct timeval after = {q->timeout_ms / 1000, q->timeout_ms % 1000 * 1000};
    event_add(q->timer, &after);
}

static struct question **find(struct upstream *self, uint64_t ticket)
{
    struct question **at = &self->questions;
    while (*at && (*at)->ticket != ticket)
        at = &(*at)->next;
    return at;
}

static void forget(struct upstream *self, struct question **at)
{
    struct question *q = *at;
    *at = q->next;
    self->pending--;
    if (q->timer)
        event_free(q->timer);
    free(q);
}

/* Calls whoever asked. The question is off the list first if this is its last reply, so that fn may do what it likes.
 */
static void hand_over(struct upstream *self, const struct upstream_reply *reply)
{
    struct question **at = find(self, reply->ticket);
    if (!*at)
        return; /* cancelled, or timed out */
    struct question *q = *at;
    void (*fn)(void *, const struct upstream_reply *) = q->fn;
    void *arg = q->arg;
    if (!reply->more)
        forget(self, at);
    else if (q->timer)
        restart_timer(q);
    fn(arg, reply);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct question *q = arg;
    hand_over(q->owner, &(struct upstream_reply){.ticket = q->ticket, .code = ERR_TIMEOUT});
}

/* The reactor sent what is no reply, so whose it was is not known: everybody who waits is told, rather than to wait for
 * ever. */
static void fail_all(struct upstream *self)
{
    for (uint64_t newest = self->last; self->questions && self->questions->ticket <= newest;)
        hand_over(self, &(struct upstream_reply){.ticket = self->questions->ticket, .code = -EPROTO});
}

static void take_frame(struct upstream *self, struct frame *frame)
{
    struct message m;
    AUTO(unpack_free) json_t *result = NULL;
    int err = codec_decode(&m, frame_data(frame), frame_size(frame));
    if (err >= 0 && m.type != MESSAGE_CTL_REP)
        err = ERR_TYPE;
    if (err >= 0)
        err = unpack_json(&result, m.u.ctl_rep.result);
    if (err < 0) {
        LOG_ERROR("http_reply_unreadable", "code=%s bytes=%zu", err_code(err), frame_size(frame));
        fail_all(self);
        return;
    }
    const struct message_ctl_rep *rep = &m.u.ctl_rep;
    hand_over(self, &(struct upstream_reply){.ticket = rep->id,
                                             .code = rep->code < 0 ? (int)rep->code : 0,
                                             .more = rep->more != 0,
                                             .result = result});
}

/* ZMQ_FD signals an edge: everything that is there has to be taken, and looking at the events re-arms it. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct upstream *self = arg;
    int events;
    while ((events = frame_events(self->socket)) > 0 && (events & FRAME_IN)) {
        struct frame frame;
        int got = frame_recv(self->socket, NULL, &frame);
        if (got == 1) {
            take_frame(self, &frame);
            frame_release(&frame);
        } else if (got < 0) {
            LOG_ERROR("http_control_socket", "code=%s", err_code(got));
            if (got != ERR_TRAILING)
                return;
        }
    }
}

int upstream_new(struct upstream **out, struct event_base *base, struct frame_context *zmq, const char *endpoint)
{
    AUTO(upstream_free) struct upstream *self = calloc(1, sizeof *self);
    CHECK(self != NULL);
    const struct frame_options options = {
        .kind = FRAME_DEALER, .rcvhwm = QUEUE_LEN, .sndhwm = QUEUE_LEN, .max_bytes = REPLY_BYTES_MAX};
    TRY(frame_connect(&self->socket, zmq, &options, endpoint));
    self->base = base;
    self->readable = event_new(base, frame_fd(self->socket), EV_READ | EV_PERSIST, on_readable, self);
    CHECK(self->readable != NULL);
    event_add(self->readable, NULL);
    *out = TAKE(self);
    return 0;
}

void upstream_free(struct upstream **self_p)
{
    struct upstream *self = *self_p;
    if (!self)
        return;
    while (self->questions)
        forget(self, &self->questions);
    if (self->readable)
        event_free(self->readable);
    frame_close(&self->socket);
    free(TAKE(*self_p));
}

static int send_question(struct upstream *self, const struct upstream_question *question, uint64_t ticket)
{
    struct message m = {.type = MESSAGE_CTL_REQ, .seq = ticket};
    m.u.ctl_req.id = ticket;
    m.u.ctl_req.verb = cursor_view_of(question->verb);
    m.u.ctl_req.args = question->args;
    int len = codec_encode(self->out, sizeof self->out, &m);
    TRY(len);
    int err = frame_send(self->socket, NULL, self->out, (size_t)len);
    return err == -EAGAIN ? ERR_FULL : err;
}

int upstream_ask(struct upstream *self, const struct upstream_question *question, uint64_t *ticket)
{
    TRY(send_question(self, question, self->last + 1));
    struct question *q = calloc(1, sizeof *q);
    CHECK(q != NULL);
    *q = (struct question){
        .ticket = ++self->last,
        .timeout_ms = question->timeout_ms,
        .fn = question->fn,
        .arg = question->arg,
        .owner = self,
        .next = self->questions,
    };
    if (q->timeout_ms > 0) {
        q->timer = evtimer_new(self->base, on_timeout, q);
        CHECK(q->timer != NULL);
        restart_timer(q);
    }
    self->questions = q;
    self->pending++;
    *ticket = q->ticket;
    /* Sending may have swallowed the edge of a reply that came meanwhile. */
    event_active(self->readable, EV_READ, 0);
    return 0;
}

void upstream_cancel(struct upstream *self, uint64_t ticket)
{
    struct question **at = find(self, ticket);
    if (*at)
        forget(self, at);
}

unsigned upstream_pending(const struct upstream *self)
{
    return self->pending;
}
