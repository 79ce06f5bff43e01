/* Toys with a bug each, of the kinds that real schedulers have had. The swarm must find every one of them: if it does
 * not, it is the swarm that is broken. */
#include "swarm.h"

enum { HANDS = 3 };

/* --- a lost wake-up: looks, then announces itself, with a gap between --- */

struct event {
    struct rt_mutex mutex;
    bool set;
    int waiting;
    struct rt_chan *wake;
    struct rt_waitgroup left;
};

static void wait_for_event(void *arg)
{
    struct event *e = arg;
    rt_mutex_lock(&e->mutex);
    bool set = e->set;
    rt_mutex_unlock(&e->mutex);
    if (!set) { /* the bug: set may have come by here, and found nobody waiting */
        rt_mutex_lock(&e->mutex);
        e->waiting++;
        rt_mutex_unlock(&e->mutex);
        (void)!rt_recv(e->wake, NULL);
    }
    rt_waitgroup_done(&e->left);
}

static void lost_wakeup(struct dice *d)
{
    static struct event e;
    (void)d;
    e = (struct event){.wake = rt_chan_new(0, HANDS)};
    rt_waitgroup_add(&e.left, HANDS);
    for (int i = 0; i < HANDS; i++)
        rt_go(wait_for_event, &e);
    rt_mutex_lock(&e.mutex);
    e.set = true;
    int waiting = e.waiting;
    rt_mutex_unlock(&e.mutex);
    for (int i = 0; i < waiting; i++)
        rt_send(e.wake, NULL);
    rt_waitgroup_wait(&e.left);
    rt_chan_free(&e.wake);
}

/* --- a counter that is not atomic --- */

struct counter {
    _Atomic(int) n;
    struct rt_waitgroup left;
};

static void count_up(void *arg)
{
    struct counter *c = arg;
    for (int i = 0; i < 4; i++) {
        int seen = c->n;
        rt_checkpoint();
        c->n = seen + 1;
    }
    rt_waitgroup_done(&c->left);
}

static void lost_update(struct dice *d)
{
    static struct counter c;
    (void)d;
    c = (struct counter){0};
    rt_waitgroup_add(&c.left, HANDS);
    for (int i = 0; i < HANDS; i++)
        rt_go(count_up, &c);
    rt_waitgroup_wait(&c.left);
    HOLDS(c.n == 4 * HANDS);
}

/* --- a variable on a stack that may be copied out, lent to another goroutine without a pin --- */

struct loan {
    struct rt_chan *lent, *back;
    struct rt_waitgroup left;
};

static void lend(void *arg)
{
    struct loan *l = arg;
    volatile int mine = 1;
    volatile int *there = &mine;
    rt_send(l->lent, &there);
    HOLDS(rt_recv(l->back, NULL));
    HOLDS(mine == 2); /* the bug: the copy was taken before the other one wrote */
    rt_waitgroup_done(&l->left);
}

static void lent_stack(struct dice *d)
{
    static struct loan l;
    volatile int *there = NULL;
    (void)d;
    l = (struct loan){.lent = rt_chan_new(sizeof there, 0), .back = rt_chan_new(0, 0)};
    rt_waitgroup_add(&l.left, HANDS);
    for (int i = 0; i < HANDS; i++)
        rt_go_attr(&(struct rt_go_attr){.hibernate = true}, lend, &l);
    for (int i = 0; i < HANDS; i++) {
        HOLDS(rt_recv(l.lent, &there));
        rt_yield();
        *there = 2;
        rt_send(l.back, NULL);
    }
    rt_waitgroup_wait(&l.left);
    rt_chan_free(&l.lent);
    rt_chan_free(&l.back);
}

/* --- one waiter woken twice: two wakers look at the head of the list before either has taken it off --- */

struct list {
    struct rt_mutex mutex;
    int head, len;
    _Atomic(int) woken[HANDS];
    struct rt_waitgroup left;
};

static void wake_first(void *arg)
{
    struct list *l = arg;
    rt_mutex_lock(&l->mutex);
    int first = l->head;
    rt_mutex_unlock(&l->mutex);
    l->woken[first]++; /* the bug: still on the list */
    rt_mutex_lock(&l->mutex);
    l->head = first + 1;
    rt_mutex_unlock(&l->mutex);
    rt_waitgroup_done(&l->left);
}

static void double_ready(struct dice *d)
{
    static struct list l;
    (void)d;
    l = (struct list){.len = HANDS};
    rt_waitgroup_add(&l.left, HANDS);
    for (int i = 0; i < HANDS; i++)
        rt_go(wake_first, &l);
    rt_waitgroup_wait(&l.left);
    for (int i = 0; i < HANDS; i++)
        HOLDS(l.woken[i] == 1);
}

/* --- a close that misses who is about to wait --- */

struct door {
    struct rt_mutex mutex;
    struct rt_chan *bells[HANDS];
    int waiting;
    bool closed;
    struct rt_waitgroup left;
};

static void wait_for_close(void *arg)
{
    struct door *d = arg;
    struct rt_chan *bell = rt_chan_new(0, 1);
    bool closed = d->closed; /* the bug: not under the lock */
    rt_mutex_lock(&d->mutex);
    d->bells[d->waiting++] = bell;
    rt_mutex_unlock(&d->mutex);
    if (!closed)
        (void)!rt_recv(bell, NULL);
    rt_waitgroup_done(&d->left);
}

static void missed_close(struct dice *d)
{
    static struct door door;
    (void)d;
    door = (struct door){0};
    rt_waitgroup_add(&door.left, HANDS);
    for (int i = 0; i < HANDS; i++)
        rt_go(wait_for_close, &door);
    rt_mutex_lock(&door.mutex);
    door.closed = true;
    for (int i = 0; i < door.waiting; i++)
        rt_send(door.bells[i], NULL);
    rt_mutex_unlock(&door.mutex);
    rt_waitgroup_wait(&door.left);
    for (int i = 0; i < HANDS; i++)
        rt_chan_free(&door.bells[i]);
}

/* --- two locks in two orders --- */

struct locks {
    struct rt_mutex a, b;
    struct rt_waitgroup left;
};

static void a_then_b(void *arg)
{
    struct locks *l = arg;
    rt_mutex_lock(&l->a);
    rt_mutex_lock(&l->b);
    rt_mutex_unlock(&l->b);
    rt_mutex_unlock(&l->a);
    rt_waitgroup_done(&l->left);
}

static void b_then_a(void *arg)
{
    struct locks *l = arg;
    rt_mutex_lock(&l->b);
    rt_mutex_lock(&l->a);
    rt_mutex_unlock(&l->a);
    rt_mutex_unlock(&l->b);
    rt_waitgroup_done(&l->left);
}

static void crossed_locks(struct dice *d)
{
    static struct locks l;
    (void)d;
    l = (struct locks){0};
    rt_waitgroup_add(&l.left, 2);
    rt_go(a_then_b, &l);
    rt_go(b_then_a, &l);
    rt_waitgroup_wait(&l.left);
}

/* --- a timer that is taken for stopped though it had fired --- */

struct late {
    _Atomic(int) fired;
    struct rt_waitgroup left;
};

static void fire(void *arg)
{
    struct late *l = arg;
    l->fired++;
}

static void stop_not_heeded(struct dice *d)
{
    static struct late l;
    l = (struct late){0};
    struct rt_timer *t = rt_after_func(d->unit_ns, fire, &l);
    rt_sleep(d->unit_ns); /* the same deadline: either may come first */
    rt_timer_stop(t);     /* the bug: the answer is not looked at */
    rt_sleep(d->unit_ns);
    HOLDS(l.fired == 0);
    rt_timer_free(&t);
}

const struct program programs_planted[] = {
    {"planted_lost_wakeup", lost_wakeup},         {"planted_lost_update", lost_update},
    {"planted_lent_stack", lent_stack},           {"planted_double_ready", double_ready},
    {"planted_missed_close", missed_close},       {"planted_crossed_locks", crossed_locks},
    {"planted_stop_not_heeded", stop_not_heeded}, {0}};
