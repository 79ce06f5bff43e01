#include "test.h"

#include "common/base/err.h"
#include "coordinator/core/leases.h"

static struct leases *make(uint64_t epoch, uint64_t mark)
{
    struct leases_config config = {.epoch = epoch, .mark = mark, .lease_ms = 30000, .per_second = 2000};
    return leases_new(&config);
}

static struct leases *make_ready(uint64_t epoch, uint64_t mark)
{
    struct leases *l = make(epoch, mark);
    leases_reserved(l, leases_wanted_mark(l));
    return l;
}

static struct lease issue(struct leases *l, struct lease_holder *h)
{
    struct lease out;
    cr_assert_eq(leases_issue(l, h, 1, 0, &out), 0);
    return out;
}

static void finish(struct leases *l, struct lease_holder *h, const struct lease *lease, uint64_t busy_us)
{
    struct lease_done_report r = {lease->id, lease->start, lease->end, lease->end - lease->start, busy_us};
    cr_assert_eq(leases_done(l, h, &r, NULL), 0);
}

Test(leases, nothing_is_issued_beyond_the_durable_mark)
{
    struct leases *l = make(1, 0);
    struct lease_holder h = {0};
    struct lease out;
    cr_assert_eq(leases_issue(l, &h, 1, 0, &out), ERR_STATE);
    cr_assert_eq(leases_wanted_mark(l), LEASES_MARK_STEP);
    leases_reserved(l, LEASES_FIRST_SIZE);
    cr_assert_eq(issue(l, &h).end, LEASES_FIRST_SIZE);
    cr_assert_eq(leases_issue(l, &h, 1, 0, &out), ERR_STATE);
    leases_free(&l);
}

Test(leases, the_mark_is_asked_for_ahead_of_use)
{
    struct leases *l = make_ready(1, 0);
    cr_assert_eq(leases_wanted_mark(l), 0);
    leases_free(&l);
    l = make(1, 0);
    leases_reserved(l, LEASES_MARK_STEP / 2 - 1);
    cr_assert_gt(leases_wanted_mark(l), LEASES_MARK_STEP / 2);
    leases_free(&l);
}

Test(leases, a_lower_mark_changes_nothing)
{
    struct leases *l = make_ready(1, 100);
    leases_reserved(l, 5);
    struct leases_totals t;
    leases_read(l, &t);
    cr_assert_eq(t.reserved, 100 + LEASES_MARK_STEP);
    leases_free(&l);
}

Test(leases, the_end_of_the_counter_is_said_and_not_wrapped)
{
    struct leases *l = make(3, UINT64_MAX - 10);
    cr_assert_eq(leases_wanted_mark(l), UINT64_MAX);
    leases_reserved(l, UINT64_MAX);
    struct lease_holder h = {0};
    struct lease out = issue(l, &h);
    cr_assert_eq(out.start, UINT64_MAX - 10);
    cr_assert_eq(out.end, UINT64_MAX);
    cr_assert_eq(leases_issue(l, &h, 1, 0, &out), ERR_EXHAUSTED);
    cr_assert_eq(leases_wanted_mark(l), 0);
    leases_free(&l);
}

Test(leases, a_holder_has_at_most_three)
{
    struct leases *l = make_ready(1, 0);
    struct lease_holder h = {0};
    struct lease first = issue(l, &h);
    issue(l, &h);
    issue(l, &h);
    struct lease out;
    cr_assert_eq(leases_issue(l, &h, 1, 0, &out), ERR_FULL);
    finish(l, &h, &first, 1000);
    issue(l, &h);
    leases_free(&l);
}

Test(leases, sizes_start_small_grow_fourfold_and_end_at_rate_times_duration)
{
    struct leases *l = make_ready(1, 0);
    struct lease_holder h = {0};
    uint64_t last = 0, rate = 10000000;
    for (int i = 0; i < 30; i++) {
        struct lease lease = issue(l, &h);
        uint64_t size = lease.end - lease.start;
        if (i == 0)
            cr_assert_eq(size, LEASES_FIRST_SIZE);
        else
            cr_assert_leq(size, last * 4);
        last = size;
        finish(l, &h, &lease, size * 1000000 / rate);
    }
    cr_assert_geq(last, rate * 29);
    cr_assert_leq(last, rate * 31);
    leases_free(&l);
}

Test(leases, a_rate_that_falls_shrinks_the_lease_at_once)
{
    struct leases *l = make_ready(1, 0);
    struct lease_holder h = {.last_size = UINT64_C(1) << 32, .rate = 1000};
    struct lease out = issue(l, &h);
    cr_assert_eq(out.end - out.start, LEASES_FIRST_SIZE);
    leases_free(&l);
}

Test(leases, a_holder_that_loses_leases_gets_less)
{
    struct leases *l = make_ready(1, 0);
    struct lease_holder good = {.last_size = UINT64_C(1) << 36, .rate = 1e7, .done = 10};
    struct lease_holder bad = {.last_size = UINT64_C(1) << 36, .rate = 1e7, .lost = 1000};
    struct lease a = issue(l, &good), b = issue(l, &bad);
    cr_assert_gt(a.end - a.start, (b.end - b.start) * 19 / 10);
    cr_assert_geq(b.end - b.start, (uint64_t)(1e7 * 30 / 2));
    leases_free(&l);
}

Test(leases, many_workers_get_longer_leases_up_to_two_minutes)
{
    struct leases *l = make(1, 0);
    cr_assert_eq(leases_duration_ms(l, 1), 30000);
    cr_assert_eq(leases_duration_ms(l, 100000), 50000);
    cr_assert_eq(leases_duration_ms(l, 4000000), 120000);
    leases_free(&l);
}

Test(leases, an_absurd_rate_cannot_take_the_counter)
{
    struct leases *l = make_ready(1, 0);
    struct lease_holder h = {.last_size = UINT64_C(1) << 39, .rate = 1e30};
    struct lease out = issue(l, &h);
    cr_assert_eq(out.end - out.start, LEASES_SIZE_MAX);
    struct lease_holder claims = {.hint = 1e30};
    out = issue(l, &claims);
    cr_assert_leq(out.end - out.start, UINT64_C(1) << 28);
    leases_free(&l);
}

Test(leases, ids_rise_across_epochs)
{
    struct leases *a = make_ready(1, 0), *b = make_ready(2, 0);
    struct lease_holder h = {0}, k = {0};
    issue(a, &h);
    uint64_t last = issue(a, &h).id;
    cr_assert_gt(issue(b, &k).id, last); /* J4 */
    leases_free(&a);
    leases_free(&b);
}

Test(leases, what_ended_is_not_ended_again)
{
    struct leases *l = make_ready(1, 0);
    struct lease_holder h = {0};
    struct lease a = issue(l, &h), b = issue(l, &h);
    finish(l, &h, &a, 1000);
    struct lease_done_report again = {a.id, a.start, a.end, 1, 1};
    cr_assert_eq(leases_done(l, &h, &again, NULL), ERR_STATE);
    cr_assert_eq(leases_return(l, &h, a.id, a.end), ERR_STATE);
    cr_assert_eq(leases_return(l, &h, b.id, b.end + 1), ERR_BAD_RANGE);
    cr_assert_eq(leases_return(l, &h, b.id, b.start + 5), 0);
    cr_assert_eq(leases_return(l, &h, b.id, b.start + 5), ERR_STATE);
    cr_assert_eq(leases_return(l, &h, 12345, 0), ERR_UNKNOWN_LEASE);
    struct lease_done_report unknown = {.id = 12345};
    cr_assert_eq(leases_done(l, &h, &unknown, NULL), ERR_UNKNOWN_LEASE);
    cr_assert_eq(h.live, 0);
    leases_free(&l);
}

Test(leases, a_report_must_fit_its_range)
{
    struct leases *l = make_ready(1, 0);
    struct lease_holder h = {0};
    struct lease a = issue(l, &h);
    struct lease_done_report shifted = {a.id, a.start + 1, a.end, 1, 1};
    cr_assert_eq(leases_done(l, &h, &shifted, NULL), ERR_BAD_RANGE);
    struct lease_done_report longer = {a.id, a.start, a.end + 1, 1, 1};
    cr_assert_eq(leases_done(l, &h, &longer, NULL), ERR_BAD_RANGE);
    struct lease_progress_report before = {a.id, a.start - 1, 5}, beyond = {a.id, a.end + 1, 5};
    cr_assert_eq(leases_progress(l, &h, &before, NULL), ERR_BAD_RANGE);
    cr_assert_eq(leases_progress(l, &h, &beyond, NULL), ERR_BAD_RANGE);
    leases_free(&l);
}

Test(leases, hashes_are_counted_once_and_never_beyond_the_range)
{
    struct leases *l = make_ready(1, 0);
    struct lease_holder h = {0};
    struct lease a = issue(l, &h);
    uint64_t grown = 0;
    struct lease_progress_report r = {a.id, a.start + 10, 10};
    cr_assert_eq(leases_progress(l, &h, &r, &grown), 0);
    cr_assert_eq(grown, 10);
    cr_assert_eq(leases_progress(l, &h, &r, &grown), 0);
    cr_assert_eq(grown, 0);
    r.hashes = UINT64_MAX;
    cr_assert_eq(leases_progress(l, &h, &r, &grown), 0);
    cr_assert_eq(grown, (a.end - a.start) * 16 - 10);
    leases_free(&l);
}

Test(leases, an_expired_lease_is_taken_back_by_its_holder)
{
    struct leases *l = make_ready(1, 0);
    struct lease_holder h = {0};
    struct lease a = issue(l, &h);
    leases_expire(l, &h);
    cr_assert_eq(h.live, 0);
    cr_assert_eq(leases_adopt(l, &h, a.id, a.start + 7, a.end), 0);
    cr_assert_eq(h.live, 1);
    cr_assert_eq(h.lost, 0);
    leases_expire(l, &h);
    finish(l, &h, &a, 100); /* late, but done */
    cr_assert_eq(leases_adopt(l, &h, a.id, a.start, a.end), ERR_UNKNOWN_LEASE);
    struct leases_totals t;
    leases_read(l, &t);
    cr_assert_eq(t.expired, 0);
    cr_assert_eq(t.done, 1);
    cr_assert_eq(t.live, 0);
    leases_free(&l);
}

Test(leases, a_range_of_an_earlier_epoch_is_adopted_below_the_mark_only)
{
    uint64_t old = UINT64_C(1) << LEASES_ID_BITS | 9;
    struct leases *l = make_ready(2, 1000);
    struct lease_holder h = {0};
    cr_assert_eq(leases_adopt(l, &h, old, 500, 1001), ERR_BAD_RANGE);
    cr_assert_eq(leases_adopt(l, &h, old, 500, 500), ERR_BAD_RANGE);
    cr_assert_eq(leases_adopt(l, &h, old, 600, 500), ERR_BAD_RANGE);
    cr_assert_eq(leases_adopt(l, &h, old, 500, 1000), 0);
    cr_assert_eq(leases_adopt(l, &h, old, 500, 1000), 0); /* the same again: still its own */
    cr_assert_eq(h.live, 1);
    cr_assert(leases_held(&h, old, 999));
    cr_assert_not(leases_held(&h, old, 1000));
    leases_free(&l);
}

Test(leases, two_holders_cannot_adopt_overlapping_ranges)
{
    uint64_t old = UINT64_C(1) << LEASES_ID_BITS;
    struct leases *l = make_ready(2, 1000);
    struct lease_holder a = {0}, b = {0};
    cr_assert_eq(leases_adopt(l, &a, old | 1, 100, 200), 0);
    cr_assert_eq(leases_adopt(l, &b, old | 2, 199, 300), ERR_BAD_RANGE); /* J1 */
    cr_assert_eq(leases_adopt(l, &b, old | 2, 50, 101), ERR_BAD_RANGE);
    cr_assert_eq(leases_adopt(l, &b, old | 2, 120, 130), ERR_BAD_RANGE);
    cr_assert_eq(leases_adopt(l, &b, old | 2, 200, 300), 0);
    cr_assert_eq(leases_adopt(l, &b, old | 3, 0, 100), 0);
    leases_expire(l, &a);
    cr_assert_eq(leases_adopt(l, &b, old | 4, 100, 200), 0);
    cr_assert_eq(leases_adopt(l, &a, old | 1, 100, 200), ERR_BAD_RANGE); /* gone to another meanwhile */
    leases_free(&l);
}

Test(leases, an_id_of_this_epoch_that_was_never_given_is_unknown)
{
    struct leases *l = make_ready(2, 1000);
    struct lease_holder h = {0};
    cr_assert_eq(leases_adopt(l, &h, UINT64_C(2) << LEASES_ID_BITS | 77, 1, 5), ERR_UNKNOWN_LEASE);
    cr_assert_eq(leases_adopt(l, &h, UINT64_C(9) << LEASES_ID_BITS, 1, 5), ERR_UNKNOWN_LEASE);
    leases_free(&l);
}

Test(leases, what_was_adopted_and_ended_is_not_adopted_again)
{
    struct leases *l = make_ready(5, 100000);
    struct lease_holder a = {0}, b = {0};
    uint64_t old = UINT64_C(4) << LEASES_ID_BITS;
    cr_assert_eq(leases_adopt(l, &a, old | 1, 100, 200), 0);
    cr_assert_eq(leases_adopt(l, &a, old | 2, 200, 300), 0);
    cr_assert_eq(leases_adopt(l, &a, old | 3, 300, 400), 0);
    struct lease_done_report done = {old | 1, 100, 200, 100, 1000};
    cr_assert_eq(leases_done(l, &a, &done, NULL), 0);
    cr_assert_eq(leases_return(l, &a, old | 2, 250), 0);
    leases_expire(l, &a); /* the third */
    done = (struct lease_done_report){old | 3, 300, 400, 100, 1000};
    cr_assert_eq(leases_done(l, &a, &done, NULL), 0); /* late */
    for (uint64_t at = 100; at < 400; at += 100) {
        cr_assert_eq(leases_adopt(l, &b, old | 9, at + 60, at + 70), ERR_BAD_RANGE);
        cr_assert_eq(leases_adopt(l, &a, old | 9, at, at + 100), ERR_BAD_RANGE);
    }
    cr_assert_eq(leases_adopt(l, &b, old | 9, 400, 500), 0);
    leases_free(&l);
}

Test(leases, a_forger_gets_few_ranges_and_none_that_was_never_issued)
{
    struct leases *l = make_ready(5, UINT64_C(1) << 60);
    struct lease_holder h = {0};
    uint64_t old = UINT64_C(4) << LEASES_ID_BITS;
    cr_assert_eq(leases_adopt(l, &h, 7, 0, 100), ERR_UNKNOWN_LEASE, "there was no epoch 0");
    cr_assert_eq(leases_adopt(l, &h, old | 1, 0, UINT64_C(1) << 60), ERR_BAD_RANGE);
    cr_assert_eq(leases_adopt(l, &h, old | 1, 5, LEASES_SIZE_MAX + 6), ERR_BAD_RANGE);
    for (uint64_t i = 0; i < LEASES_ADOPT_MAX; i++) {
        cr_assert_eq(leases_adopt(l, &h, old | (i + 1), i * 100, i * 100 + 100), 0);
        leases_expire(l, &h);
    }
    cr_assert_eq(leases_adopt(l, &h, old | 99, 5000, 5100), ERR_FULL);
    cr_assert_eq(leases_adopt(l, &h, old | 1, 50, 100), 0, "its own again");
    leases_free(&l);
}

Test(leases, who_claims_more_than_is_believed_gets_no_bigger_leases)
{
    struct leases *l = make_ready(1, 0);
    struct lease_holder liar = {.hint = 1e30, .most = 1e9}, mute = {.most = 1e9};
    for (int i = 0; i < 30; i++) {
        leases_reserved(l, leases_wanted_mark(l));
        struct lease lease = issue(l, &liar);
        cr_assert_leq(lease.end - lease.start, UINT64_C(30000000000));
        finish(l, &liar, &lease, 1); /* done in a microsecond, it says */
        lease = issue(l, &mute);
        cr_assert_leq(lease.end - lease.start, UINT64_C(30000000000));
        finish(l, &mute, &lease, 0); /* does not say how long it took */
    }
    leases_free(&l);
}

Test(leases, the_last_leases_are_remembered_for_late_shares)
{
    struct leases *l = make_ready(1, 0);
    struct lease_holder h = {0};
    struct lease kept[40];
    for (int i = 0; i < 40; i++) {
        leases_reserved(l, leases_wanted_mark(l));
        kept[i] = issue(l, &h);
        finish(l, &h, &kept[i], 1000);
    }
    cr_assert(leases_held(&h, kept[39].id, kept[39].start));
    cr_assert(leases_held(&h, 0, kept[39 - LEASES_KEPT + 1].start));
    cr_assert_not(leases_held(&h, 0, kept[39 - LEASES_KEPT].start));
    cr_assert_not(leases_held(&h, kept[38].id, kept[39].start));
    leases_free(&l);
}

/* --- the property: over random steps and restarts no value is issued twice, and live leases never overlap -----------
 */

enum { HOLDERS = 12, STEPS = 6000, ISSUED_MAX = 20000 };

struct world {
    struct leases *leases;
    struct lease_holder holders[HOLDERS];
    struct lease_holder before[HOLDERS]; /* as the workers remember them across a restart */
    uint64_t epoch, mark;                /* what is durable */
    struct {
        uint64_t start, end;
    } issued[ISSUED_MAX];
    size_t issued_count;
    uint64_t seed;
};

static uint32_t draw(struct world *w, uint32_t n)
{
    w->seed = w->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (uint32_t)(w->seed >> 33) % n;
}

static void note_issue(struct world *w, const struct lease *lease)
{
    cr_assert_lt(lease->start, lease->end);
    cr_assert_leq(lease->end, w->mark, "issued beyond the durable mark");
    if (w->issued_count > 0)
        cr_assert_geq(lease->start, w->issued[w->issued_count - 1].end, "a value was issued twice");
    cr_assert_lt(w->issued_count, ISSUED_MAX);
    w->issued[w->issued_count].start = lease->start;
    w->issued[w->issued_count++].end = lease->end;
}

static void random_issue(struct world *w, struct lease_holder *h)
{
    struct lease out;
    int err = leases_issue(w->leases, h, 1 + draw(w, 50), 0, &out);
    if (err == 0)
        note_issue(w, &out);
    else if (err == ERR_STATE && draw(w, 2)) { /* else the write is lost with the process */
        w->mark = leases_wanted_mark(w->leases);
        leases_reserved(w->leases, w->mark);
    }
}

static void random_end(struct world *w, struct lease_holder *h)
{
    struct lease *l = &h->slots[draw(w, LEASES_KEPT)];
    struct lease_done_report r = {l->id, l->start, l->end, l->end - l->start, 1 + draw(w, 1000000)};
    int err = draw(w, 3) ? leases_done(w->leases, h, &r, NULL) : leases_return(w->leases, h, l->id, l->pos);
    (void)err; /* whatever it says: the invariants are looked at */
}

static void restart(struct world *w)
{
    memcpy(w->before, w->holders, sizeof w->before);
    leases_free(&w->leases);
    memset(w->holders, 0, sizeof w->holders);
    w->epoch++;
    w->leases = make(w->epoch, w->mark);
}

static void random_adopt(struct world *w, size_t who)
{
    const struct lease *l = &w->before[who].slots[draw(w, LEASES_KEPT)];
    if (l->state != LEASE_LIVE)
        return;
    size_t by = draw(w, 4) ? who : draw(w, HOLDERS); /* now and then somebody lies */
    int err = leases_adopt(w->leases, &w->holders[by], l->id, l->pos, l->end);
    (void)err;
}

static void check_disjoint(const struct world *w)
{
    const struct lease *live[HOLDERS * LEASES_LIVE_MAX];
    size_t n = 0;
    for (int i = 0; i < HOLDERS; i++)
        for (int k = 0; k < LEASES_KEPT; k++)
            if (w->holders[i].slots[k].state == LEASE_LIVE) {
                cr_assert_lt(n, ARRAY_LEN(live));
                live[n++] = &w->holders[i].slots[k];
            }
    for (size_t i = 0; i < n; i++)
        for (size_t k = i + 1; k < n; k++)
            cr_assert(live[i]->end <= live[k]->start || live[k]->end <= live[i]->start, "live leases overlap");
}

static void random_step(struct world *w)
{
    size_t who = draw(w, HOLDERS);
    switch (draw(w, 40)) {
    case 0:
        restart(w);
        return;
    case 1:
    case 2:
        leases_expire(w->leases, &w->holders[who]);
        return;
    case 3:
    case 4:
    case 5:
    case 6:
    case 7:
        random_adopt(w, who);
        return;
    default:
        if (draw(w, 2))
            random_issue(w, &w->holders[who]);
        else
            random_end(w, &w->holders[who]);
    }
}

Test(leases, no_value_is_issued_twice_and_live_leases_never_overlap, .timeout = 120)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        struct world *w = calloc(1, sizeof *w);
        w->seed = seed;
        w->epoch = 1;
        w->leases = make(1, 0);
        for (int i = 0; i < STEPS; i++) {
            random_step(w);
            check_disjoint(w);
        }
        cr_assert_gt(w->issued_count, 100);
        leases_free(&w->leases);
        free(w);
    }
}
