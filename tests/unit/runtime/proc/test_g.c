#include "test.h"

#include <pthread.h>

#include "proc/g.h"

static const struct {
    enum rti_g_state from, to;
} legal[] = {
    {RTI_G_IDLE, RTI_G_RUNNABLE},    {RTI_G_RUNNABLE, RTI_G_RUNNING}, {RTI_G_RUNNING, RTI_G_RUNNABLE},
    {RTI_G_RUNNING, RTI_G_WAITING},  {RTI_G_RUNNING, RTI_G_BLOCKING}, {RTI_G_RUNNING, RTI_G_DEAD},
    {RTI_G_WAITING, RTI_G_RUNNABLE}, {RTI_G_BLOCKING, RTI_G_RUNNING}, {RTI_G_BLOCKING, RTI_G_RUNNABLE},
    {RTI_G_DEAD, RTI_G_IDLE},
};

Test(g, exactly_the_listed_transitions_are_legal)
{
    for (int from = 0; from < RTI_G_STATES; from++)
        for (int to = 0; to < RTI_G_STATES; to++) {
            bool listed = false;
            for (size_t i = 0; i < ARRAY_LEN(legal); i++)
                listed |= (int)legal[i].from == from && (int)legal[i].to == to;
            cr_assert_eq(rti_g_legal((enum rti_g_state)from, (enum rti_g_state)to), listed);
        }
}

Test(g, a_move_changes_the_state_and_nothing_else_of_the_word)
{
    struct g *g = rti_g_new();
    cr_assert_eq(rti_g_state(g), RTI_G_IDLE);
    store_rlx(&g->status, RTI_G_IDLE | RTI_G_GENERATION * 5);
    rti_g_move(g, RTI_G_IDLE, RTI_G_RUNNABLE);
    cr_assert_eq(load_rlx(&g->status), RTI_G_RUNNABLE | RTI_G_GENERATION * 5);
}

#if LODE_DCHECK
Test(g, a_move_from_another_state_is_fatal, .exit_code = 2)
{
    rti_g_move(rti_g_new(), RTI_G_RUNNING, RTI_G_WAITING);
}

Test(g, an_illegal_move_is_fatal, .exit_code = 2)
{
    rti_g_move(rti_g_new(), RTI_G_IDLE, RTI_G_RUNNING);
}
#endif

static void in_order(struct g *g, void *arg)
{
    cr_assert_eq(g->id, ++*(uint64_t *)arg);
}

Test(g, each_visits_all_there_ever_were_oldest_first)
{
    uint64_t n = 0;
    for (uint64_t i = 1; i <= 10; i++)
        rti_g_new()->id = i;
    rti_g_each(in_order, &n);
    cr_assert_eq(n, 10);
}

static void *make_many(void *arg)
{
    for (int i = 0; i < 1000; i++)
        rti_g_new()->id = 1;
    return arg;
}

static void add_id(struct g *g, void *arg)
{
    *(uint64_t *)arg += g->id;
}

Test(g, none_gets_lost_when_threads_make_them_at_once)
{
    pthread_t t[4];
    uint64_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        cr_assert_eq(pthread_create(&t[i], NULL, make_many, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        pthread_join(t[i], NULL);
    rti_g_each(add_id, &n);
    cr_assert_eq(n, 4000);
}

Test(g, every_state_has_a_name_and_the_debuggers_offsets_hold)
{
    for (uint32_t s = 0; s < RTI_G_STATES; s++)
        cr_assert(strcmp(rti_g_state_name(s | RTI_G_SCAN), "?") != 0);
    cr_assert_str_eq(rti_g_state_name(77), "?");
    cr_assert_eq(offsetof(struct g, link), 0, "a queue node is its G");
    cr_assert_eq(offsetof(struct g, ctx), 8);
    cr_assert_eq(offsetof(struct rti_context, pc), 8);
    cr_assert_eq(offsetof(struct rti_context, fp), 16);
    cr_assert_eq(sizeof(struct g) % 64, 0);
}

#if !defined(RTI_HAVE_TSAN) && !defined(RTI_HAVE_ASAN)
Test(g, a_goroutine_takes_three_cache_lines)
{
    cr_assert_leq(sizeof(struct g), 3 * CACHE_LINE, "a million of them are kept: find room in the holes");
    cr_assert_eq(offsetof(struct g, id), CACHE_LINE, "line 1 is what a switch touches");
    cr_assert_eq(offsetof(struct g, box), 2 * CACHE_LINE);
}
#endif

Test(g, each_run_is_another_generation)
{
    struct g *g = rti_g_new();
    store_rlx(&g->status, RTI_G_RUNNABLE);
    rti_g_run(g);
    cr_assert_eq(load_rlx(&g->status), RTI_G_RUNNING | RTI_G_GENERATION);
    store_rlx(&g->status, RTI_G_RUNNABLE | (uint32_t)-RTI_G_GENERATION);
    rti_g_run(g);
    cr_assert_eq(load_rlx(&g->status), RTI_G_RUNNING, "it wraps into nothing else");
}
