#include "goroutines.h"

#include "proc/g.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/hibernate.h"
#include "sched/lite.h"
#include "sched/sched.h"
#include <rt/chan.h>
#include <rt/sync.h>

/* On one P, so that births take its stacks in turn: one of RTI_P_LITE apart are born on the same. */

static const struct rt_go_attr lite = {.stack = RT_STACK_16K, .lite = true};
static struct rt_chan *gate, *back;
static struct rt_waitgroup ended;
static struct g *g_of[3 * RTI_P_LITE];
static char *lo_of[3 * RTI_P_LITE];
static int order[3 * RTI_P_LITE], ran;

static bool shared;

static void ask(void)
{
    shared = rti_lite_works(); /* known once the runtime runs */
}

static bool works(void)
{
    run_on(1, ask);
    if (!shared)
        test_skip("no stacks are shared here");
    return shared;
}

static void begin(void)
{
    ran = 0;
    gate = rt_chan_new(0, 0);
    back = rt_chan_new(0, 0);
}

static void waits(void *arg)
{
    int i = (int)(intptr_t)arg;
    g_of[i] = rti_sched_self();
    lo_of[i] = g_of[i]->stack_lo;
    (void)!rt_recv(gate, NULL);
    order[ran++] = i;
    rt_waitgroup_done(&ended);
}

static void start(int from, int to, void (*fn)(void *arg))
{
    rt_waitgroup_add(&ended, to - from);
    for (int i = from; i < to; i++)
        rt_go_attr(&lite, fn, (void *)(intptr_t)i);
    for (int i = 0; i < 3 * (to - from); i++)
        rt_yield();
}

static void end(void)
{
    rt_close(gate);
    rt_waitgroup_wait(&ended);
    rt_chan_free(&gate);
    rt_chan_free(&back);
}

static void few_stacks(void)
{
    begin();
    start(0, 2 * RTI_P_LITE, waits);
    for (int i = 0; i < RTI_P_LITE; i++) {
        EXPECT(rti_g_is_lite(g_of[i]) && load_rlx(&g_of[i]->hib) == RTI_HIB_SAVED);
        EXPECT(lo_of[i] == lo_of[i + RTI_P_LITE]);
        EXPECT(i == 0 || lo_of[i] != lo_of[0]);
    }
    end();
    EXPECT(ran == 2 * RTI_P_LITE);
}

Test(lite, goroutines_that_park_leave_their_stack_to_later_ones)
{
    if (works())
        run_on(1, few_stacks);
}

static void waits_pinned(void *arg)
{
    rt_stack_pin();
    waits(arg);
    rt_stack_unpin();
}

/* Who stays has its stack to itself as far as births go. */
static void stays(void)
{
    begin();
    start(0, RTI_P_LITE, waits_pinned);
    start(RTI_P_LITE, 3 * RTI_P_LITE, waits);
    for (int i = 0; i < RTI_P_LITE; i++) {
        EXPECT(load_rlx(&g_of[i]->hib) == RTI_HIB_NONE);
        for (int j = RTI_P_LITE; j < 3 * RTI_P_LITE; j++)
            EXPECT(lo_of[j] != lo_of[i]);
    }
    EXPECT(lo_of[RTI_P_LITE] == lo_of[2 * RTI_P_LITE]);
    end();
    EXPECT(ran == 3 * RTI_P_LITE);
}

Test(lite, nobody_is_born_on_a_stack_that_is_held)
{
    if (works())
        run_on(1, stays);
}

/* A stack that its holder gave up is for births again, instead of a new one. */
static void given_up(void)
{
    begin();
    start(0, RTI_P_LITE, waits_pinned);
    start(RTI_P_LITE, 2 * RTI_P_LITE, waits_pinned); /* others take the places of the first */
    for (int i = 0; i < RTI_P_LITE; i++)
        rt_send(gate, NULL);
    for (int i = 0; i < 3 * RTI_P_LITE; i++)
        rt_yield();
    EXPECT(ran == RTI_P_LITE);
    uint64_t made = load_rlx(&rti_world.stacks.made);
    start(2 * RTI_P_LITE, 3 * RTI_P_LITE, waits);
    EXPECT(load_rlx(&rti_world.stacks.made) == made);
    for (int i = 2 * RTI_P_LITE; i < 3 * RTI_P_LITE; i++) {
        bool found = false;
        for (int j = 0; j < RTI_P_LITE; j++)
            found = found || lo_of[i] == lo_of[j];
        EXPECT(found);
    }
    end();
}

Test(lite, a_stack_that_was_given_up_is_used_again)
{
    if (works())
        run_on(1, given_up);
}

/* Woken in order, while the last one born on the stack is on it and yields: they have it one after the other. */
static void hogs(void *arg)
{
    int i = (int)(intptr_t)arg;
    g_of[i] = rti_sched_self();
    lo_of[i] = g_of[i]->stack_lo;
    for (int j = 0; j < RTI_P_LITE; j++)
        rt_send(gate, NULL); /* parks, or goes on at once: the others become runnable */
    while (ran < RTI_P_LITE)
        rt_yield();
    order[ran++] = i;
    rt_waitgroup_done(&ended);
}

static void in_turn(void)
{
    begin();
    for (int i = 0; i < RTI_P_LITE; i++)
        start(i, i + 1, waits); /* one by one: they first run in this order */
    start(RTI_P_LITE, RTI_P_LITE + 1, hogs);
    EXPECT(lo_of[RTI_P_LITE] == lo_of[0]);
    end();
    EXPECT(ran == RTI_P_LITE + 1 && order[RTI_P_LITE] == RTI_P_LITE);
}

Test(lite, one_that_yields_lets_those_of_its_stack_that_can_run)
{
    if (works())
        run_on(1, in_turn);
}

static void waits_for_its_neighbour(void *arg)
{
    rt_stack_pin();
    g_of[(intptr_t)arg] = rti_sched_self();
    rt_send(gate, NULL);
    (void)!rt_recv(back, NULL);
}

static void answers(void *arg UNUSED)
{
    (void)!rt_recv(gate, NULL);
    rt_send(back, NULL);
}

static void against_the_rule(void)
{
    begin();
    start(0, 1, answers);
    for (int i = 1; i < RTI_P_LITE; i++)
        start(i, i + 1, waits_pinned); /* take the stacks between */
    start(RTI_P_LITE, RTI_P_LITE + 1, waits_for_its_neighbour);
    rt_waitgroup_wait(&ended);
}

Test(lite, a_pinned_one_that_waits_for_one_of_its_stack_is_a_reported_deadlock)
{
    if (works())
        dies_saying(against_the_rule, "all goroutines are asleep");
}

static void unshared(void)
{
    EXPECT(!rti_lite_works());
    begin();
    start(0, RTI_P_LITE + 1, waits);
    EXPECT(!rti_g_is_lite(g_of[0]) && g_of[0]->may_hibernate);
    EXPECT(lo_of[0] != lo_of[RTI_P_LITE]);
    end();
}

Test(lite, nothing_is_shared_where_nothing_is_copied_out)
{
    setenv("GODEBUG", "hibernate=0", 1);
    run_on(1, unshared);
}
