/* Channels: what is sent is received once, in the order of its sender; a close wakes everybody. */
#include "swarm.h"

enum { SENDERS_MAX = 6, EACH_MAX = 8 };

struct item {
    int sender, number;
};

struct stream {
    struct rt_chan *chan;
    int senders, each;
    struct rt_waitgroup sending, receiving;
    _Atomic(int) got[SENDERS_MAX]; /* received of each sender */
    _Atomic(int) total;
};
struct hand {
    struct stream *s;
    int number;
    struct dice dice;
};

/* By trying a few times first: two that only try may never meet. */
static void send_some_way(struct hand *h, const struct item *item)
{
    for (uint32_t tries = swarm_draw(&h->dice, 3); tries > 0; tries--, rt_yield())
        if (rt_try_send(h->s->chan, item) == 0)
            return;
    rt_send(h->s->chan, item);
}

static void sender(void *arg)
{
    struct hand *h = arg;
    for (int i = 0; i < h->s->each; i++) {
        swarm_dawdle(&h->dice);
        send_some_way(h, &(struct item){h->number, i});
    }
    rt_waitgroup_done(&h->s->sending);
}

/* 1 a value, 0 closed. */
static int recv_some_way(struct hand *h, struct item *item)
{
    for (uint32_t tries = swarm_draw(&h->dice, 3); tries > 0; tries--, rt_yield()) {
        int got = rt_try_recv(h->s->chan, item);
        if (got != -EAGAIN)
            return got;
    }
    return rt_recv(h->s->chan, item);
}

static void receiver(void *arg)
{
    struct hand *h = arg;
    struct item item;
    int last[SENDERS_MAX];
    memset(last, -1, sizeof last);
    while (recv_some_way(h, &item)) {
        HOLDS(item.sender >= 0 && item.sender < h->s->senders && item.number < h->s->each);
        HOLDS(item.number > last[item.sender]); /* one receiver sees a sender's values in order */
        last[item.sender] = item.number;
        h->s->got[item.sender]++;
        h->s->total++;
        swarm_dawdle(&h->dice);
    }
    HOLDS(item.sender == 0 && item.number == 0); /* closed: zeroed */
    rt_waitgroup_done(&h->s->receiving);
}

static void stream(struct dice *d)
{
    static struct hand hands[2 * SENDERS_MAX];
    static struct stream s;
    int receivers = swarm_between(d, 1, SENDERS_MAX), used = 0;
    s = (struct stream){.senders = swarm_between(d, 1, SENDERS_MAX), .each = swarm_between(d, 1, EACH_MAX)};
    s.chan = rt_chan_new(sizeof(struct item), (size_t)swarm_between(d, 0, 4));
    rt_waitgroup_add(&s.sending, s.senders);
    rt_waitgroup_add(&s.receiving, receivers);
    for (int i = 0; i < s.senders; i++, used++) {
        hands[used] = (struct hand){&s, i, swarm_split(d)};
        rt_go(sender, &hands[used]);
    }
    for (int i = 0; i < receivers; i++, used++) {
        hands[used] = (struct hand){&s, i, swarm_split(d)};
        rt_go(receiver, &hands[used]);
    }
    rt_waitgroup_wait(&s.sending);
    rt_close(s.chan);
    rt_waitgroup_wait(&s.receiving);
    HOLDS(s.total == s.senders * s.each);
    for (int i = 0; i < s.senders; i++)
        HOLDS(s.got[i] == s.each);
    rt_chan_free(&s.chan);
}

/* --- one channel, one sender, one receiver: strict order, and who sends unbuffered has met the receiver --- */

struct pair {
    struct rt_chan *there, *back;
    int n;
    struct rt_waitgroup left;
};

static void echo(void *arg)
{
    struct pair *p = arg;
    for (int i = 0, v; i < p->n; i++) {
        HOLDS(rt_recv(p->there, &v) && v == i);
        v = -v;
        rt_send(p->back, &v);
    }
    rt_waitgroup_done(&p->left);
}

static void ping_pong(struct dice *d)
{
    struct pair p = {.n = swarm_between(d, 1, 20)};
    p.there = rt_chan_new(sizeof(int), (size_t)swarm_between(d, 0, 1));
    p.back = rt_chan_new(sizeof(int), (size_t)swarm_between(d, 0, 1));
    rt_waitgroup_add(&p.left, 1);
    rt_go(echo, &p);
    for (int i = 0, v; i < p.n; i++) {
        rt_send(p.there, &i);
        swarm_dawdle(d);
        HOLDS(rt_recv(p.back, &v) && v == -i);
    }
    rt_waitgroup_wait(&p.left);
    HOLDS(rt_chan_len(p.there) == 0 && rt_chan_len(p.back) == 0);
    rt_chan_free(&p.there);
    rt_chan_free(&p.back);
}

/* --- close --- */

struct crowd {
    struct rt_chan *chan;
    _Atomic(int) values, ends;
    struct rt_waitgroup left;
};

static void wait_for_end(void *arg)
{
    struct crowd *c = arg;
    for (int v = 7; rt_recv(c->chan, &v); v = 7)
        c->values++;
    c->ends++;
    rt_waitgroup_done(&c->left);
}

static void close_wakes(struct dice *d)
{
    static struct crowd c;
    int waiters = swarm_between(d, 1, 10), values = swarm_between(d, 0, 3);
    c = (struct crowd){.chan = rt_chan_new(sizeof(int), (size_t)swarm_between(d, 0, 2))};
    rt_waitgroup_add(&c.left, waiters);
    for (int i = 0; i < waiters; i++)
        rt_go(wait_for_end, &c);
    for (int i = 0; i < values; i++)
        rt_send(c.chan, &i);
    swarm_dawdle(d);
    rt_close(c.chan);
    rt_waitgroup_wait(&c.left);
    HOLDS(c.ends == waiters && c.values == values);
    rt_chan_free(&c.chan);
}

/* --- a token through a ring of goroutines --- */

enum { RING_MAX = 8 };
struct ring {
    struct rt_chan *chan[RING_MAX];
    int n, laps;
    struct rt_waitgroup left;
};
struct place {
    struct ring *r;
    int at;
};

static void pass_on(void *arg)
{
    struct place *p = arg;
    for (int lap = 0; lap < p->r->laps; lap++) {
        int token;
        HOLDS(rt_recv(p->r->chan[p->at], &token));
        HOLDS(token == lap * p->r->n + p->at);
        token++;
        if (lap + 1 < p->r->laps || p->at + 1 < p->r->n)
            rt_send(p->r->chan[(p->at + 1) % p->r->n], &token);
    }
    rt_waitgroup_done(&p->r->left);
}

static void token_ring(struct dice *d)
{
    static struct ring r;
    static struct place places[RING_MAX];
    r = (struct ring){.n = swarm_between(d, 2, RING_MAX), .laps = swarm_between(d, 1, 6)};
    rt_waitgroup_add(&r.left, r.n);
    for (int i = 0; i < r.n; i++)
        r.chan[i] = rt_chan_new(sizeof(int), swarm_draw(d, 2));
    for (int i = 0; i < r.n; i++) {
        places[i] = (struct place){&r, i};
        rt_go(pass_on, &places[i]);
    }
    int token = 0;
    rt_send(r.chan[0], &token);
    rt_waitgroup_wait(&r.left);
    for (int i = 0; i < r.n; i++)
        rt_chan_free(&r.chan[i]);
}

const struct program programs_chan[] = {{"chan_stream", stream},
                                        {"chan_ping_pong", ping_pong},
                                        {"chan_close", close_wakes},
                                        {"chan_ring", token_ring},
                                        {0}};
