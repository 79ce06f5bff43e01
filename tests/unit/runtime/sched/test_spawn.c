#include "fake_world.h"

#include "sched/spawn.h"

static void nothing(void *arg)
{
    (void)arg;
}

static void arrive(void)
{
}

Test(spawn, a_prepared_g_knows_its_start_and_has_no_stack_yet, .init = fake_world)
{
    struct rt_go_attr attr = {.name = "x", .stack = RT_STACK_256K};
    struct g *g = rti_spawn_prepare(&attr, nothing, m, fake_world);
    cr_assert_eq(rti_g_state(g), RTI_G_RUNNABLE);
    cr_assert(g->fn == nothing && g->arg == m && g->created_at == (void *)fake_world);
    cr_assert_str_eq(g->name, "x");
    cr_assert_eq(g->stack_class, RT_STACK_256K);
    cr_assert_null(g->stack_lo);
    cr_assert_eq(g->parent, 0);
}

Test(spawn, ids_are_never_given_twice, .init = fake_world)
{
    static uint64_t seen[400];
    for (int i = 0; i < 200; i++)
        seen[i] = rti_spawn_go(NULL, nothing, NULL, NULL);
    rti_m_current = NULL; /* a thread outside */
    for (int i = 200; i < 400; i++)
        seen[i] = rti_spawn_go(NULL, nothing, NULL, NULL);
    for (int i = 0; i < 400; i++)
        for (int k = 0; k < i; k++)
            cr_assert(seen[i] != seen[k]);
}

/* Runs a G's life without running it. */
static void live_and_die(struct g *g)
{
    rti_spawn_bind(p, g, arrive);
    rti_g_move(g, RTI_G_RUNNABLE, RTI_G_RUNNING);
    rti_spawn_recycle(p, g);
}

Test(spawn, a_dead_g_and_its_stack_are_used_again_at_once, .init = fake_world)
{
    struct g *g = rti_spawn_prepare(NULL, nothing, NULL, NULL);
    rti_spawn_bind(p, g, arrive);
    char *lo = g->stack_lo;
    rti_g_move(g, RTI_G_RUNNABLE, RTI_G_RUNNING);
    rti_spawn_recycle(p, g);
    cr_assert_eq(rti_g_state(g), RTI_G_IDLE);
    cr_assert_null(g->stack_lo);
    struct g *again = rti_spawn_prepare(NULL, nothing, NULL, NULL);
    cr_assert_eq(again, g);
    cr_assert_null(again->name);
    rti_spawn_bind(p, again, arrive);
    cr_assert_eq(again->stack_lo, lo);
}

Test(spawn, stacks_are_coloured_by_id, .init = fake_world)
{
    uintptr_t tops[2];
    for (int i = 0; i < 2; i++) {
        struct g *g = rti_spawn_prepare(NULL, nothing, NULL, NULL);
        rti_spawn_bind(p, g, arrive);
        tops[i] = (uintptr_t)rti_g_stack_hi(g) - (uintptr_t)g->ctx.sp;
        cr_assert(tops[i] < 2048);
    }
    cr_assert(tops[0] != tops[1]);
}

Test(spawn, a_full_pool_spills_to_the_worlds_and_comes_back, .init = fake_world)
{
    static struct g *g[200];
    for (int i = 0; i < 200; i++)
        g[i] = rti_spawn_prepare(NULL, nothing, NULL, NULL);
    for (int i = 0; i < 200; i++)
        live_and_die(g[i]);
    cr_assert(p->gfree_count <= RTI_P_GFREE_MAX);
    cr_assert_not_null(rti_world.gfree);
    for (int i = 0; i < 200; i++) {
        struct g *again = rti_spawn_prepare(NULL, nothing, NULL, NULL);
        int known = 0;
        for (int k = 0; k < 200; k++)
            known += again == g[k];
        cr_assert_eq(known, 1, "a pooled G comes before a new one");
    }
}

Test(spawn, reclaim_takes_all_back, .init = fake_world)
{
    struct g *waiting = rti_spawn_prepare(NULL, nothing, NULL, NULL);
    rti_spawn_bind(p, waiting, arrive);
    rti_spawn_prepare(NULL, nothing, NULL, NULL);
    rti_spawn_reclaim_all();
    int n = 0;
    for (struct g *g = rti_world.gfree; g; g = (struct g *)g->link.next, n++)
        cr_assert(rti_g_state(g) == RTI_G_IDLE && !g->stack_lo);
    cr_assert_eq(n, 2);
}

Test(spawn, a_stack_class_out_of_range_is_fatal, .init = fake_world, .exit_code = 2)
{
    struct rt_go_attr attr = {.stack = RT_STACK_COUNT};
    rti_spawn_prepare(&attr, nothing, NULL, NULL);
}
