#include "goroutines.h"

#include <errno.h>

#include <rt/chan.h>
#include <rt/sync.h>

static void without_waiting(void)
{
    struct rt_chan *a = rt_chan_new(sizeof(int), 1), *b = rt_chan_new(sizeof(int), 1);
    int v = 0, one = 1;
    struct rt_case cases[] = {rt_case_recv(a, &v), rt_case_recv(b, &v), rt_case_recv(NULL, &v)};
    EXPECT(rt_select(cases, 3, false) == -EAGAIN);
    EXPECT(rt_select(NULL, 0, false) == -EAGAIN);
    EXPECT(rt_select(cases + 2, 1, false) == -EAGAIN);
    rt_send(b, &one);
    EXPECT(rt_select(cases, 3, false) == 1);
    EXPECT(cases[1].ok && v == 1);
    struct rt_case send[] = {rt_case_send(NULL, &one), rt_case_send(a, &one)};
    EXPECT(rt_select(send, 2, true) == 1);
    EXPECT(rt_select(send, 2, false) == -EAGAIN);
    rt_close(b);
    v = 9;
    EXPECT(rt_select(&cases[1], 1, true) == 0);
    EXPECT(!cases[1].ok && v == 0);
    rt_chan_free(&a);
    rt_chan_free(&b);
}

Test(select, takes_what_is_ready_or_says_that_nothing_is)
{
    run_everywhere(without_waiting);
}

static void fair(void)
{
    enum { ROUNDS = 9000, WAYS = 3 };
    struct rt_chan *c[WAYS];
    struct rt_case cases[WAYS];
    int hits[WAYS] = {0}, v = 0;
    for (int i = 0; i < WAYS; i++) {
        c[i] = rt_chan_new(sizeof(int), ROUNDS);
        for (int j = 0; j < ROUNDS; j++)
            rt_send(c[i], &v);
        cases[i] = rt_case_recv(c[i], &v);
    }
    for (int i = 0; i < ROUNDS; i++)
        hits[rt_select(cases, WAYS, true)]++;
    for (int i = 0; i < WAYS; i++) {
        EXPECT(hits[i] > ROUNDS / WAYS * 4 / 5 && hits[i] < ROUNDS / WAYS * 6 / 5);
        rt_chan_free(&c[i]);
    }
}

Test(select, chooses_each_ready_case_about_equally_often)
{
    run_on(1, fair);
}

/* Each case, not each channel: a channel named twice is chosen twice as often, a closed one as often as an open one. */
static void fair_to_all_kinds(void)
{
    enum { ROUNDS = 10000, WAYS = 5 };
    struct rt_chan *full = rt_chan_new(0, ROUNDS), *room = rt_chan_new(0, ROUNDS), *closed = rt_chan_new(0, 0);
    int hits[WAYS] = {0};
    for (int i = 0; i < ROUNDS; i++)
        rt_send(full, NULL);
    rt_close(closed);
    struct rt_case cases[] = {rt_case_recv(full, NULL), rt_case_send(room, NULL), rt_case_recv(closed, NULL),
                              rt_case_recv(full, NULL), rt_case_recv(NULL, NULL)};
    for (int i = 0; i < ROUNDS; i++)
        hits[rt_select(cases, WAYS, i % 2 == 0)]++;
    for (int i = 0; i < WAYS - 1; i++)
        EXPECT(hits[i] > ROUNDS / 4 * 4 / 5 && hits[i] < ROUNDS / 4 * 6 / 5);
    EXPECT(hits[WAYS - 1] == 0);
    rt_chan_free(&full);
    rt_chan_free(&room);
    rt_chan_free(&closed);
}

Test(select, chooses_sends_and_closed_and_repeated_channels_alike)
{
    run_on(1, fair_to_all_kinds);
}

static void one_channel_twice(void)
{
    struct rt_chan *c = rt_chan_new(sizeof(int), 0);
    int in = 0, out = 3;
    /* both ends of an unbuffered channel in one goroutine: nobody pairs with himself */
    struct rt_case cases[] = {rt_case_recv(c, &in), rt_case_send(c, &out), rt_case_recv(c, &in), rt_case_send(c, &out)};
    EXPECT(rt_select(cases, 4, false) == -EAGAIN);
    struct rt_chan *d = rt_chan_new(sizeof(int), 1);
    struct rt_case buffered[] = {rt_case_recv(d, &in), rt_case_send(d, &out)};
    EXPECT(rt_select(buffered, 2, true) == 1);
    EXPECT(rt_select(buffered, 2, true) == 0);
    EXPECT(in == 3);
    rt_chan_free(&c);
    rt_chan_free(&d);
}

Test(select, a_goroutine_never_pairs_with_itself)
{
    run_everywhere(one_channel_twice);
}

/* --- waiting --- */

struct peers {
    struct rt_chan *a, *b;
    struct rt_waitgroup left;
    _Atomic(int64_t) sent, received;
};
enum { MEETINGS = 5000 };

/* Sends and receives on one channel in one select, as its peers do: whoever meets whom, one sent and one received. */
static void meet(void *arg)
{
    struct peers *p = arg;
    int64_t in = 0, sent = 0, received = 0;
    struct rt_case cases[] = {rt_case_recv(p->a, &in), rt_case_send(p->a, &sent), rt_case_recv(p->b, NULL)};
    for (;;) {
        int i = rt_select(cases, 3, true);
        if (i == 2)
            break;
        EXPECT(i == 1 || cases[0].ok);
        if (i == 0)
            received++;
        else
            sent++;
    }
    atomic_fetch_add(&p->sent, sent);
    atomic_fetch_add(&p->received, received);
    rt_waitgroup_done(&p->left);
}

static void all_meet(void)
{
    struct peers p = {.a = rt_chan_new(sizeof(int64_t), 0), .b = rt_chan_new(0, 0)};
    enum { PEERS = 6 };
    rt_waitgroup_add(&p.left, PEERS);
    for (int i = 0; i < PEERS; i++)
        rt_go(meet, &p);
    int64_t v = 0;
    for (int i = 0; i < MEETINGS; i++) {
        rt_send(p.a, &v);
        EXPECT(rt_recv(p.a, &v));
    }
    rt_close(p.b);
    rt_waitgroup_wait(&p.left);
    EXPECT(p.sent == p.received); /* ours cancel out */
    EXPECT(p.received >= MEETINGS);
    rt_chan_free(&p.a);
    rt_chan_free(&p.b);
}

Test(select, peers_that_send_and_receive_on_one_channel_pair_up)
{
    run_everywhere(all_meet);
}

static void cross(struct peers *p, bool swapped)
{
    struct rt_chan *first = swapped ? p->b : p->a, *second = swapped ? p->a : p->b;
    for (int i = 0; i < MEETINGS; i++) {
        int64_t x = 1;
        struct rt_case cases[] = {rt_case_send(first, &x), rt_case_send(second, &x)};
        EXPECT(rt_select(cases, 2, true) >= 0);
    }
    rt_waitgroup_done(&p->left);
}

static void cross_ab(void *arg)
{
    cross(arg, false);
}

static void cross_ba(void *arg)
{
    cross(arg, true);
}

static void opposite_orders(void)
{
    struct peers p = {.a = rt_chan_new(sizeof(int64_t), 0), .b = rt_chan_new(sizeof(int64_t), 1)};
    rt_waitgroup_add(&p.left, 2);
    rt_go(cross_ab, &p);
    rt_go(cross_ba, &p);
    int64_t v, sum = 0;
    struct rt_case cases[] = {rt_case_recv(p.b, &v), rt_case_recv(p.a, &v)};
    for (int i = 0; i < 2 * MEETINGS; i++) {
        int got = rt_select(cases, 2, true);
        EXPECT(cases[got].ok);
        sum += v;
    }
    EXPECT(sum == 2 * MEETINGS);
    rt_waitgroup_wait(&p.left);
    rt_chan_free(&p.a);
    rt_chan_free(&p.b);
}

Test(select, channels_named_in_opposite_orders_do_not_deadlock)
{
    run_everywhere(opposite_orders);
}

enum { WIDE = 40 };

struct wide {
    struct rt_chan *c[WIDE];
    struct rt_waitgroup left;
};

static void send_to_all(void *arg)
{
    struct wide *w = arg;
    for (int round = 0; round < 50; round++)
        for (int i = 0; i < WIDE; i++)
            rt_send(w->c[i], &i);
    rt_waitgroup_done(&w->left);
}

static void wide_select(void)
{
    struct wide w = {0};
    struct rt_case cases[2 * WIDE]; /* each channel twice */
    int v, hits[WIDE] = {0};
    for (int i = 0; i < WIDE; i++)
        w.c[i] = rt_chan_new(sizeof(int), (size_t)i % 2);
    for (int i = 0; i < 2 * WIDE; i++)
        cases[i] = rt_case_recv(w.c[i % WIDE], &v);
    EXPECT(rt_select(cases, 2 * WIDE, false) == -EAGAIN);
    rt_waitgroup_add(&w.left, 2);
    rt_go(send_to_all, &w);
    rt_go(send_to_all, &w);
    for (int i = 0; i < 2 * 50 * WIDE; i++) {
        int got = rt_select(cases, 2 * WIDE, true);
        EXPECT(got % WIDE == v);
        hits[v]++;
    }
    rt_waitgroup_wait(&w.left);
    for (int i = 0; i < WIDE; i++) {
        EXPECT(hits[i] == 100);
        rt_chan_free(&w.c[i]);
    }
}

Test(select, many_cases_each_channel_twice)
{
    run_everywhere(wide_select);
}

/* --- closing --- */

struct race {
    struct rt_chan *data, *stop, *ack;
};

static void select_until_closed(void *arg)
{
    struct race *r = arg;
    int v = 0, values = 0;
    for (;;) {
        struct rt_case cases[] = {rt_case_recv(r->data, &v), rt_case_recv(r->stop, NULL)};
        if (rt_select(cases, 2, true) == 1 || !cases[0].ok)
            break;
        EXPECT(v == values++);
    }
    rt_send(r->ack, &values);
}

static void select_against_close(void)
{
    struct race r = {.ack = rt_chan_new(sizeof(int), 0)};
    for (int round = 0; round < 1500; round++) {
        int sent = round % 3, seen = -1;
        r.data = rt_chan_new(sizeof(int), 0);
        r.stop = rt_chan_new(0, 0);
        rt_go(select_until_closed, &r);
        for (int i = 0; i < sent; i++)
            rt_send(r.data, &i);
        rt_close(round % 2 ? r.data : r.stop);
        EXPECT(rt_recv(r.ack, &seen));
        EXPECT(seen == sent);
        rt_chan_free(&r.data);
        rt_chan_free(&r.stop);
    }
    rt_chan_free(&r.ack);
}

Test(select, a_close_ends_a_waiting_select_and_a_value_sent_before_is_not_lost)
{
    run_everywhere(select_against_close);
}

static void close_later(void *arg)
{
    rt_close(arg);
}

static void select_send_closed(void)
{
    struct rt_chan *a = rt_chan_new(sizeof(int), 0), *b = rt_chan_new(sizeof(int), 0);
    int v = 1;
    struct rt_case cases[] = {rt_case_send(a, &v), rt_case_recv(b, &v)};
    rt_go(close_later, a);
    (void)rt_select(cases, 2, true);
}

static void select_send_already_closed(void)
{
    struct rt_chan *a = rt_chan_new(sizeof(int), 1);
    int v = 1;
    struct rt_case cases[] = {rt_case_send(a, &v)};
    rt_close(a);
    (void)rt_select(cases, 1, false);
}

Test(select, a_chosen_send_on_a_closed_channel_is_fatal)
{
    dies_saying(select_send_closed, "send on closed channel");
    dies_saying(select_send_already_closed, "send on closed channel");
}

/* Of forty ready cases one is a send on a closed channel: it is fatal once it is chosen, and not before. */
static void rarely_the_closed_one(void)
{
    enum { WAYS = 40, ROUNDS = 100000 };
    struct rt_chan *open = rt_chan_new(0, ROUNDS), *closed = rt_chan_new(0, 1);
    struct rt_case cases[WAYS];
    rt_close(closed);
    for (int i = 0; i < WAYS; i++)
        cases[i] = rt_case_send(i ? open : closed, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        (void)rt_select(cases, WAYS, true);
        if (i == 0)
            fprintf(stderr, "went on\n");
    }
}

Test(select, a_send_on_a_closed_channel_that_is_not_chosen_does_nothing)
{
    int went_on = 0;
    not_under_a_seed("chance");
    for (int i = 0; i < 8; i++) {
        dies_saying(rarely_the_closed_one, "send on closed channel");
        went_on += strstr(died_saying, "went on") != NULL;
    }
    cr_assert(went_on > 0);
}

static void no_cases(void)
{
    (void)rt_select(NULL, 0, true);
}

static void only_nil(void)
{
    struct rt_case cases[20];
    for (int i = 0; i < 20; i++)
        cases[i] = rt_case_recv(NULL, NULL);
    (void)rt_select(cases, 20, true);
}

static void too_many(void)
{
    (void)rt_select(NULL, 65536, false);
}

Test(select, without_a_case_it_waits_for_ever)
{
    dies_saying(no_cases, "asleep");
    dies_saying(only_nil, "asleep");
}

Test(select, more_cases_than_the_limit_are_fatal)
{
    dies_saying(too_many, "65536 cases");
}

/* --- the default is taken only if at one instant nothing was ready --- */

struct token {
    struct rt_chan *a, *b, *stop;
    struct rt_waitgroup left;
};

/* Puts a token into the one before it takes it out of the other: at every instant one of them holds one. */
static void move_token(void *arg)
{
    struct token *t = arg;
    while (rt_try_recv(t->stop, NULL) == -EAGAIN) {
        rt_send(t->b, NULL);
        EXPECT(rt_recv(t->a, NULL));
        rt_send(t->a, NULL);
        EXPECT(rt_recv(t->b, NULL));
        rt_checkpoint();
    }
    rt_waitgroup_done(&t->left);
}

static void default_is_atomic(void)
{
    struct token t = {.a = rt_chan_new(0, 8), .b = rt_chan_new(0, 8), .stop = rt_chan_new(0, 0)};
    rt_send(t.a, NULL);
    rt_waitgroup_add(&t.left, 1);
    rt_go(move_token, &t);
    struct rt_case cases[] = {rt_case_recv(t.a, NULL), rt_case_recv(t.b, NULL)};
    for (int i = 0; i < 20000; i++) {
        int got = rt_select(cases, 2, false);
        EXPECT(got >= 0);
        rt_send(got == 0 ? t.a : t.b, NULL); /* back again, before the next look */
    }
    rt_close(t.stop);
    rt_waitgroup_wait(&t.left);
    rt_chan_free(&t.a);
    rt_chan_free(&t.b);
    rt_chan_free(&t.stop);
}

Test(select, the_default_is_taken_only_when_nothing_was_ready_at_one_instant)
{
    run_everywhere(default_is_atomic);
}
