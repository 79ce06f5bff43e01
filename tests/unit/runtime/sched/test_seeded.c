#include "fake_world.h"

#include "base/clock.h"
#include "base/debugvars.h"
#include "parts/timerheap.h"
#include "sched/seeded.h"
#include "sched/timers.h"

enum { PROCS = 4 };

static void up(void)
{
    fake_world();
    for (uint32_t i = 1; i < PROCS; i++)
        rti_world.allp[i] = rti_p_new(i, 1);
    store_rlx(&rti_world.procs, PROCS);
    store_rlx(&rti_world.ps, PROCS);
    rti_debugvars.seed = 1;
    rti_seeded_begin(1);
}

Test(seeded, equal_seeds_make_equal_choices_and_an_equal_hash)
{
    uint32_t first[100];
    for (int round = 0; round < 2; round++) {
        rti_seeded_begin(77);
        for (int i = 0; i < 100; i++) {
            uint32_t n = rti_seeded_choose(1000);
            cr_assert_lt(n, 1000);
            cr_assert(round == 0 || n == first[i]);
            first[i] = n;
        }
    }
    uint64_t hash = rti_seeded_hash();
    rti_seeded_begin(78);
    for (int i = 0; i < 100; i++)
        (void)rti_seeded_choose(1000);
    cr_assert_neq(rti_seeded_hash(), hash);
    rti_seeded_end();
}

/* Puts Gs into every queue there is. */
static int fill(void)
{
    struct rti_gqueue none = {0}, batch = {0};
    for (uint32_t i = 0; i < PROCS; i++) {
        for (int k = 0; k < 5; k++)
            rti_runq_put(&rti_world.allp[i]->runq, &fake_g(RTI_G_RUNNABLE)->link, &none);
        rti_runq_swap_next(&rti_world.allp[i]->runq, &fake_g(RTI_G_RUNNABLE)->link);
    }
    for (int k = 0; k < 9; k++)
        rti_gqueue_push(&batch, &fake_g(RTI_G_RUNNABLE)->link);
    rti_lock_acquire(&rti_world.lock);
    rti_world_push_locked(&batch);
    rti_lock_release(&rti_world.lock);
    return PROCS * 6 + 9;
}

Test(seeded, every_queue_is_emptied_once_whatever_the_seed, .init = up)
{
    for (uint32_t seed = 1; seed <= 200; seed++) {
        rti_seeded_begin(seed);
        int left = fill();
        for (struct g *g; (g = rti_seeded_look(m)); left--) {
            cr_assert_eq(rti_g_state(g), RTI_G_RUNNABLE);
            store_rlx(&g->status, RTI_G_IDLE); /* who comes twice is not runnable any more */
        }
        cr_assert_eq(left, 0, "seed %u", seed);
        cr_assert_eq(load_rlx(&m->p->m), m);
    }
    cr_assert(rti_seeded_steps() > 0);
}

Test(seeded, a_ready_g_is_placed_once, .init = up)
{
    int placed = 0;
    for (int i = 0; i < 200; i++) {
        struct g *g = fake_g(RTI_G_RUNNABLE);
        if (!rti_seeded_place(m->p, g))
            continue;
        placed++;
        cr_assert_eq(rti_seeded_look(m), g);
    }
    cr_assert(placed > 50 && placed < 150, "%d", placed);
}

static int fired;
static struct g *count(void *arg, uint64_t seq)
{
    fired += (int)(intptr_t)arg + (int)seq;
    return NULL;
}

Test(seeded, the_clock_jumps_to_the_deadline_when_nothing_can_run, .init = up)
{
    int64_t start = rti_clock_now();
    struct rti_timer a = {.fn = count, .arg = (void *)1}, b = {.fn = count, .arg = (void *)10};
    cr_assert_not(rti_seeded_jump());
    rti_timers_set(&a, start + 50);
    rti_timers_set(&b, start + 70);
    cr_assert_null(rti_seeded_look(m));
    cr_assert_eq(fired, 0);
    cr_assert(rti_seeded_jump());
    cr_assert_eq(rti_clock_now(), start + 50);
    cr_assert_null(rti_seeded_look(m));
    cr_assert_eq(fired, 1);
    cr_assert(rti_seeded_jump());
    cr_assert_null(rti_seeded_look(m));
    cr_assert_eq(fired, 11);
    cr_assert_eq(rti_clock_now(), start + 70);
    rti_seeded_end();
    cr_assert(rti_clock_now() != start + 70);
}

static char order[3];
static struct g *note(void *arg, uint64_t seq)
{
    order[strlen(order)] = (char)((intptr_t)arg + (int)seq);
    return NULL;
}

Test(seeded, timers_of_one_moment_fire_in_either_order, .init = up)
{
    int ab = 0, ba = 0;
    for (uint32_t seed = 1; seed <= 100; seed++) {
        struct rti_timer a = {.fn = note, .arg = (void *)'a'}, b = {.fn = note, .arg = (void *)'b'};
        rti_seeded_begin(seed);
        memset(order, 0, sizeof order);
        rti_timers_set(&a, 1);
        rti_timers_set(&b, 1);
        cr_assert_null(rti_seeded_look(m));
        ab += strcmp(order, "ab") == 0;
        ba += strcmp(order, "ba") == 0;
    }
    cr_assert_eq(ab + ba, 100);
    cr_assert(ab > 10 && ba > 10, "%d %d", ab, ba);
}

Test(seeded, who_only_yields_sees_the_time_pass_after_all, .init = up)
{
    int64_t start = rti_clock_now();
    struct g *g = fake_g(RTI_G_RUNNABLE);
    struct rti_gqueue none = {0};
    int yields = 0, forced = 0;
    for (; rti_clock_now() == start && yields < 100000; yields++) {
        while (rti_seeded_gives_way()) { /* what a point makes it do does not count */
            rti_seeded_yields();
            forced++;
        }
        rti_seeded_yields();
        rti_runq_put(&m->p->runq, &g->link, &none);
        cr_assert_eq(rti_seeded_look(m), g);
    }
    cr_assert(yields > 1000 && yields < 10000 && forced > 0, "%d %d", yields, forced);
}

Test(seeded, while_anybody_is_made_ready_the_time_stands, .init = up)
{
    int64_t start = rti_clock_now();
    struct g *g = fake_g(RTI_G_RUNNABLE);
    struct rti_gqueue none = {0};
    for (int i = 0; i < 10000; i++) {
        rti_seeded_yields();
        if (!rti_seeded_place(m->p, g))
            rti_runq_put(&m->p->runq, &g->link, &none);
        cr_assert_eq(rti_seeded_look(m), g);
    }
    cr_assert_eq(rti_clock_now(), start);
}
