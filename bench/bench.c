/* bench.c - clocks, repetition and the JSON line of lode-bench. */
#include "bench/bench.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t clock_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t bench_wall_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t bench_cpu_ns(void)
{
    return clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

int64_t bench_thread_ns(void)
{
    return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void bench_run_init(struct bench_run *r, const struct bench_options *o, int procs)
{
    r->procs = procs;
    r->raw = o->samples;
    r->count = 0;
}

void bench_run_add(struct bench_run *r, int64_t n, int64_t wall_ns, int64_t cpu_ns)
{
    if (r->count < BENCH_SAMPLES_MAX)
        r->sample[r->count++] = (struct bench_sample){.n = n, .wall_ns = wall_ns, .cpu_ns = cpu_ns};
}

static struct bench_sample measure(void (*op)(void *arg, int64_t n), void *arg, int64_t n)
{
    int64_t cpu = bench_cpu_ns(), wall = bench_wall_ns();
    op(arg, n);
    return (struct bench_sample){.n = n, .wall_ns = bench_wall_ns() - wall, .cpu_ns = bench_cpu_ns() - cpu};
}

/* Doubles n until a call takes a few ms, then scales it to the wanted time. */
static int64_t calibrate(void (*op)(void *arg, int64_t n), void *arg)
{
    enum { ENOUGH_NS = 4000000, WANTED_NS = 20000000 };
    for (int64_t n = 1;; n *= 2) {
        int64_t took = measure(op, arg, n).wall_ns;
        if (took >= WANTED_NS || n >= INT64_MAX / 8)
            return n;
        if (took >= ENOUGH_NS)
            return (int64_t)((double)n * WANTED_NS / (double)took);
    }
}

void bench_repeat(struct bench_run *r, const struct bench_options *o, void (*op)(void *arg, int64_t n), void *arg)
{
    enum { SAMPLES_MIN = 5 };
    bench_run_init(r, o, o->procs > 0 ? o->procs : 1);
    int64_t n = o->n > 0 ? o->n : calibrate(op, arg);
    int64_t until = bench_wall_ns() + (int64_t)((o->seconds > 0 ? o->seconds : 1.0) * 1e9);
    do {
        struct bench_sample s = measure(op, arg, n);
        bench_run_add(r, s.n, s.wall_ns, s.cpu_ns);
    } while (r->count < SAMPLES_MIN || (bench_wall_ns() < until && r->count < BENCH_SAMPLES_MAX));
}

static double per_op(const struct bench_sample *s)
{
    return s->n > 0 ? (double)s->wall_ns / (double)s->n : 0;
}

static int by_time_per_op(const void *a, const void *b)
{
    double x = per_op(a), y = per_op(b);
    return x < y ? -1 : x > y;
}

/* The sample at quantile q; r must have one. */
static struct bench_sample quantile(const struct bench_run *r, double q)
{
    struct bench_sample sorted[BENCH_SAMPLES_MAX];
    memcpy(sorted, r->sample, r->count * sizeof sorted[0]);
    qsort(sorted, r->count, sizeof sorted[0], by_time_per_op);
    return sorted[(size_t)(q * (double)(r->count - 1))];
}

double bench_run_quantile(const struct bench_run *r, double q)
{
    if (r->count == 0)
        return 0;
    struct bench_sample s = quantile(r, q);
    return per_op(&s);
}

double bench_run_cpu_min(const struct bench_run *r)
{
    double least = 0;
    for (size_t i = 0; i < r->count; i++) {
        double each = r->sample[i].n > 0 ? (double)r->sample[i].cpu_ns / (double)r->sample[i].n : 0;
        least = i == 0 || each < least ? each : least;
    }
    return least;
}

PRINTF_LIKE(2, 3) static void put(struct bench_line *l, const char *fmt, ...)
{
    size_t room = sizeof l->text - l->len;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(l->text + l->len, room, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= room)
        l->overflow = true;
    else
        l->len += (size_t)n;
}

static void put_string(struct bench_line *l, const char *s)
{
    put(l, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            put(l, "\\%c", c);
        else if (c < 0x20)
            put(l, "\\u%04x", c);
        else
            put(l, "%c", c);
    }
    put(l, "\"");
}

static void put_key(struct bench_line *l, const char *key)
{
    put(l, ", ");
    put_string(l, key);
    put(l, ": ");
}

static void put_number(struct bench_line *l, double value)
{
    if (isfinite(value))
        put(l, "%.9g", value);
    else
        put(l, "null");
}

void bench_line_int(struct bench_line *l, const char *key, int64_t value)
{
    put_key(l, key);
    put(l, "%lld", (long long)value);
}

void bench_line_num(struct bench_line *l, const char *key, double value)
{
    put_key(l, key);
    put_number(l, value);
}

void bench_line_str(struct bench_line *l, const char *key, const char *value)
{
    put_key(l, key);
    put_string(l, value);
}

void bench_line_bool(struct bench_line *l, const char *key, bool value)
{
    put_key(l, key);
    put(l, value ? "true" : "false");
}

static void put_raw(struct bench_line *l, const struct bench_run *r)
{
    put_key(l, "samples_ns_per_op");
    put(l, "[");
    for (size_t i = 0; i < r->count; i++) {
        put(l, i ? ", " : "");
        put_number(l, per_op(&r->sample[i]));
    }
    put(l, "]");
}

void bench_line_open(struct bench_line *l, const char *name, const struct bench_run *r)
{
    struct bench_sample median = {0};
    if (r->count > 0)
        median = quantile(r, 0.5);
    l->len = 0;
    l->overflow = false;
    put(l, "{\"name\": ");
    put_string(l, name);
    bench_line_int(l, "procs", r->procs);
    bench_line_int(l, "n", median.n);
    bench_line_num(l, "seconds", (double)median.wall_ns / 1e9);
    bench_line_num(l, "cpu_seconds", (double)median.cpu_ns / 1e9);
    bench_line_num(l, "ns_per_op", per_op(&median));
    bench_line_num(l, "ns_min", bench_run_quantile(r, 0));
    bench_line_num(l, "ns_p95", bench_run_quantile(r, 0.95));
    bench_line_num(l, "cpu_ns_min", bench_run_cpu_min(r));
    bench_line_int(l, "samples", (int64_t)r->count);
    if (r->raw)
        put_raw(l, r);
}

int bench_line_close(struct bench_line *l)
{
    put(l, "}\n");
    if (l->overflow) {
        fprintf(stderr, "lode-bench: the line does not fit %zu bytes\n", sizeof l->text);
        return 1;
    }
    if (fwrite(l->text, 1, l->len, stdout) != l->len || fflush(stdout) != 0) {
        fprintf(stderr, "lode-bench: standard output: %m\n");
        return 1;
    }
    return 0;
}
