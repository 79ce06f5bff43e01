#include "test.h"

#include "coordinator/core/fleet.h"

static struct core_route route(uint16_t n)
{
    return (struct core_route){.len = 5, .id = {0, (uint8_t)n, (uint8_t)(n >> 8)}};
}

static struct worker *add(struct fleet *f, uint16_t n)
{
    uint8_t uuid[16] = {(uint8_t)n, (uint8_t)(n >> 8), 7};
    return fleet_add(f, uuid, n);
}

Test(fleet, rows_are_found_by_uuid_and_by_route_and_nothing_else)
{
    struct fleet f;
    fleet_init(&f, 1000, 99, 0);
    struct worker *rows[1000];
    for (uint16_t i = 0; i < 1000; i++) {
        rows[i] = add(&f, i);
        struct core_route r = route(i);
        fleet_bind(&f, rows[i], &r);
    }
    cr_assert_null(add(&f, 1000));
    for (uint16_t i = 0; i < 1000; i++) {
        struct core_route r = route(i);
        cr_assert_eq(fleet_at(&f, &r), rows[i]);
        cr_assert_eq(fleet_find(&f, rows[i]->uuid), rows[i]);
    }
    struct core_route other = route(1000), none = {0};
    cr_assert_null(fleet_at(&f, &other));
    cr_assert_null(fleet_at(&f, &none));
    cr_assert_eq(f.live, 1000);
    fleet_free(&f);
}

Test(fleet, a_row_that_moves_leaves_its_old_route)
{
    struct fleet f;
    fleet_init(&f, 10, 1, 0);
    struct worker *w = add(&f, 1);
    struct core_route a = route(1), b = route(2), none = {0};
    fleet_bind(&f, w, &a);
    fleet_bind(&f, w, &b);
    cr_assert_null(fleet_at(&f, &a));
    cr_assert_eq(fleet_at(&f, &b), w);
    cr_assert_eq(f.live, 1);
    fleet_bind(&f, w, &none);
    cr_assert_null(fleet_at(&f, &b));
    cr_assert_eq(f.live, 0);
    fleet_free(&f);
}

Test(fleet, the_dropped_live_on_in_the_sums)
{
    struct fleet f;
    fleet_init(&f, 10, 1, 0);
    struct worker *a = add(&f, 1), *b = add(&f, 2);
    a->counts =
        (struct worker_counts){.hashes = 100, .shares = 2, .stale = 3, .rejected = 4, .blocks = 5, .share_work = 6};
    b->counts.hashes = 11;
    struct core_route r = route(2);
    fleet_bind(&f, b, &r);
    b->leases.hint = 50;
    fleet_drop(&f, a);
    struct fleet_sums s;
    fleet_sum(&f, 0, &s);
    cr_assert_eq(s.counts.hashes, 111);
    cr_assert_eq(s.counts.blocks, 5);
    cr_assert_eq(s.counts.share_work, 6);
    cr_assert_eq(s.rate, 50);
    b->hashrate = 70;
    fleet_sum(&f, 0, &s);
    cr_assert_eq(s.rate, 70);
    fleet_free(&f);
}

Test(fleet, wids_are_never_given_twice)
{
    struct fleet f;
    fleet_init(&f, 2, 1, 0);
    uint64_t last = 0;
    for (uint16_t i = 0; i < 50; i++) {
        struct worker *w = add(&f, i);
        cr_assert_gt(w->wid, last);
        last = w->wid;
        fleet_drop(&f, w);
    }
    fleet_free(&f);
}

Test(fleet, the_oldest_away_is_the_one_gone_longest)
{
    struct fleet f;
    fleet_init(&f, 10, 1, 0);
    cr_assert_null(fleet_oldest_away(&f));
    struct worker *a = add(&f, 5), *b = add(&f, 3), *c = add(&f, 1);
    c->state = WORKER_LIVE;
    cr_assert_eq(fleet_oldest_away(&f), b);
    b->state = WORKER_SUSPECT;
    cr_assert_eq(fleet_oldest_away(&f), a);
    fleet_free(&f);
}

Test(fleet, a_rate_follows_the_counts_smoothly)
{
    struct worker w = {0};
    int64_t now = 0;
    for (int i = 0; i < 60; i++) {
        now += INT64_C(1000000000);
        fleet_count_hashes(&w, 1000000, now);
    }
    cr_assert_gt(w.hashrate, 0.99e6);
    cr_assert_lt(w.hashrate, 1.01e6);
    fleet_count_hashes(&w, 5, now + 1000); /* too soon for a new figure, but counted */
    cr_assert_eq(w.counts.hashes, 60000005);
    for (int i = 0; i < 60; i++) {
        now += INT64_C(1000000000);
        fleet_count_hashes(&w, 0, now);
    }
    cr_assert_lt(w.hashrate, 1000);
}

Test(fleet, of_a_rate_no_more_is_believed_than_shares_prove)
{
    static const int64_t s_ns = INT64_C(1000000000);
    struct fleet f;
    struct fleet_sums s;
    fleet_init(&f, 10, 1, 0);
    struct worker *liar = add(&f, 1);
    fleet_bind(&f, liar, &(struct core_route){.len = 5, .id = {1}});
    fleet_hint(liar, UINT64_MAX);
    cr_assert_eq(liar->leases.hint, FLEET_UNPROVEN);
    fleet_hint(liar, 1000);
    fleet_sum(&f, 0, &s);
    cr_assert_eq(s.believed, 1000);
    fleet_sum(&f, (FLEET_HINT_S + 1) * s_ns, &s);
    cr_assert_eq(s.believed, 0, "it had time to be measured");
    liar->hashrate = 1e18;
    fleet_sum(&f, 20 * s_ns, &s);
    cr_assert_eq(s.believed, FLEET_UNPROVEN);
    liar->counts.share_work = 20e12;
    fleet_sum(&f, 20 * s_ns, &s);
    cr_assert_eq(s.believed, FLEET_UNPROVEN + 8e12);
    liar->proved_from = liar->counts.share_work; /* a new session proves anew */
    fleet_sum(&f, 20 * s_ns, &s);
    cr_assert_eq(s.believed, FLEET_UNPROVEN);
    fleet_free(&f);
}
