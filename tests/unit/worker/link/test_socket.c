#include <test.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include <rt/chan.h>
#include <rt/go.h>
#include <rt/rt.h>
#include <rt/time.h>

#include <zmq.h>

#include "common/base/err.h"
#include "worker/link/socket.h"

#define NEED(x)                                                                                                        \
    do {                                                                                                               \
        if (!(x))                                                                                                      \
            return __LINE__;                                                                                           \
    } while (0)

/* The other side: a plain thread with a ROUTER that echoes, and an XPUB that says a word to every new subscriber. */
struct peer {
    void *ctx, *router, *pub;
    char router_at[64], pub_at[64];
    pthread_t thread;
    _Atomic(bool) stop;
    int subscriptions;
};
static struct peer peer;

static void echo(struct peer *p)
{
    uint8_t id[16];
    for (;;) {
        int len = zmq_recv(p->router, id, sizeof id, ZMQ_DONTWAIT);
        if (len < 0)
            return;
        zmq_msg_t msg;
        zmq_msg_init(&msg);
        if (zmq_msg_recv(&msg, p->router, 0) >= 0) {
            zmq_send(p->router, id, (size_t)len, ZMQ_SNDMORE);
            if (zmq_msg_size(&msg) == 5 && memcmp(zmq_msg_data(&msg), "parts", 5) == 0)
                zmq_send(p->router, "one", 3, ZMQ_SNDMORE); /* the echo is the second part */
            zmq_msg_send(&msg, p->router, 0);
        }
        zmq_msg_close(&msg);
    }
}

static void *serve(void *arg)
{
    struct peer *p = arg;
    while (!atomic_load(&p->stop)) {
        zmq_pollitem_t items[] = {{p->router, 0, ZMQ_POLLIN, 0}, {p->pub, 0, ZMQ_POLLIN, 0}};
        zmq_poll(items, 2, 10);
        echo(p);
        uint8_t topic[8];
        while (zmq_recv(p->pub, topic, sizeof topic, ZMQ_DONTWAIT) >= 0)
            if (++p->subscriptions == 2) {
                zmq_send(p->pub, "X not ours", 10, 0);
                zmq_send(p->pub, "T tip", 5, 0);
                zmq_send(p->pub, "C ctrl", 6, 0);
            }
    }
    return NULL;
}

static void bind_any(void *s, char at[64])
{
    size_t len = 64;
    int linger = 0;
    zmq_setsockopt(s, ZMQ_LINGER, &linger, sizeof linger);
    if (zmq_bind(s, "tcp://127.0.0.1:*") < 0 || zmq_getsockopt(s, ZMQ_LAST_ENDPOINT, at, &len) < 0)
        abort();
}

static void peer_start(void)
{
    peer.ctx = zmq_ctx_new();
    peer.router = zmq_socket(peer.ctx, ZMQ_ROUTER);
    peer.pub = zmq_socket(peer.ctx, ZMQ_XPUB);
    bind_any(peer.router, peer.router_at);
    bind_any(peer.pub, peer.pub_at);
    cr_assert_eq(pthread_create(&peer.thread, NULL, serve, &peer), 0);
}

static void peer_join(void)
{
    atomic_store(&peer.stop, true);
    pthread_join(peer.thread, NULL);
    zmq_close(peer.router);
    zmq_close(peer.pub);
    zmq_ctx_term(peer.ctx);
}

/* Parks as the link does: look, then wait for an edge. */
static void await(struct socket *s, int bits)
{
    while (!(socket_look(s) & bits))
        if (!rt_recv(socket_edges(s), NULL))
            return;
}

static int recv_wait(struct socket *s, const uint8_t **data, size_t *len)
{
    for (;;) {
        int got = socket_recv(s, data, len);
        if (got != 0)
            return got;
        await(s, SOCKET_IN);
    }
}

static int send_wait(struct socket *s, const void *data, size_t len)
{
    for (;;) {
        int err = socket_send(s, data, len);
        if (err != -EAGAIN)
            return err;
        await(s, SOCKET_OUT);
    }
}

static int open_dealer(struct socket **s, struct socket_context *ctx, const char *at)
{
    return socket_open(s, ctx, &(struct socket_options){.kind = SOCKET_DEALER, .endpoint = at});
}

static int ping_pong(void *arg)
{
    AUTO(socket_context_free) struct socket_context *ctx = socket_context_new();
    struct socket *s;
    const uint8_t *data;
    size_t len;
    NEED(open_dealer(&s, ctx, peer.router_at) == 0);
    for (uint32_t i = 0; i < *(const uint32_t *)arg; i++) {
        NEED(send_wait(s, &i, sizeof i) == 0);
        NEED(recv_wait(s, &data, &len) == 1);
        NEED(len == sizeof i && memcmp(data, &i, sizeof i) == 0);
    }
    NEED(socket_recv(s, &data, &len) == 0);
    socket_close(&s, 0);
    NEED(s == NULL);
    NEED(socket_context_missed(ctx) == 0);
    return 0;
}

static int run(int (*app)(void *), void *arg)
{
    peer_start();
    int line = rt_main(&(struct rt_config){.procs = 2}, app, arg);
    peer_join();
    return line;
}

Test(socket, a_thousand_round_trips_miss_no_edge, .timeout = 60)
{
    uint32_t rounds = 1000;
    cr_assert_eq(run(ping_pong, &rounds), 0);
}

/* Many in flight: sends swallow the edges of what comes in, which is what the look before parking is for. */
static int burst(void *arg)
{
    (void)arg;
    AUTO(socket_context_free) struct socket_context *ctx = socket_context_new();
    struct socket *s;
    const uint8_t *data;
    size_t len;
    enum { FRAMES = 5000, AHEAD = 20 };
    NEED(open_dealer(&s, ctx, peer.router_at) == 0);
    for (uint32_t sent = 0, got = 0; got < FRAMES;) {
        if (sent < FRAMES && sent - got < AHEAD) {
            NEED(send_wait(s, &sent, sizeof sent) == 0);
            sent++;
            continue;
        }
        NEED(recv_wait(s, &data, &len) == 1);
        NEED(len == sizeof got && memcmp(data, &got, sizeof got) == 0);
        got++;
    }
    socket_close(&s, 0);
    NEED(socket_context_missed(ctx) == 0);
    return 0;
}

Test(socket, with_many_frames_in_flight_every_one_arrives_in_order, .timeout = 60)
{
    cr_assert_eq(run(burst, NULL), 0);
}

static int subscribe(void *arg)
{
    (void)arg;
    AUTO(socket_context_free) struct socket_context *ctx = socket_context_new();
    struct socket *s;
    const uint8_t *data;
    size_t len;
    NEED(socket_open(&s, ctx, &(struct socket_options){.kind = SOCKET_SUB, .endpoint = peer.pub_at}) == 0);
    NEED(recv_wait(s, &data, &len) == 1);
    NEED(len == 5 && memcmp(data, "T tip", 5) == 0);
    NEED(recv_wait(s, &data, &len) == 1);
    NEED(len == 6 && memcmp(data, "C ctrl", 6) == 0);
    socket_close(&s, 0);
    return 0;
}

Test(socket, a_sub_gets_the_topics_t_and_c_and_nothing_else, .timeout = 60)
{
    cr_assert_eq(run(subscribe, NULL), 0);
}

static int parts(void *arg)
{
    (void)arg;
    AUTO(socket_context_free) struct socket_context *ctx = socket_context_new();
    struct socket *s;
    const uint8_t *data;
    size_t len;
    NEED(open_dealer(&s, ctx, peer.router_at) == 0);
    NEED(send_wait(s, "parts", 5) == 0);
    NEED(recv_wait(s, &data, &len) == ERR_TRAILING);
    NEED(send_wait(s, "whole", 5) == 0);
    NEED(recv_wait(s, &data, &len) == 1);
    NEED(len == 5 && memcmp(data, "whole", 5) == 0);
    socket_close(&s, 0);
    return 0;
}

Test(socket, a_message_of_several_frames_is_dropped_whole, .timeout = 60)
{
    cr_assert_eq(run(parts, NULL), 0);
}

static int nobody_there(void *arg)
{
    (void)arg;
    AUTO(socket_context_free) struct socket_context *ctx = socket_context_new();
    struct socket *s = NULL, *other = NULL;
    NEED(open_dealer(&s, ctx, "tcp://127.0.0.1:1") == 0);
    NEED(socket_send(s, (const uint8_t *)"x", 1) == -EAGAIN);
    NEED(open_dealer(&other, ctx, "nonsense") == ERR_FORMAT);
    NEED(other == NULL);
    socket_close(&other, 0);
    socket_close(&s, 0);
    return 0;
}

Test(socket, nothing_is_queued_for_a_peer_that_is_not_there, .timeout = 60)
{
    cr_assert_eq(run(nobody_there, NULL), 0);
}

/* Goroutines that leave no P idle, as miners do. */
static _Atomic(bool) hashing;
static void hash_slices(void *arg)
{
    while (atomic_load(&hashing)) {
        for (int64_t end = rt_now() + 500000; rt_now() < end;)
            continue;
        rt_yield();
    }
    rt_send(arg, NULL);
}

static int busy(void *arg)
{
    struct rt_chan *done = rt_chan_new(0, 2);
    uint32_t rounds = 50;
    atomic_store(&hashing, true);
    rt_go(hash_slices, done);
    rt_go(hash_slices, done);
    int line = ping_pong(&rounds);
    atomic_store(&hashing, false);
    for (int i = 0; i < 2; i++)
        NEED(rt_recv(done, NULL));
    rt_chan_free(&done);
    (void)arg;
    return line;
}

Test(socket, edges_arrive_though_every_processor_is_hashing, .timeout = 60)
{
    cr_assert_eq(run(busy, NULL), 0);
}
