/* test_stories.c - failures that other runtimes have had, each as a test of ours. The table in HACKING.md says which
 * stories other tests tell. */
#include "fault.h"
#include "goroutines.h"

#include <signal.h>
#include <stdint.h>

#include <rt/chan.h>
#include <rt/sync.h>
#include <rt/time.h>

static struct fault_report report;
static const struct fault_plan nothing_fails = {.name = "none"};

struct story {
    struct rt_config config;
    void (*tell)(void);
};

static int tell(void *arg)
{
    (*(void (**)(void))arg)();
    return atomic_load(&expect_bad) ? 1 : 0;
}

static int in_child(void *arg)
{
    struct story *s = arg;
    return rt_main(&s->config, tell, &s->tell);
}

static void must_end_well(int procs, const char *godebug, void (*fn)(void))
{
    struct story s = {.config = {.procs = procs, .godebug = godebug}, .tell = fn};
    for (long i = fault_effort(); i > 0; i--) {
        fault_run(&nothing_fails, in_child, &s, &report);
        cr_assert_not(report.hung, "%s", report.said);
        cr_assert_eq(report.status, 0, "status %d: %s", report.status, report.said);
    }
}

/* --- the red zone: a leaf function keeps values below its stack pointer, where a signal or a stop must not write ---
 */

#if defined(__x86_64__)
/* Fills the 128 bytes below the stack pointer, waits until *enough, and returns how many of its words have changed. */
long red_zone(const _Atomic(int) *enough);
__asm__(".text\n"
        ".globl red_zone\n"
        ".type red_zone, @function\n"
        "red_zone:\n"
        "    movabs $0x7265647a6f6e6531, %rdx\n"
        "    mov $-16, %rcx\n"
        "1:  lea (%rdx,%rcx), %rsi\n"
        "    mov %rsi, (%rsp,%rcx,8)\n"
        "    inc %rcx\n"
        "    jnz 1b\n"
        "2:  mov (%rdi), %eax\n"
        "    test %eax, %eax\n"
        "    jz 2b\n"
        "    xor %eax, %eax\n"
        "    mov $-16, %rcx\n"
        "3:  lea (%rdx,%rcx), %rsi\n"
        "    xor %r8d, %r8d\n"
        "    cmp %rsi, (%rsp,%rcx,8)\n"
        "    setne %r8b\n"
        "    add %r8, %rax\n"
        "    inc %rcx\n"
        "    jnz 3b\n"
        "    ret\n"
        ".size red_zone, . - red_zone\n");

static _Atomic(int) enough, inside, unhurt;

static void keeps_a_red_zone(void *arg)
{
    (void)arg;
    atomic_store(&inside, (int)gettid());
    EXPECT(red_zone(&enough) == 0);
    atomic_store(&unhurt, 1);
}

static void on_signal(int signo)
{
    volatile char room[2048];
    for (size_t i = 0; i < sizeof room; i++)
        room[i] = (char)signo;
}

static void stops_and_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART}; /* on the goroutine's own stack */
    sigaction(SIGUSR1, &act, NULL);
    enough = inside = unhurt = 0;
    rt_go(keeps_a_red_zone, NULL);
    while (atomic_load(&inside) == 0)
        rt_yield();
    for (int i = 0; i < 100; i++) {
        EXPECT(rt_set_procs(2 + i % 2) > 0); /* stops it where it is, by a signal */
        EXPECT(tgkill(getpid(), atomic_load(&inside), SIGUSR1) == 0);
        (void)rt_stacks_trim();
    }
    atomic_store(&enough, 1);
    while (atomic_load(&unhurt) == 0)
        rt_yield();
}

Test(stories, stops_and_signals_leave_the_red_zone_alone)
{
    must_end_well(3, NULL, stops_and_signals);
}
#endif

/* --- a static whose address never escapes is read again after a switch --- */

static int plain_flag, plain_count;

static void sets_the_flag(void *arg)
{
    (void)arg;
    plain_count++;
    plain_flag = 1;
}

static void waits_for_a_plain_flag(void)
{
    for (int i = 0; i < 100; i++) {
        plain_flag = 0;
        rt_go(sets_the_flag, NULL);
        while (!plain_flag)
            rt_yield();
        EXPECT(plain_count == i + 1);
    }
}

Test(stories, a_static_variable_is_read_again_after_a_switch)
{
    must_end_well(1, NULL, waits_for_a_plain_flag);
}

/* --- a goroutine is stolen while its timer is under way: it wakes once, and not before its time --- */

#if defined(__SANITIZE_THREAD__)
enum { SLEEPERS = 60, NAPS = 6 };
#else
enum { SLEEPERS = 200, NAPS = 10 };
#endif

static struct rt_waitgroup group;
static _Atomic(int) naps;

static void naps_often(void *arg)
{
    uint64_t x = (uint64_t)(uintptr_t)arg * 0x9e3779b97f4a7c15u | 1;
    for (int i = 0; i < NAPS; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        int64_t ns = (int64_t)(x % 200000), start = rt_now();
        rt_sleep(ns);
        EXPECT(rt_now() - start >= ns);
        atomic_fetch_add(&naps, 1);
        if (x % 3 == 0)
            rt_yield();
    }
    rt_waitgroup_done(&group);
}

static void timers_and_thieves(void)
{
    atomic_store(&naps, 0);
    rt_waitgroup_add(&group, SLEEPERS);
    for (int i = 1; i <= SLEEPERS; i++)
        rt_go(naps_often, (void *)(intptr_t)i);
    rt_waitgroup_wait(&group);
    EXPECT(atomic_load(&naps) == SLEEPERS * NAPS);
}

Test(stories, goroutines_that_are_stolen_while_their_timers_fire_wake_once)
{
    must_end_well(4, NULL, timers_and_thieves);
    must_end_well(4, "stealfirst=1,alwaysmigrate=1,randompreempt=1", timers_and_thieves);
}

/* --- a thief that finds nothing comes to an end: the others of an idle world do not hold up who has work --- */

static void alone_among_many(void)
{
    struct rt_chan *c = rt_chan_new(sizeof(int), 0);
    for (int i = 0; i < 200; i++) {
        int v = i;
        rt_sleep(i % 4 ? 0 : 50000); /* the others go to sleep and wake, and look at empty queues */
        EXPECT(rt_try_send(c, &v) == -EAGAIN);
        rt_yield();
    }
    rt_chan_free(&c);
}

Test(stories, a_search_through_empty_queues_ends)
{
    must_end_well(2, NULL, alone_among_many);
    must_end_well(16, "stealfirst=1", alone_among_many);
}

/* --- two that ready each other for ever leave room for the others of their queue --- */

static struct rt_chan *ball[2];
static _Atomic(int) had_their_turn;

static void plays(void *arg)
{
    int me = (int)(intptr_t)arg;
    while (rt_recv(ball[me], NULL) && atomic_load(&had_their_turn) < SLEEPERS)
        rt_send(ball[1 - me], NULL);
    rt_close(ball[1 - me]);
    rt_waitgroup_done(&group);
}

static void has_its_turn(void *arg)
{
    (void)arg;
    atomic_fetch_add(&had_their_turn, 1);
}

static void ping_pong(void)
{
    ball[0] = rt_chan_new(0, 1);
    ball[1] = rt_chan_new(0, 1);
    rt_waitgroup_add(&group, 2);
    rt_go(plays, (void *)0);
    rt_go(plays, (void *)1);
    rt_send(ball[0], NULL);
    for (int i = 0; i < SLEEPERS; i++)
        rt_go(has_its_turn, NULL);
    rt_waitgroup_wait(&group);
    EXPECT(atomic_load(&had_their_turn) == SLEEPERS);
    rt_chan_free(&ball[0]);
    rt_chan_free(&ball[1]);
}

Test(stories, a_pair_that_readies_each_other_starves_nobody)
{
    must_end_well(1, NULL, ping_pong);
}

/* --- one touched byte of a stack does not commit a huge page --- */

/* Of the mapping that holds at: has flag; -1 when it cannot be told. */
static int mapping_has(const void *at, const char *flag)
{
    char line[512];
    int found = -1;
    bool here = false;
    FILE *f = fopen("/proc/self/smaps", "re");
    while (f && found < 0 && fgets(line, sizeof line, f)) {
        unsigned long lo, hi;
        if (sscanf(line, "%lx-%lx ", &lo, &hi) == 2)
            here = (uintptr_t)at >= lo && (uintptr_t)at < hi;
        else if (here && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, flag) != NULL;
    }
    if (f)
        fclose(f);
    return found;
}

static void looks_at_its_mapping(void *arg)
{
    (void)arg;
    EXPECT(mapping_has(__builtin_frame_address(0), " nh") != 0); /* a local could be on a fake stack of ASan's */
    rt_waitgroup_done(&group);
}

static void looks_at_stacks(void)
{
    struct rt_go_attr attr = {.stack = RT_STACK_1M};
    rt_waitgroup_add(&group, 2);
    rt_go(looks_at_its_mapping, NULL);
    rt_go_attr(&attr, looks_at_its_mapping, NULL);
    rt_waitgroup_wait(&group);
}

Test(stories, stacks_never_lie_in_huge_pages)
{
    if (access("/sys/kernel/mm/transparent_hugepage/enabled", R_OK) != 0)
        test_skip("this kernel has no transparent huge pages");
    must_end_well(2, NULL, looks_at_stacks);
}
