#include "common/net/frame.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/tsan.h"
#include "common/wire/endpoint.h"

struct frame_context {
    void *zmq;
};

struct frame_socket {
    void *zmq;
    enum frame_kind kind;
};

/* The address that stands for "through libzmq" in TSan's eyes: what a sender did happens before the receiver's next
 * step. Coarser than the truth, which is one such pair a message; suppressions cannot express it at all. */

/* libzmq's errors that are its own (above ZMQ_HAUSNUMERO) do not fit -errno; the rest does. */
static int zmq_error(void)
{
    const int e = zmq_errno();
    if (e == ETERM)
        return ERR_CANCELLED;
    return e >= ZMQ_HAUSNUMERO ? ERR_STATE : -e;
}

struct frame_context *frame_context_new(int io_threads, int max_sockets)
{
    struct frame_context *c = malloc(sizeof(*c));
    CHECK(c);
    c->zmq = zmq_ctx_new();
    CHECK(c->zmq);
    zmq_ctx_set(c->zmq, ZMQ_IO_THREADS, io_threads > 0 ? io_threads : 1);
    if (max_sockets > 0)
        zmq_ctx_set(c->zmq, ZMQ_MAX_SOCKETS, max_sockets);
    return c;
}

void frame_context_free(struct frame_context **self_p)
{
    struct frame_context *c = *self_p;
    *self_p = NULL;
    if (!c)
        return;
    while (zmq_ctx_term(c->zmq) < 0 && zmq_errno() == EINTR)
        ;
    free(c);
}

static int set_int(void *s, int option, int value)
{
    return zmq_setsockopt(s, option, &value, sizeof(value)) < 0 ? zmq_error() : 0;
}

static int set_text(void *s, int option, const char *text)
{
    return zmq_setsockopt(s, option, text, strlen(text)) < 0 ? zmq_error() : 0;
}

struct int_option {
    int option, value;
};

static int set_ints(void *s, const struct int_option *options, size_t n)
{
    for (size_t i = 0; i < n; i++)
        TRY(set_int(s, options[i].option, options[i].value));
    return 0;
}

static int set_common(void *s, const struct frame_options *o)
{
    const int64_t max_bytes = o->max_bytes > 0 ? o->max_bytes : 65536;
    const struct int_option options[] = {
        {ZMQ_RCVHWM, o->rcvhwm > 0 ? o->rcvhwm : 64},
        {ZMQ_SNDHWM, o->sndhwm > 0 ? o->sndhwm : 64},
        {ZMQ_LINGER, 0},
    };
    TRY(set_ints(s, options, ARRAY_LEN(options)));
    if (zmq_setsockopt(s, ZMQ_AFFINITY, &o->affinity, sizeof(o->affinity)) < 0)
        return zmq_error();
    return zmq_setsockopt(s, ZMQ_MAXMSGSIZE, &max_bytes, sizeof(max_bytes)) < 0 ? zmq_error() : 0;
}

/* By kind of socket: an unknown peer is an error and not silence (ROUTER); a welcome message needs manual or verbose
 * subscription handling to be off, which is the default (XPUB). */
static int set_kind(void *s, const struct frame_options *o)
{
    if (o->kind == FRAME_ROUTER)
        TRY(set_int(s, ZMQ_ROUTER_MANDATORY, 1));
    if (o->conflate && (o->kind == FRAME_DEALER || o->kind == FRAME_SUB))
        TRY(set_int(s, ZMQ_CONFLATE, 1));
    return 0;
}

static int set_listening(void *s, const struct frame_options *o)
{
    const struct int_option options[] = {
        {ZMQ_BACKLOG, o->backlog > 0 ? o->backlog : 4096},
        /* Dead peers give their memory back; no ZMTP heartbeat here, it is quadratic on the server. */
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_TCP_KEEPALIVE_IDLE, 30},
        {ZMQ_TCP_KEEPALIVE_INTVL, 10},
        {ZMQ_TCP_KEEPALIVE_CNT, 3},
        {ZMQ_HANDSHAKE_IVL, 2000},
    };
    TRY(set_ints(s, options, ARRAY_LEN(options)));
    if (!o->keys)
        return 0;
    TRY(set_int(s, ZMQ_CURVE_SERVER, 1));
    return set_text(s, ZMQ_CURVE_SECRETKEY, o->keys->secret_key);
}

static int set_connecting(void *s, const struct frame_options *o)
{
    const struct int_option options[] = {
        {ZMQ_RECONNECT_IVL, 250},
        {ZMQ_RECONNECT_IVL_MAX, 10000},
        {ZMQ_IMMEDIATE, o->kind == FRAME_DEALER && !o->conflate},
    };
    const struct int_option beats[] = {
        {ZMQ_HEARTBEAT_IVL, 5000},
        {ZMQ_HEARTBEAT_TIMEOUT, 15000},
        {ZMQ_HEARTBEAT_TTL, 30000},
    };
    TRY(set_ints(s, options, ARRAY_LEN(options)));
    if (o->heartbeat)
        TRY(set_ints(s, beats, ARRAY_LEN(beats)));
    if (!o->keys)
        return 0;
    if (!o->server_key)
        return ERR_INSECURE;
    TRY(set_text(s, ZMQ_CURVE_SERVERKEY, o->server_key));
    TRY(set_text(s, ZMQ_CURVE_PUBLICKEY, o->keys->public_key));
    return set_text(s, ZMQ_CURVE_SECRETKEY, o->keys->secret_key);
}

static struct frame_socket *open_socket(struct frame_context *ctx, enum frame_kind kind)
{
    static const int types[] = {[FRAME_ROUTER] = ZMQ_ROUTER,
                                [FRAME_DEALER] = ZMQ_DEALER,
                                [FRAME_XPUB] = ZMQ_XPUB,
                                [FRAME_SUB] = ZMQ_SUB,
                                [FRAME_PAIR] = ZMQ_PAIR};
    struct frame_socket *s = malloc(sizeof(*s));
    CHECK(s);
    s->kind = kind;
    s->zmq = zmq_socket(ctx->zmq, types[kind]);
    if (!s->zmq) {
        free(s);
        return NULL;
    }
    return s;
}

/* An ipc socket is for its owner alone. The umask is the process's, so this is for the start. */
static int bind_private(void *s, const char *endpoint)
{
    const mode_t before = umask(0177);
    const int err = zmq_bind(s, endpoint) < 0 ? zmq_error() : 0;
    umask(before);
    return err;
}

/* Only where it is needed: with it libzmq shows IPv4 addresses as v4-mapped ones. */
static int allow_v6(void *s, const struct endpoint *e)
{
    return e->transport == ENDPOINT_TCP && strchr(e->host, ':') ? set_int(s, ZMQ_IPV6, 1) : 0;
}

static int connect_checked(void *s, const char *text)
{
    struct endpoint e;
    TRY(endpoint_parse(&e, text, strlen(text)));
    TRY(allow_v6(s, &e));
    return zmq_connect(s, text) < 0 ? zmq_error() : 0;
}

static int bind_checked(void *s, const struct frame_options *o, const char *text)
{
    struct endpoint e;
    TRY(endpoint_parse(&e, text, strlen(text)));
    if (!endpoint_is_loopback(&e) && !o->keys && !o->insecure)
        return ERR_INSECURE;
    TRY(allow_v6(s, &e));
    if (e.transport == ENDPOINT_IPC)
        return bind_private(s, text);
    return zmq_bind(s, text) < 0 ? zmq_error() : 0;
}

static int set_up_bind(void *s, const struct frame_options *o, const char *endpoint)
{
    TRY(set_common(s, o));
    TRY(set_kind(s, o));
    TRY(set_listening(s, o));
    return endpoint ? bind_checked(s, o, endpoint) : 0;
}

static int set_up_connect(void *s, const struct frame_options *o, const char *endpoint)
{
    TRY(set_common(s, o));
    TRY(set_kind(s, o));
    TRY(set_connecting(s, o));
    return endpoint ? connect_checked(s, endpoint) : 0;
}

typedef int set_up_fn(void *s, const struct frame_options *o, const char *endpoint);

static int open_with(struct frame_socket **out, struct frame_context *ctx, const struct frame_options *options,
                     const char *endpoint, set_up_fn *set_up)
{
    struct frame_socket *s = open_socket(ctx, options->kind);
    *out = NULL;
    if (!s)
        return zmq_error();
    const int err = set_up(s->zmq, options, endpoint);
    if (err < 0)
        frame_close(&s);
    *out = s;
    return err;
}

int frame_bind(struct frame_socket **out, struct frame_context *ctx, const struct frame_options *options,
               const char *endpoint)
{
    return open_with(out, ctx, options, endpoint, set_up_bind);
}

int frame_connect(struct frame_socket **out, struct frame_context *ctx, const struct frame_options *options,
                  const char *endpoint)
{
    return open_with(out, ctx, options, endpoint, set_up_connect);
}

int frame_subscribe(struct frame_socket *self, const void *prefix, size_t len)
{
    return zmq_setsockopt(self->zmq, ZMQ_SUBSCRIBE, prefix, len) < 0 ? zmq_error() : 0;
}

int frame_set_welcome(struct frame_socket *self, const void *data, size_t len)
{
    return zmq_setsockopt(self->zmq, ZMQ_XPUB_WELCOME_MSG, data, len) < 0 ? zmq_error() : 0;
}

void frame_close(struct frame_socket **self_p)
{
    struct frame_socket *s = *self_p;
    *self_p = NULL;
    if (!s)
        return;
    zmq_close(s->zmq);
    free(s);
}

int frame_endpoint(struct frame_socket *self, char *out, size_t cap)
{
    size_t len = cap;
    if (zmq_getsockopt(self->zmq, ZMQ_LAST_ENDPOINT, out, &len) == 0)
        return 0;
    return zmq_errno() == EINVAL ? ERR_TOO_LONG : zmq_error();
}

int frame_fd(struct frame_socket *self)
{
    int fd = -1;
    size_t len = sizeof(fd);
    return zmq_getsockopt(self->zmq, ZMQ_FD, &fd, &len) < 0 ? zmq_error() : fd;
}

int frame_events(struct frame_socket *self)
{
    int events = 0;
    size_t len = sizeof(events);
    if (zmq_getsockopt(self->zmq, ZMQ_EVENTS, &events, &len) < 0)
        return zmq_error();
    return (events & ZMQ_POLLIN ? FRAME_IN : 0) | (events & ZMQ_POLLOUT ? FRAME_OUT : 0);
}

int frame_wait(struct frame_socket *self, int events, int timeout_ms)
{
    zmq_pollitem_t item = {.socket = self->zmq};
    item.events = (short)((events & FRAME_IN ? ZMQ_POLLIN : 0) | (events & FRAME_OUT ? ZMQ_POLLOUT : 0));
    if (zmq_poll(&item, 1, timeout_ms) < 0)
        return zmq_error();
    return (item.revents & ZMQ_POLLIN ? FRAME_IN : 0) | (item.revents & ZMQ_POLLOUT ? FRAME_OUT : 0);
}

/* Throws away the rest of a message that has more frames. */
static void drain(void *s, zmq_msg_t *last)
{
    while (zmq_msg_more(last))
        if (zmq_msg_recv(last, s, ZMQ_DONTWAIT) < 0)
            return;
}

/* One frame of a message that has arrived whole (libzmq delivers all or nothing). 1, 0 (nothing there), or an error. */
static int recv_one(void *s, zmq_msg_t *msg)
{
    int n;
    do {
        n = zmq_msg_recv(msg, s, ZMQ_DONTWAIT);
    } while (n < 0 && zmq_errno() == EINTR);
    if (n >= 0)
        return 1;
    return zmq_errno() == EAGAIN ? 0 : zmq_error();
}

/* Reads the routing id into *from; the frame itself follows into msg. */
static int recv_peer(struct frame_socket *self, struct frame_peer *from, zmq_msg_t *msg)
{
    const size_t len = zmq_msg_size(msg);
    *from = (struct frame_peer){0};
    if (len > FRAME_PEER_MAX) {
        drain(self->zmq, msg);
        return ERR_TOO_LONG;
    }
    from->len = (uint8_t)len;
    memcpy(from->id, zmq_msg_data(msg), len);
    if (!zmq_msg_more(msg))
        return ERR_TRUNCATED;
    const int got = recv_one(self->zmq, msg);
    return got == 0 ? ERR_TRUNCATED : got;
}

static int recv_whole(struct frame_socket *self, struct frame_peer *from, zmq_msg_t *msg)
{
    int got = recv_one(self->zmq, msg);
    if (got == 1 && self->kind == FRAME_ROUTER)
        got = recv_peer(self, from, msg);
    if (got != 1)
        return got;
    tsan_message_received();
    if (!zmq_msg_more(msg))
        return 1;
    drain(self->zmq, msg);
    return ERR_TRAILING;
}

int frame_recv(struct frame_socket *self, struct frame_peer *from, struct frame *out)
{
    struct frame_peer ignored;
    zmq_msg_init(&out->msg);
    const int got = recv_whole(self, from ? from : &ignored, &out->msg);
    if (got != 1)
        zmq_msg_close(&out->msg);
    return got;
}

const uint8_t *frame_data(struct frame *self)
{
    return zmq_msg_data(&self->msg);
}

size_t frame_size(struct frame *self)
{
    return zmq_msg_size(&self->msg);
}

void frame_release(struct frame *self)
{
    zmq_msg_close(&self->msg);
}

/* The copy is made here and not by zmq_send, so that it lies before tsan_release. */
static int send_part(void *s, const void *data, size_t len, int flags)
{
    zmq_msg_t msg;
    int n;
    CHECK(zmq_msg_init_size(&msg, len) == 0); /* only without memory */
    if (len)
        memcpy(zmq_msg_data(&msg), data, len);
    tsan_message_sent();
    do {
        n = zmq_msg_send(&msg, s, flags | ZMQ_DONTWAIT);
    } while (n < 0 && zmq_errno() == EINTR);
    const int err = n < 0 ? zmq_error() : 0;
    zmq_msg_close(&msg); /* empty after a success */
    return err;
}

int frame_send(struct frame_socket *self, const struct frame_peer *to, const void *data, size_t len)
{
    if (self->kind == FRAME_ROUTER)
        TRY(send_part(self->zmq, to->id, to->len, ZMQ_SNDMORE));
    return send_part(self->zmq, data, len, 0);
}

bool frame_peer_equal(const struct frame_peer *a, const struct frame_peer *b)
{
    return a->len == b->len && memcmp(a->id, b->id, a->len) == 0;
}
