/* Select: one of its cases happens, once; what it did not choose is as if it had never been there. */
#include "swarm.h"

enum { CHANS_MAX = 4, HANDS_MAX = 5, EACH_MAX = 6 };

struct mesh {
    struct rt_chan *chan[CHANS_MAX], *stop;
    int chans, each;
    struct rt_waitgroup sending, receiving;
    _Atomic(int) sent, received;
    _Atomic(uint64_t) sum_sent, sum_received;
};
struct hand {
    struct mesh *m;
    struct dice dice;
};

/* Sends each value over whichever channel takes it. */
static void send_anywhere(void *arg)
{
    struct hand *h = arg;
    struct mesh *m = h->m;
    for (int i = 0; i < m->each; i++) {
        uint64_t value[CHANS_MAX];
        struct rt_case cases[CHANS_MAX];
        for (int c = 0; c < m->chans; c++) {
            value[c] = swarm_draw(&h->dice, 1000000) + 1;
            cases[c] = rt_case_send(m->chan[c], &value[c]);
        }
        int chosen = -EAGAIN;
        for (uint32_t tries = swarm_draw(&h->dice, 3); tries > 0 && chosen == -EAGAIN; tries--)
            chosen = rt_select(cases, m->chans, false);
        if (chosen == -EAGAIN)
            chosen = rt_select(cases, m->chans, true);
        HOLDS(chosen >= 0 && chosen < m->chans);
        m->sent++;
        m->sum_sent += value[chosen];
        swarm_dawdle(&h->dice);
    }
    rt_waitgroup_done(&m->sending);
}

/* Receives from all channels until `stop` is closed. */
static void receive_anywhere(void *arg)
{
    struct hand *h = arg;
    struct mesh *m = h->m;
    for (;;) {
        uint64_t value[CHANS_MAX] = {0};
        struct rt_case cases[CHANS_MAX + 1];
        for (int c = 0; c < m->chans; c++)
            cases[c] = rt_case_recv(m->chan[c], &value[c]);
        cases[m->chans] = rt_case_recv(m->stop, NULL);
        int chosen = rt_select(cases, m->chans + 1, true);
        if (chosen == m->chans)
            break;
        HOLDS(chosen >= 0 && cases[chosen].ok && value[chosen] > 0);
        for (int c = 0; c < m->chans; c++)
            HOLDS(c == chosen || value[c] == 0); /* the others were left alone */
        m->received++;
        m->sum_received += value[chosen];
        swarm_dawdle(&h->dice);
    }
    rt_waitgroup_done(&m->receiving);
}

/* What the receivers left in the buffers when they stopped. */
static void drain(struct mesh *m)
{
    uint64_t v;
    for (int c = 0; c < m->chans; c++)
        while (rt_try_recv(m->chan[c], &v) == 1) {
            m->received++;
            m->sum_received += v;
        }
}

static void mesh(struct dice *d)
{
    static struct mesh m;
    static struct hand hands[2 * HANDS_MAX];
    int senders = swarm_between(d, 1, HANDS_MAX), receivers = swarm_between(d, 1, HANDS_MAX);
    m = (struct mesh){.chans = swarm_between(d, 1, CHANS_MAX), .each = swarm_between(d, 1, EACH_MAX)};
    for (int c = 0; c < m.chans; c++)
        m.chan[c] = rt_chan_new(sizeof(uint64_t), swarm_draw(d, 3));
    m.stop = rt_chan_new(0, 0);
    rt_waitgroup_add(&m.sending, senders);
    rt_waitgroup_add(&m.receiving, receivers);
    for (int i = 0; i < senders + receivers; i++) {
        hands[i] = (struct hand){&m, swarm_split(d)};
        rt_go(i < senders ? send_anywhere : receive_anywhere, &hands[i]);
    }
    rt_waitgroup_wait(&m.sending);
    swarm_dawdle(d);
    rt_close(m.stop);
    rt_waitgroup_wait(&m.receiving);
    drain(&m);
    HOLDS(m.sent == senders * m.each && m.received == m.sent && m.sum_received == m.sum_sent);
    for (int c = 0; c < m.chans; c++)
        rt_chan_free(&m.chan[c]);
    rt_chan_free(&m.stop);
}

/* --- two selects that face each other: both may send and receive on the same two channels --- */

struct duel {
    struct rt_chan *a, *b;
    int turns;
    _Atomic(int) sent_a, sent_b, got_a, got_b;
    struct rt_waitgroup left;
};

static void duellist(void *arg)
{
    struct duel *u = arg;
    for (int i = 0; i < u->turns; i++) {
        int one = 1, in_a = 0, in_b = 0;
        struct rt_case cases[] = {rt_case_send(u->a, &one), rt_case_recv(u->a, &in_a), rt_case_send(u->b, &one),
                                  rt_case_recv(u->b, &in_b)};
        int chosen = rt_select(cases, ARRAY_LEN(cases), true);
        u->sent_a += chosen == 0;
        u->got_a += chosen == 1 && in_a == 1;
        u->sent_b += chosen == 2;
        u->got_b += chosen == 3 && in_b == 1;
        HOLDS(chosen >= 0 && chosen < 4);
    }
    rt_waitgroup_done(&u->left);
}

static void face_to_face(struct dice *d)
{
    static struct duel u;
    u = (struct duel){.a = rt_chan_new(sizeof(int), 0), .b = rt_chan_new(sizeof(int), 0)};
    u.turns = swarm_between(d, 1, 8);
    rt_waitgroup_add(&u.left, 2);
    rt_go(duellist, &u);
    rt_go(duellist, &u);
    rt_waitgroup_wait(&u.left);
    HOLDS(u.sent_a == u.got_a && u.sent_b == u.got_b && u.sent_a + u.sent_b == u.turns);
    rt_chan_free(&u.a);
    rt_chan_free(&u.b);
}

/* --- a close that meets selects --- */

struct gate {
    struct rt_chan *chan[CHANS_MAX];
    int chans;
    _Atomic(int) through;
    struct rt_waitgroup left;
};

static void wait_at_gate(void *arg)
{
    struct gate *g = arg;
    struct rt_case cases[CHANS_MAX];
    for (int c = 0; c < g->chans; c++)
        cases[c] = rt_case_recv(g->chan[c], NULL);
    int chosen = rt_select(cases, g->chans, true);
    HOLDS(chosen >= 0 && !cases[chosen].ok);
    g->through++;
    rt_waitgroup_done(&g->left);
}

static void close_meets_select(struct dice *d)
{
    static struct gate g;
    int waiters = swarm_between(d, 1, 6);
    g = (struct gate){.chans = swarm_between(d, 1, CHANS_MAX)};
    for (int c = 0; c < g.chans; c++)
        g.chan[c] = rt_chan_new(sizeof(int), swarm_draw(d, 2));
    rt_waitgroup_add(&g.left, waiters);
    for (int i = 0; i < waiters; i++)
        rt_go(wait_at_gate, &g);
    swarm_dawdle(d);
    rt_close(g.chan[swarm_draw(d, (uint32_t)g.chans)]);
    rt_waitgroup_wait(&g.left);
    HOLDS(g.through == waiters);
    for (int c = 0; c < g.chans; c++)
        rt_chan_free(&g.chan[c]);
}

const struct program programs_select[] = {
    {"select_mesh", mesh}, {"select_duel", face_to_face}, {"select_close", close_meets_select}, {0}};
