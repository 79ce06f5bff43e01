#include <test.h>

#include "worker/hashrate.h"

#define SECOND INT64_C(1000000000)

static bool near(double a, double b)
{
    return a > b * 0.999 && a < b * 1.001;
}

Test(hashrate, is_zero_until_two_samples_are_in)
{
    struct hashrate h = {0};
    cr_assert_eq(hashrate_get(&h, HASHRATE_1M), 0);
    hashrate_sample(&h, SECOND, 1000000);
    cr_assert_eq(hashrate_get(&h, HASHRATE_1M), 0, "what came before the first sample has no duration");
}

Test(hashrate, a_steady_rate_is_exact_over_every_span_from_the_second_sample_on)
{
    struct hashrate h = {0};
    for (int i = 1; i < 20; i++)
        hashrate_sample(&h, i * SECOND / 4, (uint64_t)i * 500);
    for (int s = 0; s < HASHRATE_SPANS; s++)
        cr_assert(near(hashrate_get(&h, (enum hashrate_span)s), 2000));
}

Test(hashrate, short_spans_follow_a_change_faster_than_long_ones)
{
    struct hashrate h = {0};
    uint64_t n = 0;
    int64_t t = SECOND;
    for (int i = 0; i < 900; i++, t += SECOND)
        hashrate_sample(&h, t, n += 1000);
    for (int i = 0; i < 10; i++, t += SECOND)
        hashrate_sample(&h, t, n);
    cr_assert_lt(hashrate_get(&h, HASHRATE_5S), 200);
    cr_assert_lt(hashrate_get(&h, HASHRATE_5S), hashrate_get(&h, HASHRATE_1M));
    cr_assert_lt(hashrate_get(&h, HASHRATE_1M), hashrate_get(&h, HASHRATE_5M));
    cr_assert_lt(hashrate_get(&h, HASHRATE_5M), hashrate_get(&h, HASHRATE_15M));
}

Test(hashrate, uneven_samples_weigh_by_their_time)
{
    struct hashrate even = {0}, uneven = {0};
    for (int i = 1; i <= 60; i++)
        hashrate_sample(&even, i * SECOND, (uint64_t)i * 100);
    hashrate_sample(&uneven, SECOND, 100);
    hashrate_sample(&uneven, 60 * SECOND, 6000);
    cr_assert(near(hashrate_get(&even, HASHRATE_1M), hashrate_get(&uneven, HASHRATE_1M)));
}

Test(hashrate, samples_from_the_past_and_counters_that_fell_are_ignored)
{
    struct hashrate h = {0};
    hashrate_sample(&h, SECOND, 0);
    hashrate_sample(&h, 2 * SECOND, 1000);
    hashrate_sample(&h, 2 * SECOND, 5000);
    hashrate_sample(&h, SECOND, 9000);
    hashrate_sample(&h, 3 * SECOND, 10);
    cr_assert(near(hashrate_get(&h, HASHRATE_5S), 1000));
}
