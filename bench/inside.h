/* inside.h - rows that run on the runtime: start it, measure in its main goroutine. Threads: one, before the runtime
 * starts. Memory: none. */
#ifndef BENCH_INSIDE_H
#define BENCH_INSIDE_H

#include "bench/bench.h"

/* Runs body(arg) as the main goroutine of a runtime with o->procs Ps (1 if not given). Its value; 1 and a line on
 * stderr that names the row when the runtime does not start. */
int bench_inside(const struct bench_options *o, const char *name, int (*body)(void *arg), void *arg);

/* A row whose line needs nothing special: op(arg, n) repeated inside the runtime. units: operations in the reader's eye
 * per op, so that "one tree of 10945 spawns" reads as ns per spawn; 1 otherwise. */
struct bench_inside_row {
    const char *name;
    void (*op)(void *arg, int64_t n);
    void *arg;
    int64_t units;
};
int bench_inside_repeat(const struct bench_options *o, const struct bench_inside_row *row);

#endif
