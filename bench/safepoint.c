/* safepoint.c - how long until the world stands, while goroutines spin in the C library and never look? Row safepoint.
 * Peer: Go's stop-the-world beside a loop without calls (a signal, after up to 10 ms of slice). */
#include "bench/bench.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rt/rt.h>

#include "sched/stopworld.h"

enum { SAMPLES = 20000, BETWEEN_NS = 50000, WARM_UP = 50 };

static _Atomic(int) stop_spinning, spinning;
static size_t (*volatile length)(const char *s) = strlen;

static cpu_set_t ours; /* read before anybody is pinned: threads inherit it */

/* To the i-th CPU we may use, if there are that many: on one CPU the kernel's time slices would be measured. */
static void pin(int i)
{
    cpu_set_t one;
    rt_lock_thread();
    if (i >= CPU_COUNT(&ours))
        return;
    CPU_ZERO(&one);
    for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &ours) && i-- == 0)
            CPU_SET(cpu, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0)
        fprintf(stderr, "lode-bench: safepoint: cannot choose a CPU: %m\n");
}

static void spins(void *arg)
{
    pin((int)(intptr_t)arg);
    atomic_fetch_add(&spinning, 1);
    while (!atomic_load_explicit(&stop_spinning, memory_order_relaxed))
        length("in the C library");
    atomic_fetch_sub(&spinning, 1);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

/* One stop and start; how long until it stood. -1 when it could not be stopped. */
static int64_t stop_once(void)
{
    if (!rti_stopworld_stop(RTI_STOP_TEST))
        return -1;
    int64_t took = rti_stopworld_stood_stw() - rti_stopworld_asked_stw();
    rti_stopworld_start();
    for (int64_t end = bench_wall_ns() + BETWEEN_NS; bench_wall_ns() < end;)
        ;
    return took;
}

static int print(const struct bench_options *o, int procs, int64_t *took, int64_t n)
{
    struct bench_run run;
    struct bench_line line;
    bench_run_init(&run, o, procs);
    qsort(took, (size_t)n, sizeof took[0], by_size);
    bench_run_add(&run, 1, took[n / 2], 0);
    bench_line_open(&line, "safepoint", &run);
    bench_line_int(&line, "stops", n);
    bench_line_int(&line, "p50_ns", took[n / 2]);
    bench_line_int(&line, "p90_ns", took[n * 9 / 10]);
    bench_line_int(&line, "p99_ns", took[n * 99 / 100]);
    bench_line_int(&line, "max_ns", took[n - 1]);
    return bench_line_close(&line);
}

static int measure(void *arg)
{
    static int64_t took[SAMPLES];
    const struct bench_options *o = arg;
    int procs = rt_procs();
    int64_t want = o->n > 0 && o->n < SAMPLES ? o->n : SAMPLES, n = 0;
    int64_t until = bench_wall_ns() + (int64_t)((o->seconds > 0 ? o->seconds : 1.0) * 1e9);
    pin(0);
    for (int i = 1; i < procs; i++)
        rt_go(spins, (void *)(intptr_t)i);
    while (atomic_load(&spinning) < procs - 1)
        rt_yield();
    for (int i = 0; i < WARM_UP; i++)
        stop_once();
    while (n < want && (n < 100 || bench_wall_ns() < until))
        took[n++] = stop_once();
    atomic_store(&stop_spinning, 1);
    while (atomic_load(&spinning) > 0)
        rt_yield();
    return print(o, procs, took, n);
}

static int run(const struct bench_options *o)
{
    struct bench_options mine = *o;
    struct rt_config config = {.procs = o->procs > 0 ? o->procs : 2};
    if (sched_getaffinity(0, sizeof ours, &ours) != 0)
        CPU_ZERO(&ours);
    int status = rt_main(&config, measure, &mine);
    if (status < 0)
        fprintf(stderr, "lode-bench: safepoint: the runtime does not start (%d)\n", status);
    return status != 0;
}
BENCH_ROW(safepoint, "stop the world while all other Ps (--procs, 2) spin in the C library: us until it stands",
          BENCH_N | BENCH_SECONDS, run);
