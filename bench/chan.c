/* chan.c - what does it cost to pass a value between goroutines, and to take a lock? Rows chan_pingpong, chan_buffered,
 * fan_in, select, mutex. Peers: the same programs in Go. */
#include "bench/bench.h"

#include <stdio.h>

#include <rt/chan.h>
#include <rt/rt.h>
#include <rt/sync.h>

/* A row that runs inside the runtime: what it measures, and how its line reads. */
struct job {
    const struct bench_options *o;
    const char *name;
    void (*op)(void *arg, int64_t n);
    int64_t goroutines;
    struct rt_chan *a, *b;
    struct rt_mutex mutex;
    struct rt_waitgroup left;
    int64_t each;
};

static int measure(void *arg)
{
    struct job *j = arg;
    struct bench_run run;
    struct bench_line line;
    bench_repeat(&run, j->o, j->op, j);
    bench_line_open(&line, j->name, &run);
    bench_line_int(&line, "goroutines", j->goroutines);
    return bench_line_close(&line);
}

static int start(struct job *j)
{
    struct rt_config config = {.procs = j->o->procs > 0 ? j->o->procs : 1};
    int status = rt_main(&config, measure, j);
    if (status < 0)
        fprintf(stderr, "lode-bench: %s: the runtime does not start (%d)\n", j->name, status);
    return status != 0;
}

/* --- unbuffered, there and back --- */

static void pong(void *arg)
{
    struct job *j = arg;
    int64_t v;
    while (rt_recv(j->a, &v))
        rt_send(j->b, &v);
    rt_close(j->b);
}

static void pingpong(void *arg, int64_t n)
{
    struct job *j = arg;
    j->a = rt_chan_new(sizeof(int64_t), 0);
    j->b = rt_chan_new(sizeof(int64_t), 0);
    rt_go(pong, j);
    int64_t v = 0;
    for (int64_t i = 0; i < n; i++) {
        rt_send(j->a, &v);
        if (!rt_recv(j->b, &v))
            break;
    }
    rt_close(j->a);
    while (rt_recv(j->b, &v)) {
    }
    rt_chan_free(&j->a);
    rt_chan_free(&j->b);
}

static int run_pingpong(const struct bench_options *o)
{
    return start(&(struct job){.o = o, .name = "chan_pingpong", .op = pingpong, .goroutines = 2});
}
BENCH_ROW(chan_pingpong, "round trip between two goroutines over unbuffered channels", BENCH_N | BENCH_SECONDS,
          run_pingpong);

/* --- buffered, one way --- */

static void produce(void *arg)
{
    struct job *j = arg;
    for (int64_t i = 0; i < j->each; i++)
        rt_send(j->a, &i);
    rt_waitgroup_done(&j->left);
}

static void one_way(struct job *j, int64_t n, size_t cap)
{
    int64_t v;
    j->a = rt_chan_new(sizeof(int64_t), cap);
    j->each = n / j->goroutines + 1;
    rt_waitgroup_add(&j->left, (int)j->goroutines);
    for (int64_t i = 0; i < j->goroutines; i++)
        rt_go(produce, j);
    for (int64_t i = 0; i < j->each * j->goroutines && rt_recv(j->a, &v); i++) {
    }
    rt_waitgroup_wait(&j->left);
    rt_chan_free(&j->a);
}

static void buffered(void *arg, int64_t n)
{
    one_way(arg, n, 128);
}

static int run_buffered(const struct bench_options *o)
{
    return start(&(struct job){.o = o, .name = "chan_buffered", .op = buffered, .goroutines = 1});
}
BENCH_ROW(chan_buffered, "one value through a channel of capacity 128", BENCH_N | BENCH_SECONDS, run_buffered);

static void fan_in(void *arg, int64_t n)
{
    one_way(arg, n, 64);
}

static int run_fan_in(const struct bench_options *o)
{
    int64_t many = o->threads > 0 ? o->threads : 8;
    return start(&(struct job){.o = o, .name = "fan_in", .op = fan_in, .goroutines = many});
}
BENCH_ROW(fan_in, "one value from one of many senders (--threads, 8) over capacity 64",
          BENCH_N | BENCH_SECONDS | BENCH_THREADS, run_fan_in);

/* --- select over two ready channels, the send that makes one ready again included --- */

static void select_two(void *arg, int64_t n)
{
    struct job *j = arg;
    int64_t v = 0;
    j->a = rt_chan_new(sizeof(int64_t), 1);
    j->b = rt_chan_new(sizeof(int64_t), 1);
    rt_send(j->a, &v);
    rt_send(j->b, &v);
    struct rt_case cases[] = {rt_case_recv(j->a, &v), rt_case_recv(j->b, &v)};
    for (int64_t i = 0; i < n; i++)
        rt_send(rt_select(cases, 2, true) == 0 ? j->a : j->b, &v);
    rt_chan_free(&j->a);
    rt_chan_free(&j->b);
}

static int run_select(const struct bench_options *o)
{
    return start(&(struct job){.o = o, .name = "select", .op = select_two, .goroutines = 1});
}
BENCH_ROW(select, "select over two ready channels and a send", BENCH_N | BENCH_SECONDS, run_select);

/* --- mutex --- */

static void lock_unlock(void *arg, int64_t n)
{
    struct job *j = arg;
    for (int64_t i = 0; i < n; i++) {
        rt_mutex_lock(&j->mutex);
        rt_mutex_unlock(&j->mutex);
    }
}

static void lock_often(void *arg)
{
    struct job *j = arg;
    lock_unlock(j, j->each);
    rt_waitgroup_done(&j->left);
}

static void contend(void *arg, int64_t n)
{
    struct job *j = arg;
    j->each = n / j->goroutines + 1;
    rt_waitgroup_add(&j->left, (int)j->goroutines);
    for (int64_t i = 0; i < j->goroutines; i++)
        rt_go(lock_often, j);
    rt_waitgroup_wait(&j->left);
}

static int run_mutex(const struct bench_options *o)
{
    bool alone = o->threads <= 1;
    return start(&(struct job){
        .o = o, .name = "mutex", .op = alone ? lock_unlock : contend, .goroutines = alone ? 1 : o->threads});
}
BENCH_ROW(mutex, "lock and unlock; --threads N: by N goroutines at once", BENCH_N | BENCH_SECONDS | BENCH_THREADS,
          run_mutex);
