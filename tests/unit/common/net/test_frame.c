#include "test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/net/frame.h"

static struct frame_context *ctx;
static struct frame_socket *server, *client;
static char at[300];

static void begin(void)
{
    ctx = frame_context_new(1, 0);
}

static void end(void)
{
    frame_close(&client);
    frame_close(&server);
    frame_context_free(&ctx);
}

static void pair_up(const struct frame_options *s, const struct frame_options *c)
{
    cr_assert_eq(frame_bind(&server, ctx, s, "tcp://127.0.0.1:*"), 0);
    cr_assert_eq(frame_endpoint(server, at, sizeof(at)), 0);
    cr_assert_eq(frame_connect(&client, ctx, c, at), 0);
}

static void pair_up_plain(void)
{
    pair_up(&(struct frame_options){.kind = FRAME_ROUTER}, &(struct frame_options){.kind = FRAME_DEALER});
}

/* A peer may take a while: each wait ends as soon as there is something. */
static void wait_for(struct frame_socket *s, int event)
{
    cr_assert_eq(frame_wait(s, event, 20000), event);
}

static void send_text(struct frame_socket *s, const struct frame_peer *to, const char *text)
{
    wait_for(s, FRAME_OUT);
    cr_assert_eq(frame_send(s, to, text, strlen(text)), 0);
}

static void expect_text(struct frame_socket *s, struct frame_peer *from, const char *text)
{
    struct frame f;
    wait_for(s, FRAME_IN);
    cr_assert_eq(frame_recv(s, from, &f), 1);
    cr_assert_eq(frame_size(&f), strlen(text));
    cr_assert_arr_eq(frame_data(&f), text, strlen(text));
    frame_release(&f);
}

Test(frame, a_frame_goes_to_the_router_and_back, .init = begin, .fini = end)
{
    struct frame_peer peer, again;
    struct frame f;
    pair_up_plain();
    cr_assert_eq(frame_recv(server, &peer, &f), 0);
    send_text(client, NULL, "hello");
    expect_text(server, &peer, "hello");
    cr_assert_gt(peer.len, 0);
    cr_assert_eq(frame_send(server, &peer, "welcome", 7), 0);
    expect_text(client, NULL, "welcome");
    send_text(client, NULL, "");
    expect_text(server, &again, "");
    cr_assert(frame_peer_equal(&peer, &again));
    again.id[0] ^= 1;
    cr_assert_not(frame_peer_equal(&peer, &again));
}

Test(frame, a_peer_that_is_not_there_is_said, .init = begin, .fini = end)
{
    const struct frame_peer nobody = {.len = 5, .id = {0, 9, 9, 9, 9}};
    pair_up_plain();
    cr_assert_eq(frame_send(server, &nobody, "x", 1), -EHOSTUNREACH);
}

Test(frame, a_client_without_a_server_queues_nothing, .init = begin, .fini = end)
{
    cr_assert_eq(frame_connect(&client, ctx, &(struct frame_options){.kind = FRAME_DEALER}, "tcp://127.0.0.1:1"), 0);
    cr_assert_eq(frame_send(client, NULL, "x", 1), -EAGAIN);
    cr_assert_eq(frame_wait(client, FRAME_OUT, 0), 0);
}

/* A raw socket says what frame_send never would. */
static void *raw_client(void)
{
    void *zmq = zmq_ctx_new(), *s = zmq_socket(zmq, ZMQ_DEALER);
    cr_assert_eq(zmq_connect(s, at), 0);
    return s;
}

Test(frame, several_frames_are_drained_and_refused_and_the_next_message_is_whole, .init = begin, .fini = end)
{
    struct frame_peer peer;
    struct frame f;
    pair_up_plain();
    void *raw = raw_client();
    for (int i = 0; i < 50; i++)
        cr_assert_eq(zmq_send(raw, "part", 4, ZMQ_SNDMORE), 4);
    cr_assert_eq(zmq_send(raw, "last", 4, 0), 4);
    cr_assert_eq(zmq_send(raw, "good", 4, 0), 4);
    wait_for(server, FRAME_IN);
    cr_assert_eq(frame_recv(server, &peer, &f), ERR_TRAILING);
    cr_assert_gt(peer.len, 0);
    expect_text(server, &peer, "good");
    zmq_close(raw);
}

Test(frame, a_long_routing_id_is_refused_and_the_next_message_is_whole, .init = begin, .fini = end)
{
    struct frame_peer peer;
    struct frame f;
    cr_assert_eq(frame_bind(&server, ctx, &(struct frame_options){.kind = FRAME_ROUTER}, "tcp://127.0.0.1:*"), 0);
    cr_assert_eq(frame_endpoint(server, at, sizeof(at)), 0);
    void *zmq = zmq_ctx_new(), *s = zmq_socket(zmq, ZMQ_DEALER);
    cr_assert_eq(zmq_setsockopt(s, ZMQ_ROUTING_ID, "a very long routing id", 22), 0);
    cr_assert_eq(zmq_connect(s, at), 0);
    cr_assert_eq(zmq_send(s, "x", 1, 0), 1);
    wait_for(server, FRAME_IN);
    cr_assert_eq(frame_recv(server, &peer, &f), ERR_TOO_LONG);
    cr_assert_eq(frame_recv(server, &peer, &f), 0);
    zmq_close(s);
}

Test(frame, a_frame_above_the_limit_never_arrives, .init = begin, .fini = end)
{
    struct frame_peer peer;
    pair_up(&(struct frame_options){.kind = FRAME_ROUTER, .max_bytes = 100},
            &(struct frame_options){.kind = FRAME_DEALER});
    char big[101] = {0};
    wait_for(client, FRAME_OUT);
    cr_assert_eq(frame_send(client, NULL, big, sizeof(big)), 0);
    /* The connection is cut, the client comes back by itself, and what it says then arrives. */
    struct frame_socket *other;
    cr_assert_eq(frame_connect(&other, ctx, &(struct frame_options){.kind = FRAME_DEALER}, at), 0);
    send_text(other, NULL, "small");
    expect_text(server, &peer, "small");
    frame_close(&other);
}

Test(frame, a_full_peer_is_said_and_not_waited_for, .init = begin, .fini = end)
{
    struct frame_peer peer;
    pair_up(&(struct frame_options){.kind = FRAME_ROUTER, .sndhwm = 2},
            &(struct frame_options){.kind = FRAME_DEALER, .rcvhwm = 2});
    send_text(client, NULL, "x");
    expect_text(server, &peer, "x");
    char block[60000] = {0};
    int err = 0;
    for (int i = 0; i < 10000 && err == 0; i++)
        err = frame_send(server, &peer, block, sizeof(block));
    cr_assert_eq(err, -EAGAIN);
}

Test(frame, a_late_subscriber_gets_the_welcome, .init = begin, .fini = end)
{
    struct frame f;
    cr_assert_eq(frame_bind(&server, ctx, &(struct frame_options){.kind = FRAME_XPUB}, "tcp://127.0.0.1:*"), 0);
    cr_assert_eq(frame_set_welcome(server, "Tnow", 4), 0);
    cr_assert_eq(frame_endpoint(server, at, sizeof(at)), 0);
    cr_assert_eq(frame_connect(&client, ctx, &(struct frame_options){.kind = FRAME_SUB}, at), 0);
    cr_assert_eq(frame_subscribe(client, "T", 1), 0);
    wait_for(server, FRAME_IN);
    cr_assert_eq(frame_recv(server, NULL, &f), 1); /* the subscription itself */
    frame_release(&f);
    expect_text(client, NULL, "Tnow");
    cr_assert_eq(frame_send(server, NULL, "Cno", 3), 0);
    cr_assert_eq(frame_send(server, NULL, "Tnext", 5), 0);
    expect_text(client, NULL, "Tnext");
}

Test(frame, binding_off_loopback_needs_keys_or_a_word, .init = begin, .fini = end)
{
    struct keys k;
    cr_assert_eq(keys_new(&k), 0);
    struct frame_options o = {.kind = FRAME_ROUTER};
    cr_assert_eq(frame_bind(&server, ctx, &o, "tcp://*:*"), ERR_INSECURE);
    cr_assert_null(server);
    cr_assert_eq(frame_bind(&server, ctx, &o, "tcp://0.0.0.0:*"), ERR_INSECURE);
    o.insecure = true;
    cr_assert_eq(frame_bind(&server, ctx, &o, "tcp://0.0.0.0:*"), 0);
    frame_close(&server);
    o.insecure = false;
    o.keys = &k;
    cr_assert_eq(frame_bind(&server, ctx, &o, "tcp://0.0.0.0:*"), 0);
}

Test(frame, with_keys_only_one_who_knows_the_server_gets_in, .init = begin, .fini = end)
{
    struct keys s, c;
    struct frame_peer peer;
    struct frame f;
    cr_assert_eq(keys_new(&s), 0);
    cr_assert_eq(keys_new(&c), 0);
    cr_assert_eq(frame_connect(&client, ctx, &(struct frame_options){.kind = FRAME_DEALER, .keys = &c}, NULL),
                 ERR_INSECURE);
    pair_up(&(struct frame_options){.kind = FRAME_ROUTER, .keys = &s},
            &(struct frame_options){.kind = FRAME_DEALER, .keys = &c, .server_key = s.public_key});
    void *plain = raw_client();
    cr_assert_eq(zmq_send(plain, "plain", 5, 0), 5);
    send_text(client, NULL, "secret");
    expect_text(server, &peer, "secret");
    cr_assert_eq(frame_recv(server, &peer, &f), 0);
    zmq_close(plain);
}

Test(frame, an_ipc_socket_is_for_its_owner_alone, .init = begin, .fini = end)
{
    char folder[] = "/tmp/frame-test-XXXXXX", name[64], path[64];
    struct stat st;
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/ctl", folder);
    snprintf(name, sizeof(name), "ipc://%.50s", path);
    umask(0);
    cr_assert_eq(frame_bind(&server, ctx, &(struct frame_options){.kind = FRAME_ROUTER}, name), 0);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    cr_assert_eq(umask(0), 0);
    unlink(path);
    rmdir(folder);
}

Test(frame, what_is_no_endpoint_or_taken_is_refused, .init = begin, .fini = end)
{
    const struct frame_options o = {.kind = FRAME_ROUTER}, d = {.kind = FRAME_DEALER};
    struct frame_socket *second;
    cr_assert_eq(frame_bind(&server, ctx, &o, "tcp://127.0.0.1"), ERR_FORMAT);
    cr_assert_eq(frame_connect(&client, ctx, &d, "udp://127.0.0.1:1"), ERR_FORMAT);
    cr_assert_null(client);
    cr_assert_eq(frame_bind(&server, ctx, &o, "tcp://127.0.0.1:*"), 0);
    cr_assert_eq(frame_endpoint(server, at, sizeof(at)), 0);
    cr_assert_eq(frame_endpoint(server, at, 3), ERR_TOO_LONG);
    cr_assert_eq(frame_endpoint(server, at, sizeof(at)), 0);
    const int got = frame_bind(&second, ctx, &o, at);
    cr_assert_eq(got, -EADDRINUSE, "%d at %s", got, at);
    cr_assert_null(second);
}

Test(frame, the_descriptor_wakes_a_poller_that_looked_first, .init = begin, .fini = end)
{
    struct frame_peer peer;
    struct frame f;
    pair_up_plain();
    struct pollfd p = {.fd = frame_fd(server), .events = POLLIN};
    cr_assert_geq(p.fd, 0);
    send_text(client, NULL, "a");
    while (!(frame_events(server) & FRAME_IN))
        cr_assert_eq(poll(&p, 1, 20000), 1);
    cr_assert_eq(frame_recv(server, &peer, &f), 1);
    frame_release(&f);
}

enum { LETTERS = 200 };

static void *echo(void *arg)
{
    struct frame_socket *s = arg;
    for (int i = 0; i < LETTERS; i++) {
        struct frame f;
        int *shared;
        if (frame_wait(s, FRAME_IN, 20000) != FRAME_IN || frame_recv(s, NULL, &f) != 1)
            return NULL;
        memcpy(&shared, frame_data(&f), sizeof(shared));
        frame_release(&f);
        ++*shared; /* what a pointer in a frame points at is handed over with it */
        if (frame_send(s, NULL, &shared, sizeof(shared)) != 0)
            return NULL;
    }
    return s;
}

/* Under ThreadSanitizer this fails without the pair of frame.c. */
Test(frame, what_a_frame_points_at_goes_from_thread_to_thread, .init = begin, .fini = end)
{
    pthread_t thread;
    int *shared = calloc(1, sizeof(*shared));
    void *ok;
    cr_assert_eq(frame_bind(&server, ctx, &(struct frame_options){.kind = FRAME_PAIR}, "inproc://letters"), 0);
    cr_assert_eq(frame_connect(&client, ctx, &(struct frame_options){.kind = FRAME_PAIR}, "inproc://letters"), 0);
    cr_assert_eq(pthread_create(&thread, NULL, echo, client), 0);
    for (int i = 0; i < LETTERS; i++) {
        struct frame f;
        ++*shared;
        cr_assert_eq(frame_send(server, NULL, &shared, sizeof(shared)), 0);
        wait_for(server, FRAME_IN);
        cr_assert_eq(frame_recv(server, NULL, &f), 1);
        frame_release(&f);
    }
    pthread_join(thread, &ok);
    cr_assert_not_null(ok);
    cr_assert_eq(*shared, 2 * LETTERS);
    free(shared);
}
