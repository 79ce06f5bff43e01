/* Descriptors: what is written is read; a wait ends by arrival, deadline or close, and says which. */
#include "swarm.h"

#include <fcntl.h>
#include <unistd.h>

#include <rt/poll.h>

struct pipe {
    struct rt_pd *in, *out;
    size_t bytes;
    struct rt_waitgroup left;
    struct dice dice, other_dice; /* one for each of the two that use it */
    _Atomic(bool) drained;
};

static void open_pipe(struct pipe *p)
{
    int fds[2];
    HOLDS(pipe2(fds, O_CLOEXEC) == 0);
    HOLDS(rt_poll_open(&p->in, fds[0]) == 0 && rt_poll_open(&p->out, fds[1]) == 0);
}

static void feed(void *arg)
{
    struct pipe *p = arg;
    for (size_t sent = 0; sent < p->bytes;) {
        char buf[16];
        size_t n = (size_t)swarm_between(&p->dice, 1, 16);
        n = n < p->bytes - sent ? n : p->bytes - sent;
        for (size_t i = 0; i < n; i++)
            buf[i] = (char)(sent + i);
        HOLDS(rt_write(p->out, buf, n, RT_NO_DEADLINE, NULL) == (ssize_t)n);
        sent += n;
        swarm_dawdle(&p->dice);
    }
    rt_poll_close_fd(&p->out);
    rt_waitgroup_done(&p->left);
}

static void bytes(struct dice *d)
{
    static struct pipe p;
    p = (struct pipe){.bytes = (size_t)swarm_between(d, 1, 60), .dice = swarm_split(d)};
    open_pipe(&p);
    rt_waitgroup_add(&p.left, 1);
    rt_go(feed, &p);
    size_t got = 0;
    for (ssize_t n;; got += (size_t)n) {
        char buf[16];
        n = rt_read(p.in, buf, (size_t)swarm_between(d, 1, 16), RT_NO_DEADLINE);
        HOLDS(n >= 0);
        if (n == 0)
            break;
        for (ssize_t i = 0; i < n; i++)
            HOLDS(buf[i] == (char)(got + (size_t)i));
    }
    HOLDS(got == p.bytes);
    rt_waitgroup_wait(&p.left);
    rt_poll_close_fd(&p.in);
}

/* --- a wait that a byte, a deadline or a close may end --- */

static void disturb(void *arg)
{
    struct pipe *p = arg;
    rt_sleep(swarm_between(&p->dice, 0, 2) * p->dice.unit_ns);
    if (p->bytes)
        HOLDS(rt_write(p->out, "x", 1, RT_NO_DEADLINE, NULL) == 1);
    rt_waitgroup_done(&p->left);
}

static void deadlines(struct dice *d)
{
    static struct pipe p;
    p = (struct pipe){.bytes = swarm_draw(d, 2), .dice = swarm_split(d)};
    open_pipe(&p);
    rt_waitgroup_add(&p.left, 1);
    rt_go(disturb, &p);
    int64_t until = rt_deadline(swarm_between(d, 0, 2) * d->unit_ns);
    int got = rt_poll_wait(p.in, RT_POLL_IN, until);
    HOLDS((got == 0 && p.bytes) || (got == -ETIMEDOUT && rt_now() >= until));
    rt_waitgroup_wait(&p.left);
    if (p.bytes && got != 0) /* the edge is still to come */
        HOLDS(rt_poll_wait(p.in, RT_POLL_IN, RT_NO_DEADLINE) == 0);
    rt_poll_close_fd(&p.in);
    rt_poll_close_fd(&p.out);
}

/* --- several wait at once, each for its own, some for the time only; a close ends a wait --- */

enum { PIPES_MAX = 5 };

static void reader(void *arg)
{
    struct pipe *p = arg;
    for (size_t got = 0; got < p->bytes;) {
        char c;
        int64_t until = rt_deadline(swarm_between(&p->dice, 0, 2) * p->dice.unit_ns);
        ssize_t n = rt_read(p->in, &c, 1, swarm_draw(&p->dice, 2) ? until : RT_NO_DEADLINE);
        HOLDS((n == 1 && c == (char)got) || (n == -ETIMEDOUT && rt_now() >= until));
        got += n == 1;
        swarm_dawdle(&p->dice);
    }
    char c;
    p->drained = true;
    ssize_t n = rt_read(p->in, &c, 1, RT_NO_DEADLINE); /* nothing more will come */
    HOLDS(n == -ECANCELED);
    rt_waitgroup_done(&p->left);
}

static void writer(void *arg)
{
    struct pipe *p = arg;
    for (size_t sent = 0; sent < p->bytes; sent++) {
        char c = (char)sent;
        HOLDS(rt_write(p->out, &c, 1, RT_NO_DEADLINE, NULL) == 1);
        swarm_dawdle(&p->other_dice);
    }
    rt_waitgroup_done(&p->left);
}

static void many(struct dice *d)
{
    static struct pipe pipes[PIPES_MAX];
    int n = swarm_between(d, 1, PIPES_MAX);
    for (int i = 0; i < n; i++) {
        pipes[i] = (struct pipe){.bytes = swarm_draw(d, 6), .dice = swarm_split(d)};
        pipes[i].other_dice = swarm_split(d);
        open_pipe(&pipes[i]);
        rt_waitgroup_add(&pipes[i].left, 2);
        rt_go(reader, &pipes[i]);
        rt_go(writer, &pipes[i]);
    }
    for (int i = 0; i < n; i++) {
        while (!pipes[i].drained)
            rt_sleep(d->unit_ns);
        swarm_dawdle(d);
        rt_poll_close_fd(&pipes[i].in);
        rt_waitgroup_wait(&pipes[i].left);
        rt_poll_close_fd(&pipes[i].out);
    }
}

const struct program programs_io[] = {{"pipe", bytes}, {"poll_deadline", deadlines}, {"poll_many", many}, {0}};
