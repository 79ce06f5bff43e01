#include "goroutines.h"

#include <pthread.h>
#include <string.h>

#include <zmq.h>

#include <rt/blocking.h>
#include <rt/poll.h>
#include <rt/sync.h>
#include <rt/time.h>

/* ZeroMQ sockets on the netpoller, by the loop of rt/poll.h. Messages are short enough to lie inside a zmq_msg_t: what
 * passes is copied by libzmq, which no sanitizer sees into. */

enum { MS = 1000000 };
static const int64_t LONG_NS = 60LL * 1000 * MS; /* only a lost edge takes that long */

struct end {
    void *zmq;
    struct rt_pd *pd;
    struct rt_waitgroup left;
    int got, result;
};

static void end_open(struct end *e, void *ctx, const char *bind, const char *connect)
{
    int fd, none = 0;
    size_t size = sizeof(fd);
    *e = (struct end){.zmq = zmq_socket(ctx, ZMQ_PAIR)};
    EXPECT(zmq_setsockopt(e->zmq, ZMQ_LINGER, &none, sizeof(none)) == 0);
    EXPECT(!bind || zmq_bind(e->zmq, bind) == 0);
    EXPECT(!connect || zmq_connect(e->zmq, connect) == 0);
    EXPECT(zmq_getsockopt(e->zmq, ZMQ_FD, &fd, &size) == 0);
    EXPECT(rt_poll_open(&e->pd, fd) == 0);
}

static void end_close(struct end *e)
{
    rt_poll_close(&e->pd);
    EXPECT(zmq_close(e->zmq) == 0);
}

/* The threads of libzmq inherit the mask: no signal of the runtime shall land there. */
static void pair_open(void **ctx, struct end *a, struct end *b)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    *ctx = zmq_ctx_new();
    end_open(a, *ctx, "inproc://pair", NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    end_open(b, *ctx, NULL, "inproc://pair");
}

static void pair_close(void *ctx, struct end *a, struct end *b)
{
    end_close(a);
    end_close(b);
    rt_enter_blocking();
    zmq_ctx_term(ctx);
    rt_exit_blocking();
}

static int events_of(struct end *e)
{
    int events = 0;
    size_t size = sizeof(events);
    EXPECT(zmq_getsockopt(e->zmq, ZMQ_EVENTS, &events, &size) == 0);
    return events;
}

static void send_number(struct end *e, int number)
{
    zmq_msg_t msg;
    zmq_msg_init_size(&msg, sizeof(number));
    memcpy(zmq_msg_data(&msg), &number, sizeof(number));
    EXPECT(zmq_msg_send(&msg, e->zmq, ZMQ_DONTWAIT) >= 0);
}

/* The loop of rt/poll.h. 0 | the error of the wait. */
static int recv_number(struct end *e, int *number, int64_t deadline_ns)
{
    zmq_msg_t msg;
    int got = 0;
    zmq_msg_init(&msg);
    while (zmq_msg_recv(&msg, e->zmq, ZMQ_DONTWAIT) < 0) {
        if (zmq_errno() != EAGAIN) {
            got = -zmq_errno();
            break;
        }
        if (events_of(e) & ZMQ_POLLIN)
            continue;
        if ((got = rt_poll_wait(e->pd, RT_POLL_IN, deadline_ns)) < 0)
            break;
    }
    if (got == 0 && zmq_msg_size(&msg) == sizeof(*number))
        memcpy(number, zmq_msg_data(&msg), sizeof(*number));
    zmq_msg_close(&msg);
    return got;
}

/* --- edges and sends --- */

static void a_send_takes_the_edge(void)
{
    void *ctx;
    struct end a, b;
    int n = 0;
    pair_open(&ctx, &a, &b);
    send_number(&a, 1);
    EXPECT(recv_number(&b, &n, rt_deadline(LONG_NS)) == 0 && n == 1);
    EXPECT(recv_number(&a, &n, rt_deadline(1 * MS)) ==
           -ETIMEDOUT); /* a has waited, and used up what edges there were */
    send_number(&b, 2);
    send_number(&a, 3);                                         /* may handle what b's message told it */
    (void)!rt_poll_wait(a.pd, RT_POLL_IN, rt_deadline(1 * MS)); /* else this takes the edge away */
    EXPECT(events_of(&a) & ZMQ_POLLIN);                         /* and this surely */
    EXPECT(rt_poll_wait(a.pd, RT_POLL_IN, rt_deadline(MS / 5)) < 0 ||
           rt_poll_wait(a.pd, RT_POLL_IN, rt_deadline(MS / 5)) < 0); /* an old one at most: waiting does not help */
    EXPECT(events_of(&a) & ZMQ_POLLIN);                              /* so whoever has sent looks before it waits */
    n = 0;
    EXPECT(recv_number(&a, &n, rt_deadline(LONG_NS)) == 0 && n == 2);
    EXPECT(recv_number(&b, &n, rt_deadline(LONG_NS)) == 0 && n == 3);
    pair_close(ctx, &a, &b);
}

Test(poll_zmq, an_edge_that_a_send_swallowed_is_found_in_the_events)
{
    run_everywhere(a_send_takes_the_edge);
}

enum { ROUNDS = 300, PARTS = 3 };

/* Sends a few, then takes as many: the messages of the other side come before, between and after the sends. */
static void talk(void *arg)
{
    struct end *e = arg;
    for (int round = 0; round < ROUNDS && e->result == 0; round++) {
        for (int i = 0; i < PARTS; i++) {
            send_number(e, round * PARTS + i);
            if ((round + i) % 4 == 0)
                rt_yield();
        }
        for (int i = 0; i < PARTS && e->result == 0; i++) {
            int n = -1;
            e->result = recv_number(e, &n, rt_deadline(LONG_NS));
            EXPECT(e->result == 0 && n == e->got);
            e->got++;
        }
    }
    rt_waitgroup_done(&e->left);
}

static void both_talk(void)
{
    void *ctx;
    struct end a, b;
    pair_open(&ctx, &a, &b);
    rt_waitgroup_add(&a.left, 1);
    rt_waitgroup_add(&b.left, 1);
    rt_go(talk, &a);
    rt_go(talk, &b);
    rt_waitgroup_wait(&a.left);
    rt_waitgroup_wait(&b.left);
    EXPECT(a.got == ROUNDS * PARTS && b.got == ROUNDS * PARTS);
    pair_close(ctx, &a, &b);
}

Test(poll_zmq, two_that_send_and_receive_in_turn_lose_no_edge)
{
    run_everywhere(both_talk);
}

/* --- deadlines, closing, numbers that come back --- */

static void wait_for_one(void *arg)
{
    struct end *e = arg;
    e->result = recv_number(e, &e->got, RT_NO_DEADLINE);
    rt_waitgroup_done(&e->left);
}

static void deadlines(void)
{
    void *ctx;
    struct end a, b;
    int n = 0;
    pair_open(&ctx, &a, &b);
    for (int i = 1; i <= 20; i++) {
        int64_t until = rt_deadline(MS / 5);
        EXPECT(recv_number(&a, &n, until) == -ETIMEDOUT && rt_now() >= until);
        send_number(&b, i);
        EXPECT(recv_number(&a, &n, rt_deadline(LONG_NS)) == 0 && n == i);
    }
    pair_close(ctx, &a, &b);
}

Test(poll_zmq, a_deadline_ends_a_wait_and_takes_no_message_with_it)
{
    run_everywhere(deadlines);
}

/* Every other time a message comes, else the descriptor is closed under the waiter. The next socket has its number. */
static void closes(void)
{
    for (int i = 0; i < 20; i++) {
        void *ctx;
        struct end a, b;
        pair_open(&ctx, &a, &b);
        struct rt_pd *pd = a.pd; /* a copy: the waiter reads a.pd */
        rt_waitgroup_add(&a.left, 1);
        rt_go(wait_for_one, &a);
        for (int j = 0; j < i % 5; j++)
            rt_yield();
        if (i % 2) {
            send_number(&b, i);
        } else {
            rt_poll_close(&pd);
        }
        rt_waitgroup_wait(&a.left);
        EXPECT(i % 2 ? a.result == 0 && a.got == i : a.result == -ECANCELED && a.got == 0);
        if (i % 2 == 0)
            a.pd = NULL;
        pair_close(ctx, &a, &b);
    }
}

Test(poll_zmq, a_close_ends_a_wait_and_its_number_can_be_used_again)
{
    run_everywhere(closes);
}
