/* swarm.c - runs the programs under many seeds.
 *
 *   seeded_swarm [--from N] [--seeds N] [--parallel SWITCHES] [--list] [PROGRAM...]
 *
 * Each program runs once under each seed N, N+1 ... (64 bits, decimal or after 0x); a run is one rt_main. --parallel:
 * without a seed, on several threads, under these GODEBUG switches; the numbers then only draw the programs' shapes.
 * With a seed in $GODEBUG just that one is run: what a "replay:" line does. One line of JSON at the end; status 2 as
 * the runtime's when something broke. The programs with planted bugs run only when named. */
#include "swarm.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/debugvars.h"
#include "sched/seeded.h"
#include <rt/rt.h>

enum { PROGRAMS_MAX = 64, LINE_MAX_BYTES = 512, HUNG_AFTER_S = 100, SEEDS_MAX = 999999999 };

struct swarm {
    const struct program *programs[PROGRAMS_MAX];
    int n;
    uint64_t from, seeds;
    const char *parallel; /* NULL: seeded */
    const char *binary;
    uint64_t runs, picks, distinct;
    uint64_t *seen; /* a table of order hashes, open addressing; 0: free */
    size_t room;
};

/* --- drawing --- */

uint32_t swarm_draw(struct dice *d, uint32_t n)
{
    uint64_t z = d->state += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 (Steele, Lea, Flood 2014) */
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z >> 32) * n >> 32);
}

int swarm_between(struct dice *d, int lo, int hi)
{
    return lo + (int)swarm_draw(d, (uint32_t)(hi - lo + 1));
}

struct dice swarm_split(struct dice *d)
{
    struct dice child = *d;
    child.state = (uint64_t)swarm_draw(d, UINT32_MAX) << 32 | swarm_draw(d, UINT32_MAX);
    return child;
}

static void sleep_some(struct dice *d)
{
    int64_t ns = swarm_between(d, 0, 3) * d->unit_ns, before = rt_now();
    rt_sleep(ns);
    HOLDS(rt_now() - before >= ns);
}

void swarm_dawdle(struct dice *d)
{
    switch (swarm_draw(d, 8)) {
    case 0:
        rt_yield();
        break;
    case 1:
    case 2:
        rt_checkpoint();
        break;
    case 3:
        if (swarm_draw(d, 4) == 0)
            sleep_some(d);
        break;
    default:
        break;
    }
}

/* --- which programs --- */

static const struct program *const tables[] = {programs_chan, programs_select, programs_sync,
                                               programs_lock, programs_time,   programs_sched,
                                               programs_io,   programs_stacks, programs_planted};
enum { SOUND_TABLES = ARRAY_LEN(tables) - 1 };

static void add(struct swarm *s, const struct program *p)
{
    if (s->n < PROGRAMS_MAX)
        s->programs[s->n++] = p;
}

static void add_all(struct swarm *s)
{
    for (size_t t = 0; t < SOUND_TABLES; t++)
        for (const struct program *p = tables[t]; p->name; p++)
            add(s, p);
}

static bool add_named(struct swarm *s, const char *name)
{
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        for (const struct program *p = tables[t]; p->name; p++)
            if (strcmp(p->name, name) == 0)
                return add(s, p), true;
    return false;
}

static void list(void)
{
    for (size_t t = 0; t < ARRAY_LEN(tables); t++)
        for (const struct program *p = tables[t]; p->name; p++)
            printf("%s%s\n", p->name, t >= SOUND_TABLES ? " (planted bug)" : "");
}

/* --- one run --- */

struct one {
    const struct program *program;
    struct dice dice;
};

static int app(void *arg)
{
    struct one *one = arg;
    one->program->run(&one->dice);
    return 0;
}

static char now_running[LINE_MAX_BYTES]; /* for on_hung and for the replay line */

/* A run that neither ends nor deadlocks. */
static void on_hung(int signo)
{
    (void)signo;
    const char *words[] = {"hung: ", now_running, "\n"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (write(STDERR_FILENO, words[i], strlen(words[i])) < 0)
            break;
    rti_seeded_print_replay();
    _exit(3);
}

/* Counts the order hashes that were not seen before; stops counting when the table is three quarters full. */
static void note_order(struct swarm *s, uint64_t hash)
{
    if (!s->seen || s->distinct > s->room / 4 * 3)
        return;
    size_t at = hash & (s->room - 1);
    for (; s->seen[at]; at = (at + 1) & (s->room - 1))
        if (s->seen[at] == hash)
            return;
    s->seen[at] = hash;
    s->distinct++;
}

static int run_one(struct swarm *s, const struct program *p, uint64_t seed)
{
    uint64_t shape = 0;
    for (const char *c = p->name; *c; c++)
        shape = shape * 31 + (uint64_t)*c;
    struct one one = {p,
                      {.state = shape << 32 ^ seed, .unit_ns = s->parallel ? 3000 : 1000000, .seeded = !s->parallel}};
    char godebug[128];
    /* The seed's own parameters of the runtime, apart from its order. */
    bool tiny = swarm_draw(&one.dice, 4) == 0;
    struct rt_config config = {.procs = swarm_between(&one.dice, 1, 8), .godebug = godebug};
    if (s->parallel)
        snprintf(godebug, sizeof godebug, "%s", s->parallel);
    else
        snprintf(godebug, sizeof godebug, "seed=%llu%s", (unsigned long long)seed, tiny ? ",tinyqueues=1" : "");
    snprintf(now_running, sizeof now_running, "%s %s", s->binary, p->name);
    rti_seeded_replay_as(now_running);
    alarm(HUNG_AFTER_S);
    int got = rt_main(&config, app, &one);
    if (got != 0)
        return fprintf(stderr, "%s: seed %llu: rt_main returned %d\n", p->name, (unsigned long long)seed, got), 1;
    s->runs++;
    if (!s->parallel) {
        s->picks += rti_seeded_steps();
        note_order(s, rti_seeded_hash());
    }
    return 0;
}

static int run_all(struct swarm *s)
{
    for (uint64_t i = 0; i < s->seeds; i++)
        for (int k = 0; k < s->n; k++)
            if (run_one(s, s->programs[k], s->from + i) != 0)
                return 1;
    return 0;
}

/* --- the command line --- */

static int usage(const char *what)
{
    fprintf(stderr,
            "seeded_swarm: %s\nusage: seeded_swarm [--from N] [--seeds N] [--parallel SWITCHES] [--list] "
            "[PROGRAM...]\n",
            what);
    return 1;
}

static bool number(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    if (!text || *text < '0' || *text > '9')
        return false;
    bool hex = text[0] == '0' && (text[1] | 0x20) == 'x';
    *out = strtoull(text, &end, hex ? 16 : 10);
    return !errno && !*end && end != text && *out >= 1;
}

/* The last seed is within 64 bits. */
static bool range(const struct swarm *s)
{
    return s->seeds <= SEEDS_MAX && s->from + (s->seeds - 1) >= s->from;
}

static int read_arguments(struct swarm *s, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--from") == 0 || strcmp(argv[i], "--seeds") == 0) {
            bool from = argv[i][2] == 'f';
            if (!number(argv[++i], from ? &s->from : &s->seeds))
                return usage("--from and --seeds take a number from 1 on");
        } else if (strcmp(argv[i], "--parallel") == 0) {
            if (!(s->parallel = argv[++i]))
                return usage("--parallel takes GODEBUG switches");
        } else if (!add_named(s, argv[i])) {
            return usage("there is no such program; see --list");
        }
    }
    if (!range(s))
        return usage("--seeds is at most 999999999, and the last seed is below 2^64");
    if (s->n == 0)
        add_all(s);
    return 0;
}

/* $GODEBUG names a seed: only that. */
static int read_environment(struct swarm *s)
{
    struct rti_debugvars vars;
    char bad[64];
    rti_debugvars_reset(&vars);
    if (rti_debugvars_parse(&vars, getenv("GODEBUG"), bad, sizeof bad) < 0)
        return usage("GODEBUG is not understood");
    if (vars.seed > 0) {
        s->from = vars.seed;
        s->seeds = 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct swarm s = {.from = 1, .seeds = 100, .binary = argv[0]};
    if (argc == 2 && strcmp(argv[1], "--list") == 0)
        return list(), 0;
    if (read_arguments(&s, argc, argv) || read_environment(&s))
        return 1;
    signal(SIGALRM, on_hung);
    for (s.room = 1024; s.room < 2 * s.seeds * (uint64_t)s.n && s.room < 1 << 22;)
        s.room *= 2;
    s.seen = calloc(s.room, sizeof *s.seen);
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    int failed = run_all(&s);
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
    printf("{\"programs\": %d, \"from\": %llu, \"seeds\": %llu, \"runs\": %llu, \"distinct_orders\": %llu, \"picks\": "
           "%llu, "
           "\"seconds\": %.2f}\n",
           s.n, (unsigned long long)s.from, (unsigned long long)s.seeds, (unsigned long long)s.runs,
           (unsigned long long)s.distinct, (unsigned long long)s.picks, seconds);
    free(s.seen);
    return failed;
}
