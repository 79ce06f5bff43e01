/* mixed.c - see mixed.h. */
#include "mixed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rt/chan.h>
#include <rt/context.h>
#include <rt/debug.h>
#include <rt/poll.h>
#include <rt/rt.h>
#include <rt/sync.h>
#include <rt/time.h>

enum { WORKERS = 24, VALUES = 8, CALLS = 3, TIMERS = 4, PARKED = 6, BULK = 300 << 10 };

static _Atomic(int) wrong;
_Atomic(int) mixed_refusals;

#define EXPECT(x)                                                                                                      \
    do {                                                                                                               \
        if (!(x) && atomic_fetch_add(&wrong, 1) < 20)                                                                  \
            fprintf(stderr, "mixed.c:%d: not so: %s\n", __LINE__, #x);                                                 \
    } while (0)

/* --- goroutines of every class, channels, a mutex --- */

static struct rt_chan *results;
static struct rt_mutex mutex;
static int64_t guarded;

static void worker(void *arg)
{
    int64_t me = (int64_t)(intptr_t)arg;
    for (int i = 0; i < VALUES; i++) {
        rt_mutex_lock(&mutex);
        guarded++;
        rt_mutex_unlock(&mutex);
        rt_send(results, &me);
        if (i % 4 == 0)
            rt_yield();
    }
}

static void goroutines(void)
{
    int64_t sum = 0, v = 0;
    results = rt_chan_new(sizeof v, 4);
    guarded = 0;
    for (int64_t i = 1; i <= WORKERS; i++) {
        struct rt_go_attr attr = {.name = "worker", .stack = (enum rt_stack)(i % RT_STACK_COUNT)};
        rt_go_attr(&attr, worker, (void *)(intptr_t)i);
    }
    for (int i = 0; i < WORKERS * VALUES; i++) {
        EXPECT(rt_recv(results, &v));
        sum += v;
    }
    EXPECT(sum == (int64_t)VALUES * WORKERS * (WORKERS + 1) / 2);
    EXPECT(guarded == (int64_t)VALUES * WORKERS);
    rt_chan_free(&results);
    struct rt_chan *bulk = rt_chan_new(1024, BULK / 1024); /* a mapping of its own */
    EXPECT(rt_chan_cap(bulk) == BULK / 1024);
    rt_chan_free(&bulk);
}

/* --- timers --- */

static _Atomic(int) called;

static void on_time(void *arg)
{
    struct rt_waitgroup *group = arg;
    called++;
    rt_waitgroup_done(group);
}

static void timers(void)
{
    static struct rt_waitgroup group;
    struct rt_timer *after[TIMERS];
    int64_t start = rt_now(), at = 0;
    rt_sleep(200000);
    EXPECT(rt_now() - start >= 200000);
    called = 0;
    rt_waitgroup_add(&group, TIMERS);
    for (int i = 0; i < TIMERS; i++)
        after[i] = rt_after_func(50000 * i, on_time, &group);
    rt_waitgroup_wait(&group);
    EXPECT(called == TIMERS);
    for (int i = 0; i < TIMERS; i++)
        rt_timer_free(&after[i]);
    struct rt_timer *ticker = rt_ticker_new(100000);
    for (int i = 0; i < 2; i++)
        EXPECT(rt_recv(rt_timer_chan(ticker), &at) && at >= start);
    rt_timer_free(&ticker);
    struct rt_context *c = rt_context_with_timeout(rt_context_background(), 100000);
    EXPECT(!rt_recv(rt_context_done(c), NULL) && rt_context_err(c) == -ETIMEDOUT);
    rt_context_free(&c);
}

/* --- sockets --- */

static int ends[2];
static struct rt_pd *pds[2];
static struct rt_waitgroup talk;

static bool documented(ssize_t err)
{
    return err == -EMFILE || err == -ENFILE || err == -ENOMEM || err == -ENOSPC;
}

static void echo(void *arg)
{
    char c;
    (void)arg;
    while (rt_read(pds[1], &c, 1, RT_NO_DEADLINE) == 1)
        EXPECT(rt_write(pds[1], &c, 1, RT_NO_DEADLINE, NULL) == 1);
    rt_waitgroup_done(&talk);
}

static void converse(void)
{
    char c = 'a';
    rt_waitgroup_add(&talk, 1);
    rt_go(echo, NULL);
    for (int i = 0; i < VALUES; i++) {
        char said = (char)('a' + i);
        EXPECT(rt_write(pds[0], &said, 1, RT_NO_DEADLINE, NULL) == 1);
        EXPECT(rt_read(pds[0], &c, 1, RT_NO_DEADLINE) == 1 && c == said);
    }
    EXPECT(rt_read(pds[0], &c, 1, rt_deadline(100000)) == -ETIMEDOUT);
    EXPECT(shutdown(ends[0], SHUT_WR) == 0);
    rt_waitgroup_wait(&talk);
}

static void sockets(void)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        EXPECT(documented(-errno));
        mixed_refusals++;
        return;
    }
    int err = rt_poll_open(&pds[0], ends[0]);
    if (err == 0 && (err = rt_poll_open(&pds[1], ends[1])) == 0)
        converse();
    if (err < 0) {
        EXPECT(documented(err));
        mixed_refusals++;
    }
    rt_poll_close(&pds[0]);
    rt_poll_close(&pds[1]);
    close(ends[0]);
    close(ends[1]);
}

/* --- calls that block, a goroutine that takes its thread with it --- */

static struct rt_waitgroup calls;

static void caller(void *arg)
{
    (void)arg;
    int n = RT_BLOCKING(poll(NULL, 0, 2));
    EXPECT(n == 0 || n == -EINTR);
    rt_waitgroup_done(&calls);
}

static void owner(void *arg)
{
    (void)arg;
    rt_lock_thread();
    rt_yield();
    rt_waitgroup_done(&calls);
}

static void blocking(void)
{
    rt_waitgroup_add(&calls, CALLS + 1);
    for (int i = 0; i < CALLS; i++)
        rt_go(caller, NULL);
    rt_go(owner, NULL);
    rt_waitgroup_wait(&calls);
}

/* --- parked goroutines whose stacks are copied out --- */

static struct rt_chan *gate, *woken;

static void parks(void *arg)
{
    volatile int64_t mine[8];
    int64_t v = 0;
    for (int i = 0; i < 8; i++)
        mine[i] = (int64_t)(intptr_t)arg * 1000 + i;
    EXPECT(rt_recv(gate, &v));
    for (int i = 0; i < 8; i++)
        EXPECT(mine[i] == (int64_t)(intptr_t)arg * 1000 + i);
    rt_send(woken, &v);
}

static void hibernation(void)
{
    struct rt_go_attr attr = {.stack = RT_STACK_16K, .hibernate = true};
    int64_t sum = 0, v;
    gate = rt_chan_new(sizeof v, 0);
    woken = rt_chan_new(sizeof v, PARKED);
    for (int64_t i = 0; i < PARKED; i++)
        rt_go_attr(&attr, parks, (void *)(intptr_t)i);
    rt_sleep(100000);
    (void)rt_stacks_trim();
    (void)rt_stacks_trim();
    for (v = 1; v <= PARKED; v++) {
        int64_t token = v;
        rt_send(gate, &token);
    }
    for (int i = 0; i < PARKED; i++) {
        EXPECT(rt_recv(woken, &v));
        sum += v;
    }
    EXPECT(sum == PARKED * (PARKED + 1) / 2);
    rt_chan_free(&gate);
    rt_chan_free(&woken);
}

/* --- stopping the world while goroutines compute; looking at stacks --- */

static _Atomic(int) enough, spun;

static void spins(void *arg)
{
    (void)arg;
    while (!atomic_load(&enough))
        ;
    atomic_fetch_add(&spun, 1);
}

static void stops(void)
{
    static char text[16384];
    int procs = rt_procs();
    enough = spun = 0;
    rt_go(spins, NULL);
    rt_yield();
    EXPECT(rt_set_procs(procs + 1) > 0);
    rt_set_procs(procs);
    EXPECT(rt_stack(text, sizeof text, true) > 0);
    atomic_store(&enough, 1);
    while (atomic_load(&spun) == 0)
        rt_yield();
}

static int app(void *arg)
{
    const struct mixed *how = arg;
    if (how->before)
        how->before();
    for (int round = 0; round < how->rounds || (how->more && how->more()); round++) {
        goroutines();
        timers();
        sockets();
        blocking();
        hibernation();
        if (rt_procs() > 1) /* alone, what spins would not let us go on */
            stops();
    }
    return atomic_load(&wrong) ? MIXED_WRONG : MIXED_RIGHT;
}

int mixed_run(void *arg)
{
    static struct mixed usual = {.procs = 2, .rounds = 1};
    struct mixed *how = arg ? arg : &usual;
    struct rt_config config = {.procs = how->procs, .godebug = how->godebug};
    int result = rt_main(&config, app, how);
    if (result >= 0)
        return result;
    fprintf(stderr, "rt_main returned %d\n", result);
    return result == -ENOMEM || result == -EAGAIN ? MIXED_REFUSED : MIXED_WRONG;
}
