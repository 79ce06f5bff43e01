/* bench.h - what a row of lode-bench is written against. Threads: a row's run() has the process for itself (lode-bench
 * runs each row in a child of its own when there are several, so a row may start the runtime). Memory: none of it holds
 * anything for longer than the run.
 *
 * A row in any file of bench/ (no list to edit):
 *
 *     static void op(void *arg, int64_t n) { for (int64_t i = 0; i < n; i++) ...; }     n operations
 *     static int run(const struct bench_options *o)
 *     {
 *         struct bench_run r;
 *         bench_repeat(&r, o, op, NULL);                      chooses n, repeats, takes the median
 *         struct bench_line line;
 *         bench_line_open(&line, "yield", &r);                name, procs, n, seconds, cpu_seconds, ns_per_op, ...
 *         bench_line_int(&line, "goroutines", 2);             what else the row needs
 *         return bench_line_close(&line);
 *     }
 *     BENCH_ROW(yield, "one goroutine yields to another", BENCH_N | BENCH_SECONDS, run);
 *
 * A row on the runtime calls rt_main inside run() and does the above in its main goroutine. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

enum bench_shape { BENCH_SHAPE_DEFAULT, BENCH_SHAPE_RANDOM, BENCH_SHAPE_TREE, BENCH_SHAPE_FLAT };

/* The command line. A number not given is 0 (a row then takes its own default), a string NULL. */
struct bench_options {
    int procs;              /* --procs N: Ps, or threads of a row that has no runtime; 1..1024 */
    int64_t n;              /* -n N: operations (per sample, with bench_repeat) */
    int64_t size;           /* --size BYTES */
    int64_t pointers;       /* --pointers N: pointer words per object; -1 when not given, as 0 is a value */
    int threads;            /* --threads N */
    int depth;              /* --depth N */
    int64_t mib;            /* --mib N */
    double seconds;         /* --seconds S: how long to measure, about */
    enum bench_shape shape; /* --shape random|tree|flat */
    const char *kernel;     /* --kernel NAME */
    int versions;           /* --versions K: 1, 2, 4, 8 or 16 */
    bool samples;           /* --samples: raw samples in the line too */
};

/* Which options a row uses, beside --procs and --samples. One that no chosen row uses is pointed out on stderr. */
enum {
    BENCH_N = 1,
    BENCH_SIZE = 2,
    BENCH_POINTERS = 4,
    BENCH_THREADS = 8,
    BENCH_DEPTH = 16,
    BENCH_MIB = 32,
    BENCH_SECONDS = 64,
    BENCH_SHAPE = 128,
    BENCH_KERNEL = 256,
    BENCH_VERSIONS = 512
};

struct bench_row {
    const char *name, *help;
    unsigned uses;
    /* Prints its line(s). 0; 1 when it failed, 2 when an option's value is wrong: it says so on stderr itself. */
    int (*run)(const struct bench_options *o);
};

/* Rows are collected by the linker: a pointer per row in one section, read by main.c between its two ends. */
#define BENCH_ROW(name_, help_, uses_, run_)                                                                           \
    static const struct bench_row bench_row_##name_ = {                                                                \
        .name = #name_, .help = (help_), .uses = (uses_), .run = (run_)};                                              \
    __attribute__((section("bench_rows"), used)) static const struct bench_row *const bench_entry_##name_ =            \
        &bench_row_##name_

/* Time. CLOCK_MONOTONIC and CLOCK_PROCESS_CPUTIME_ID, nanoseconds. */
int64_t bench_wall_ns(void);
int64_t bench_cpu_ns(void);
/* CPU time of the calling thread, nanoseconds. */
int64_t bench_thread_ns(void);

enum { BENCH_SAMPLES_MAX = 512 };

struct bench_sample {
    int64_t n;
    int64_t wall_ns, cpu_ns; /* of the whole process, all threads */
};

/* What was measured. The line shows the median sample (its n, seconds and cpu_seconds, so ns_per_op = seconds / n), and
 * ns_min, ns_p95, cpu_ns_min and the number of samples. */
struct bench_run {
    int procs;
    bool raw; /* --samples */
    size_t count;
    struct bench_sample sample[BENCH_SAMPLES_MAX];
};

/* An empty run; procs is what the line will say. */
void bench_run_init(struct bench_run *r, const struct bench_options *o, int procs);
/* Adds a sample that the caller measured; beyond BENCH_SAMPLES_MAX it is dropped. */
void bench_run_add(struct bench_run *r, int64_t n, int64_t wall_ns, int64_t cpu_ns);
/* op does n operations. Without o->n, n is grown until one call takes about 20 ms. Then it is called for o->seconds
 * (default 1), at least 5 times. procs of the line: o->procs, or 1. May be called in a goroutine; op may park. */
void bench_repeat(struct bench_run *r, const struct bench_options *o, void (*op)(void *arg, int64_t n), void *arg);
/* Nanoseconds per operation at quantile q (0..1) of the samples; 0 without samples. */
double bench_run_quantile(const struct bench_run *r, double q);
/* The least CPU time per operation of all samples, nanoseconds: what other load on the machine disturbs least. */
double bench_run_cpu_min(const struct bench_run *r);

/* One JSON object on one line of standard output; bounded, keys and strings escaped. */
struct bench_line {
    size_t len;
    bool overflow;
    char text[16384];
};

/* Opens the line with name, procs, n, seconds, cpu_seconds, ns_per_op, ns_min, ns_p95, cpu_ns_min, samples of the run.
 * Times are per operation and wall time but for cpu_*. */
void bench_line_open(struct bench_line *l, const char *name, const struct bench_run *r);
void bench_line_int(struct bench_line *l, const char *key, int64_t value);
void bench_line_num(struct bench_line *l, const char *key, double value); /* null when not finite */
void bench_line_str(struct bench_line *l, const char *key, const char *value);
void bench_line_bool(struct bench_line *l, const char *key, bool value);
/* Closes and prints it. 0, or 1 when it did not fit or standard output failed. */
int bench_line_close(struct bench_line *l);

#endif
