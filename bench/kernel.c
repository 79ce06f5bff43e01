/* kernel.c - how many headers a second, and how many cycles each, does every kernel hash, alone and with rolled
 * versions?
 *
 * All kernels and version counts take turns in slices of about 0.4 ms, by CPU time of the thread, so that a busy
 * neighbour spoils all alike. Each slice stands between two probes of the core's clock (a chain of dependent
 * multiplications); a slice whose two probes differ by over 1 % is dropped. The 5th percentile is what the core can do,
 * the median what it did. With --procs N, N threads do this at once, and mhs is their sum. */
#include "bench/bench.h"

#include "worker/kernel/kernel_select.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

enum { COMBINATIONS_MAX = KERNEL_MENU_MAX * 5, SLICE_NS = 400000, VERSION_MASK = 0x1fffe000, THREADS_MAX = 64 };

/* One kernel with one number of versions, on one thread. */
struct combination {
    const struct kernel *kernel;
    struct kernel_prepared ready;
    uint64_t nonces; /* in a slice */
    uint32_t at;     /* where the next slice starts */
    struct bench_run run;
    double cycles[BENCH_SAMPLES_MAX]; /* per hash, of run.sample[i] */
    size_t dropped;
};

struct rotation {
    pthread_t thread;
    size_t count;
    struct combination *combination;
    int64_t until_ns;
};

/* GHz of this core now: 64-bit multiplications in a chain, 3 cycles each on x86-64 (Intel since Nehalem, AMD Zen). The
 * quickest of three, as an interrupt only ever makes one longer. */
static double clock_ghz(void)
{
    enum { STEPS = 4000, LATENCY = 3 };
    int64_t least = INT64_MAX;
    for (int turn = 0; turn < 3; turn++) {
        uint64_t x = 1;
        int64_t start = bench_wall_ns();
        for (int i = 0; i < STEPS; i += 8) {
            for (int j = 0; j < 8; j++) {
                x *= 0x9e3779b97f4a7c15u;
                __asm__ volatile("" : "+r"(x));
            }
        }
        int64_t took = bench_wall_ns() - start;
        least = took < least ? took : least;
    }
    return (double)STEPS * LATENCY / (double)least;
}

static void one_slice(struct combination *c)
{
    struct kernel_hit hits[KERNEL_VERSIONS_MAX];
    struct kernel_slice slice = {.start = c->at, .count = c->nonces, .hits = hits, .cap = KERNEL_VERSIONS_MAX};
    double before = clock_ghz();
    int64_t wall = bench_wall_ns(), cpu = bench_thread_ns();
    uint64_t done = kernel_scan(c->kernel, &c->ready, &slice);
    cpu = bench_thread_ns() - cpu;
    wall = bench_wall_ns() - wall;
    double after = clock_ghz();
    double hashes = (double)done * c->ready.versions;
    c->at += (uint32_t)done;
    if (cpu > 0)
        c->nonces = (uint64_t)((double)done * SLICE_NS / (double)cpu) + 1;
    if (fabs(before - after) > 0.01 * before || cpu < SLICE_NS / 2 || c->run.count == BENCH_SAMPLES_MAX) {
        c->dropped++;
        return;
    }
    c->cycles[c->run.count] = (double)cpu * (before + after) / 2 / hashes;
    bench_run_add(&c->run, (int64_t)hashes, wall, cpu);
}

/* Until the time is up and each has 20 slices; a machine so busy that most are dropped ends it after ten times the
 * time.
 */
static void *rotate(void *arg)
{
    enum { ENOUGH = 20 };
    struct rotation *r = arg;
    int64_t patience_ns = bench_wall_ns();
    patience_ns = r->until_ns + 9 * (r->until_ns - patience_ns);
    for (bool enough = false; !enough;) {
        enough = bench_wall_ns() > r->until_ns;
        for (size_t i = 0; i < r->count; i++) {
            one_slice(&r->combination[i]);
            enough = enough && r->combination[i].run.count >= ENOUGH;
        }
        enough = enough || bench_wall_ns() > patience_ns;
    }
    return NULL;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double quantile(const double *values, size_t n, double q)
{
    double sorted[BENCH_SAMPLES_MAX];
    if (n == 0)
        return NAN;
    memcpy(sorted, values, n * sizeof values[0]);
    qsort(sorted, n, sizeof sorted[0], ascending);
    return sorted[(size_t)(q * (double)(n - 1))];
}

/* Hashes per microsecond of CPU time at quantile q of the time a hash takes. */
static double rate_mhs(const struct combination *c, double q)
{
    double ns[BENCH_SAMPLES_MAX];
    for (size_t i = 0; i < c->run.count; i++)
        ns[i] = (double)c->run.sample[i].cpu_ns / (double)c->run.sample[i].n;
    return 1000 / quantile(ns, c->run.count, q);
}

/* The value of a line of /proc/cpuinfo, "" when there is none. */
static void cpu_field(const char *key, char *out, size_t size)
{
    char line[512];
    FILE *f = fopen("/proc/cpuinfo", "r");
    out[0] = '\0';
    while (f && out[0] == '\0' && fgets(line, sizeof line, f)) {
        const char *value = strstr(line, ": ");
        size_t len = strlen(key);
        if (value && strncmp(line, key, len) == 0 && (line[len] == '\t' || line[len] == ' '))
            snprintf(out, size, "%.*s", (int)strcspn(value + 2, "\n"), value + 2);
    }
    if (f)
        fclose(f);
}

static void describe_cpu(struct bench_line *line)
{
    char name[128], family[16], model[16];
    cpu_field("model name", name, sizeof name);
    cpu_field("cpu family", family, sizeof family);
    cpu_field("model", model, sizeof model);
    bench_line_str(line, "cpu", name);
    bench_line_str(line, "cpu_family", family);
    bench_line_str(line, "cpu_model", model);
}

/* One line for combination i of all threads: the samples are those of the first, the rates are sums. */
static int print_combination(const struct rotation *threads, int count, size_t i)
{
    const struct combination *c = &threads[0].combination[i];
    struct utsname system;
    struct bench_line line;
    double median = 0, best = 0;
    for (int t = 0; t < count; t++) {
        median += rate_mhs(&threads[t].combination[i], 0.5);
        best += rate_mhs(&threads[t].combination[i], 0.05);
    }
    bool known = uname(&system) == 0 && strcmp(system.machine, "x86_64") == 0; /* the latency of a multiplication */
    bench_line_open(&line, "kernel", &c->run);
    bench_line_str(&line, "kernel", c->kernel->name);
    bench_line_int(&line, "lanes", c->kernel->lanes);
    bench_line_int(&line, "versions", c->ready.versions);
    bench_line_num(&line, "mhs", median);
    bench_line_num(&line, "mhs_p5", best);
    bench_line_num(&line, "cycles_p5", known ? quantile(c->cycles, c->run.count, 0.05) : NAN);
    bench_line_num(&line, "cycles_median", known ? quantile(c->cycles, c->run.count, 0.5) : NAN);
    bench_line_num(&line, "ghz", known ? clock_ghz() : NAN);
    bench_line_int(&line, "dropped", (int64_t)c->dropped);
    describe_cpu(&line);
    return bench_line_close(&line);
}

static int add_combination(struct rotation *r, const struct bench_options *o, const struct kernel *kernel, int versions,
                           int procs)
{
    const uint8_t header[KERNEL_HEADER_BYTES] = {0x00, 0x00, 0x00, 0x20}, none[32] = {0};
    struct combination *c = &r->combination[r->count];
    struct kernel_job job;
    kernel_job_init(&job, header, none);
    kernel_job_roll(&job, VERSION_MASK, versions);
    if (kernel_prepare(&c->ready, &job) != 0)
        return 1;
    c->kernel = kernel;
    c->nonces = 1024;
    bench_run_init(&c->run, o, procs);
    r->count++;
    return 0;
}

/* Every ready kernel, or the one named, with every number of versions, or the one named. */
static int fill(struct rotation *r, const struct bench_options *o, const struct kernel_menu *menu, int procs)
{
    r->combination = calloc(COMBINATIONS_MAX, sizeof r->combination[0]);
    if (!r->combination)
        return 1;
    for (size_t i = 0; i < menu->count; i++) {
        const struct kernel_entry *e = &menu->entry[i];
        if (e->state != KERNEL_READY || (o->kernel && strcmp(o->kernel, e->kernel->name) != 0))
            continue;
        for (int k = 1; k <= KERNEL_VERSIONS_MAX; k *= 2)
            if ((o->versions == 0 || o->versions == k) && add_combination(r, o, e->kernel, k, procs) != 0)
                return 1;
    }
    return 0;
}

static int choose(const struct bench_options *o, struct kernel_menu *menu)
{
    const struct kernel *named;
    kernel_select_probe(menu);
    for (size_t i = 0; i < menu->count; i++)
        if (menu->entry[i].state != KERNEL_READY)
            fprintf(stderr, "lode-bench: kernel %s\n", menu->entry[i].why);
    if (!o->kernel || kernel_select_pick(menu, o->kernel, &named) == 0)
        return 0;
    fprintf(stderr, "lode-bench: --kernel: '%s' is not a kernel usable here; there are:", o->kernel);
    for (size_t i = 0; i < menu->count; i++)
        fprintf(stderr, " %s", menu->entry[i].kernel->name);
    fputc('\n', stderr);
    return 2;
}

static int run_threads(struct rotation *threads, int count, double seconds)
{
    int started = 1, status = 0;
    int64_t until = bench_wall_ns() + (int64_t)(seconds * 1e9);
    for (int t = 0; t < count; t++)
        threads[t].until_ns = until;
    while (started < count && pthread_create(&threads[started].thread, NULL, rotate, &threads[started]) == 0)
        started++;
    rotate(&threads[0]);
    for (int t = 1; t < started; t++)
        status |= pthread_join(threads[t].thread, NULL);
    if (started == count && status == 0)
        return 0;
    fprintf(stderr, "lode-bench: kernel: cannot start %d threads\n", count);
    return 1;
}

static int run(const struct bench_options *o)
{
    struct kernel_menu menu;
    struct rotation threads[THREADS_MAX] = {{.count = 0}};
    int procs = o->procs > 0 ? o->procs : 1, status = choose(o, &menu);
    if (procs > THREADS_MAX) {
        fprintf(stderr, "lode-bench: --procs: the kernel row runs at most %d threads\n", THREADS_MAX);
        status = 2;
    }
    for (int t = 0; t < procs && status == 0; t++)
        status = fill(&threads[t], o, &menu, procs);
    if (status == 0)
        status = run_threads(threads, procs, o->seconds > 0 ? o->seconds : 3);
    for (size_t i = 0; i < threads[0].count && status == 0; i++)
        status = print_combination(threads, procs, i);
    for (int t = 0; t < procs && t < THREADS_MAX; t++)
        free(threads[t].combination);
    return status;
}

BENCH_ROW(kernel, "hashes a second and cycles a hash of each mining kernel",
          BENCH_SECONDS | BENCH_KERNEL | BENCH_VERSIONS, run);
