/* kernel_select.c - self-test, measurement and choice of a kernel. */
#include "worker/kernel/kernel_select.h"

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "worker/kernel/kernel_table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* The header of Bitcoin's block 0 (main network): its hash has 43 leading zero bits. */
static const uint8_t genesis[KERNEL_HEADER_BYTES] = {
    0x01, 0x00, 0x00, 0x00, 0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
    0,    0,    0,    0,    0x3b, 0xa3, 0xed, 0xfd, 0x7a, 0x7b, 0x12, 0xb2, 0x7a, 0xc7, 0x2c, 0x3e,
    0x67, 0x76, 0x8f, 0x61, 0x7f, 0xc8, 0x1b, 0xc3, 0x88, 0x8a, 0x51, 0x32, 0x3a, 0x9f, 0xb8, 0xaa,
    0x4b, 0x1e, 0x5e, 0x4a, 0x29, 0xab, 0x5f, 0x49, 0xff, 0xff, 0x00, 0x1d, 0x1d, 0xac, 0x2b, 0x7c};
enum { GENESIS_NONCE = 2083236893, VERSION_MASK = 0x1fffe000 };

const struct kernel *const *kernel_list(void)
{
    return kernel_table;
}

PRINTF_LIKE(2, 3) static int fail(char *why, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(why, KERNEL_WHY_BYTES, fmt, args);
    va_end(args);
    return ERR_KERNEL;
}

/* splitmix64 (Steele, Lea, Flood 2014): the same headers at every start, so that a refusal can be repeated. */
static uint64_t next_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static int test_genesis(const struct kernel *kernel, char *why)
{
    const uint8_t target[32] = {[4] = 0xff, [5] = 0xff}; /* nBits 0x1d00ffff */
    struct kernel_job job;
    struct kernel_prepared ready;
    struct kernel_hit hits[2];
    kernel_job_init(&job, genesis, target);
    TRY(kernel_prepare(&ready, &job));
    for (uint32_t before = 0; before < 2 * KERNEL_LANES_MAX; before++) {
        struct kernel_slice slice = {.start = GENESIS_NONCE - before, .count = 41, .hits = hits, .cap = 2};
        uint64_t done = kernel_scan(kernel, &ready, &slice);
        if (done != 41 || slice.n_hits != 1 || hits[0].nonce != GENESIS_NONCE)
            return fail(why, "%s: misses the genesis nonce, or finds another (%zu hits)", kernel->name, slice.n_hits);
    }
    return 0;
}

/* a <= b for a hash in wire order and a target, which is big-endian. */
static bool at_or_below(const uint8_t *hash, const uint8_t *target)
{
    for (int i = 0; i < 32; i++)
        if (hash[31 - i] != target[i])
            return hash[31 - i] < target[i];
    return true;
}

enum { TEST_NONCES = 39, TEST_HITS = (TEST_NONCES + KERNEL_LANES_MAX) * KERNEL_VERSIONS_MAX };

/* A range of nonces with the hash of each header in it by the reference. */
struct oracle {
    struct kernel_job job;
    struct kernel_prepared ready;
    uint32_t start, count;
    uint8_t hash[TEST_NONCES][KERNEL_VERSIONS_MAX][32];
};

static int oracle_fill(struct oracle *o, uint64_t *seed, int versions, uint32_t start, uint32_t count)
{
    uint8_t header[KERNEL_HEADER_BYTES], target[32] = {0};
    for (size_t i = 0; i < sizeof header; i += 8)
        bytes_put_le64(header + i, next_random(seed));
    kernel_job_init(&o->job, header, target);
    kernel_job_roll(&o->job, VERSION_MASK, versions);
    TRY(kernel_prepare(&o->ready, &o->job));
    o->start = start;
    o->count = count;
    for (uint32_t i = 0; i < count; i++)
        for (int v = 0; v < versions; v++)
            kernel_hash(&o->ready, (struct kernel_hit){.nonce = start + i, .version_index = (uint8_t)v}, o->hash[i][v]);
    return 0;
}

/* Scans the oracle's range in one call and compares hit by hit. */
static int oracle_compare(struct oracle *o, const struct kernel *kernel, char *why)
{
    struct kernel_hit hits[TEST_HITS];
    struct kernel_slice slice = {.start = o->start, .count = o->count, .hits = hits, .cap = TEST_HITS};
    TRY(kernel_prepare(&o->ready, &o->job));
    uint64_t done = kernel_scan(kernel, &o->ready, &slice);
    size_t n = 0;
    for (uint32_t i = 0; i < o->count; i++)
        for (int v = 0; v < o->job.versions; v++) {
            if (!at_or_below(o->hash[i][v], o->job.target))
                continue;
            if (n >= slice.n_hits || hits[n].nonce != o->start + i || hits[n].version_index != v)
                return fail(why, "%s: misses nonce %u of version %d of %d", kernel->name, o->start + i, v,
                            o->job.versions);
            n++;
        }
    if (n != slice.n_hits || done != o->count)
        return fail(why, "%s: %zu hits and %llu nonces where %zu and %u are right", kernel->name, slice.n_hits,
                    (unsigned long long)done, n, o->count);
    return 0;
}

/* The least hash of the range as target is met by that header alone; one less by none. */
static void least_as_target(struct oracle *o)
{
    memset(o->job.target, 0xff, sizeof o->job.target);
    for (uint32_t i = 0; i < o->count; i++)
        for (int v = 0; v < o->job.versions; v++)
            if (at_or_below(o->hash[i][v], o->job.target))
                for (int b = 0; b < 32; b++)
                    o->job.target[b] = o->hash[i][v][31 - b];
}

static void less_one(uint8_t *target)
{
    int b = 31;
    while (b > 0 && target[b] == 0)
        target[b--] = 0xff;
    target[b]--;
}

/* All hash, one in eight, one in 256, exactly one, none. */
static int test_targets(struct oracle *o, const struct kernel *kernel, char *why)
{
    static const uint8_t tops[] = {0xff, 0x1f, 0x00};
    for (size_t i = 0; i < ARRAY_LEN(tops); i++) {
        memset(o->job.target, 0xff, sizeof o->job.target);
        o->job.target[0] = tops[i];
        TRY(oracle_compare(o, kernel, why));
    }
    least_as_target(o);
    TRY(oracle_compare(o, kernel, why));
    less_one(o->job.target);
    return oracle_compare(o, kernel, why);
}

int kernel_select_test(const struct kernel *kernel, char *why)
{
    static const struct {
        int versions;
        uint32_t start, count;
    } cases[] = {{1, 12345, TEST_NONCES}, {1, UINT32_MAX - 6, 7},    {1, 0, 1},
                 {4, 777, TEST_NONCES},   {16, UINT32_MAX - 18, 19}, {16, 0x80000000u - 5, 17}};
    uint64_t seed = 20090103;
    why[0] = '\0';
    TRY(test_genesis(kernel, why));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct oracle o;
        TRY(oracle_fill(&o, &seed, cases[i].versions, cases[i].start, cases[i].count));
        TRY(test_targets(&o, kernel, why));
    }
    return 0;
}

void kernel_select_probe_list(struct kernel_menu *menu, const struct kernel *const *list)
{
    memset(menu, 0, sizeof *menu);
    for (; *list && menu->count < KERNEL_MENU_MAX; list++) {
        struct kernel_entry *e = &menu->entry[menu->count++];
        e->kernel = *list;
        if (!e->kernel->usable())
            snprintf(e->why, sizeof e->why, "%s: this CPU or its operating system lacks the instructions",
                     e->kernel->name);
        else
            e->state = kernel_select_test(e->kernel, e->why) < 0 ? KERNEL_REFUSED : KERNEL_READY;
    }
}

void kernel_select_probe(struct kernel_menu *menu)
{
    kernel_select_probe_list(menu, kernel_list());
}

int64_t kernel_select_thread_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

enum { BUDGET_NS = 20000000, SLICE_NS = 400000, FIRST_NONCES = 1024, NONCES_MAX = 1 << 20 };

/* One slice of a job that nothing meets; keeps the best rate. Returns the nonces for a slice of SLICE_NS. */
static uint64_t measure_slice(struct kernel_entry *e, const struct kernel_prepared *ready, uint64_t count,
                              int64_t (*now_ns)(void))
{
    struct kernel_hit hits[KERNEL_VERSIONS_MAX];
    struct kernel_slice slice = {.start = 0, .count = count, .hits = hits, .cap = KERNEL_VERSIONS_MAX};
    int64_t start = now_ns();
    uint64_t done = kernel_scan(e->kernel, ready, &slice);
    int64_t took = now_ns() - start;
    if (took <= 0) /* a coarse clock */
        return count < FIRST_NONCES ? 2 * count : count;
    double rate = (double)done * ready->versions * 1e9 / (double)took;
    if (rate > e->hashes_per_second)
        e->hashes_per_second = rate;
    uint64_t next = (uint64_t)((double)done * SLICE_NS / (double)took);
    return next < KERNEL_LANES_MAX ? KERNEL_LANES_MAX : next > NONCES_MAX ? NONCES_MAX : next;
}

int kernel_select_measure(struct kernel_menu *menu, int versions, int64_t (*now_ns)(void))
{
    enum { TURNS_MAX = 1000 }; /* a clock that stands still must not keep us here for ever */
    const uint8_t none[32] = {0};
    struct kernel_job job;
    struct kernel_prepared ready;
    uint64_t count[KERNEL_MENU_MAX] = {0};
    kernel_job_init(&job, genesis, none);
    if (kernel_job_roll(&job, VERSION_MASK, versions) != versions)
        return ERR_RANGE;
    TRY(kernel_prepare(&ready, &job));
    for (size_t i = 0; i < menu->count; i++) {
        menu->entry[i].hashes_per_second = 0;
        count[i] = FIRST_NONCES / (uint64_t)versions;
    }
    int64_t until = now_ns() + BUDGET_NS;
    for (int turn = 0; turn < TURNS_MAX && now_ns() < until; turn++)
        for (size_t i = 0; i < menu->count; i++)
            if (menu->entry[i].state == KERNEL_READY)
                count[i] = measure_slice(&menu->entry[i], &ready, count[i], now_ns);
    return 0;
}

static int pick_named(const struct kernel_menu *menu, const char *name, const struct kernel **out)
{
    for (size_t i = 0; i < menu->count; i++) {
        const struct kernel_entry *e = &menu->entry[i];
        if (strcmp(e->kernel->name, name) != 0)
            continue;
        if (e->state == KERNEL_UNUSABLE)
            return -ENOTSUP;
        if (e->state == KERNEL_REFUSED)
            return ERR_KERNEL;
        *out = e->kernel;
        return 0;
    }
    return ERR_NOT_FOUND;
}

int kernel_select_pick(const struct kernel_menu *menu, const char *name, const struct kernel **out)
{
    if (name && name[0] != '\0' && strcmp(name, "auto") != 0)
        return pick_named(menu, name, out);
    const struct kernel_entry *best = NULL;
    for (size_t i = 0; i < menu->count; i++) {
        const struct kernel_entry *e = &menu->entry[i];
        if (e->state == KERNEL_READY && (!best || e->hashes_per_second > best->hashes_per_second))
            best = e;
    }
    if (!best)
        return ERR_KERNEL;
    *out = best->kernel;
    return 0;
}
