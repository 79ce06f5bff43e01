/* battery.h - what every kernel must pass, against the reference hash. A kernel's test file says
 *     KERNEL_BATTERY(kernel_avx2, "avx2")
 * The kernel is found by name in this build's list; its tests are skipped where it is not built or not usable. */
#ifndef TESTS_UNIT_WORKER_KERNEL_BATTERY_H
#define TESTS_UNIT_WORKER_KERNEL_BATTERY_H

#include "test.h"

#include "common/base/bytes.h"
#include "common/hash/sha256.h"
#include "worker/kernel/kernel_select.h"

enum { BATTERY_HITS = 8192, BATTERY_MASK = 0x1fffe000 };

static inline const struct kernel *battery_kernel(const char *name)
{
    for (const struct kernel *const *k = kernel_list(); *k; k++) {
        if (strcmp((*k)->name, name) != 0)
            continue;
        if (!(*k)->usable())
            test_skip("this CPU has no %s", name);
        return *k;
    }
    test_skip("%s is not built here", name);
    return NULL;
}

static inline uint64_t battery_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* A random header; target all ones below its first two bytes, which are top. */
static inline void battery_job(struct kernel_job *job, uint64_t *seed, uint32_t top, int versions)
{
    uint8_t header[KERNEL_HEADER_BYTES], target[32];
    for (size_t i = 0; i < sizeof header; i++)
        header[i] = (uint8_t)battery_random(seed);
    memset(target, 0xff, sizeof target);
    target[0] = (uint8_t)(top >> 8);
    target[1] = (uint8_t)top;
    kernel_job_init(job, header, target);
    cr_assert_eq(kernel_job_roll(job, BATTERY_MASK, versions), versions);
}

/* The header's hash at or below the target, by the reference alone: nothing of worker/kernel is used. */
static inline bool battery_meets(const struct kernel_job *job, uint32_t nonce, int version)
{
    uint8_t header[KERNEL_HEADER_BYTES], hash[32];
    memcpy(header, job->header, sizeof header);
    bytes_put_le32(header, job->version[version]);
    bytes_put_le32(header + 76, nonce);
    sha256_double(hash, header, sizeof header);
    for (int i = 0; i < 32; i++)
        if (hash[31 - i] != job->target[i])
            return hash[31 - i] < job->target[i];
    return true;
}

/* Scans [start, start + count) in one call and holds every hit, and every miss, against the reference. */
static inline size_t battery_exact(const struct kernel *kernel, const struct kernel_job *job, uint32_t start,
                                   uint32_t count)
{
    static struct kernel_hit hits[BATTERY_HITS];
    struct kernel_prepared ready;
    cr_assert_eq(kernel_prepare(&ready, job), 0);
    struct kernel_slice slice = {.start = start, .count = count, .hits = hits, .cap = BATTERY_HITS, .n_hits = 77};
    cr_assert_eq(kernel_scan(kernel, &ready, &slice), count, "all nonces are done");
    size_t n = 0;
    for (uint32_t i = 0; i < count; i++)
        for (int v = 0; v < job->versions; v++) {
            if (!battery_meets(job, start + i, v))
                continue;
            cr_assert(n < slice.n_hits, "a hit is missed");
            cr_assert_eq(hits[n].nonce, start + i, "the next hit by nonce");
            cr_assert_eq(hits[n].version_index, v, "the next hit by version");
            n++;
        }
    cr_assert_eq(n, slice.n_hits, "no hit too many");
    return n;
}

static inline void battery_random_headers(const struct kernel *kernel, int versions)
{
    static const uint32_t tops[] = {0xffff, 0x3fff, 0x0777, 0x00ff, 0x0000};
    uint64_t seed = 0x1d00ffff + (uint64_t)versions;
    size_t hits = 0;
    for (int turn = 0; turn < 10; turn++) {
        struct kernel_job job;
        battery_job(&job, &seed, tops[turn % 5], versions);
        hits += battery_exact(kernel, &job, (uint32_t)battery_random(&seed) >> 1, 200);
    }
    cr_assert_gt(hits, 2 * 200 * (size_t)versions, "the easy targets were met");
}

static inline void battery_all_counts(const struct kernel *kernel)
{
    uint64_t seed = 99;
    for (int versions = 1; versions <= 4; versions += 3) {
        struct kernel_job job;
        battery_job(&job, &seed, 0x7fff, versions);
        for (uint32_t count = 0; count <= 2 * (uint32_t)kernel->lanes + 1; count++)
            battery_exact(kernel, &job, (uint32_t)battery_random(&seed) >> 1, count);
    }
}

static inline void battery_end_of_space(const struct kernel *kernel)
{
    uint64_t seed = 7;
    static struct kernel_hit hits[BATTERY_HITS];
    struct kernel_job job;
    struct kernel_prepared ready;
    battery_job(&job, &seed, 0x7fff, 1);
    for (uint32_t left = 1; left <= 2 * (uint32_t)kernel->lanes + 1; left++) {
        size_t n = battery_exact(kernel, &job, -left, left);
        cr_assert_eq(kernel_prepare(&ready, &job), 0);
        struct kernel_slice slice = {.start = -left, .count = UINT64_MAX, .hits = hits, .cap = BATTERY_HITS};
        cr_assert_eq(kernel_scan(kernel, &ready, &slice), left, "the range is cut at the end");
        cr_assert_eq(slice.n_hits, n, "nothing from beyond the end");
    }
}

/* Takes hits in the smallest buffer there may be, call after call: the same hits as in one call. */
static inline void battery_small_buffer(const struct kernel *kernel, int versions)
{
    enum { COUNT = 150 };
    uint64_t seed = 31;
    struct kernel_job job;
    struct kernel_prepared ready;
    battery_job(&job, &seed, 0x5fff, versions);
    size_t all = battery_exact(kernel, &job, 1000, COUNT), n = 0;
    cr_assert_eq(kernel_prepare(&ready, &job), 0);
    for (uint64_t done = 0; done < COUNT;) {
        struct kernel_hit hits[KERNEL_VERSIONS_MAX];
        struct kernel_slice slice = {
            .start = (uint32_t)(1000 + done), .count = COUNT - done, .hits = hits, .cap = (size_t)versions};
        uint64_t step = kernel_scan(kernel, &ready, &slice);
        cr_assert(step > 0, "each call gets on");
        for (size_t i = 0; i < slice.n_hits; i++) {
            cr_assert(hits[i].nonce - 1000 >= done && hits[i].nonce - 1000 < done + step, "within what is done");
            cr_assert(battery_meets(&job, hits[i].nonce, hits[i].version_index));
        }
        n += slice.n_hits;
        done += step;
    }
    cr_assert_eq(n, all, "none twice, none lost");
}

/* Twenty headers of the real chain, from 2^12 below the nonce that was found in its time. */
static inline void battery_real_headers(const struct kernel *kernel)
{
    enum { BELOW = 1 << 12, HEADERS = 20 };
    size_t len;
    char *data = test_slurp(test_data("bitcoin/mainnet_headers_0_10079.bin"), &len);
    const uint8_t target[32] = {[4] = 0xff, [5] = 0xff};
    for (size_t at = 0, checked = 0; checked < HEADERS; at += 101, checked++) {
        const uint8_t *header = (const uint8_t *)data + KERNEL_HEADER_BYTES * at;
        uint32_t nonce = bytes_le32(header + 76), start = nonce > BELOW ? nonce - BELOW : 0;
        struct kernel_hit hits[2];
        struct kernel_job job;
        struct kernel_prepared ready;
        kernel_job_init(&job, header, target);
        cr_assert_eq(kernel_prepare(&ready, &job), 0);
        struct kernel_slice slice = {.start = start, .count = BELOW + 9, .hits = hits, .cap = 2};
        cr_assert_eq(kernel_scan(kernel, &ready, &slice), BELOW + 9);
        cr_assert_eq(slice.n_hits, 1, "the real nonce, and no other near it");
        cr_assert_eq(hits[0].nonce, nonce);
    }
    free(data);
}

#define KERNEL_BATTERY(suite, kernel_name)                                                                             \
    Test(suite, finds_exactly_the_hits_of_random_headers)                                                              \
    {                                                                                                                  \
        battery_random_headers(battery_kernel(kernel_name), 1);                                                        \
    }                                                                                                                  \
    Test(suite, finds_exactly_the_hits_of_rolled_versions)                                                             \
    {                                                                                                                  \
        for (int k = 2; k <= KERNEL_VERSIONS_MAX; k *= 2)                                                              \
            battery_random_headers(battery_kernel(kernel_name), k);                                                    \
    }                                                                                                                  \
    Test(suite, does_no_more_and_no_less_than_the_count)                                                               \
    {                                                                                                                  \
        battery_all_counts(battery_kernel(kernel_name));                                                               \
    }                                                                                                                  \
    Test(suite, stops_at_the_end_of_the_nonce_space)                                                                   \
    {                                                                                                                  \
        battery_end_of_space(battery_kernel(kernel_name));                                                             \
    }                                                                                                                  \
    Test(suite, loses_no_hit_when_the_buffer_is_small)                                                                 \
    {                                                                                                                  \
        battery_small_buffer(battery_kernel(kernel_name), 1);                                                          \
        battery_small_buffer(battery_kernel(kernel_name), 8);                                                          \
    }                                                                                                                  \
    Test(suite, finds_the_nonces_of_real_headers)                                                                      \
    {                                                                                                                  \
        battery_real_headers(battery_kernel(kernel_name));                                                             \
    }                                                                                                                  \
    Test(suite, passes_the_self_test)                                                                                  \
    {                                                                                                                  \
        char why[KERNEL_WHY_BYTES];                                                                                    \
        cr_assert_eq(kernel_select_test(battery_kernel(kernel_name), why), 0, "%s", why);                              \
        cr_assert_str_eq(why, "");                                                                                     \
    }                                                                                                                  \
    _Static_assert(sizeof(kernel_name) > 1, "a kernel has a name")

#endif
