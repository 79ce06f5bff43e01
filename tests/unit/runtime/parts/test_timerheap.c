#include "test.h"

#include "parts/timerheap.h"

enum { MANY = 1000 };

static int fired;
static uint64_t fired_seq;

static void count_firing(void *arg, uint64_t seq)
{
    fired += *(int *)arg;
    fired_seq = seq;
}

/* xorshift: the same sequence in every run. */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static void check_heap(const struct rti_timerheap *h)
{
    for (uint32_t i = 0; i < h->len; i++) {
        cr_assert_eq(h->slots[i].timer->place, i + 1);
        cr_assert_eq(h->slots[i].timer->when_ns, h->slots[i].when_ns);
        if (i > 0)
            cr_assert_leq(h->slots[(i - 1) / 4].when_ns, h->slots[i].when_ns);
    }
}

Test(timerheap, an_empty_heap_has_nothing_due_and_no_deadline)
{
    struct rti_timerheap h = {0};
    struct rti_timer_fire fire;
    cr_assert_eq(rti_timerheap_next(&h), INT64_MAX);
    cr_assert_not(rti_timerheap_pop_due(&h, INT64_MAX, &fire));
    rti_timerheap_free(&h);
}

Test(timerheap, a_timer_is_handed_back_at_its_deadline_and_not_a_nanosecond_before)
{
    struct rti_timerheap h = {0};
    int weight = 7;
    struct rti_timer t = {.when_ns = 100, .fn = count_firing, .arg = &weight, .seq = 42};
    struct rti_timer_fire fire;
    cr_assert(rti_timerheap_add(&h, &t));
    cr_assert_not(rti_timerheap_pop_due(&h, 99, &fire));
    cr_assert(rti_timerheap_pop_due(&h, 130, &fire));
    cr_assert_eq(fire.late_ns, 30);
    cr_assert_eq(t.place, 0);
    fire.fn(fire.arg, fire.seq);
    cr_assert_eq(fired, 7);
    cr_assert_eq(fired_seq, 42);
    cr_assert_not(rti_timerheap_pop_due(&h, 1000, &fire));
    rti_timerheap_free(&h);
}

Test(timerheap, only_a_new_first_deadline_is_reported_as_such)
{
    struct rti_timerheap h = {0};
    struct rti_timer a = {.when_ns = 50}, b = {.when_ns = 60}, c = {.when_ns = 50}, d = {.when_ns = 40};
    cr_assert(rti_timerheap_add(&h, &a));
    cr_assert_not(rti_timerheap_add(&h, &b));
    cr_assert_not(rti_timerheap_add(&h, &c), "an equal deadline needs no new wake-up");
    cr_assert(rti_timerheap_add(&h, &d));
    rti_timerheap_free(&h);
    cr_assert_eq(a.place, 0);
}

Test(timerheap, removing_twice_or_what_was_never_added_says_false)
{
    struct rti_timerheap h = {0};
    struct rti_timer a = {.when_ns = 1}, b = {.when_ns = 2};
    rti_timerheap_add(&h, &a);
    cr_assert_not(rti_timerheap_remove(&h, &b));
    cr_assert(rti_timerheap_remove(&h, &a));
    cr_assert_not(rti_timerheap_remove(&h, &a));
    cr_assert_eq(rti_timerheap_next(&h), INT64_MAX);
    rti_timerheap_free(&h);
}

Test(timerheap, a_periodic_timer_keeps_its_phase_and_skips_what_was_missed)
{
    struct rti_timerheap h = {0};
    struct rti_timer t = {.when_ns = 100, .period_ns = 10};
    struct rti_timer_fire fire;
    rti_timerheap_add(&h, &t);
    cr_assert(rti_timerheap_pop_due(&h, 100, &fire));
    cr_assert_eq(t.when_ns, 110);
    cr_assert(rti_timerheap_pop_due(&h, 147, &fire), "37 late");
    cr_assert_eq(fire.late_ns, 37);
    cr_assert_eq(t.when_ns, 150, "four ticks are one, the phase stays");
    cr_assert_not(rti_timerheap_pop_due(&h, 149, &fire));
    cr_assert(rti_timerheap_pop_due(&h, 150, &fire), "a tick exactly due is not skipped");
    cr_assert_eq(t.when_ns, 160);
    cr_assert(rti_timerheap_remove(&h, &t));
    rti_timerheap_free(&h);
}

Test(timerheap, a_period_beyond_the_end_of_time_stays_at_the_end_of_time)
{
    struct rti_timerheap h = {0};
    struct rti_timer t = {.when_ns = 5, .period_ns = INT64_MAX};
    struct rti_timer_fire fire;
    rti_timerheap_add(&h, &t);
    cr_assert(rti_timerheap_pop_due(&h, 6, &fire));
    cr_assert_eq(t.when_ns, INT64_MAX);
    rti_timerheap_free(&h);
}

Test(timerheap, equal_deadlines_all_come_out)
{
    struct rti_timerheap h = {0};
    static struct rti_timer t[MANY];
    struct rti_timer_fire fire;
    for (int i = 0; i < MANY; i++) {
        t[i].when_ns = 5;
        rti_timerheap_add(&h, &t[i]);
    }
    int n = 0;
    while (rti_timerheap_pop_due(&h, 5, &fire))
        n++;
    cr_assert_eq(n, MANY);
    rti_timerheap_free(&h);
}

/* The model: an array of deadlines, searched from end to end. */
static int model_first(const int64_t *when, int n)
{
    int best = -1;
    for (int i = 0; i < n; i++)
        if (when[i] >= 0 && (best < 0 || when[i] < when[best]))
            best = i;
    return best;
}

static void model_step(struct rti_timerheap *h, struct rti_timer *t, int64_t *model, uint32_t *seed)
{
    int i = (int)(next_random(seed) % MANY);
    uint32_t what = next_random(seed) % 5;
    if (what < 2 && model[i] < 0) {
        model[i] = t[i].when_ns = next_random(seed) % 500;
        rti_timerheap_add(h, &t[i]);
    } else if (what == 2) {
        cr_assert_eq(rti_timerheap_remove(h, &t[i]), model[i] >= 0);
        model[i] = -1;
    } else if (what == 4) {
        int64_t when = next_random(seed) % 500;
        cr_assert_eq(rti_timerheap_move(h, &t[i], when), model[i] >= 0);
        model[i] = model[i] >= 0 ? when : -1;
    } else if (what == 3 && h->len > 0) {
        struct rti_timer_fire fire;
        int64_t first = model[model_first(model, MANY)];
        cr_assert_eq(rti_timerheap_next(h), first);
        cr_assert_not(rti_timerheap_pop_due(h, first - 1, &fire));
        cr_assert(rti_timerheap_pop_due(h, first, &fire));
        int64_t *popped = fire.arg;
        cr_assert_eq(*popped, first);
        *popped = -1;
    }
}

Test(timerheap, a_random_history_agrees_with_a_sorted_model)
{
    static struct rti_timer t[MANY];
    static int64_t model[MANY];
    struct rti_timerheap h = {0};
    uint32_t seed = 20090103;
    for (int i = 0; i < MANY; i++) {
        model[i] = -1;
        t[i].arg = &model[i];
    }
    for (int step = 0; step < 30000; step++) {
        model_step(&h, t, model, &seed);
        if (step % 100 == 0)
            check_heap(&h);
    }
    rti_timerheap_free(&h);
}

static void count_move(struct rti_timer *t, void *arg)
{
    cr_assert_neq(t->place, 0);
    ++*(int *)arg;
}

Test(timerheap, all_timers_of_one_heap_move_into_another)
{
    struct rti_timerheap to = {0}, from = {0};
    static struct rti_timer t[100];
    int moved = 0;
    for (int i = 0; i < 100; i++) {
        t[i].when_ns = (i * 37) % 100;
        rti_timerheap_add(i % 3 ? &from : &to, &t[i]);
    }
    rti_timerheap_move_all(&to, &from, count_move, &moved);
    cr_assert_eq(moved, 66);
    cr_assert_eq(from.len, 0);
    check_heap(&to);
    for (int64_t i = 0; i < 100; i++) {
        struct rti_timer_fire fire;
        cr_assert_eq(rti_timerheap_next(&to), i);
        cr_assert(rti_timerheap_pop_due(&to, i, &fire));
    }
    rti_timerheap_free(&to);
    rti_timerheap_free(&from);
}
