#include <test.h>

#include "common/base/err.h"
#include "worker/holdings.h"

#define WINDOW (UINT64_C(1) << 32)

static int add(struct holdings *l, uint64_t id, uint64_t start, uint64_t end)
{
    return holdings_add(l, id, 1, 0, (uint64_t[]){start, end});
}

static uint64_t pos_of(struct holdings *l, uint64_t id)
{
    struct holding_state held[HOLDINGS_MAX];
    for (size_t n = holdings_list(l, held); n > 0; n--)
        if (held[n - 1].id == id)
            return held[n - 1].pos;
    return UINT64_MAX;
}

Test(holdings, what_cannot_be_held_is_refused_with_a_reason)
{
    AUTO(holdings_free) struct holdings *l = holdings_new(1);
    cr_assert_eq(add(l, 1, 5, 5), ERR_RANGE);
    cr_assert_eq(add(l, 1, 6, 5), ERR_RANGE);
    cr_assert_eq(add(l, 1, 100, 200), 0);
    cr_assert_eq(add(l, 1, 300, 400), ERR_DUPLICATE);
    cr_assert_eq(add(l, 2, 199, 300), ERR_BAD_RANGE);
    cr_assert_eq(add(l, 2, 0, 101), ERR_BAD_RANGE);
    cr_assert_eq(add(l, 2, 200, 300), 0);
    cr_assert_eq(holdings_add(l, 3, 1, 7, (uint64_t[]){100, 200}), 0, "another search space: its own job");
    for (uint64_t i = 4; holdings_count(l) < HOLDINGS_MAX; i++)
        cr_assert_eq(add(l, i, i * 1000, i * 1000 + 1), 0);
    cr_assert_eq(add(l, 99, 99000, 99001), ERR_FULL);
}

Test(holdings, slices_stay_inside_one_extranonce_and_cover_the_lease_once)
{
    AUTO(holdings_free) struct holdings *l = holdings_new(1);
    cr_assert_eq(add(l, 1, WINDOW - 10, WINDOW + 25), 0);
    struct slice s;
    struct holding done;
    uint64_t next = WINDOW - 10;
    int slices = 0;
    while (holdings_carve(l, 0, 8, &s)) {
        cr_assert_eq(s.start, next);
        cr_assert_eq(s.start >> 32, (s.end - 1) >> 32);
        next = s.end;
        slices++;
        bool complete = holdings_finish(l, 0, s.end - s.start, 5, &done);
        cr_assert_eq(complete, next == WINDOW + 25);
    }
    cr_assert_eq(slices, 6, "8 2 | 8 8 8 1");
    cr_assert_eq(done.hashes, 35);
    cr_assert_eq(done.busy_ns, 30);
    cr_assert_eq(holdings_count(l), 0);
}

Test(holdings, the_position_is_the_lowest_slice_in_flight_whatever_order_they_end_in)
{
    AUTO(holdings_free) struct holdings *l = holdings_new(3);
    cr_assert_eq(add(l, 1, 0, 30), 0);
    struct slice s;
    struct holding done;
    for (size_t m = 0; m < 3; m++)
        cr_assert(holdings_carve(l, m, 10, &s));
    cr_assert_eq(pos_of(l, 1), 0);
    cr_assert_not(holdings_finish(l, 1, 10, 1, &done));
    cr_assert_eq(pos_of(l, 1), 0, "the first is still in flight");
    cr_assert_not(holdings_finish(l, 0, 10, 1, &done));
    cr_assert_eq(pos_of(l, 1), 20);
    cr_assert(holdings_finish(l, 2, 10, 1, &done), "the last slice completes it");
    cr_assert_eq(done.id, 1);
    cr_assert_eq(pos_of(l, 1), UINT64_MAX);
}

Test(holdings, a_slice_that_stopped_early_goes_on_where_it_stopped)
{
    AUTO(holdings_free) struct holdings *l = holdings_new(2);
    cr_assert_eq(add(l, 1, 0, 30), 0);
    struct slice s;
    struct holding done;
    cr_assert_not(holdings_flight(l, 0, &s));
    cr_assert(holdings_carve(l, 0, 20, &s));
    holdings_advance(l, 0, 5, 5, 3);
    cr_assert(holdings_flight(l, 0, &s));
    cr_assert_eq(s.start, 5);
    cr_assert_eq(s.end, 20);
    cr_assert_eq(pos_of(l, 1), 5);
    cr_assert_not(holdings_finish(l, 0, 15, 1, &done));
    cr_assert_not(holdings_flight(l, 0, &s));
    cr_assert(holdings_carve(l, 1, 20, &s));
    cr_assert(holdings_finish(l, 1, 10, 1, &done));
    cr_assert_eq(done.hashes, 30);
    cr_assert_eq(done.busy_ns, 5);
}

Test(holdings, the_next_lease_begins_while_the_last_slices_of_the_one_before_are_out)
{
    AUTO(holdings_free) struct holdings *l = holdings_new(2);
    cr_assert_eq(add(l, 1, 0, 10), 0);
    cr_assert_eq(add(l, 2, 10, 20), 0);
    struct slice a, b;
    struct holding done;
    cr_assert(holdings_carve(l, 0, 10, &a));
    cr_assert(holdings_carve(l, 1, 10, &b));
    cr_assert_eq(b.lease, 2);
    cr_assert_eq(holdings_left(l), 0);
    cr_assert(holdings_finish(l, 1, 10, 1, &done));
    cr_assert_eq(done.id, 2);
    cr_assert(holdings_finish(l, 0, 10, 1, &done));
    cr_assert_eq(done.id, 1);
}

Test(holdings, a_cut_never_ends_below_what_is_already_carved)
{
    AUTO(holdings_free) struct holdings *l = holdings_new(1);
    cr_assert_eq(add(l, 1, 0, 100), 0);
    struct slice s;
    struct holding done;
    uint64_t end = 0;
    cr_assert(holdings_carve(l, 0, 40, &s));
    cr_assert_eq(holdings_cut(l, 9, 50, &end), ERR_UNKNOWN_LEASE);
    cr_assert_eq(holdings_cut(l, 1, 200, &end), 0);
    cr_assert_eq(end, 100, "a cut does not lengthen");
    cr_assert_eq(holdings_cut(l, 1, 70, &end), 0);
    cr_assert_eq(end, 70);
    cr_assert_eq(holdings_cut(l, 1, 10, &end), 0);
    cr_assert_eq(end, 40);
    cr_assert_not(holdings_reap(l, &done), "its slice is in flight");
    cr_assert(holdings_finish(l, 0, 40, 1, &done));
    cr_assert_eq(done.end, 40);
}

Test(holdings, a_cut_that_leaves_nothing_is_reaped)
{
    AUTO(holdings_free) struct holdings *l = holdings_new(1);
    cr_assert_eq(add(l, 1, 10, 100), 0);
    struct holding done;
    uint64_t end = 0;
    cr_assert_not(holdings_reap(l, &done));
    cr_assert_eq(holdings_cut(l, 1, 0, &end), 0);
    cr_assert_eq(end, 10);
    cr_assert(holdings_reap(l, &done));
    cr_assert_eq(done.id, 1);
    cr_assert_eq(holdings_count(l), 0);
}

Test(holdings, a_dropped_lease_lets_its_slices_end_into_nothing)
{
    AUTO(holdings_free) struct holdings *l = holdings_new(1);
    cr_assert_eq(add(l, 1, 0, 100), 0);
    struct slice s;
    struct holding done;
    cr_assert(holdings_carve(l, 0, 10, &s));
    cr_assert_eq(holdings_drop(l, 1), 0);
    cr_assert_eq(holdings_drop(l, 1), ERR_UNKNOWN_LEASE);
    cr_assert_not(holdings_finish(l, 0, 10, 1, &done));
    cr_assert_not(holdings_carve(l, 0, 10, &s));
}

Test(holdings, the_rest_of_a_slice_is_forgotten_with_its_lease)
{
    AUTO(holdings_free) struct holdings *l = holdings_new(1);
    cr_assert_eq(holdings_add(l, 1, 1, 9, (uint64_t[]){0, 100}), 0);
    struct slice s;
    cr_assert(holdings_bound(l, 9));
    cr_assert(holdings_carve(l, 0, 10, &s));
    holdings_advance(l, 0, 4, 4, 1);
    cr_assert_eq(holdings_drop(l, 1), 0);
    cr_assert_not(holdings_bound(l, 9));
    cr_assert_not(holdings_flight(l, 0, &s));
    cr_assert_eq(add(l, 2, 0, 10), 0);
    cr_assert(holdings_carve(l, 0, 10, &s), "and the miner is free again");
}

Test(holdings, many_miners_at_random_hash_every_counter_exactly_once)
{
    enum { MINERS = 5, SPAN = 3000 };
    static uint8_t hashed[SPAN];
    AUTO(holdings_free) struct holdings *l = holdings_new(MINERS);
    struct slice flight[MINERS];
    bool busy[MINERS] = {0};
    uint32_t random = 12345;
    int done_count = 0;
    for (uint64_t i = 0; i < 3; i++)
        cr_assert_eq(add(l, i + 1, i * 1000, (i + 1) * 1000), 0);
    for (int step = 0; step < 100000 && holdings_count(l) > 0; step++) {
        random = random * 1664525 + 1013904223;
        size_t m = random >> 16 & 7;
        struct holding done;
        if (m >= MINERS)
            continue;
        if (!busy[m]) {
            busy[m] = holdings_carve(l, m, 1 + (random >> 24 & 31), &flight[m]);
            continue;
        }
        for (uint64_t c = flight[m].start; c < flight[m].end; c++)
            hashed[c]++;
        busy[m] = false;
        done_count += holdings_finish(l, m, flight[m].end - flight[m].start, 1, &done);
    }
    cr_assert_eq(done_count, 3);
    for (int c = 0; c < SPAN; c++)
        cr_assert_eq(hashed[c], 1, "counter %d", c);
}
