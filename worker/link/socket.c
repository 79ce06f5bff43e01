#include "worker/link/socket.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include <rt/blocking.h>
#include <rt/chan.h>
#include <rt/go.h>
#include <rt/poll.h>
#include <rt/sync.h>
#include <rt/time.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/tsan.h"

struct socket_context {
    void *zmq;
    struct rt_waitgroup watchers;
    _Atomic(uint64_t) missed; /* written by watchers, read by anyone: a count */
};

struct socket {
    struct socket_context *ctx;
    void *zmq;
    int fd; /* ZMQ_FD: libzmq's */
    struct rt_pd *pd;
    struct rt_chan *edges;
    zmq_msg_t msg;           /* the frame received last */
    _Atomic(uint64_t) looks; /* how often ZMQ_EVENTS was read: written by the owner, read by the watcher */
    _Atomic(bool)
        closing; /* set once by the owner (rel), read by the watcher (acq), which owns everything from then on */
};

/* Threads that libzmq starts inherit the mask: a signal of the runtime must never land on one of them. */
static sigset_t block_signals(void)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    return old;
}

static void restore_signals(const sigset_t *old)
{
    pthread_sigmask(SIG_SETMASK, old, NULL);
}

struct socket_context *socket_context_new(void)
{
    struct socket_context *self = calloc(1, sizeof *self);
    CHECK(self);
    rt_enter_blocking();
    sigset_t old = block_signals();
    self->zmq = zmq_ctx_new();
    restore_signals(&old);
    rt_exit_blocking();
    CHECK(self->zmq);
    return self;
}

void socket_context_free(struct socket_context **self_p)
{
    struct socket_context *self = *self_p;
    if (!self)
        return;
    rt_waitgroup_wait(&self->watchers);
    rt_enter_blocking();
    while (zmq_ctx_term(self->zmq) < 0 && zmq_errno() == EINTR)
        ;
    rt_exit_blocking();
    free(self);
    *self_p = NULL;
}

uint64_t socket_context_missed(const struct socket_context *self)
{
    return atomic_load_explicit(&self->missed, memory_order_relaxed);
}

/* --- the watcher --- */

static bool fd_readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

/* The owner leaves the descriptor unreadable whenever it parks (it has read ZMQ_EVENTS). If it is readable at two looks
 * of the watchdog in a row, nobody looked in between, and no edge was passed on since: an edge was missed. */
struct watchdog {
    uint64_t seen; /* looks when found readable, UINT64_MAX: was not */
    uint64_t told; /* looks when the last edge was passed on, UINT64_MAX: none */
};

static bool is_missed(struct watchdog *w, struct socket *s)
{
    uint64_t looks = atomic_load_explicit(&s->looks, memory_order_relaxed);
    bool stuck = fd_readable(s->fd) && looks != w->told;
    bool missed = stuck && w->seen == looks;
    w->seen = stuck ? looks : UINT64_MAX;
    return missed;
}

static void pass_on(struct watchdog *w, struct socket *s)
{
    w->told = atomic_load_explicit(&s->looks, memory_order_relaxed);
    if (rt_try_send(s->edges, NULL) < 0)
        return; /* one is waiting there already: the owner will look */
}

static void destroy(struct socket *s)
{
    tsan_acquire(s);
    if (s->pd)
        rt_poll_close(&s->pd);
    if (s->zmq) {
        zmq_msg_close(&s->msg);
        zmq_close(s->zmq);
    }
    rt_chan_free(&s->edges);
    free(s);
}

static void watch(void *arg)
{
    struct socket *s = arg;
    struct socket_context *ctx = s->ctx;
    struct watchdog w = {UINT64_MAX, UINT64_MAX};
    while (!atomic_load_explicit(&s->closing, memory_order_acquire)) {
        int err = rt_poll_wait(s->pd, RT_POLL_IN, rt_deadline(SOCKET_WATCH_MS * INT64_C(1000000)));
        if (err == 0) {
            pass_on(&w, s);
        } else if (is_missed(&w, s)) {
            atomic_fetch_add_explicit(&ctx->missed, 1, memory_order_relaxed);
            pass_on(&w, s);
        }
    }
    destroy(s);
    rt_waitgroup_done(&ctx->watchers);
}

/* --- opening --- */

static int set_int(struct socket *s, int option, int value)
{
    return zmq_setsockopt(s->zmq, option, &value, sizeof value) < 0 ? -zmq_errno() : 0;
}

static int set_keys(struct socket *s, const struct socket_options *o)
{
    if (!o->keys)
        return 0;
    if (zmq_setsockopt(s->zmq, ZMQ_CURVE_SERVERKEY, o->server_key, KEYS_TEXT) < 0 ||
        zmq_setsockopt(s->zmq, ZMQ_CURVE_PUBLICKEY, o->keys->public_key, KEYS_TEXT) < 0 ||
        zmq_setsockopt(s->zmq, ZMQ_CURVE_SECRETKEY, o->keys->secret_key, KEYS_TEXT) < 0)
        return -zmq_errno();
    return 0;
}

/* cluster.md 6.1 and 6.15: heartbeats on the worker's side only, time-out three intervals, TTL below 65 s. */
static int set_options(struct socket *s, const struct socket_options *o)
{
    int64_t max = SOCKET_FRAME_MAX;
    TRY(set_int(s, ZMQ_LINGER, 0));
    TRY(set_int(s, ZMQ_SNDHWM, SOCKET_HWM));
    TRY(set_int(s, ZMQ_RCVHWM, SOCKET_HWM));
    TRY(set_int(s, ZMQ_RECONNECT_IVL, 250 + (int)(o->random % 250)));
    TRY(set_int(s, ZMQ_RECONNECT_IVL_MAX, 10000));
    TRY(set_int(s, ZMQ_HEARTBEAT_IVL, 5000));
    TRY(set_int(s, ZMQ_HEARTBEAT_TIMEOUT, 15000));
    TRY(set_int(s, ZMQ_HEARTBEAT_TTL, 30000));
    if (zmq_setsockopt(s->zmq, ZMQ_MAXMSGSIZE, &max, sizeof max) < 0)
        return -zmq_errno();
    TRY(set_keys(s, o));
    if (o->kind == SOCKET_DEALER) {
        if (o->conflate)
            TRY(set_int(s, ZMQ_CONFLATE, 1));
        return set_int(s, ZMQ_IMMEDIATE, 1); /* nothing is queued for a peer that is not there */
    }
    if (zmq_setsockopt(s->zmq, ZMQ_SUBSCRIBE, "T", 1) < 0 || zmq_setsockopt(s->zmq, ZMQ_SUBSCRIBE, "C", 1) < 0)
        return -zmq_errno();
    return 0;
}

/* The part that starts threads and may look at files: inside the blocking bracket. */
static int create(struct socket *s, const struct socket_options *o)
{
    s->zmq = zmq_socket(s->ctx->zmq, o->kind == SOCKET_DEALER ? ZMQ_DEALER : ZMQ_SUB);
    if (!s->zmq)
        return -zmq_errno();
    zmq_msg_init(&s->msg);
    TRY(set_options(s, o));
    if (zmq_connect(s->zmq, o->endpoint) < 0)
        return zmq_errno() == EINVAL || zmq_errno() == EPROTONOSUPPORT ? ERR_FORMAT : -zmq_errno();
    size_t len = sizeof s->fd;
    return zmq_getsockopt(s->zmq, ZMQ_FD, &s->fd, &len) < 0 ? -zmq_errno() : 0;
}

int socket_open(struct socket **out, struct socket_context *ctx, const struct socket_options *options)
{
    struct socket *s = calloc(1, sizeof *s);
    CHECK(s);
    s->ctx = ctx;
    s->edges = rt_chan_new(0, 1);
    rt_enter_blocking();
    sigset_t old = block_signals();
    int err = create(s, options);
    restore_signals(&old);
    rt_exit_blocking();
    if (err == 0)
        err = rt_poll_open(&s->pd, s->fd);
    if (err < 0) {
        destroy(s);
        return err;
    }
    rt_waitgroup_add(&ctx->watchers, 1);
    rt_go_attr(&(struct rt_go_attr){.name = "zmq watcher"}, watch, s);
    (void)socket_look(s); /* once after connect, or the first message never signals */
    *out = s;
    return 0;
}

void socket_close(struct socket **self_p, int linger_ms)
{
    struct socket *s = *self_p;
    if (!s)
        return;
    *self_p = NULL;
    if (linger_ms > 0)
        (void)set_int(s, ZMQ_LINGER, linger_ms);
    tsan_release(s);
    atomic_store_explicit(&s->closing, true, memory_order_release); /* pairs with the load in watch */
}

/* --- use --- */

int socket_look(struct socket *self)
{
    int events = 0;
    size_t len = sizeof events;
    atomic_fetch_add_explicit(&self->looks, 1, memory_order_relaxed);
    tsan_acquire(self); /* the socket may have come from another thread: the scheduler's hand-over is the fence */
    int rc = zmq_getsockopt(self->zmq, ZMQ_EVENTS, &events, &len);
    tsan_release(self);
    if (rc < 0)
        return 0;
    return (events & ZMQ_POLLIN ? SOCKET_IN : 0) | (events & ZMQ_POLLOUT ? SOCKET_OUT : 0);
}

static int recv_part(struct socket *self)
{
    int rc = zmq_msg_recv(&self->msg, self->zmq, ZMQ_DONTWAIT);
    return rc < 0 ? -zmq_errno() : 0;
}

/* The first part, or 0 when there is none: EAGAIN is only believed after ZMQ_EVENTS agrees. */
static int recv_first(struct socket *self)
{
    for (;;) {
        int err = recv_part(self);
        if (err == 0)
            return 1;
        if (err == -EINTR)
            continue;
        if (err != -EAGAIN)
            return err;
        if (!(socket_look(self) & SOCKET_IN))
            return 0;
    }
}

int socket_recv(struct socket *self, const uint8_t **data, size_t *len)
{
    int got = recv_first(self);
    if (got <= 0)
        return got;
    if (!zmq_msg_more(&self->msg)) {
        *data = zmq_msg_data(&self->msg);
        *len = zmq_msg_size(&self->msg);
        return 1;
    }
    while (zmq_msg_more(&self->msg)) { /* the parts of one message arrive together */
        int err = recv_part(self);
        if (err < 0 && err != -EINTR)
            return err;
    }
    return ERR_TRAILING;
}

int socket_send(struct socket *self, const uint8_t *data, size_t len)
{
    for (;;) {
        int rc = zmq_send(self->zmq, data, len, ZMQ_DONTWAIT);
        int err = rc < 0 ? -zmq_errno() : 0;
        if (err == 0)
            return 0;
        if (err != -EINTR && err != -EAGAIN)
            return err;
        if (err == -EAGAIN && !(socket_look(self) & SOCKET_OUT))
            return -EAGAIN;
    }
}

struct rt_chan *socket_edges(struct socket *self)
{
    return self->edges;
}
