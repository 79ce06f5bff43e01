/* Conditions, wait groups, once: nobody is woken for nothing, and nobody sleeps for ever. */
#include "swarm.h"

enum { HANDS_MAX = 6, QUEUE_MAX = 3 };

/* --- a bounded queue on one mutex and two conditions --- */

struct queue {
    struct rt_mutex mutex;
    struct rt_cond filled, emptied;
    int items[QUEUE_MAX], len, cap, left_to_take, each;
    uint64_t sum_put, sum_taken;
    struct rt_waitgroup left;
};
struct hand {
    struct queue *q;
    struct dice dice;
};

static void put(void *arg)
{
    struct hand *h = arg;
    struct queue *q = h->q;
    for (int i = 0; i < q->each; i++) {
        rt_mutex_lock(&q->mutex);
        while (q->len == q->cap)
            rt_cond_wait(&q->emptied, &q->mutex);
        int item = swarm_between(&h->dice, 1, 1000);
        q->items[q->len++] = item;
        q->sum_put += (uint64_t)item;
        if (swarm_draw(&h->dice, 3) == 0)
            rt_cond_broadcast(&q->filled);
        else
            rt_cond_signal(&q->filled);
        rt_mutex_unlock(&q->mutex);
        swarm_dawdle(&h->dice);
    }
    rt_waitgroup_done(&q->left);
}

static void take(void *arg)
{
    struct hand *h = arg;
    struct queue *q = h->q;
    rt_mutex_lock(&q->mutex);
    for (;;) {
        while (q->len == 0 && q->left_to_take > 0)
            rt_cond_wait(&q->filled, &q->mutex);
        if (q->left_to_take == 0)
            break;
        q->left_to_take--;
        q->sum_taken += (uint64_t)q->items[--q->len];
        rt_mutex_unlock(&q->mutex);
        rt_cond_signal(&q->emptied); /* after the unlock: allowed, and the harder case */
        swarm_dawdle(&h->dice);
        rt_mutex_lock(&q->mutex);
    }
    rt_cond_broadcast(&q->filled); /* the others shall see that all was taken */
    rt_mutex_unlock(&q->mutex);
    rt_waitgroup_done(&q->left);
}

static void bounded_queue(struct dice *d)
{
    static struct queue q;
    static struct hand hands[2 * HANDS_MAX];
    int puts = swarm_between(d, 1, HANDS_MAX), takes = swarm_between(d, 1, HANDS_MAX);
    q = (struct queue){.cap = swarm_between(d, 1, QUEUE_MAX), .each = swarm_between(d, 1, 6)};
    q.left_to_take = puts * q.each;
    rt_waitgroup_add(&q.left, puts + takes);
    for (int i = 0; i < puts + takes; i++) {
        hands[i] = (struct hand){&q, swarm_split(d)};
        rt_go(i < puts ? put : take, &hands[i]);
    }
    rt_waitgroup_wait(&q.left);
    HOLDS(q.len == 0 && q.left_to_take == 0 && q.sum_put == q.sum_taken);
}

/* --- a wait group used again and again --- */

struct phases {
    struct rt_waitgroup group, left;
    _Atomic(int) done_in_phase;
};

static void work(void *arg)
{
    struct phases *p = arg;
    p->done_in_phase++;
    rt_waitgroup_done(&p->group);
}

static void watch(void *arg)
{
    struct phases *p = arg;
    rt_waitgroup_wait(&p->group);
    rt_waitgroup_done(&p->left);
}

static void phases(struct dice *d)
{
    static struct phases p;
    p = (struct phases){0};
    for (int phase = swarm_between(d, 1, 4); phase > 0; phase--) {
        int workers = swarm_between(d, 1, 8), watchers = swarm_between(d, 0, 3);
        p.done_in_phase = 0;
        rt_waitgroup_add(&p.group, workers);
        rt_waitgroup_add(&p.left, watchers);
        for (int i = 0; i < workers + watchers; i++)
            rt_go(i < workers ? work : watch, &p);
        swarm_dawdle(d);
        rt_waitgroup_wait(&p.group);
        HOLDS(p.done_in_phase == workers);
        rt_waitgroup_wait(&p.left); /* the next phase begins after every waiter of this one is out */
    }
}

/* --- once --- */

struct first {
    struct rt_once once;
    _Atomic(int) ran;
    int made; /* by the one that ran */
    struct rt_waitgroup left;
};

static void make(void *arg)
{
    struct first *f = arg;
    f->ran++;
    rt_yield();
    f->made = 42;
}

static void ask(void *arg)
{
    struct first *f = arg;
    rt_once_do(&f->once, make, f);
    HOLDS(f->made == 42);
    rt_waitgroup_done(&f->left);
}

static void once(struct dice *d)
{
    static struct first f;
    int n = swarm_between(d, 1, 8);
    f = (struct first){0};
    rt_waitgroup_add(&f.left, n);
    for (int i = 0; i < n; i++)
        rt_go(ask, &f);
    rt_waitgroup_wait(&f.left);
    HOLDS(f.ran == 1);
}

/* --- a barrier on a condition: nobody enters the next round before all have left this one --- */

struct barrier {
    struct rt_mutex mutex;
    struct rt_cond all;
    int n, arrived, round, rounds;
    struct rt_waitgroup left;
};

static void soldier(void *arg)
{
    struct barrier *b = arg;
    for (int i = 0; i < b->rounds; i++) {
        rt_mutex_lock(&b->mutex);
        HOLDS(b->round == i);
        if (++b->arrived == b->n) {
            b->arrived = 0;
            b->round++;
            rt_cond_broadcast(&b->all);
        } else {
            while (b->round == i)
                rt_cond_wait(&b->all, &b->mutex);
        }
        rt_mutex_unlock(&b->mutex);
    }
    rt_waitgroup_done(&b->left);
}

static void barrier(struct dice *d)
{
    static struct barrier b;
    b = (struct barrier){.n = swarm_between(d, 1, 8), .rounds = swarm_between(d, 1, 4)};
    rt_waitgroup_add(&b.left, b.n);
    for (int i = 0; i < b.n; i++)
        rt_go(soldier, &b);
    rt_waitgroup_wait(&b.left);
    HOLDS(b.round == b.rounds);
}

const struct program programs_sync[] = {
    {"cond_queue", bounded_queue}, {"waitgroup", phases}, {"once", once}, {"cond_barrier", barrier}, {0}};
