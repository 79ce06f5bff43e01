/* million.c - many goroutines that are parked on one channel: what each costs to start, to keep, to keep when idle for
 * long, and to wake. */
#include "bench/bench.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <rt/chan.h>
#include <rt/rt.h>
#include <rt/sync.h>

enum { MILLION = 1000000, WORDS = 8 };

struct million {
    const struct bench_options *o;
    const char *name;
    int64_t n;
    struct rt_chan *gate;
    struct rt_waitgroup ended;
    _Atomic(int64_t) started, wrong;
    int status;
    bool lite; /* goroutines that share stacks (rt/go.h) */
};

/* Kilobytes of a line of /proc/self/status. */
static int64_t status_kb(const char *key)
{
    char line[256];
    long long kb = 0;
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof line, f))
        if (strncmp(line, key, strlen(key)) == 0 && sscanf(line + strlen(key), ": %lld", &kb) == 1)
            break;
    if (f)
        fclose(f);
    return kb;
}

/* Resident memory and page tables: a stack costs both. */
static int64_t memory_bytes(void)
{
    return (status_kb("VmRSS") + status_kb("VmPTE")) * 1024;
}

static void parked(void *arg)
{
    struct million *m = arg;
    uint64_t id = (uint64_t)atomic_fetch_add(&m->started, 1) + 1, mine[WORDS];
    volatile uint64_t *volatile at = mine; /* the compiler keeps none of it elsewhere */
    for (int i = 0; i < WORDS; i++)
        at[i] = id * 0x9e3779b97f4a7c15u + (uint64_t)i;
    int64_t token = 0;
    bool ok = rt_recv(m->gate, &token) && at == mine;
    for (int i = 0; i < WORDS; i++)
        ok = ok && at[i] == id * 0x9e3779b97f4a7c15u + (uint64_t)i;
    if (!ok || token == 0)
        atomic_fetch_add(&m->wrong, 1);
    rt_waitgroup_done(&m->ended);
}

static void start_all(struct million *m)
{
    struct rt_go_attr attr = {.name = "parked", .stack = RT_STACK_16K, .hibernate = true, .lite = m->lite};
    rt_waitgroup_add(&m->ended, (int)m->n);
    for (int64_t i = 0; i < m->n; i++)
        rt_go_attr(&attr, parked, m);
    while (atomic_load(&m->started) < m->n)
        rt_yield();
    rt_yield(); /* the last one is on its way into the channel */
}

static void wake_all(struct million *m)
{
    for (int64_t i = 1; i <= m->n; i++)
        rt_send(m->gate, &i);
    rt_waitgroup_wait(&m->ended);
}

static double each(const struct million *m, int64_t sum)
{
    return (double)sum / (double)m->n;
}

static int measure(void *arg)
{
    struct million *m = arg;
    struct bench_run run;
    struct bench_line line;
    m->gate = rt_chan_new(sizeof(int64_t), 0);
    bench_run_init(&run, m->o, m->o->procs ? m->o->procs : 1);
    int64_t before = memory_bytes(), wall = bench_wall_ns(), cpu = bench_cpu_ns();
    start_all(m);
    bench_run_add(&run, m->n, bench_wall_ns() - wall, bench_cpu_ns() - cpu);
    int64_t fresh = memory_bytes() - before;
    size_t saved = rt_stacks_trim();
    cpu = bench_cpu_ns();
    saved += rt_stacks_trim();
    int64_t trim_cpu = bench_cpu_ns() - cpu, idle = memory_bytes() - before;
    cpu = bench_cpu_ns();
    wake_all(m);
    int64_t wake_cpu = bench_cpu_ns() - cpu;

    bench_line_open(&line, m->name, &run);
    bench_line_num(&line, "spawn_cpu_ns", each(m, run.sample[0].cpu_ns));
    bench_line_num(&line, "fresh_bytes_each", each(m, fresh));
    bench_line_num(&line, "bytes_each", each(m, idle));
    bench_line_int(&line, "copied_out", (int64_t)saved);
    bench_line_num(&line, "trim_cpu_ns", each(m, trim_cpu));
    bench_line_num(&line, "wake_cpu_ns", each(m, wake_cpu));
    bench_line_int(&line, "wrong", m->wrong);
    m->status = bench_line_close(&line) | (m->wrong != 0);
    rt_chan_free(&m->gate);
    return 0;
}

static int run_parked(const struct bench_options *o, const char *name, int64_t n, bool lite)
{
    struct million m = {.o = o, .name = name, .n = o->n ? o->n : n, .lite = lite};
    struct rt_config config = {.procs = o->procs ? o->procs : 1};
    int err = rt_main(&config, measure, &m);
    if (err < 0)
        fprintf(stderr, "lode-bench: %s: %s\n", name, strerror(-err));
    return err < 0 ? 1 : m.status;
}

static int run_million(const struct bench_options *o)
{
    return run_parked(o, "million", MILLION, false);
}
BENCH_ROW(million, "a million goroutines parked on a channel: start, keep, keep idle, wake", BENCH_N, run_million);

static int run_lite(const struct bench_options *o)
{
    return run_parked(o, "million_lite", MILLION, true);
}
BENCH_ROW(million_lite, "the same with goroutines that share stacks", BENCH_N, run_lite);

static int run_few(const struct bench_options *o)
{
    return run_parked(o, "parked", MILLION / 10, false);
}
BENCH_ROW(parked, "the million for a hundred thousand", BENCH_N, run_few);
