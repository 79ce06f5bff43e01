#include <errno.h>
#include <stdlib.h>

#include "api/chan.h"
#include "api/time.h"
#include "sched/sched.h"
#include <rt/check.h>

enum { CASES_MAX = 65535, INLINE_CASES = 12 };

/* One select that had to look twice. Short ones live on the stack, unless it may be copied out: whoever switches away
 * from it still reads this, and others the records. */
struct choice {
    struct rt_case *cases;
    int n;                      /* cases with a channel */
    uint16_t *order;            /* their numbers in random order */
    int locks;                  /* distinct channels */
    struct rt_chan **lock;      /* these by address: the order of locking, so two selects cannot wait for each other */
    struct rti_waiter *waiters; /* one per entry of order */
    char *slots;                /* not NULL: the values pass through here, since the stack may be copied out */
};
struct room {
    struct rt_chan *lock[INLINE_CASES];
    struct rti_waiter waiters[INLINE_CASES];
};

/* A uniformly random order of the cases that have a channel (Fisher and Yates, inside out); returns how many. */
static int shuffle(const struct rt_case *cases, int n, uint16_t *order)
{
    int used = 0;
    for (int i = 0; i < n; i++) {
        if (!cases[i].chan)
            continue;
        /* the high half of a 32x32 product: a number below used + 1 without a division */
        int j = (int)(((uint64_t)rti_sched_random() * (uint32_t)(used + 1)) >> 32);
        if (j < used)
            order[used] = order[j];
        order[j] = (uint16_t)i;
        used++;
    }
    return used;
}

static enum rti_chan_try attempt_locked(struct rt_case *c, struct g **wake)
{
    if (c->dir == RT_CASE_SEND)
        return rti_chan_send_locked(c->chan, c->value.send, wake);
    enum rti_chan_try did = rti_chan_recv_locked(c->chan, c->value.recv, wake);
    c->ok = did == RTI_CHAN_DONE;
    return did;
}

static void finish(const struct rt_case *c, enum rti_chan_try did, struct g *wake)
{
    if (wake)
        rti_sched_ready(wake);
    if (UNLIKELY(did == RTI_CHAN_CLOSED && c->dir == RT_CASE_SEND))
        rti_chan_throw_closed_send();
}

/* Looks at one channel after the other, taking only the lock of the one that seems ready. The first ready one of a
 * random order is as random as any; that none was found proves nothing, for they were not looked at at one instant. */
static int quick_look(struct rt_case *cases, const uint16_t *order, int n)
{
    for (int i = 0; i < n; i++) {
        struct rt_case *c = &cases[order[i]];
        if (!(c->dir == RT_CASE_SEND ? rti_chan_may_send(c->chan) : rti_chan_may_recv(c->chan)))
            continue;
        struct g *wake;
        rti_lock_acquire(&c->chan->lock);
        enum rti_chan_try did = attempt_locked(c, &wake);
        rti_lock_release(&c->chan->lock);
        if (did == RTI_CHAN_WAIT)
            continue;
        finish(c, did, wake);
        return order[i];
    }
    return -EAGAIN;
}

static void sort_short(struct rt_chan **lock, int n)
{
    for (int i = 1; i < n; i++) {
        struct rt_chan *c = lock[i];
        int j = i;
        for (; j > 0 && (uintptr_t)lock[j - 1] > (uintptr_t)c; j--)
            lock[j] = lock[j - 1];
        lock[j] = c;
    }
}

static int by_address(const void *a, const void *b)
{
    uintptr_t x = (uintptr_t) * (struct rt_chan *const *)a, y = (uintptr_t) * (struct rt_chan *const *)b;
    return x < y ? -1 : x > y;
}

/* Each channel once, by address. */
static void collect_locks(struct choice *s)
{
    for (int i = 0; i < s->n; i++)
        s->lock[i] = s->cases[s->order[i]].chan;
    if (s->n <= INLINE_CASES)
        sort_short(s->lock, s->n);
    else
        qsort(s->lock, (size_t)s->n, sizeof(*s->lock), by_address);
    s->locks = 0;
    for (int i = 0; i < s->n; i++)
        if (i == 0 || s->lock[i] != s->lock[s->locks - 1])
            s->lock[s->locks++] = s->lock[i];
}

static void lock_all(const struct choice *s)
{
    for (int i = 0; i < s->locks; i++)
        rti_lock_acquire(&s->lock[i]->lock);
}

/* The select may be over, and s gone, the moment the last lock is released: nothing of s is read after it. (Not before:
 * the goroutine locks all of them again before it goes on.) */
static void unlock_all(const struct choice *s)
{
    int last = s->locks - 1;
    for (int i = 0; i < last; i++)
        rti_lock_release(&s->lock[i]->lock);
    rti_lock_release(&s->lock[last]->lock);
}

static bool unlock_after_switch(struct g *g UNUSED, void *arg)
{
    unlock_all(arg);
    return true;
}

static struct rti_waitq *queue_of(const struct rt_case *c)
{
    return c->dir == RT_CASE_SEND ? &c->chan->senders : &c->chan->receivers;
}

/* The variable of a case, and how many bytes it has. */
static void *variable_of(const struct rt_case *c)
{
    return c->dir == RT_CASE_SEND ? (void *)(uintptr_t)c->value.send : c->value.recv;
}

static size_t slot_bytes(const struct rt_case *c)
{
    return ((size_t)c->chan->elem_bytes + 15) & ~(size_t)15;
}

/* One record per case, queued with all locks held. */
static void queue_locked(struct choice *s, struct g *g)
{
    char *slot = s->slots;
    for (int i = 0; i < s->n; i++) {
        struct rt_case *c = &s->cases[s->order[i]];
        void *value = variable_of(c);
        if (s->slots && value) {
            rti_waiter_copy(slot, c->dir == RT_CASE_SEND ? value : NULL, c->chan->elem_bytes);
            value = slot;
            slot += slot_bytes(c);
        }
        s->waiters[i] = (struct rti_waiter){.g = g, .value = value, .mark = (uint16_t)(i + 1)};
        rti_waiter_push(queue_of(c), &s->waiters[i]);
        if (UNLIKELY(load_rlx(&c->chan->closed))) /* nobody waits on a closed one, so it is a timer's */
            rti_time_wait_locked(c->chan->timer);
    }
}

static void unqueue_locked(const struct rt_case *c, struct rti_waiter *w)
{
    rti_waiter_remove(queue_of(c), w);
    if (UNLIKELY(load_rlx(&c->chan->closed)) && c->chan->timer)
        rti_time_unwait_locked(c->chan->timer);
}

/* Queues on all channels, waits, unqueues. Called with all locks held, returns with none. */
static int wait_locked(struct choice *s)
{
    struct g *g = rti_waiter_self();
    store_rlx(&g->select_done, 0); /* published by the release of the locks */
    queue_locked(s, g);
    rti_sched_park(unlock_after_switch, s, RTI_WAIT_SELECT);
    uint32_t mark = load_rlx(&g->select_done); /* written by who made this goroutine ready */
    bool passed = g->result == RTI_WOKEN_VALUE;
    lock_all(s);
    for (int i = 0; i < s->n; i++)
        unqueue_locked(&s->cases[s->order[i]], &s->waiters[i]);
    unlock_all(s);

    int chosen = s->order[mark - 1];
    struct rt_case *c = &s->cases[chosen];
    if (c->dir == RT_CASE_RECV) {
        c->ok = passed;
        if (s->slots)
            rti_waiter_copy(c->value.recv, s->waiters[mark - 1].value, c->chan->elem_bytes);
    } else if (!passed) {
        rti_chan_throw_closed_send();
    }
    return chosen;
}

/* With all locks held, so at one instant: a ready case, or none. */
static int full_look(struct choice *s, bool block)
{
    collect_locks(s);
    lock_all(s);
    for (int i = 0; i < s->n; i++) {
        struct rt_case *c = &s->cases[s->order[i]];
        struct g *wake;
        enum rti_chan_try did = attempt_locked(c, &wake);
        if (did == RTI_CHAN_WAIT)
            continue;
        unlock_all(s);
        finish(c, did, wake);
        return s->order[i];
    }
    if (block)
        return wait_locked(s);
    unlock_all(s);
    return -EAGAIN;
}

static int select_short(struct rt_case *cases, const uint16_t *order, int n, bool block)
{
    struct room room;
    struct choice s = {.cases = cases, .n = n, .lock = room.lock, .waiters = room.waiters};
    s.order = (uint16_t *)(uintptr_t)order;
    return full_look(&s, block);
}

static void *must_alloc(size_t bytes, int cases)
{
    void *p = malloc(bytes);
    if (!p)
        rt_throw("select: out of memory for %d cases", cases);
    return p;
}

static bool stack_may_go(void)
{
    struct g *g = rti_sched_self();
    return g && g->may_hibernate;
}

/* The same in one allocation: the choice, its records and locks, and slots for the values where they are needed. */
static NOINLINE int select_away(struct rt_case *cases, const uint16_t *order, int n, bool block)
{
    size_t count = (size_t)n, slots = 0;
    if (block && stack_may_go())
        for (int i = 0; i < n; i++)
            slots += slot_bytes(&cases[order[i]]);
    struct choice *s = must_alloc(sizeof *s + count * (sizeof *s->waiters + sizeof *s->lock) + slots + 16, n);
    *s = (struct choice){.cases = cases, .n = n, .order = (uint16_t *)(uintptr_t)order};
    s->waiters = (struct rti_waiter *)(s + 1);
    s->lock = (struct rt_chan **)(s->waiters + count);
    if (slots > 0)
        s->slots = (char *)(((uintptr_t)(s->lock + count) + 15) & ~(uintptr_t)15);
    int chosen = full_look(s, block);
    free(s);
    return chosen;
}

static int select_long(struct rt_case *cases, int n, bool block)
{
    uint16_t *order = must_alloc((size_t)n * sizeof(*order), n);
    int used = shuffle(cases, n, order);
    int chosen = quick_look(cases, order, used);
    if (chosen < 0 && used > 0)
        chosen = select_away(cases, order, used, block);
    else if (chosen < 0 && block)
        rti_sched_park(NULL, NULL, RTI_WAIT_SELECT);
    free(order);
    return chosen;
}

int rt_select(struct rt_case *cases, int n, bool block)
{
    if (n < 0 || n > CASES_MAX)
        rt_throw("select: %d cases, the limit is %d", n, CASES_MAX);
    if (n > INLINE_CASES)
        return select_long(cases, n, block);
    uint16_t order[INLINE_CASES];
    int used = shuffle(cases, n, order);
    int chosen = quick_look(cases, order, used);
    if (chosen >= 0)
        return chosen;
    if (used > 0 && UNLIKELY(block && stack_may_go()))
        return select_away(cases, order, used, block);
    if (used > 0)
        return select_short(cases, order, used, block);
    if (block)
        rti_sched_park(NULL, NULL, n == 0 ? RTI_WAIT_SELECT_NO_CASES : RTI_WAIT_SELECT);
    return -EAGAIN;
}
