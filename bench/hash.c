/* hash.c - the bare rate: one kernel in a plain loop on one thread, nothing beside it. What bench/cluster holds a whole
 * worker against: all of the loop's CPU time counts, interrupts and neighbours too, as they do for the worker. */
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "worker/kernel/kernel.h"
#include "worker/kernel/kernel_select.h"

enum { SLICE_NONCES = 1 << 15, NS_PER_MS = 1000000 };

struct loop {
    const struct kernel *kernel;
    struct kernel_prepared ready;
    uint64_t next;
};

/* Hashes n nonces and more, in slices as a worker takes them. */
static void scan(void *arg, int64_t n)
{
    struct loop *l = arg;
    struct kernel_hit hits[KERNEL_VERSIONS_MAX];
    for (int64_t done = 0; done < n;) {
        struct kernel_slice slice = {.start = l->next, .count = SLICE_NONCES, .hits = hits, .cap = KERNEL_VERSIONS_MAX};
        uint64_t did = kernel_scan(l->kernel, &l->ready, &slice);
        done += (int64_t)did;
        l->next = l->next + did < UINT64_C(1) << 32 ? l->next + did : 0;
    }
}

static int prepare(struct loop *l, const struct bench_options *o)
{
    static struct kernel_menu menu;
    const uint8_t header[80] = {1}, none[32] = {0};
    struct kernel_job job;
    kernel_select_probe(&menu);
    if (!o->kernel)
        (void)!kernel_select_measure(&menu, 1, bench_thread_ns);
    int err = kernel_select_pick(&menu, o->kernel ? o->kernel : "auto", &l->kernel);
    if (err < 0) {
        fprintf(stderr, "lode-bench: --kernel: '%s' cannot be used here\n", o->kernel ? o->kernel : "auto");
        return 2;
    }
    kernel_job_init(&job, header, none);
    return kernel_prepare(&l->ready, &job) == 0 ? 0 : 1;
}

static int run(const struct bench_options *o)
{
    struct loop l = {0};
    struct bench_run r;
    int bad = prepare(&l, o);
    if (bad)
        return bad;
    int64_t wall = bench_wall_ns(), cpu = bench_thread_ns(), n = 0;
    double seconds = o->seconds > 0 ? o->seconds : 1;
    for (int64_t until = wall + (int64_t)(seconds * 1000 * NS_PER_MS); bench_wall_ns() < until; n += SLICE_NONCES)
        scan(&l, SLICE_NONCES);
    int64_t cpu_ns = bench_thread_ns() - cpu;
    bench_run_init(&r, o, 1);
    bench_run_add(&r, n, bench_wall_ns() - wall, cpu_ns);
    struct bench_line line;
    bench_line_open(&line, "hash", &r);
    bench_line_str(&line, "kernel", l.kernel->name);
    bench_line_num(&line, "mh_per_cpu_second", cpu_ns > 0 ? (double)n * 1000 / (double)cpu_ns : 0);
    return bench_line_close(&line);
}

BENCH_ROW(hash, "a kernel in a plain loop: hashes per CPU second, all of it counted", BENCH_SECONDS | BENCH_KERNEL,
          run);
