/* main.c - lode-bench: reads the command line, runs the rows named (all without a name). */
#include "bench/bench.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, ROWS_MAX = 128 };

/* The two ends of the linker section that BENCH_ROW writes to; weak, so that no row at all links too. */
extern const struct bench_row *const __start_bench_rows[] __attribute__((weak));
extern const struct bench_row *const __stop_bench_rows[] __attribute__((weak));

/* long options without a letter; from 256 so that none is a letter */
enum {
    OPT_PROCS = 256,
    OPT_LIST,
    OPT_SIZE,
    OPT_POINTERS,
    OPT_THREADS,
    OPT_DEPTH,
    OPT_MIB,
    OPT_SECONDS,
    OPT_SHAPE,
    OPT_KERNEL,
    OPT_VERSIONS,
    OPT_SAMPLES
};

static const struct option long_options[] = {{"procs", required_argument, NULL, OPT_PROCS},
                                             {"list", no_argument, NULL, OPT_LIST},
                                             {"size", required_argument, NULL, OPT_SIZE},
                                             {"pointers", required_argument, NULL, OPT_POINTERS},
                                             {"threads", required_argument, NULL, OPT_THREADS},
                                             {"depth", required_argument, NULL, OPT_DEPTH},
                                             {"mib", required_argument, NULL, OPT_MIB},
                                             {"seconds", required_argument, NULL, OPT_SECONDS},
                                             {"shape", required_argument, NULL, OPT_SHAPE},
                                             {"kernel", required_argument, NULL, OPT_KERNEL},
                                             {"versions", required_argument, NULL, OPT_VERSIONS},
                                             {"samples", no_argument, NULL, OPT_SAMPLES},
                                             {"help", no_argument, NULL, 'h'},
                                             {"version", no_argument, NULL, 'V'},
                                             {NULL, 0, NULL, 0}};

static const char usage_text[] =
    "usage: lode-bench [NAME...] [options]\n"
    "Runs the rows named, or all of them; one JSON object a line on standard output.\n"
    "  --list             the rows, one a line, and what they measure\n"
    "  --procs N          processors of the runtime (GOMAXPROCS), or threads of a row without one\n"
    "  -n N               operations per sample\n"
    "  --seconds S        how long to measure a row, about\n"
    "  --samples          every sample in the line, not only median, least and 95th percentile\n"
    "  --size BYTES  --pointers N  --threads N  --depth N  --mib N  --shape random|tree|flat\n"
    "  --kernel NAME  --versions K\n"
    "                     where a row uses them; --list says which\n"
    "  --help  --version\n";

/* Digits only, within [min, max]. */
static bool read_int(const char *text, int64_t min, int64_t max, int64_t *out)
{
    char *end;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || text[0] == ' ' || v < min || v > max)
        return false;
    *out = v;
    return true;
}

static int refuse(const char *flag, const char *value, const char *wanted)
{
    fprintf(stderr, "lode-bench: --%s: '%s' is not %s\n", flag, value, wanted);
    return EXIT_USAGE;
}

struct limits {
    int option;
    unsigned use;
    const char *flag, *wanted;
    int64_t min, max;
};

static const struct limits limits[] = {
    {OPT_PROCS, 0, "procs", "a whole number from 1 to 1024", 1, 1024},
    {'n', BENCH_N, "n", "a whole number above 0", 1, INT64_MAX},
    {OPT_SIZE, BENCH_SIZE, "size", "a number of bytes from 1 to 2^40", 1, (int64_t)1 << 40},
    {OPT_POINTERS, BENCH_POINTERS, "pointers", "a whole number from 0 to 2^32", 0, (int64_t)1 << 32},
    {OPT_THREADS, BENCH_THREADS, "threads", "a whole number from 1 to 1024", 1, 1024},
    {OPT_DEPTH, BENCH_DEPTH, "depth", "a whole number from 1 to 2^20", 1, 1 << 20},
    {OPT_MIB, BENCH_MIB, "mib", "a number of MiB from 1 to 2^20", 1, 1 << 20},
    {OPT_VERSIONS, BENCH_VERSIONS, "versions", "1, 2, 4, 8 or 16", 1, 16},
};

static void store_int(struct bench_options *o, int option, int64_t v)
{
    switch (option) {
    case OPT_PROCS:
        o->procs = (int)v;
        break;
    case 'n':
        o->n = v;
        break;
    case OPT_SIZE:
        o->size = v;
        break;
    case OPT_POINTERS:
        o->pointers = v;
        break;
    case OPT_THREADS:
        o->threads = (int)v;
        break;
    case OPT_DEPTH:
        o->depth = (int)v;
        break;
    case OPT_MIB:
        o->mib = v;
        break;
    default:
        o->versions = (int)v;
    }
}

static int read_number(struct bench_options *o, const struct limits *l, unsigned *given)
{
    int64_t v;
    if (!read_int(optarg, l->min, l->max, &v) || (l->option == OPT_VERSIONS && (v & (v - 1)) != 0))
        return refuse(l->flag, optarg, l->wanted);
    store_int(o, l->option, v);
    *given |= l->use;
    return 0;
}

static int read_seconds(struct bench_options *o, unsigned *given)
{
    char *end;
    errno = 0;
    o->seconds = strtod(optarg, &end);
    if (errno != 0 || end == optarg || *end != '\0' || !(o->seconds > 0 && o->seconds <= 86400))
        return refuse("seconds", optarg, "a number above 0 and at most 86400");
    *given |= BENCH_SECONDS;
    return 0;
}

static int read_shape(struct bench_options *o, unsigned *given)
{
    static const char *const names[] = {
        [BENCH_SHAPE_RANDOM] = "random", [BENCH_SHAPE_TREE] = "tree", [BENCH_SHAPE_FLAT] = "flat"};
    for (int i = BENCH_SHAPE_RANDOM; i <= BENCH_SHAPE_FLAT; i++) {
        if (strcmp(optarg, names[i]) == 0) {
            o->shape = (enum bench_shape)i;
            *given |= BENCH_SHAPE;
            return 0;
        }
    }
    return refuse("shape", optarg, "random, tree or flat");
}

struct command {
    struct bench_options options;
    unsigned given; /* BENCH_* of the options on the command line */
    bool list, done;
};

static int read_option(struct command *c, int option)
{
    for (size_t i = 0; i < ARRAY_LEN(limits); i++)
        if (limits[i].option == option)
            return read_number(&c->options, &limits[i], &c->given);
    switch (option) {
    case OPT_LIST:
        c->list = true;
        return 0;
    case OPT_SECONDS:
        return read_seconds(&c->options, &c->given);
    case OPT_SHAPE:
        return read_shape(&c->options, &c->given);
    case OPT_KERNEL:
        c->options.kernel = optarg;
        c->given |= BENCH_KERNEL;
        return 0;
    case OPT_SAMPLES:
        c->options.samples = true;
        return 0;
    case 'h':
    case 'V':
        c->done = true;
        fputs(option == 'h' ? usage_text : "lode-bench " LODE_VERSION "\n", stdout);
        return 0;
    default: /* getopt has said what is wrong */
        fputs("lode-bench: --help shows what there is\n", stderr);
        return EXIT_USAGE;
    }
}

static int by_name(const void *a, const void *b)
{
    const struct bench_row *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

/* All rows, by name: the linker's order means nothing. */
static size_t collect(const struct bench_row **rows)
{
    size_t n = 0;
    for (const struct bench_row *const *p = __start_bench_rows; p < __stop_bench_rows && n < ROWS_MAX; p++)
        rows[n++] = *p;
    qsort(rows, n, sizeof rows[0], by_name);
    return n;
}

static void print_list(const struct bench_row **rows, size_t n)
{
    static const struct {
        unsigned use;
        const char *flag;
    } flags[] = {{BENCH_N, "-n"},
                 {BENCH_SIZE, "--size"},
                 {BENCH_POINTERS, "--pointers"},
                 {BENCH_THREADS, "--threads"},
                 {BENCH_DEPTH, "--depth"},
                 {BENCH_MIB, "--mib"},
                 {BENCH_SECONDS, "--seconds"},
                 {BENCH_SHAPE, "--shape"},
                 {BENCH_KERNEL, "--kernel"},
                 {BENCH_VERSIONS, "--versions"}};
    for (size_t i = 0; i < n; i++) {
        printf("%-16s %s", rows[i]->name, rows[i]->help);
        for (size_t f = 0; f < ARRAY_LEN(flags); f++)
            if (rows[i]->uses & flags[f].use)
                printf(" [%s]", flags[f].flag);
        putchar('\n');
    }
}

/* Keeps the rows named, in the order named; all of them without a name. */
static int choose(const struct bench_row **rows, size_t *n, char **names, size_t count)
{
    const struct bench_row *chosen[ROWS_MAX];
    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++) {
        size_t k = 0;
        while (k < *n && strcmp(rows[k]->name, names[i]) != 0)
            k++;
        if (k == *n || i == ROWS_MAX) {
            fprintf(stderr, "lode-bench: there is no row '%s'; --list shows them\n", names[i]);
            return EXIT_USAGE;
        }
        chosen[i] = rows[k];
    }
    memcpy(rows, chosen, count * sizeof rows[0]);
    *n = count;
    return 0;
}

static void point_out_unused(const struct bench_row **rows, size_t n, unsigned given)
{
    unsigned used = 0;
    for (size_t i = 0; i < n; i++)
        used |= rows[i]->uses;
    if (given & ~used)
        fputs("lode-bench: an option given is not used by any of these rows; --list shows which use what\n", stderr);
}

/* In a child: a row may start the runtime, which a process does once, and leaves its heap behind. */
static int run_apart(const struct bench_row *row, const struct bench_options *o)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        exit(row->run(o));
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        fprintf(stderr, "lode-bench: %s: %m\n", row->name);
        return 1;
    }
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    fprintf(stderr, "lode-bench: %s: killed by signal %d\n", row->name, WTERMSIG(status));
    return 1;
}

static int run_all(const struct bench_row **rows, size_t n, const struct bench_options *o)
{
    if (n == 1)
        return rows[0]->run(o);
    int worst = 0;
    for (size_t i = 0; i < n; i++) {
        int status = run_apart(rows[i], o);
        if (status > worst)
            worst = status;
    }
    return worst;
}

int main(int argc, char **argv)
{
    struct command c = {.options = {.pointers = -1}};
    for (int option; (option = getopt_long(argc, argv, "n:hV", long_options, NULL)) != -1;) {
        int status = read_option(&c, option);
        if (status != 0 || c.done)
            return status;
    }
    const struct bench_row *rows[ROWS_MAX];
    size_t n = collect(rows);
    int status = choose(rows, &n, argv + optind, (size_t)(argc - optind));
    if (status != 0)
        return status;
    if (c.list) {
        print_list(rows, n);
        return 0;
    }
    point_out_unused(rows, n, c.given);
    return run_all(rows, n, &c.options);
}
