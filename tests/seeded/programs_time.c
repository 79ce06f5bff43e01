/* Time: nothing comes early, a stop tells the truth, and what was stopped does not come. */
#include "swarm.h"

enum { HANDS_MAX = 10 };

/* --- sleep --- */

struct hand {
    struct rt_waitgroup *left;
    struct dice dice;
};

static void sleeper(void *arg)
{
    struct hand *h = arg;
    for (int i = swarm_between(&h->dice, 1, 4); i > 0; i--) {
        int64_t ns = swarm_between(&h->dice, 0, 5) * h->dice.unit_ns, before = rt_now();
        rt_sleep(ns);
        HOLDS(rt_now() - before >= ns);
    }
    rt_waitgroup_done(h->left);
}

static void sleeps(struct dice *d)
{
    static struct hand hands[HANDS_MAX];
    static struct rt_waitgroup left;
    int n = swarm_between(d, 1, HANDS_MAX);
    left = (struct rt_waitgroup){0};
    rt_waitgroup_add(&left, n);
    for (int i = 0; i < n; i++) {
        hands[i] = (struct hand){&left, swarm_split(d)};
        rt_go(sleeper, &hands[i]);
    }
    rt_waitgroup_wait(&left);
}

/* --- a timer that is stopped while it fires: exactly one of the two has it --- */

struct race {
    struct rt_timer *timer;
    struct rt_chan *stop;
    _Atomic(int) received;
    struct rt_waitgroup left;
};

static void receive_tick(void *arg)
{
    struct race *r = arg;
    int64_t at;
    struct rt_case cases[] = {rt_case_recv(rt_timer_chan(r->timer), &at), rt_case_recv(r->stop, NULL)};
    if (rt_select(cases, 2, true) == 0) {
        HOLDS(at <= rt_now());
        r->received++;
    }
    rt_waitgroup_done(&r->left);
}

static void stop_meets_fire(struct dice *d)
{
    static struct race r;
    int64_t ns = swarm_between(d, 0, 2) * d->unit_ns;
    r = (struct race){.timer = rt_timer_new(ns), .stop = rt_chan_new(0, 0)};
    rt_waitgroup_add(&r.left, 1);
    rt_go(receive_tick, &r);
    swarm_dawdle(d);
    if (swarm_draw(d, 2))
        rt_sleep(ns);
    bool stopped = rt_timer_stop(r.timer);
    swarm_dawdle(d);
    rt_close(r.stop);
    rt_waitgroup_wait(&r.left);
    HOLDS(r.received + stopped == 1);
    HOLDS(!rt_timer_stop(r.timer));
    rt_timer_free(&r.timer);
    rt_chan_free(&r.stop);
}

/* --- resets: each either prevented a firing or follows one that was received --- */

static void resets(struct dice *d)
{
    int64_t at, due = rt_now() + d->unit_ns;
    struct rt_timer *t = rt_timer_new(d->unit_ns);
    int armed = 1, got = 0, prevented = 0;
    for (int i = swarm_between(d, 1, 8); i > 0; i--) {
        if (swarm_draw(d, 3) == 0)
            rt_sleep(swarm_between(d, 0, 2) * d->unit_ns);
        if (swarm_draw(d, 3) == 0 && rt_try_recv(rt_timer_chan(t), &at) == 1) {
            HOLDS(at >= due && at <= rt_now());
            got++;
        }
        int64_t ns = swarm_between(d, 0, 2) * d->unit_ns;
        due = rt_now() + ns; /* before: the deadline is not earlier */
        prevented += rt_timer_reset(t, ns);
        armed++;
    }
    swarm_dawdle(d);
    if (swarm_draw(d, 2)) {
        HOLDS(rt_recv(rt_timer_chan(t), &at));
        got++;
    } else {
        prevented += rt_timer_stop(t);
    }
    HOLDS(got + prevented == armed);
    HOLDS(rt_try_recv(rt_timer_chan(t), &at) == -EAGAIN);
    rt_timer_free(&t);
}

/* --- tickers --- */

static void ticks(struct dice *d)
{
    int64_t period = swarm_between(d, 1, 3) * d->unit_ns, start = rt_now(), last = 0, at;
    struct rt_timer *t = rt_ticker_new(period);
    for (int i = swarm_between(d, 1, 6); i > 0; i--) {
        HOLDS(rt_recv(rt_timer_chan(t), &at));
        HOLDS(at >= start + period && at >= last && at <= rt_now());
        last = at;
        if (swarm_draw(d, 3) == 0)
            rt_sleep(swarm_between(d, 0, 8) * d->unit_ns);
    }
    rt_timer_stop(t);
    HOLDS(rt_try_recv(rt_timer_chan(t), &at) == -EAGAIN);
    rt_timer_free(&t);
}

/* --- functions --- */

struct call {
    _Atomic(int) ran;
    struct rt_timer *timer;
    int64_t due;
};

static void called(void *arg)
{
    struct call *c = arg;
    HOLDS(rt_now() >= c->due);
    c->ran++;
}

static void functions(struct dice *d)
{
    static struct call calls[HANDS_MAX];
    int n = swarm_between(d, 1, HANDS_MAX), expected = 0, ran = 0;
    for (int i = 0; i < n; i++) {
        int64_t ns = swarm_between(d, 0, 3) * d->unit_ns;
        calls[i].ran = 0;
        calls[i].due = rt_now() + ns;
        calls[i].timer = rt_after_func(ns, called, &calls[i]);
    }
    swarm_dawdle(d);
    for (int i = 0; i < n; i++)
        expected += swarm_draw(d, 2) ? !rt_timer_stop(calls[i].timer) : 1;
    for (int tries = 0; ran < expected; tries++) {
        HOLDS(!d->seeded || tries < 20000);
        rt_sleep(d->unit_ns);
        ran = 0;
        for (int i = 0; i < n; i++)
            ran += calls[i].ran;
    }
    rt_sleep(5 * d->unit_ns); /* nothing comes that was stopped */
    for (int i = 0; i < n; i++) {
        HOLDS(calls[i].ran <= 1);
        ran -= calls[i].ran;
        rt_timer_free(&calls[i].timer);
    }
    HOLDS(ran == 0);
}

/* --- a wait with a limit: the value or the time, never neither --- */

static void late_sender(void *arg)
{
    struct race *r = arg;
    rt_sleep(rt_now() % 3 * 1000);
    int v = 1;
    if (rt_try_send(r->stop, &v) == 0)
        r->received++;
    rt_waitgroup_done(&r->left);
}

static void limits(struct dice *d)
{
    static struct race r;
    r = (struct race){.stop = rt_chan_new(sizeof(int), swarm_draw(d, 2))};
    for (int i = swarm_between(d, 1, 5); i > 0; i--) {
        rt_waitgroup_add(&r.left, 1);
        rt_go(late_sender, &r);
        struct rt_chan *limit = rt_after(swarm_between(d, 0, 2) * d->unit_ns);
        int v = 0;
        struct rt_case cases[] = {rt_case_recv(r.stop, &v), rt_case_recv(limit, NULL)};
        int chosen = rt_select(cases, 2, true);
        HOLDS(chosen == 1 || (chosen == 0 && v == 1));
        r.received -= chosen == 0;
        rt_chan_free(&limit);
        rt_waitgroup_wait(&r.left);
    }
    for (int v; rt_try_recv(r.stop, &v) == 1;)
        r.received--;
    HOLDS(r.received == 0);
    rt_chan_free(&r.stop);
}

const struct program programs_time[] = {{"sleep", sleeps},
                                        {"timer_stop", stop_meets_fire},
                                        {"timer_reset", resets},
                                        {"ticker", ticks},
                                        {"after_func", functions},
                                        {"after", limits},
                                        {0}};
