#include "test.h"

#include "parts/timerheap.h"

enum { MANY = 1000 };

static struct rti_timerheap h, other;

static void up(void)
{
    rti_timerheap_init(&h);
    rti_timerheap_init(&other);
}

static void down(void)
{
    rti_timerheap_free(&h);
    rti_timerheap_free(&other);
}

/* xorshift: the same sequence in every run. */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static bool pop(struct rti_timerheap *from, int64_t now, struct rti_timer_fire *fire)
{
    return rti_timerheap_pop_due(from, now, fire, 1) == 1;
}

static int fired;
static uint64_t fired_seq;

static struct g *count_firing(void *arg, uint64_t seq)
{
    fired += *(int *)arg;
    fired_seq = seq;
    return NULL;
}

/* What holds whenever the lock is open, slot by slot. */
static uint32_t check_slot(const struct rti_timerslot *s)
{
    const struct rti_timer *t = s->timer;
    cr_assert_gt(load_rlx(&t->slots), 0);
    bool current = t->current && t->key_ns == s->when_ns;
    if (current && t->live)
        cr_assert_leq(s->when_ns, t->when_ns);
    return current && t->live;
}

static void check(const struct rti_timerheap *of)
{
    uint32_t count = of->len, current = 0;
    for (int i = 0; i < RTI_TIMERHEAP_RUNS; i++) {
        const struct rti_timerring *r = &of->runs[i];
        count += r->len;
        for (uint32_t k = 0; k < r->len; k++) {
            current += check_slot(rti_timerring_at(r, k));
            if (k > 0)
                cr_assert_leq(rti_timerring_at(r, k - 1)->when_ns, rti_timerring_at(r, k)->when_ns);
        }
    }
    for (uint32_t i = 0; i < of->len; i++) {
        current += check_slot(&of->slots[i]);
        if (i > 0)
            cr_assert_leq(of->slots[(i - 1) / 4].when_ns, of->slots[i].when_ns);
    }
    cr_assert_eq(load_rlx(&of->count), count);
    cr_assert_geq(current, of->live, "a live timer has a current slot");
    cr_assert_leq(count - of->live, of->live + 64, "%u slots for %u timers", count, of->live);
}

Test(timerheap, an_empty_one_has_nothing_due_and_no_deadline, .init = up, .fini = down)
{
    struct rti_timer_fire fire;
    cr_assert_eq(rti_timerheap_next(&h), INT64_MAX);
    cr_assert_not(pop(&h, INT64_MAX, &fire));
}

Test(timerheap, a_timer_is_handed_back_at_its_deadline_and_not_a_nanosecond_before, .init = up, .fini = down)
{
    int weight = 7;
    struct rti_timer t = {.fn = count_firing, .arg = &weight, .seq = 42};
    struct rti_timer_fire fire;
    cr_assert(rti_timerheap_set(&h, &t, 100));
    cr_assert_not(pop(&h, 99, &fire));
    cr_assert(pop(&h, 130, &fire));
    cr_assert_eq(fire.late_ns, 30);
    cr_assert_not(t.live);
    cr_assert_eq(load_rlx(&t.slots), 0, "its memory is its owner's again");
    fire.fn(fire.arg, fire.seq);
    cr_assert_eq(fired, 7);
    cr_assert_eq(fired_seq, 42);
    cr_assert_not(pop(&h, 1000, &fire));
}

Test(timerheap, only_a_new_first_deadline_is_reported_as_such, .init = up, .fini = down)
{
    struct rti_timer a = {0}, b = {0}, c = {0}, d = {0};
    cr_assert(rti_timerheap_set(&h, &a, 50));
    cr_assert_not(rti_timerheap_set(&h, &b, 60));
    cr_assert_not(rti_timerheap_set(&h, &c, 50), "an equal deadline needs no new wake-up");
    cr_assert(rti_timerheap_set(&h, &d, 40));
    cr_assert(rti_timerheap_set(&h, &b, 30), "one that was there is the first now");
    cr_assert_not(rti_timerheap_set(&h, &b, 35), "later, though still the first: who sleeps wakes in time");
    cr_assert_eq(rti_timerheap_next(&h), 35);
    rti_timerheap_free(&h);
    cr_assert_eq(load_rlx(&a.slots), 0);
    cr_assert_not(a.live);
}

Test(timerheap, stopping_twice_or_what_was_never_set_says_false, .init = up, .fini = down)
{
    struct rti_timer a = {0}, b = {0};
    rti_timerheap_set(&h, &a, 1);
    cr_assert_not(rti_timerheap_stop(&h, &b));
    cr_assert(rti_timerheap_stop(&h, &a));
    cr_assert_not(rti_timerheap_stop(&h, &a));
    cr_assert_eq(rti_timerheap_next(&h), INT64_MAX);
    cr_assert_eq(load_rlx(&a.slots), 0, "the first one goes at once");
}

Test(timerheap, a_later_deadline_and_a_stop_touch_the_timer_alone, .init = up, .fini = down)
{
    struct rti_timer first = {0}, t = {0};
    struct rti_timer_fire fire;
    rti_timerheap_set(&h, &first, 1);
    rti_timerheap_set(&h, &t, 10);
    for (int64_t when = 11; when < 500; when++)
        cr_assert_not(rti_timerheap_set(&h, &t, when));
    cr_assert(rti_timerheap_stop(&h, &t));
    cr_assert_not(rti_timerheap_set(&h, &t, 500), "its slot is used again");
    cr_assert_eq(load_rlx(&t.slots), 1);
    cr_assert_eq(load_rlx(&h.count), 2);
    cr_assert(pop(&h, 1, &fire));
    cr_assert_eq(rti_timerheap_next(&h), 500, "the first deadline is exact");
    cr_assert_not(pop(&h, 499, &fire));
    cr_assert(pop(&h, 500, &fire));
    cr_assert_eq(load_rlx(&h.count), 0);
}

Test(timerheap, a_sooner_deadline_counts_at_once_and_the_old_slot_does_nothing, .init = up, .fini = down)
{
    struct rti_timer t = {0};
    struct rti_timer_fire fire;
    for (int64_t when = 50; when > 10; when -= 10)
        cr_assert(rti_timerheap_set(&h, &t, when));
    cr_assert_eq(load_rlx(&t.slots), 4);
    cr_assert(pop(&h, 20, &fire));
    cr_assert_not(pop(&h, INT64_MAX - 1, &fire), "once");
    cr_assert_eq(load_rlx(&t.slots), 0);
}

Test(timerheap, one_moved_back_to_the_time_of_an_old_slot_fires_once, .init = up, .fini = down)
{
    struct rti_timer t = {0};
    struct rti_timer_fire fire;
    rti_timerheap_set(&h, &t, 50);
    rti_timerheap_set(&h, &t, 20);
    rti_timerheap_set(&h, &t, 50);
    cr_assert_eq(rti_timerheap_next(&h), 50);
    cr_assert(pop(&h, 50, &fire));
    cr_assert_not(pop(&h, 50, &fire));
    cr_assert_eq(load_rlx(&t.slots), 0);
    cr_assert_eq(load_rlx(&h.count), 0);
}

Test(timerheap, never_is_no_deadline_and_can_be_stopped_and_moved, .init = up, .fini = down)
{
    struct rti_timer t = {0}, u = {0};
    struct rti_timer_fire fire;
    cr_assert_not(rti_timerheap_set(&h, &t, INT64_MAX));
    cr_assert_not(rti_timerheap_set(&h, &u, INT64_MAX));
    cr_assert_not(pop(&h, INT64_MAX, &fire));
    cr_assert(rti_timerheap_set(&h, &t, 5));
    cr_assert(rti_timerheap_stop(&h, &u));
    cr_assert_eq(rti_timerheap_next(&h), 5);
    cr_assert(pop(&h, 5, &fire));
    cr_assert_eq(rti_timerheap_next(&h), INT64_MAX);
}

Test(timerheap, what_is_due_comes_in_batches_the_earliest_first, .init = up, .fini = down)
{
    static struct rti_timer t[100];
    struct rti_timer_fire fires[64];
    for (int64_t i = 0; i < 100; i++)
        rti_timerheap_set(&h, &t[i], i * 37 % 100);
    int64_t last = 1000;
    uint32_t n, all = 0;
    while ((n = rti_timerheap_pop_due(&h, 89, fires, 64)) > 0) {
        for (uint32_t i = 0; i < n; i++) {
            cr_assert_leq(fires[i].late_ns, last);
            last = fires[i].late_ns;
        }
        all += n;
    }
    cr_assert_eq(all, 90);
    cr_assert_eq(rti_timerheap_next(&h), 90);
}

Test(timerheap, equal_deadlines_all_come_out, .init = up, .fini = down)
{
    static struct rti_timer t[MANY];
    struct rti_timer_fire fire;
    for (int i = 0; i < MANY; i++)
        rti_timerheap_set(&h, &t[i], 5);
    int n = 0;
    while (pop(&h, 5, &fire))
        n++;
    cr_assert_eq(n, MANY);
}

Test(timerheap, those_that_are_stopped_far_from_their_deadlines_do_not_pile_up, .init = up, .fini = down)
{
    static struct rti_timer t[MANY];
    for (int round = 0; round < 5; round++)
        for (int i = 0; i < MANY; i++)
            rti_timerheap_set(&h, &t[i], 1000 + (i * 7919) % MANY - round * 100);
    check(&h);
    for (int i = MANY - 1; i > 0; i--)
        cr_assert(rti_timerheap_stop(&h, &t[i]));
    check(&h);
    cr_assert_eq(h.live, 1);
    cr_assert_leq(load_rlx(&h.count), 66);
}

/* --- against a model: an array of deadlines, -1 for none, searched from end to end --- */

struct walk {
    struct rti_timer t[MANY];
    int64_t model[MANY];
    int64_t now;
    uint32_t seed, live;
};

static int64_t model_first(const struct walk *w)
{
    int64_t best = INT64_MAX;
    for (int i = 0; i < MANY; i++)
        if (w->model[i] >= 0 && w->model[i] < best)
            best = w->model[i];
    return best;
}

static void step_pop(struct walk *w)
{
    struct rti_timer_fire fires[8];
    int64_t first = model_first(w);
    cr_assert_eq(rti_timerheap_next(&h), first);
    if (first == INT64_MAX)
        return;
    cr_assert_eq(rti_timerheap_pop_due(&h, first - 1, fires, 8), 0);
    w->now = first > w->now ? first : w->now;
    uint32_t n = rti_timerheap_pop_due(&h, w->now, fires, 1 + next_random(&w->seed) % 8);
    cr_assert_gt(n, 0);
    for (uint32_t i = 0; i < n; i++) {
        int64_t *popped = fires[i].arg;
        cr_assert_eq(*popped, model_first(w), "the earliest of all that are left");
        cr_assert_eq(*popped, w->now - fires[i].late_ns);
        *popped = -1;
        w->live--;
    }
}

static void step(struct walk *w)
{
    int i = (int)(next_random(&w->seed) % MANY);
    uint32_t what = next_random(&w->seed) % 8;
    if (what < 4) {
        /* constant timeouts, mixed ones, a few that are never due, and some in the past */
        static const int64_t timeouts[] = {10, 10, 100, 100, 3000};
        uint32_t kind = next_random(&w->seed) % 8;
        int64_t ns = kind < 5 ? timeouts[kind] : (int64_t)(next_random(&w->seed) % 500) - 20;
        int64_t when = kind == 7 && next_random(&w->seed) % 50 == 0 ? INT64_MAX : w->now + ns;
        when = when > 0 ? when : 0;
        bool first = when < model_first(w);
        w->live += w->model[i] < 0;
        w->model[i] = when;
        cr_assert_eq(rti_timerheap_set(&h, &w->t[i], when), first && when < INT64_MAX);
    } else if (what < 6) {
        cr_assert_eq(rti_timerheap_stop(&h, &w->t[i]), w->model[i] >= 0);
        w->live -= w->model[i] >= 0;
        w->model[i] = -1;
    } else {
        step_pop(w);
    }
    w->now += next_random(&w->seed) % 4;
}

static void move_over(struct walk *w)
{
    int home;
    rti_timerheap_move_all(&other, &h, &home);
    cr_assert_eq(load_rlx(&h.count), 0);
    cr_assert_eq(other.live, w->live);
    struct rti_timerheap empty = h;
    h = other;
    other = empty;
}

static void walk(uint32_t seed, int steps)
{
    static struct walk w;
    w = (struct walk){.seed = seed};
    for (int i = 0; i < MANY; i++) {
        w.model[i] = -1;
        w.t[i].arg = &w.model[i];
    }
    for (int n = 1; n <= steps; n++) {
        step(&w);
        cr_assert_eq(h.live, w.live);
        if (n % 500 == 0)
            check(&h);
        if (n % 20000 == 0)
            move_over(&w);
    }
    while (w.live > 0 && model_first(&w) < INT64_MAX)
        step_pop(&w);
    down();
}

Test(timerheap, a_hundred_thousand_random_steps_agree_with_a_sorted_model, .init = up, .timeout = 120)
{
    walk(20090103, 100000);
}

Test(timerheap, so_do_many_short_walks_over_few_deadlines, .init = up, .timeout = 120)
{
    for (uint32_t seed = 1; seed <= 100; seed++)
        walk(seed, 300);
}

Test(timerheap, all_timers_of_one_move_into_another, .init = up, .fini = down)
{
    static struct rti_timer t[100];
    struct rti_timer_fire fire;
    int home;
    for (int i = 0; i < 100; i++)
        rti_timerheap_set(i % 3 ? &h : &other, &t[i], 200);
    for (int i = 0; i < 100; i++) /* sooner: each leaves an old slot behind */
        rti_timerheap_set(i % 3 ? &h : &other, &t[i], (i * 37) % 100);
    rti_timerheap_move_all(&other, &h, &home);
    cr_assert_eq(load_rlx(&h.count), 0);
    cr_assert_eq(rti_timerheap_next(&h), INT64_MAX);
    cr_assert_eq(load_rlx(&t[1].home), &home);
    cr_assert_eq(load_rlx(&t[1].slots), 1, "the old one stayed behind");
    cr_assert_null(load_rlx(&t[0].home));
    for (int64_t i = 0; i < 100; i++) {
        cr_assert_eq(rti_timerheap_next(&other), i);
        cr_assert(pop(&other, i, &fire));
    }
}
