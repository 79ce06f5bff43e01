#include "test.h"

#include <pthread.h>

#include <rt/attr.h>

#include "parts/hist.h"

Test(hist, buckets_follow_each_other_without_gap_or_overlap)
{
    cr_assert_eq(rti_hist_start(0), 0);
    for (int i = 0; i < RTI_HIST_BUCKETS; i++) {
        int64_t lo = rti_hist_start(i), hi = rti_hist_start(i + 1);
        cr_assert_lt(lo, hi, "bucket %d", i);
        cr_assert_eq(rti_hist_bucket(lo), i, "its start");
        cr_assert_eq(rti_hist_bucket(hi - 1), i, "its last");
        cr_assert_eq(rti_hist_bucket(lo + (hi - lo) / 2), i, "its middle");
    }
    cr_assert_eq(rti_hist_start(RTI_HIST_BUCKETS), 1ll << (RTI_HIST_MAX_BITS - 1));
}

Test(hist, the_first_are_64_ns_wide_and_later_four_make_a_doubling)
{
    cr_assert_eq(RTI_HIST_BUCKETS, 160);
    cr_assert_eq(rti_hist_start(1), 64);
    cr_assert_eq(rti_hist_start(4), 256);
    cr_assert_eq(rti_hist_start(8), 512);
    cr_assert_eq(rti_hist_start(9), 640);
    cr_assert_eq(rti_hist_start(12), 1024);
    cr_assert_eq(rti_hist_bucket(511), 7);
    cr_assert_eq(rti_hist_bucket(1000000), rti_hist_bucket(1048575));
}

Test(hist, what_lies_outside_is_counted_apart)
{
    static struct rti_hist h;
    cr_assert_eq(rti_hist_bucket(-1), -1);
    cr_assert_eq(rti_hist_bucket(INT64_MAX), RTI_HIST_BUCKETS);
    rti_hist_add(&h, -5);
    rti_hist_add(&h, INT64_MAX);
    rti_hist_add(&h, 100);
    cr_assert_eq(load_rlx(&h.under), 1);
    cr_assert_eq(load_rlx(&h.over), 1);
    cr_assert_eq(load_rlx(&h.count[1]), 1);
    cr_assert_eq(rti_hist_total(&h), 3);
}

Test(hist, quantiles_are_starts_of_buckets)
{
    static struct rti_hist h;
    cr_assert_eq(rti_hist_quantile(&h, 0.5), -1);
    for (int i = 0; i < 99; i++)
        rti_hist_add(&h, 1100);
    rti_hist_add(&h, 1 << 20);
    cr_assert_eq(rti_hist_quantile(&h, 0), 1024);
    cr_assert_eq(rti_hist_quantile(&h, 0.5), 1024);
    cr_assert_eq(rti_hist_quantile(&h, 0.995), 1 << 20);
    cr_assert_eq(rti_hist_quantile(&h, 1), 1 << 20);
    rti_hist_add(&h, INT64_MAX);
    cr_assert_eq(rti_hist_quantile(&h, 1), rti_hist_start(RTI_HIST_BUCKETS));
}

static struct rti_hist shared;
static void *add_many(void *arg)
{
    for (int64_t i = 0; i < 10000; i++)
        rti_hist_add(&shared, i);
    return arg;
}

Test(hist, threads_lose_no_count)
{
    pthread_t t[3];
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        cr_assert_eq(pthread_create(&t[i], NULL, add_many, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        pthread_join(t[i], NULL);
    cr_assert_eq(rti_hist_total(&shared), 30000);
}

Test(hist, an_owners_counts_and_merged_ones_are_the_same)
{
    static struct rti_hist a, b;
    const int64_t values[] = {-1, 0, 700, 1 << 20, INT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(values); i++) {
        rti_hist_add(&a, values[i]);
        rti_hist_add_own(&b, values[i]);
    }
    cr_assert_arr_eq((void *)&a, (void *)&b, sizeof a);
    rti_hist_merge(&a, &b);
    cr_assert_eq(rti_hist_total(&a), 2 * ARRAY_LEN(values));
    cr_assert_eq(load_rlx(&a.count[rti_hist_bucket(700)]), 2);
    cr_assert_eq(load_rlx(&a.under), 2);
    cr_assert_eq(load_rlx(&a.over), 2);
}
