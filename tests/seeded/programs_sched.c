/* The scheduler itself: everybody who was started runs, once, and comes to an end. */
#include "swarm.h"

#include <rt/blocking.h>
#include <rt/rt.h>

enum { HANDS_MAX = 300 };

/* --- a tree of goroutines, each waiting for its children --- */

struct node {
    int depth, width;
    struct rt_waitgroup *parent;
    _Atomic(int) *count;
};

static void grow(void *arg)
{
    struct node *n = arg, *child = NULL;
    struct rt_waitgroup children = {0};
    (*n->count)++;
    if (n->depth > 0) {
        child = malloc(sizeof *child);
        HOLDS(child);
        *child = (struct node){n->depth - 1, n->width, &children, n->count};
        rt_waitgroup_add(&children, n->width);
        for (int i = 0; i < n->width; i++)
            rt_go(grow, child);
        rt_waitgroup_wait(&children);
    }
    free(child);
    rt_waitgroup_done(n->parent);
}

static void tree(struct dice *d)
{
    static _Atomic(int) count;
    static struct rt_waitgroup top;
    struct node root = {swarm_between(d, 0, 3), swarm_between(d, 1, 3), &top, &count};
    int expected = 0;
    for (int level = 0, n = 1; level <= root.depth; level++, n *= root.width)
        expected += n;
    count = 0;
    top = (struct rt_waitgroup){0};
    rt_waitgroup_add(&top, 1);
    rt_go(grow, &root);
    rt_waitgroup_wait(&top);
    HOLDS(count == expected);
}

/* --- many that only give way; ids are never used twice --- */

struct many {
    _Atomic(uint64_t) ids;
    _Atomic(int) done;
    struct rt_waitgroup left;
};
struct hand {
    struct many *m;
    struct dice dice;
    uint64_t id;
};

static void walker(void *arg)
{
    struct hand *h = arg;
    h->id = rt_goid();
    for (int i = swarm_between(&h->dice, 0, 6); i > 0; i--) {
        if (swarm_draw(&h->dice, 2))
            rt_yield();
        else
            rt_checkpoint();
        HOLDS(rt_goid() == h->id);
    }
    h->m->done++;
    rt_waitgroup_done(&h->m->left);
}

static void crowd(struct dice *d)
{
    static struct many m;
    static struct hand hands[HANDS_MAX];
    int n = swarm_between(d, 1, swarm_draw(d, 8) == 0 ? HANDS_MAX : 40); /* now and then more than one batch of ids */
    m = (struct many){0};
    rt_waitgroup_add(&m.left, n);
    for (int i = 0; i < n; i++) {
        hands[i] = (struct hand){.m = &m, .dice = swarm_split(d)};
        rt_go(walker, &hands[i]);
    }
    rt_waitgroup_wait(&m.left);
    HOLDS(m.done == n);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            HOLDS(hands[i].id != hands[k].id);
}

/* --- calls that might block, between everything else --- */

static void caller(void *arg)
{
    struct hand *h = arg;
    for (int i = swarm_between(&h->dice, 1, 4); i > 0; i--) {
        rt_enter_blocking();
        h->m->ids += h->id;
        rt_exit_blocking();
        swarm_dawdle(&h->dice);
    }
    h->m->done++;
    rt_waitgroup_done(&h->m->left);
}

static void calls(struct dice *d)
{
    static struct many m;
    static struct hand hands[HANDS_MAX];
    int n = swarm_between(d, 1, 8);
    m = (struct many){0};
    rt_waitgroup_add(&m.left, 2 * n);
    for (int i = 0; i < 2 * n; i++) {
        hands[i] = (struct hand){.m = &m, .dice = swarm_split(d)};
        rt_go(i < n ? caller : walker, &hands[i]);
    }
    rt_waitgroup_wait(&m.left);
    HOLDS(m.done == 2 * n);
}

const struct program programs_sched[] = {{"spawn_tree", tree}, {"crowd", crowd}, {"calls", calls}, {0}};
