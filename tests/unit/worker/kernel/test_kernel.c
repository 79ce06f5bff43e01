#include "battery.h"

#include <signal.h>

#include "common/base/err.h"

static const uint8_t easy[32] = {0x7f};

Test(kernel, a_job_starts_with_the_headers_own_version)
{
    uint8_t header[KERNEL_HEADER_BYTES] = {0x04, 0x03, 0x02, 0x01};
    struct kernel_job job;
    kernel_job_init(&job, header, easy);
    cr_assert_eq(job.versions, 1);
    cr_assert_eq(job.version[0], 0x01020304u);
}

Test(kernel, rolled_versions_differ_and_stay_within_the_mask)
{
    uint8_t header[KERNEL_HEADER_BYTES] = {0x00, 0x60, 0x00, 0x20}; /* two bits of the mask are set already */
    struct kernel_job job;
    kernel_job_init(&job, header, easy);
    cr_assert_eq(kernel_job_roll(&job, BATTERY_MASK, 16), 16);
    cr_assert_eq(job.version[0], 0x20006000u, "the first is the header's own");
    for (int i = 0; i < 16; i++) {
        cr_assert_eq((job.version[i] ^ 0x20006000u) & ~(uint32_t)BATTERY_MASK, 0u);
        for (int j = 0; j < i; j++)
            cr_assert_neq(job.version[i], job.version[j]);
    }
}

Test(kernel, the_number_of_versions_follows_mask_and_wish)
{
    uint8_t header[KERNEL_HEADER_BYTES] = {1};
    struct kernel_job job;
    kernel_job_init(&job, header, easy);
    cr_assert_eq(kernel_job_roll(&job, 0, 16), 1, "no bit is free");
    cr_assert_eq(kernel_job_roll(&job, 0x80000001u, 16), 4, "two bits, far apart");
    cr_assert_eq(job.version[3], 0x80000000u, "both flipped");
    cr_assert_eq(kernel_job_roll(&job, BATTERY_MASK, 7), 4, "rounded down");
    cr_assert_eq(kernel_job_roll(&job, BATTERY_MASK, 100), 16, "at most 16");
    cr_assert_eq(kernel_job_roll(&job, BATTERY_MASK, 0), 1, "at least one");
    cr_assert_eq(kernel_job_roll(&job, BATTERY_MASK, -3), 1);
}

Test(kernel, a_wrong_number_of_versions_is_refused)
{
    static const int wrong[] = {-1, 0, 3, 5, 12, 15, 17, 32};
    uint8_t header[KERNEL_HEADER_BYTES] = {1};
    struct kernel_job job;
    struct kernel_prepared ready;
    kernel_job_init(&job, header, easy);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        job.versions = wrong[i];
        cr_assert_eq(kernel_prepare(&ready, &job), ERR_RANGE);
    }
}

Test(kernel, the_hash_of_a_hit_is_the_double_hash_of_its_header)
{
    uint64_t seed = 5;
    uint8_t header[KERNEL_HEADER_BYTES], expected[32], got[32];
    struct kernel_job job;
    struct kernel_prepared ready;
    battery_job(&job, &seed, 0, 4);
    cr_assert_eq(kernel_prepare(&ready, &job), 0);
    memcpy(header, job.header, sizeof header);
    bytes_put_le32(header, job.version[3]);
    bytes_put_le32(header + 76, 0x01020304);
    sha256_double(expected, header, sizeof header);
    kernel_hash(&ready, (struct kernel_hit){.nonce = 0x01020304, .version_index = 3}, got);
    cr_assert_arr_eq(got, expected, 32);
}

/* A sweep that flags everything: the driver must drop what does not meet the target. */
static uint64_t flag_all(const struct kernel_prepared *job, uint32_t nonce, uint64_t groups, uint16_t *mask)
{
    (void)nonce;
    (void)groups;
    for (int v = 0; v < job->versions; v++)
        mask[v] = 0xffff;
    return 1;
}

static bool always(void)
{
    return true;
}

Test(kernel, false_candidates_are_never_reported)
{
    const struct kernel eager = {.name = "eager", .lanes = 16, .usable = always, .sweep = flag_all};
    uint64_t seed = 6;
    struct kernel_job job;
    battery_job(&job, &seed, 0x1fff, 4);
    size_t hits = battery_exact(&eager, &job, 500, 333);
    cr_assert(hits > 0 && hits < 333 * 4);
}

Test(kernel, a_buffer_below_the_number_of_versions_is_a_bug_of_the_caller, .signal = SIGABRT)
{
    uint64_t seed = 8;
    struct kernel_hit hits[2];
    struct kernel_job job;
    struct kernel_prepared ready;
    battery_job(&job, &seed, 0xffff, 4);
    if (kernel_prepare(&ready, &job) != 0)
        return;
    struct kernel_slice slice = {.count = 1, .hits = hits, .cap = 2};
    kernel_scan(kernel_list()[0], &ready, &slice);
}
