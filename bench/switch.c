/* switch.c - what does it cost to give way to another goroutine, and to start one? Rows yield, spawn, spawn_join,
 * spawn_par. Peers: the same programs in Go. */
#include "bench/bench.h"

#include <stdatomic.h>
#include <stdio.h>

#include <rt/rt.h>

/* A row that runs inside the runtime: what it measures, and how its line reads. */
struct job {
    const struct bench_options *o;
    const char *name;
    void (*op)(void *arg, int64_t n);
    int64_t goroutines;
    int64_t each;
    _Atomic(int64_t) left;
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

static void wait_for_all(struct job *j)
{
    while (atomic_load_explicit(&j->left, memory_order_acquire) > 0)
        rt_yield();
}

static void done(void *arg)
{
    struct job *j = arg;
    atomic_fetch_sub_explicit(&j->left, 1, memory_order_release);
}

/* --- yield: the caller and one more per P take turns, so that no yield finds an empty queue --- */

static void yield_on(void *arg)
{
    struct job *j = arg;
    for (int64_t i = 0; i < j->each; i++)
        rt_yield();
    done(j);
}

static void yields(void *arg, int64_t n)
{
    struct job *j = arg;
    j->each = n / j->goroutines + 1;
    atomic_store(&j->left, j->goroutines);
    for (int64_t i = 1; i < j->goroutines; i++)
        rt_go(yield_on, j);
    yield_on(j);
    wait_for_all(j);
}

static int run_yield(const struct bench_options *o)
{
    int64_t procs = o->procs > 0 ? o->procs : 1;
    return start(&(struct job){.o = o, .name = "yield", .op = yields, .goroutines = 2 * procs});
}
BENCH_ROW(yield, "a goroutine yields to another: ns per yield", BENCH_N | BENCH_SECONDS, run_yield);

/* --- spawn: one at a time, run to its end before the next --- */

static void spawn_single(void *arg, int64_t n)
{
    struct job *j = arg;
    for (int64_t i = 0; i < n; i++) {
        atomic_store_explicit(&j->left, 1, memory_order_relaxed);
        rt_go(done, j);
        wait_for_all(j);
    }
}

static int run_spawn(const struct bench_options *o)
{
    return start(&(struct job){.o = o, .name = "spawn", .op = spawn_single, .goroutines = 1});
}
BENCH_ROW(spawn, "start one goroutine and wait for its end", BENCH_N | BENCH_SECONDS, run_spawn);

/* --- spawn_join: batches of 100 --- */

enum { BATCH = 100 };

static void spawn_batches(void *arg, int64_t n)
{
    struct job *j = arg;
    for (int64_t at = 0; at < n; at += BATCH) {
        int64_t batch = n - at < BATCH ? n - at : BATCH;
        atomic_store_explicit(&j->left, batch, memory_order_relaxed);
        for (int64_t i = 0; i < batch; i++)
            rt_go(done, j);
        wait_for_all(j);
    }
}

static int run_spawn_join(const struct bench_options *o)
{
    return start(&(struct job){.o = o, .name = "spawn_join", .op = spawn_batches, .goroutines = BATCH});
}
BENCH_ROW(spawn_join, "start 100 goroutines and wait for all: ns per goroutine", BENCH_N | BENCH_SECONDS,
          run_spawn_join);

/* --- spawn_par: every P starts its share --- */

struct share {
    struct job *job;
    int64_t n;
};

static void spawn_share(void *arg)
{
    struct share *s = arg;
    struct job mine = {.o = s->job->o};
    spawn_batches(&mine, s->n);
    done(s->job);
}

static void spawn_parallel(void *arg, int64_t n)
{
    struct job *j = arg;
    struct share share = {.job = j, .n = n / j->goroutines + 1};
    atomic_store(&j->left, j->goroutines);
    for (int64_t i = 0; i < j->goroutines; i++)
        rt_go(spawn_share, &share);
    wait_for_all(j);
}

static int run_spawn_par(const struct bench_options *o)
{
    struct bench_options both = *o;
    both.procs = o->procs > 0 ? o->procs : 2;
    return start(&(struct job){.o = &both, .name = "spawn_par", .op = spawn_parallel, .goroutines = both.procs});
}
BENCH_ROW(spawn_par, "one goroutine per P starts and joins batches of 100", BENCH_N | BENCH_SECONDS, run_spawn_par);
