#include "../sched/fake_world.h"

#include <signal.h>

#include "arch/ucontext.h"
#include "observe/shot.h"
#include "sched/sched.h"
#include "sched/spawn.h"

static struct rti_shot_taker taker;
static struct rti_shot shot, again;

Test(shot, tells_what_is_known_of_a_goroutine, .init = fake_world)
{
    struct g *g = fake_g(RTI_G_WAITING);
    g->id = 7;
    g->parent = 3;
    g->name = "seven";
    store_rlx(&g->wait, RTI_WAIT_SELECT);
    store_rlx(&g->since_s, 99);
    cr_assert(rti_shot_take(&taker, g, &shot));
    cr_assert(shot.id == 7 && shot.parent == 3 && shot.wait == RTI_WAIT_SELECT && shot.since_s == 99);
    cr_assert(shot.named && !shot.locked && !shot.interrupted);
    cr_assert_str_eq(shot.name, "seven");
    cr_assert_eq(shot.stack, RTI_SHOT_MOVED); /* it has none: somebody must have taken it */
    g->name = NULL;
    cr_assert(rti_shot_take(&taker, g, &shot) && !shot.named);
    cr_assert_not(rti_shot_take(&taker, fake_g(RTI_G_DEAD), &shot));
    cr_assert_not(rti_shot_take(&taker, fake_g(RTI_G_IDLE), &shot));
    cr_assert(rti_shot_take(&taker, fake_g(RTI_G_RUNNABLE), &shot) && shot.stack == RTI_SHOT_NEW);
}

/* --- of a goroutine on another thread only what its thread was interrupted with, and only in a stopped world --- */

static void unused(void)
{
}

static ucontext_t met;

static void keep_context(int signo, siginfo_t *info, void *context)
{
    (void)signo, (void)info;
    memcpy(&met, context, sizeof met);
}

Test(shot, a_running_one_shows_where_it_was_interrupted, .init = fake_world)
{
    struct g *g = fake_g(RTI_G_RUNNING);
    struct sigaction act = {.sa_sigaction = keep_context, .sa_flags = SA_SIGINFO};
    cr_assert_eq(sigaction(SIGUSR1, &act, NULL), 0);
    raise(SIGUSR1);
    rti_spawn_bind(p, g, unused);
    m->curg = g;
    m->stopped_context = &met;
    cr_assert(rti_shot_take(&taker, g, &shot) && shot.stack == RTI_SHOT_ELSEWHERE);
    store_rel(&m->frozen, (uintptr_t)&met);
    taker.others = RTI_SHOT_FROZEN;
    cr_assert(rti_shot_take(&taker, g, &shot) && shot.stack == RTI_SHOT_FRAMES && shot.frames == 1);
    taker.others = RTI_SHOT_STOPPED;
    cr_assert(rti_shot_take(&taker, g, &shot) && shot.stack == RTI_SHOT_FRAMES);
    cr_assert(shot.interrupted && shot.inside == RTI_SHOT_ANYBODY);
    cr_assert_eq(shot.frames, 1); /* the frame pointer leads to this thread's stack, not to the goroutine's */
    cr_assert_eq(rti_shot_frame(&shot, 0), rti_ucontext_pc(&met));
    m->stopped_context = NULL; /* it stands, but was not interrupted */
    cr_assert(rti_shot_take(&taker, g, &shot) && shot.stack == RTI_SHOT_ELSEWHERE);
}

/* --- side by side --- */

static void fill(size_t frames)
{
    memset(&shot, 0, sizeof shot);
    shot.id = frames + 1;
    shot.frames = frames;
    for (size_t i = 0; i < RTI_SHOT_INNER && i < frames; i++)
        shot.inner[i] = 1000 + i;
    for (size_t i = RTI_SHOT_INNER; i < frames; i++)
        shot.outer[(i - RTI_SHOT_INNER) % RTI_SHOT_OUTER] = 1000 + i;
}

Test(shot, what_is_packed_comes_out_again)
{
    static const size_t frames[] = {0, 1, 49, 50, 51, 99, 100, 101, 12345};
    static uint64_t room[sizeof shot / sizeof(uint64_t) + 1];
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        fill(frames[i]);
        memset(&again, 0, sizeof again);
        size_t bytes = rti_shot_pack(&shot, (char *)room, sizeof shot);
        cr_assert(bytes > 0 && bytes % sizeof(uint64_t) == 0 && bytes <= sizeof shot);
        cr_assert_eq(rti_shot_unpack(&again, (const char *)room), bytes);
        cr_assert_eq(memcmp(&again, &shot, sizeof shot), 0, "%zu frames", frames[i]);
        cr_assert_eq(rti_shot_pack(&shot, (char *)room, bytes - 1), 0);
    }
}
