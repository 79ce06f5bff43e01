/* Mutexes: one at a time is inside, and everybody gets in. */
#include "swarm.h"

enum { HANDS_MAX = 8 };

struct room {
    struct rt_mutex mutex;
    struct rt_rwmutex rw;
    struct rt_sema sema;
    int turns, permits;
    _Atomic(int) inside, readers, writers;
    int plain; /* guarded by what is tested */
    struct rt_waitgroup left;
};
struct hand {
    struct room *r;
    struct dice dice;
};

static void start(struct room *r, struct dice *d, int n, void (*fn)(void *))
{
    static struct hand hands[HANDS_MAX];
    rt_waitgroup_add(&r->left, n);
    for (int i = 0; i < n; i++) {
        hands[i] = (struct hand){r, swarm_split(d)};
        rt_go(fn, &hands[i]);
    }
    rt_waitgroup_wait(&r->left);
}

/* --- mutex --- */

static void locker(void *arg)
{
    struct hand *h = arg;
    for (int i = 0; i < h->r->turns; i++) {
        if (swarm_draw(&h->dice, 4) != 0 || !rt_mutex_try_lock(&h->r->mutex))
            rt_mutex_lock(&h->r->mutex);
        HOLDS(++h->r->inside == 1);
        int seen = h->r->plain;
        swarm_dawdle(&h->dice);
        h->r->plain = seen + 1;
        HOLDS(--h->r->inside == 0);
        rt_mutex_unlock(&h->r->mutex);
        swarm_dawdle(&h->dice);
    }
    rt_waitgroup_done(&h->r->left);
}

static void mutex(struct dice *d)
{
    static struct room r;
    r = (struct room){.turns = swarm_between(d, 1, 8)};
    int n = swarm_between(d, 2, HANDS_MAX);
    start(&r, d, n, locker);
    HOLDS(r.plain == n * r.turns);
    HOLDS(rt_mutex_try_lock(&r.mutex)); /* it is open */
    rt_mutex_unlock(&r.mutex);
}

/* --- rwmutex --- */

static void read_once(struct hand *h)
{
    struct room *r = h->r;
    if (swarm_draw(&h->dice, 4) != 0 || !rt_rwmutex_try_rlock(&r->rw))
        rt_rwmutex_rlock(&r->rw);
    r->readers++;
    HOLDS(r->writers == 0);
    swarm_dawdle(&h->dice);
    HOLDS(r->writers == 0);
    r->readers--;
    rt_rwmutex_runlock(&r->rw);
}

static void write_once(struct hand *h)
{
    struct room *r = h->r;
    if (swarm_draw(&h->dice, 4) != 0 || !rt_rwmutex_try_lock(&r->rw))
        rt_rwmutex_lock(&r->rw);
    HOLDS(++r->writers == 1 && r->readers == 0);
    int seen = r->plain;
    swarm_dawdle(&h->dice);
    r->plain = seen + 1;
    HOLDS(r->readers == 0 && --r->writers == 0);
    rt_rwmutex_unlock(&r->rw);
}

static void reader_writer(void *arg)
{
    struct hand *h = arg;
    for (int i = 0; i < h->r->turns; i++) {
        write_once(h);
        for (int k = swarm_between(&h->dice, 0, 3); k > 0; k--)
            read_once(h);
    }
    rt_waitgroup_done(&h->r->left);
}

static void rwmutex(struct dice *d)
{
    static struct room r;
    r = (struct room){.turns = swarm_between(d, 1, 5)};
    int n = swarm_between(d, 2, HANDS_MAX);
    start(&r, d, n, reader_writer);
    HOLDS(r.plain == n * r.turns);
}

/* --- semaphore --- */

static void guest(void *arg)
{
    struct hand *h = arg;
    for (int i = 0; i < h->r->turns; i++) {
        if (swarm_draw(&h->dice, 4) != 0 || !rt_sema_try_acquire(&h->r->sema))
            rt_sema_acquire(&h->r->sema);
        HOLDS(++h->r->inside <= h->r->permits);
        swarm_dawdle(&h->dice);
        h->r->inside--;
        rt_sema_release(&h->r->sema);
    }
    rt_waitgroup_done(&h->r->left);
}

static void semaphore(struct dice *d)
{
    static struct room r;
    r = (struct room){.turns = swarm_between(d, 1, 6), .permits = swarm_between(d, 1, 3)};
    for (int i = 0; i < r.permits; i++)
        rt_sema_release(&r.sema);
    start(&r, d, swarm_between(d, 2, HANDS_MAX), guest);
    for (int i = 0; i < r.permits; i++)
        HOLDS(rt_sema_try_acquire(&r.sema));
    HOLDS(!rt_sema_try_acquire(&r.sema));
}

const struct program programs_lock[] = {{"mutex", mutex}, {"rwmutex", rwmutex}, {"semaphore", semaphore}, {0}};
