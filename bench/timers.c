/* timers.c - what does a timer cost, and how late is a sleeper woken? Rows timers, afterfunc, sleep. */
#include "bench/bench.h"

#include <stdio.h>
#include <stdlib.h>

#include <rt/rt.h>
#include <rt/sync.h>
#include <rt/time.h>

enum { US = 1000, HOUR = 3600 };
#define FAR_NS (HOUR * INT64_C(1000000000))

struct job {
    const struct bench_options *o;
    int (*body)(struct job *j);
    struct rt_timer **many;
    int64_t count;
    struct rt_waitgroup left;
};

static int in_runtime(void *arg)
{
    struct job *j = arg;
    return j->body(j);
}

static int start(struct job *j, const char *name)
{
    struct rt_config config = {.procs = j->o->procs > 0 ? j->o->procs : 1};
    int status = rt_main(&config, in_runtime, j);
    if (status < 0)
        fprintf(stderr, "lode-bench: %s: the runtime does not start (%d)\n", name, status);
    return status != 0;
}

/* --- create and stop; reset among many --- */

static void create_stop(void *arg UNUSED, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        struct rt_timer *t = rt_timer_new(FAR_NS);
        rt_timer_stop(t);
        rt_timer_free(&t);
    }
}

static void reset_one(void *arg, int64_t n)
{
    struct job *j = arg;
    uint64_t x = 88172645463325252u;
    for (int64_t i = 0; i < n; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        rt_timer_reset(j->many[x % (uint64_t)j->count], FAR_NS + (int64_t)(x >> 40));
    }
}

static int line_of(const struct bench_run *run, const char *what, int64_t count)
{
    struct bench_line line;
    bench_line_open(&line, "timers", run);
    bench_line_str(&line, "what", what);
    bench_line_int(&line, "timers", count);
    return bench_line_close(&line);
}

static int measure_timers(struct job *j)
{
    struct bench_run run;
    bench_repeat(&run, j->o, create_stop, j);
    int bad = line_of(&run, "create_stop", 0);
    j->many = calloc((size_t)j->count, sizeof(*j->many));
    if (!j->many) {
        fprintf(stderr, "lode-bench: timers: out of memory for %lld timers\n", (long long)j->count);
        return 1;
    }
    for (int64_t i = 0; i < j->count; i++)
        j->many[i] = rt_timer_new(FAR_NS + i);
    bench_repeat(&run, j->o, reset_one, j);
    bad |= line_of(&run, "reset", j->count);
    for (int64_t i = 0; i < j->count; i++)
        rt_timer_free(&j->many[i]);
    free(j->many);
    return bad;
}

static int run_timers(const struct bench_options *o)
{
    int64_t count = o->size > 0 ? o->size : 1000000;
    return start(&(struct job){.o = o, .body = measure_timers, .count = count}, "timers");
}
BENCH_ROW(timers, "a timer made, stopped and freed; one reset among many (--size, a million)",
          BENCH_N | BENCH_SECONDS | BENCH_SIZE, run_timers);

/* --- fire and run a goroutine --- */

static void fired(void *arg)
{
    struct job *j = arg;
    rt_waitgroup_done(&j->left);
}

static void fire_all(void *arg, int64_t n)
{
    enum { BATCH = 1000 };
    struct job *j = arg;
    static struct rt_timer *t[BATCH];
    for (int64_t done = 0; done < n; done += BATCH) {
        int batch = n - done < BATCH ? (int)(n - done) : BATCH; /* no more than are counted */
        rt_waitgroup_add(&j->left, batch);
        for (int i = 0; i < batch; i++)
            t[i] = rt_after_func(0, fired, j);
        rt_waitgroup_wait(&j->left);
        for (int i = 0; i < batch; i++)
            rt_timer_free(&t[i]);
    }
}

static int measure_afterfunc(struct job *j)
{
    struct bench_run run;
    struct bench_line line;
    bench_repeat(&run, j->o, fire_all, j);
    bench_line_open(&line, "afterfunc", &run);
    return bench_line_close(&line);
}

static int run_afterfunc(const struct bench_options *o)
{
    return start(&(struct job){.o = o, .body = measure_afterfunc}, "afterfunc");
}
BENCH_ROW(afterfunc, "a timer that fires at once and runs its goroutine", BENCH_N | BENCH_SECONDS, run_afterfunc);

/* --- sleep: how late --- */

enum { SLEEPS_MAX = BENCH_SAMPLES_MAX };

static int measure_sleep(struct job *j)
{
    int64_t ns = j->o->size > 0 ? j->o->size : 100 * US, n = j->o->n > 0 ? j->o->n : 300;
    struct bench_run run;
    struct bench_line line;
    bench_run_init(&run, j->o, j->o->procs > 0 ? j->o->procs : 1);
    for (int64_t i = 0; i < n && i < SLEEPS_MAX; i++) {
        int64_t wall = bench_wall_ns(), cpu = bench_cpu_ns();
        rt_sleep(ns);
        bench_run_add(&run, 1, bench_wall_ns() - wall, bench_cpu_ns() - cpu);
    }
    bench_line_open(&line, "sleep", &run);
    bench_line_int(&line, "asked_ns", ns);
    bench_line_num(&line, "late_p50_ns", bench_run_quantile(&run, 0.5) - (double)ns);
    bench_line_num(&line, "late_p99_ns", bench_run_quantile(&run, 0.99) - (double)ns);
    return bench_line_close(&line);
}

static int run_sleep(const struct bench_options *o)
{
    return start(&(struct job){.o = o, .body = measure_sleep}, "sleep");
}
BENCH_ROW(sleep, "how late a sleeper wakes in an idle process (--size: ns to sleep, 100000)", BENCH_N | BENCH_SIZE,
          run_sleep);
