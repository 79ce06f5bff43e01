/* blocking.c - what does the bracket around a blocking call cost, and how well do many such calls overlap? Rows gate,
 * blocking_many. Peers: the same programs in Go (bench/go/blocking.go). */
#include "bench/inside.h"

#include <time.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rt/rt.h>
#include <rt/sync.h>

/* --- gate: a system call in the bracket and without, one sample of each in turn --- */

static void raw(void *arg UNUSED, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        syscall(SYS_getppid);
}

static void gated(void *arg UNUSED, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        rt_enter_blocking();
        syscall(SYS_getppid);
        rt_exit_blocking();
    }
}

static void sample(struct bench_run *r, void (*op)(void *arg, int64_t n), int64_t n)
{
    int64_t wall = bench_wall_ns(), cpu = bench_thread_ns();
    op(NULL, n);
    bench_run_add(r, n, bench_wall_ns() - wall, bench_thread_ns() - cpu);
}

static int measure_gate(void *arg)
{
    const struct bench_options *o = arg;
    int64_t n = o->n > 0 ? o->n : 20000, until = bench_wall_ns() + (int64_t)((o->seconds > 0 ? o->seconds : 1) * 1e9);
    static struct bench_run with, without;
    struct bench_line line;
    bench_run_init(&with, o, o->procs > 0 ? o->procs : 1);
    bench_run_init(&without, o, 1);
    do {
        sample(&without, raw, n);
        sample(&with, gated, n);
    } while (with.count < 5 || (bench_wall_ns() < until && with.count < BENCH_SAMPLES_MAX));
    bench_line_open(&line, "gate", &with);
    bench_line_num(&line, "raw_ns", bench_run_cpu_min(&without));
    bench_line_num(&line, "over_ns", bench_run_cpu_min(&with) - bench_run_cpu_min(&without));
    return bench_line_close(&line);
}

static int run_gate(const struct bench_options *o)
{
    struct bench_options mine = *o;
    return bench_inside(o, "gate", measure_gate, &mine);
}
BENCH_ROW(gate, "a system call in the blocking bracket; over_ns: more than the bare call", BENCH_N | BENCH_SECONDS,
          run_gate);

/* --- blocking_many: a thousand goroutines, each in twenty calls of a millisecond --- */

enum { CALLERS = 1000, CALLS = 20, CALL_NS = 1000000 };

static void call_often(void *arg)
{
    struct timespec ms = {.tv_nsec = CALL_NS};
    for (int i = 0; i < CALLS; i++) {
        rt_enter_blocking();
        nanosleep(&ms, NULL);
        rt_exit_blocking();
    }
    rt_waitgroup_done(arg);
}

static void all_call(void *arg UNUSED, int64_t n)
{
    struct rt_waitgroup left = {0};
    for (int64_t i = 0; i < n; i++) {
        rt_waitgroup_add(&left, CALLERS);
        for (int c = 0; c < CALLERS; c++)
            rt_go(call_often, &left);
        rt_waitgroup_wait(&left);
    }
}

static int run_blocking_many(const struct bench_options *o)
{
    return bench_inside_repeat(o, &(struct bench_inside_row){"blocking_many", all_call, NULL, 1});
}
BENCH_ROW(blocking_many, "1000 goroutines in 20 blocking calls of 1 ms each, until all are done",
          BENCH_N | BENCH_SECONDS, run_blocking_many);
