#include "goroutines.h"

#include "base/debugvars.h"
#include "parts/stackcode.h"
#include "proc/g.h"
#include "proc/world.h"
#include "sched/hibernate.h"
#include "sched/sched.h"
#include <rt/chan.h>
#include <rt/sync.h>
#include <rt/time.h>

enum { SLEEPERS = 40 };

static struct rt_chan *gate;
static struct rt_waitgroup done;
static _Atomic(struct g *) gs[SLEEPERS];
static int pinned;    /* how many of them are */
static int waits = 1; /* of each */

static uint32_t mix(uint32_t x)
{
    return x * 2654435761u + 12345;
}

/* Fills its stack with a pattern of its own, waits, and looks whether it is as it was. */
static NOINLINE void wait_with(uint32_t id, uint32_t words)
{
    volatile uint32_t mine[200] __attribute__((aligned(8)));
    volatile uint32_t *volatile alias = mine; /* at the same address too */
    for (uint32_t i = 0; i < words; i++)
        mine[i] = mix(id * 1000 + i);
    int got = -1;
    EXPECT(rt_recv(gate, &got) && got >= 0);
    EXPECT(alias == mine);
    for (uint32_t i = 0; i < words; i++)
        EXPECT(alias[i] == mix(id * 1000 + i));
}

static void sleeper(void *arg)
{
    uint32_t id = (uint32_t)(uintptr_t)arg;
    store_rel(&gs[id], rti_sched_self());
    if ((int)id < pinned)
        rt_stack_pin();
    wait_with(id, id * 5);
    for (int i = 1; i < waits; i++)
        wait_with(id + 1, 200 - id);
    rt_waitgroup_done(&done);
}

static void start_sleepers(bool hibernate)
{
    gate = rt_chan_new(sizeof(int), 0);
    rt_waitgroup_add(&done, SLEEPERS);
    for (uintptr_t i = 0; i < SLEEPERS; i++) {
        struct rt_go_attr attr = {.hibernate = hibernate, .stack = (enum rt_stack)(i % RT_STACK_COUNT)};
        store_rlx(&gs[i], NULL);
        rt_go_attr(&attr, sleeper, (void *)i);
    }
}

static bool all_parked(void)
{
    for (int i = 0; i < SLEEPERS; i++)
        if (!load_acq(&gs[i]) || rti_g_state(load_acq(&gs[i])) != RTI_G_WAITING)
            return false;
    return true;
}

static void await_parked(void)
{
    while (!all_parked())
        rt_yield();
}

static void let_go(void)
{
    for (int i = 0; i < SLEEPERS; i++)
        rt_send(gate, &i);
}

static int count_saved(void)
{
    int n = 0;
    for (int i = 0; i < SLEEPERS; i++)
        n += load_acq(&load_acq(&gs[i])->hib) == RTI_HIB_SAVED;
    return n;
}

static void end_sleepers(void)
{
    let_go();
    rt_waitgroup_wait(&done);
    rt_chan_free(&gate);
}

static bool has_membarrier(void)
{
    return rti_world.membarrier;
}

/* What the collector and the dumps will read in place of the stack: the pattern is in it. */
static void look_into_copies(void)
{
    static uint64_t words[RTI_STACKCODE_MAX / sizeof(uint64_t)];
    rti_hibernate_hold();
    for (uint32_t id = 10; id < SLEEPERS; id++) {
        struct g *g = load_acq(&gs[id]);
        size_t bytes = rti_hibernate_copy(g, words);
        bool found = false;
        EXPECT(bytes > id * 20 && bytes <= sizeof words);
        for (size_t i = 0; i < bytes / sizeof *words; i++)
            found |= words[i] == (mix(id * 1000) | (uint64_t)mix(id * 1000 + 1) << 32);
        EXPECT(found);
    }
    rti_hibernate_resume();
}

static void two_looks(void)
{
    if (!has_membarrier())
        return;
    waits = 2;
    start_sleepers(true);
    await_parked();
    EXPECT(rt_stacks_trim() == 0); /* seen for the first time */
    EXPECT(rt_stacks_trim() == SLEEPERS);
    EXPECT(count_saved() == SLEEPERS);
    EXPECT(rt_stacks_trim() == 0);
    look_into_copies();
    struct rti_hibernate_counts before = rti_hibernate_counts();
    let_go(); /* each wakes, checks its stack and parks again with another one */
    await_parked();
    EXPECT(rti_hibernate_counts().restored - before.restored == SLEEPERS);
    EXPECT(rt_stacks_trim() == 0);
    EXPECT(rt_stacks_trim() == SLEEPERS);
    end_sleepers();
}

static void quiet_config_on(int procs, void (*app)(void), const char *godebug)
{
    struct rt_config config = {.procs = procs, .godebug = godebug};
    cr_assert_eq(rt_main(&config, run_app, &app), 0);
    cr_assert_eq(expect_bad, 0, "with %d procs; see above", procs);
}

Test(hibernate, a_stack_is_taken_at_the_second_look_and_comes_back_as_it_was)
{
    for (int procs = 1; procs <= 4; procs *= 2)
        run_on(procs, two_looks);
}

static void only_who_asked(void)
{
    start_sleepers(false);
    await_parked();
    rt_stacks_trim();
    EXPECT(rt_stacks_trim() == 0);
    EXPECT(count_saved() == 0);
    end_sleepers();
}

Test(hibernate, nobody_is_taken_who_did_not_ask)
{
    run_on(2, only_who_asked);
}

static void pinned_ones(void)
{
    if (!has_membarrier())
        return;
    pinned = 7;
    start_sleepers(true);
    await_parked();
    rt_stacks_trim();
    EXPECT(rt_stacks_trim() == SLEEPERS - 7);
    for (int i = 0; i < SLEEPERS; i++)
        EXPECT((load_acq(&load_acq(&gs[i])->hib) == RTI_HIB_SAVED) == (i >= 7));
    end_sleepers();
}

Test(hibernate, a_pinned_stack_stays)
{
    run_on(2, pinned_ones);
}

static void never(void)
{
    start_sleepers(true);
    await_parked();
    for (int i = 0; i < 3; i++)
        EXPECT(rt_stacks_trim() == 0);
    EXPECT(count_saved() == 0);
    end_sleepers();
}

Test(hibernate, the_switch_and_a_kernel_without_membarrier_turn_it_off)
{
    quiet_config_on(2, never, "hibernate=0");
    quiet_config_on(2, never, "membarrier=0");
}

static uint64_t saved_ids(void)
{
    uint64_t ids = 0;
    for (int i = 0; i < SLEEPERS; i++)
        if (load_acq(&load_acq(&gs[i])->hib) == RTI_HIB_SAVED)
            ids |= UINT64_C(1) << i;
    return ids;
}

static uint64_t draw, took; /* the ids are the same in each rt_main */

static void drawn(void)
{
    if (!has_membarrier())
        return;
    start_sleepers(true);
    await_parked();
    EXPECT(rti_hibernate_drawn(draw, 2) > 0);
    took = saved_ids();
    EXPECT(rti_hibernate_drawn(draw, 2) == 0); /* asked again, it is the same ones */
    EXPECT(saved_ids() == took && took != 0 && count_saved() < SLEEPERS);
    (void)rti_hibernate_drawn(draw, 1);
    EXPECT(count_saved() == SLEEPERS);
    end_sleepers();
}

Test(hibernate, a_draw_takes_the_same_ids_each_time)
{
    uint64_t first[2] = {0};
    for (int round = 0; round < 2; round++)
        for (draw = 0; draw < 2; draw++) {
            run_on(1, drawn);
            first[draw] = round == 0 ? took : first[draw];
            cr_assert_eq(took, first[draw]);
        }
    cr_assert(first[0] != first[1] || took == 0);
}

/* The start of a goroutine against the hibernator in every state. */
static void states_of_start(void)
{
    struct g *g = rti_g_new();
    rti_hibernate_start(g);
    EXPECT(load_rlx(&g->hib) == RTI_HIB_NONE);
    store_rlx(&g->hib, RTI_HIB_CLAIMED);
    rti_hibernate_start(g);
    EXPECT(load_rlx(&g->hib) == RTI_HIB_NONE);
}

Test(hibernate, who_starts_a_claimed_goroutine_gives_the_claim_up)
{
    states_of_start();
    cr_assert_eq(expect_bad, 0);
}

/* Deep frames that are gone: the pages below the stack pointer go back, the ones in use stay. */
static volatile uintptr_t deep;
static struct rt_chan *held;

static NOINLINE void touch(void)
{
    char far[40000];
    for (size_t i = 0; i < sizeof far; i += 512)
        ((volatile char *)far)[i] = 1;
    deep = (uintptr_t)far;
}

static void shrinks(void *arg UNUSED)
{
    volatile uint64_t here = 42;
    touch();
    EXPECT(rt_recv(held, NULL));
    EXPECT(here == 42);
    rt_waitgroup_done(&done);
}

RTI_NO_SANITIZE static bool reads_as_zero(const char *at)
{
    return *(const volatile char *)at == 0;
}

static void shrinking(void)
{
    if (!has_membarrier())
        return;
    struct rt_go_attr attr = {.stack = RT_STACK_256K};
    held = rt_chan_new(0, 0);
    deep = 0;
    rt_waitgroup_add(&done, 1);
    rt_go_attr(&attr, shrinks, NULL);
    struct rti_hibernate_counts before = rti_hibernate_counts();
    while (rti_hibernate_counts().trimmed == before.trimmed) /* it has to park, and be seen twice */
        rt_stacks_trim();
    EXPECT(deep && reads_as_zero((const char *)deep));
    rt_send(held, NULL);
    rt_waitgroup_wait(&done);
    rt_chan_free(&held);
}

Test(hibernate, what_lies_below_the_stack_pointer_goes_back_of_any_goroutine)
{
    run_on(2, shrinking);
}

/* --- everything at once: parked in all manners, woken and looked at, from several threads --- */

enum { VALUES = 4000, RUNNERS = 16 };
static struct rt_chan *work, *side;
static struct rt_mutex mutex;
static _Atomic(int) stop_trimming, taken;

static void wait_somehow(uint32_t x)
{
    uint32_t from_side = 0;
    struct rt_case cases[] = {rt_case_recv(side, &from_side), rt_case_recv(rt_after(1000), NULL)};
    switch (x % 4) {
    case 0:
        rt_sleep(2000);
        break;
    case 1:
        rt_mutex_lock(&mutex);
        rt_yield();
        rt_mutex_unlock(&mutex);
        break;
    case 2:
        EXPECT(rt_select(cases, 2, true) >= 0);
        EXPECT(from_side == 0 || from_side == 99);
        break;
    default:
        break;
    }
    rt_chan_free(&cases[1].chan);
}

static void runner(void *arg)
{
    uint32_t id = (uint32_t)(uintptr_t)arg, x = 0;
    volatile uint32_t mine[64];
    for (uint32_t turn = 0;; turn++) {
        for (uint32_t i = 0; i < 64; i++)
            mine[i] = mix(id + turn * i);
        bool got = rt_recv(work, &x);
        if (got)
            wait_somehow(x);
        for (uint32_t i = 0; i < 64; i++)
            EXPECT(mine[i] == mix(id + turn * i));
        if (!got)
            break;
    }
    rt_waitgroup_done(&done);
}

static void trimmer(void *arg UNUSED)
{
    while (!stop_trimming) {
        taken += (int)rt_stacks_trim();
        rt_yield();
    }
    rt_waitgroup_done(&done);
}

static void storm(void)
{
    struct rt_go_attr attr = {.hibernate = true};
    work = rt_chan_new(sizeof(uint32_t), 0);
    side = rt_chan_new(sizeof(uint32_t), 0);
    stop_trimming = 0;
    taken = 0;
    rt_waitgroup_add(&done, RUNNERS + 1);
    for (uintptr_t i = 0; i < RUNNERS; i++)
        rt_go_attr(&attr, runner, (void *)i);
    rt_go(trimmer, NULL);
    /* until some stack was taken, however the looks fall */
    for (uint32_t i = 0; i < VALUES || (has_membarrier() && taken == 0); i++) {
        uint32_t ninety_nine = 99;
        rt_send(work, &i);
        EXPECT(rt_try_send(side, &ninety_nine) <= 0);
        if (i % 32 == 0)
            rt_sleep(1000);
    }
    rt_close(work);
    stop_trimming = 1;
    rt_waitgroup_wait(&done);
    rt_chan_free(&work);
    rt_chan_free(&side);
}

Test(hibernate, stacks_survive_a_storm_of_looks_and_wakes)
{
    for (int procs = 1; procs <= 4; procs *= 2)
        quiet_config_on(procs, storm, "hibernate=2");
}
