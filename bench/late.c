/* late.c - how late do sleepers wake when there is more to do than to sleep? Rows sleep_beside, sleepers. Peers: the
 * same programs in Go (bench/go/late.go). */
#include "bench/inside.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include <rt/rt.h>
#include <rt/sync.h>
#include <rt/time.h>

enum { MS = 1000000 };

struct job {
    const struct bench_options *o;
    int64_t n, asked_ns;
    int64_t *late; /* ns, one per sleep */
    _Atomic(int64_t) next;
    _Atomic(bool) stop;
    struct rt_waitgroup left;
};

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int print(struct job *j, const char *name, int64_t wall_ns, int64_t cpu_ns)
{
    struct bench_run run;
    struct bench_line line;
    qsort(j->late, (size_t)j->n, sizeof(*j->late), by_value);
    bench_run_init(&run, j->o, j->o->procs > 0 ? j->o->procs : 1);
    bench_run_add(&run, j->n, wall_ns, cpu_ns);
    bench_line_open(&line, name, &run);
    bench_line_int(&line, "asked_ns", j->asked_ns);
    bench_line_int(&line, "late_p50_ns", j->late[j->n / 2]);
    bench_line_int(&line, "late_p99_ns", j->late[j->n * 99 / 100]);
    bench_line_int(&line, "late_max_ns", j->late[j->n - 1]);
    return bench_line_close(&line);
}

static void sleep_and_note(struct job *j)
{
    int64_t start = rt_now();
    rt_sleep(j->asked_ns);
    j->late[atomic_fetch_add(&j->next, 1)] = rt_now() - start - j->asked_ns;
}

/* --- a sleeper of 1 ms beside two goroutines per P that never stop computing --- */

static void spin(void *arg)
{
    struct job *j = arg;
    while (!atomic_load_explicit(&j->stop, memory_order_relaxed))
        rt_checkpoint();
    rt_waitgroup_done(&j->left);
}

static int measure_beside(void *arg)
{
    struct job *j = arg;
    int spinners = 2 * rt_procs();
    rt_waitgroup_add(&j->left, spinners);
    for (int i = 0; i < spinners; i++)
        rt_go(spin, j);
    int64_t wall = bench_wall_ns(), cpu = bench_cpu_ns();
    for (int64_t i = 0; i < j->n; i++)
        sleep_and_note(j);
    wall = bench_wall_ns() - wall, cpu = bench_cpu_ns() - cpu;
    atomic_store(&j->stop, true);
    rt_waitgroup_wait(&j->left);
    return print(j, "sleep_beside", wall, cpu);
}

/* --- many sleepers at once --- */

static void sleep_once(void *arg)
{
    struct job *j = arg;
    sleep_and_note(j);
    rt_waitgroup_done(&j->left);
}

static void sleep_all(struct job *j)
{
    atomic_store(&j->next, 0);
    rt_waitgroup_add(&j->left, (int)j->n);
    for (int64_t i = 0; i < j->n; i++)
        rt_go(sleep_once, j);
    rt_waitgroup_wait(&j->left);
}

static int measure_sleepers(void *arg)
{
    struct job *j = arg;
    sleep_all(j); /* once before, so that all stacks are there */
    int64_t wall = bench_wall_ns(), cpu = bench_cpu_ns();
    sleep_all(j);
    return print(j, "sleepers", bench_wall_ns() - wall, bench_cpu_ns() - cpu);
}

static int start(struct job *j, const char *name, int (*body)(void *arg))
{
    j->late = calloc((size_t)j->n, sizeof(*j->late));
    if (!j->late) {
        fprintf(stderr, "lode-bench: %s: out of memory for %lld sleeps\n", name, (long long)j->n);
        return 1;
    }
    int status = bench_inside(j->o, name, body, j);
    free(j->late);
    return status;
}

static int run_beside(const struct bench_options *o)
{
    struct job j = {.o = o, .n = o->n > 0 ? o->n : 500, .asked_ns = MS};
    return start(&j, "sleep_beside", measure_beside);
}
BENCH_ROW(sleep_beside, "how late a sleeper of 1 ms wakes beside two goroutines per P that compute", BENCH_N,
          run_beside);

static int run_sleepers(const struct bench_options *o)
{
    struct job j = {.o = o, .n = o->n > 0 ? o->n : 100000, .asked_ns = 10 * MS};
    return start(&j, "sleepers", measure_sleepers);
}
BENCH_ROW(sleepers, "how late 100000 sleepers of 10 ms wake", BENCH_N, run_sleepers);
