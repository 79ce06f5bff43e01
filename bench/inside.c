/* inside.c - rows that run on the runtime. */
#include "bench/inside.h"

#include <stdio.h>

#include <rt/rt.h>

int bench_inside(const struct bench_options *o, const char *name, int (*body)(void *arg), void *arg)
{
    struct rt_config config = {.procs = o->procs > 0 ? o->procs : 1};
    int status = rt_main(&config, body, arg);
    if (status < 0)
        fprintf(stderr, "lode-bench: %s: the runtime does not start (%d)\n", name, status);
    return status != 0;
}

struct job {
    const struct bench_options *o;
    const struct bench_inside_row *row;
};

static int measure(void *arg)
{
    const struct job *j = arg;
    struct bench_run run;
    struct bench_line line;
    bench_repeat(&run, j->o, j->row->op, j->row->arg);
    bench_line_open(&line, j->row->name, &run);
    bench_line_int(&line, "units", j->row->units);
    return bench_line_close(&line);
}

int bench_inside_repeat(const struct bench_options *o, const struct bench_inside_row *row)
{
    struct job j = {.o = o, .row = row};
    return bench_inside(o, row->name, measure, &j);
}
