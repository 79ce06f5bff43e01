/* Stacks that are copied out while their goroutine is parked: whatever it waits in, it finds its stack as it left it.
 */
#include "swarm.h"

#include <rt/context.h>

enum { HANDS_MAX = 5, WORDS = 24 };

struct desk {
    struct rt_chan *questions; /* struct question */
    struct rt_mutex mutex;
    struct rt_waitgroup left;
    int inside, turns;
};
struct hand {
    struct desk *desk;
    struct rt_chan *answer, *never;
    struct dice dice;
};
struct question {
    int number;
    struct rt_chan *answer;
};

static const struct rt_go_attr sleepy = {.name = "sleepy", .hibernate = true};

/* What is asked and what is answered lies on stacks that may be copied out. */
static void ask(struct hand *h, bool in_select)
{
    struct question q = {swarm_between(&h->dice, 0, 1000), h->answer};
    int said = -1;
    rt_send(h->desk->questions, &q);
    struct rt_case cases[] = {rt_case_recv(h->never, NULL), rt_case_recv(h->answer, &said)};
    if (in_select)
        HOLDS(rt_select(cases, 2, true) == 1 && cases[1].ok);
    else
        HOLDS(rt_recv(h->answer, &said));
    HOLDS(said == q.number + 1);
}

static void answer_all(void *arg)
{
    struct desk *d = arg;
    for (struct question q; rt_recv(d->questions, &q);) {
        int said = q.number + 1;
        rt_send(q.answer, &said);
    }
    rt_waitgroup_done(&d->left);
}

static void take_turns(struct hand *h)
{
    struct desk *d = h->desk;
    rt_mutex_lock(&d->mutex);
    HOLDS(++d->inside == 1);
    rt_sleep(swarm_between(&h->dice, 0, 1) * h->dice.unit_ns);
    HOLDS(--d->inside == 0);
    rt_mutex_unlock(&d->mutex);
}

static void wait_for_deadline(struct hand *h)
{
    struct rt_context *c = rt_context_with_timeout(rt_context_background(), h->dice.unit_ns);
    HOLDS(!rt_recv(rt_context_done(c), NULL) && rt_context_err(c) == -ETIMEDOUT);
    rt_context_free(&c);
}

static void wait_somehow(struct hand *h)
{
    switch (swarm_draw(&h->dice, 5)) {
    case 0:
        ask(h, false);
        break;
    case 1:
        ask(h, true);
        break;
    case 2:
        take_turns(h);
        break;
    case 3:
        wait_for_deadline(h);
        break;
    default:
        rt_sleep(h->dice.unit_ns);
        break;
    }
}

static NOINLINE void wait_with_a_pattern(struct hand *h)
{
    volatile uint32_t mine[WORDS];
    volatile uint32_t *volatile alias = mine; /* at the same address too */
    uint32_t salt = swarm_draw(&h->dice, UINT32_MAX), words = 1 + swarm_draw(&h->dice, WORDS);
    for (uint32_t i = 0; i < words; i++)
        mine[i] = salt * (i + 1);
    wait_somehow(h);
    HOLDS(alias == mine);
    for (uint32_t i = 0; i < words; i++)
        HOLDS(mine[i] == salt * (i + 1));
}

static void sleeper(void *arg)
{
    struct hand *h = arg;
    for (int i = 0; i < h->desk->turns; i++)
        wait_with_a_pattern(h);
    rt_waitgroup_done(&h->desk->left);
}

static void sleepy_hands(struct dice *d)
{
    static struct desk desk;
    static struct hand hands[HANDS_MAX];
    int n = swarm_between(d, 1, HANDS_MAX);
    desk = (struct desk){.questions = rt_chan_new(sizeof(struct question), (size_t)swarm_between(d, 0, 2)),
                         .turns = swarm_between(d, 1, 6)};
    rt_waitgroup_add(&desk.left, n);
    for (int i = 0; i < n; i++) {
        hands[i] = (struct hand){.desk = &desk,
                                 .answer = rt_chan_new(sizeof(int), (size_t)swarm_between(d, 0, 1)),
                                 .never = rt_chan_new(0, 0),
                                 .dice = swarm_split(d)};
        rt_go_attr(&sleepy, sleeper, &hands[i]);
    }
    rt_go_attr(&sleepy, answer_all, &desk);
    rt_waitgroup_wait(&desk.left);
    rt_waitgroup_add(&desk.left, 1); /* now for who answers */
    rt_close(desk.questions);
    rt_waitgroup_wait(&desk.left);
    rt_chan_free(&desk.questions);
    for (int i = 0; i < n; i++) {
        rt_chan_free(&hands[i].answer);
        rt_chan_free(&hands[i].never);
    }
}

/* --- a cell that is lent out, by who pins its stack while it is --- */

struct bank {
    struct rt_chan *lent, *back;
    struct rt_waitgroup left;
    int turns;
};

static void lend(void *arg)
{
    struct bank *b = arg;
    for (int i = 0; i < b->turns; i++) {
        volatile int mine = i;
        volatile int *there = &mine;
        rt_stack_pin();
        rt_send(b->lent, &there);
        HOLDS(rt_recv(b->back, NULL));
        HOLDS(mine == i + 1);
        rt_stack_unpin();
    }
    rt_waitgroup_done(&b->left);
}

static void pinned_loans(struct dice *d)
{
    static struct bank b;
    int n = swarm_between(d, 1, HANDS_MAX);
    volatile int *there = NULL;
    b = (struct bank){.lent = rt_chan_new(sizeof there, 0), .back = rt_chan_new(0, 0), .turns = swarm_between(d, 1, 4)};
    rt_waitgroup_add(&b.left, n);
    for (int i = 0; i < n; i++)
        rt_go_attr(&sleepy, lend, &b);
    for (int i = 0; i < n * b.turns; i++) {
        HOLDS(rt_recv(b.lent, &there));
        swarm_dawdle(d);
        *there = *there + 1;
        rt_send(b.back, NULL);
    }
    rt_waitgroup_wait(&b.left);
    rt_chan_free(&b.lent);
    rt_chan_free(&b.back);
}

const struct program programs_stacks[] = {{"sleepy_hands", sleepy_hands}, {"pinned_loans", pinned_loans}, {0}};
