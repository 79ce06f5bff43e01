/* The seeded mode seen from outside: what it promises to whoever debugs with it. */
#include "goroutines.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>

#include "base/membarrier.h"
#include "sched/hibernate.h"
#include "sched/seeded.h"
#include <rt/blocking.h>
#include <rt/chan.h>
#include <rt/sync.h>
#include <rt/time.h>

static int run_seeded(int procs, int seed, int (*app)(void *arg), void *arg)
{
    char godebug[64];
    snprintf(godebug, sizeof godebug, "seed=%d", seed);
    struct rt_config config = {.procs = procs, .godebug = godebug};
    return rt_main(&config, app, arg);
}

/* --- equal seeds, equal runs --- */

enum { HANDS = 5, EACH = 6 };
static struct rt_chan *line;
static struct rt_mutex mutex;
static struct rt_waitgroup left;
static int order[HANDS * EACH], orders;

static void hand(void *arg)
{
    for (int i = 0; i < EACH; i++) {
        rt_mutex_lock(&mutex);
        if (orders < HANDS * EACH)
            order[orders++] = (int)(intptr_t)arg;
        rt_mutex_unlock(&mutex);
        rt_send(line, &i);
        if (i == 2)
            rt_sleep(1000);
    }
    rt_waitgroup_done(&left);
}

static int busy(void *arg UNUSED)
{
    int sum = 0;
    line = rt_chan_new(sizeof(int), 2);
    orders = 0;
    left = (struct rt_waitgroup){0};
    mutex = (struct rt_mutex){0};
    rt_waitgroup_add(&left, HANDS);
    for (int i = 0; i < HANDS; i++)
        rt_go(hand, (void *)(intptr_t)i);
    for (int i = 0, v; i < HANDS * EACH; i++) {
        EXPECT(rt_recv(line, &v));
        sum += v;
    }
    rt_waitgroup_wait(&left);
    rt_chan_free(&line);
    return sum;
}

Test(seeded, equal_seeds_give_equal_runs)
{
    for (int seed = 1; seed <= 150; seed++) {
        int first[HANDS * EACH], procs = 1 + seed % 8;
        cr_assert_eq(run_seeded(procs, seed, busy, NULL), HANDS * 15);
        uint64_t hash = rti_seeded_hash();
        memcpy(first, order, sizeof first);
        cr_assert_eq(run_seeded(procs, seed, busy, NULL), HANDS * 15);
        cr_assert_eq(rti_seeded_hash(), hash, "seed %d", seed);
        cr_assert_eq(memcmp(first, order, sizeof first), 0, "seed %d", seed);
    }
}

Test(seeded, other_seeds_give_other_runs)
{
    static uint64_t hashes[200];
    int equal = 0, changes = 0, first[HANDS * EACH];
    for (int i = 0; i < 200; i++) {
        cr_assert_eq(run_seeded(2, i + 1, busy, NULL), HANDS * 15);
        hashes[i] = rti_seeded_hash();
        for (int k = 0; k < i; k++)
            equal += hashes[k] == hashes[i];
        changes += i > 0 && memcmp(first, order, sizeof first) != 0;
        memcpy(first, order, sizeof first);
    }
    cr_assert_eq(equal, 0);
    cr_assert(changes > 150, "%d", changes); /* and not only the hash: what the goroutines saw */
}

/* Every bit of the seed counts; and what runs under a seed of before stays what it was. */
Test(seeded, a_seed_has_sixty_four_bits)
{
    static const char *const seeds[] = {"seed=1", "seed=0x100000001", "seed=9223372036854775809",
                                        "seed=18446744073709551615", "seed=0x7fffffffffffffff"};
    uint64_t hashes[ARRAY_LEN(seeds)];
    for (size_t i = 0; i < ARRAY_LEN(seeds); i++) {
        struct rt_config config = {.procs = 2, .godebug = seeds[i]};
        cr_assert_eq(rt_main(&config, busy, NULL), HANDS * 15);
        hashes[i] = rti_seeded_hash();
        for (size_t k = 0; k < i; k++)
            cr_assert_neq(hashes[i], hashes[k], "%s and %s", seeds[i], seeds[k]);
        cr_assert_eq(rt_main(&config, busy, NULL), HANDS * 15);
        cr_assert_eq(rti_seeded_hash(), hashes[i], "%s", seeds[i]);
    }
    struct rt_config wrong = {.procs = 1, .godebug = "seed=18446744073709551616"};
    cr_assert_eq(rt_main(&wrong, busy, NULL), -EINVAL);
}

static int set_procs(void *arg UNUSED)
{
    int was = rt_procs();
    EXPECT(rt_set_procs(7) == was && rt_procs() == was);
    EXPECT(rt_set_procs(0) == was && rt_set_procs(1025) == -EINVAL);
    return busy(NULL);
}

Test(seeded, the_number_of_ps_stays_what_it_was_at_the_start)
{
    for (int procs = 1; procs <= 4; procs++) {
        cr_assert_eq(run_seeded(procs, 5, busy, NULL), HANDS * 15);
        uint64_t hash = rti_seeded_hash();
        cr_assert_eq(run_seeded(procs, 5, set_procs, NULL), HANDS * 15);
        cr_assert_eq(rti_seeded_hash(), hash, "with %d", procs); /* the calls choose nothing */
    }
    cr_assert_eq(expect_bad, 0);
}

/* --- stacks --- */

static void sleepy(void *arg)
{
    for (int i = 0, v; i < EACH; i++) {
        EXPECT(rt_recv(line, &v));
        rt_sleep(v);
    }
    rt_waitgroup_done(arg);
}

static int sleepers(void *arg UNUSED)
{
    line = rt_chan_new(sizeof(int), 0);
    left = (struct rt_waitgroup){0};
    rt_waitgroup_add(&left, HANDS);
    for (int i = 0; i < HANDS; i++)
        rt_go_attr(&(struct rt_go_attr){.hibernate = true}, sleepy, &left);
    for (int i = 0; i < HANDS * EACH; i++)
        rt_send(line, &i);
    rt_waitgroup_wait(&left);
    rt_chan_free(&line);
    return 0;
}

static uint64_t saved_under(int seed, const char *more)
{
    char godebug[64];
    snprintf(godebug, sizeof godebug, "seed=%d%s", seed, more);
    struct rt_config config = {.procs = 2, .godebug = godebug};
    cr_assert_eq(rt_main(&config, sleepers, NULL), 0);
    return rti_hibernate_counts().saved;
}

Test(seeded, stacks_are_copied_out_when_the_seed_says_so_and_change_no_order)
{
    int with = 0, without = 0;
    for (int seed = 1; seed <= 60; seed++) {
        uint64_t saved = saved_under(seed, ""), hash = rti_seeded_hash();
        (void)run_seeded(2, seed + 1, busy, NULL); /* other goroutines' records are used next time */
        cr_assert_eq(saved_under(seed, ""), saved, "seed %d", seed);
        cr_assert_eq(rti_seeded_hash(), hash, "seed %d", seed);
        cr_assert_eq(saved_under(seed, ",hibernate=0"), 0, "seed %d", seed);
        cr_assert_eq(rti_seeded_hash(), hash, "seed %d without", seed);
        (void)saved_under(seed, ",hibernate=2");
        cr_assert_eq(rti_seeded_hash(), hash, "seed %d with more", seed);
        with += saved > 0;
        without += saved == 0;
    }
    if (rti_membarrier_register())
        cr_assert(with >= 10 && without >= 10, "%d with, %d without", with, without);
    cr_assert_eq(expect_bad, 0);
}

/* --- time --- */

static int sleep_long(void *arg UNUSED)
{
    int64_t start = rt_now(), hours = 10LL * 3600 * 1000000000;
    rt_sleep(hours);
    EXPECT(rt_now() - start == hours);
    struct rt_chan *never = rt_chan_new(0, 0), *limit = rt_after(hours);
    struct rt_case cases[] = {rt_case_recv(never, NULL), rt_case_recv(limit, NULL)};
    EXPECT(rt_select(cases, 2, true) == 1);
    EXPECT(rt_now() - start == 2 * hours);
    rt_chan_free(&never);
    rt_chan_free(&limit);
    return 0;
}

static int ask_time(void *arg)
{
    *(int64_t *)arg = rt_now();
    return 0;
}

Test(seeded, hours_pass_at_once_and_to_the_nanosecond)
{
    for (int seed = 1; seed <= 20; seed++)
        cr_assert_eq(run_seeded(2, seed, sleep_long, NULL), 0);
    cr_assert_eq(expect_bad, 0);
    int64_t fake = 0, real = 0;
    struct rt_config config = {.procs = 1};
    cr_assert_eq(run_seeded(1, 1, ask_time, &fake), 0);
    cr_assert_eq(rt_main(&config, ask_time, &real), 0); /* afterwards time is real again */
    cr_assert_eq(fake, 1000000000);
    cr_assert_neq(real, fake);
}

/* --- what comes from outside --- */

static int fds[2];

static void write_one(void *arg UNUSED)
{
    EXPECT(write(fds[1], "x", 1) == 1);
}

static NOINLINE ssize_t read_one(char *c)
{
    return read(fds[0], c, 1);
}

static int wait_in_call(void *arg UNUSED)
{
    char c = 0;
    rt_go(write_one, NULL);
    rt_enter_blocking();
    ssize_t n = read_one(&c); /* the writer can only run when the baton is handed on */
    rt_exit_blocking();
    EXPECT(n == 1 && c == 'x');
    return 0;
}

Test(seeded, a_call_that_another_goroutine_must_end_does_end)
{
    cr_assert_eq(pipe(fds), 0);
    for (int seed = 1; seed <= 3; seed++)
        cr_assert_eq(run_seeded(2, seed, wait_in_call, NULL), 0);
    cr_assert_eq(expect_bad, 0);
}

static void count_down(void *arg UNUSED)
{
    rt_waitgroup_done(&left);
}

static void *start_from_outside(void *arg)
{
    for (int i = 0; i < 10; i++)
        rt_go(count_down, NULL);
    rt_external_release();
    return arg;
}

static int wait_for_outside(void *arg UNUSED)
{
    pthread_t t;
    left = (struct rt_waitgroup){0};
    rt_waitgroup_add(&left, 10);
    rt_external_hold();
    EXPECT(pthread_create(&t, NULL, start_from_outside, NULL) == 0);
    rt_waitgroup_wait(&left);
    pthread_join(t, NULL);
    return 0;
}

Test(seeded, a_thread_outside_may_start_goroutines)
{
    for (int seed = 1; seed <= 20; seed++)
        cr_assert_eq(run_seeded(3, seed, wait_for_outside, NULL), 0);
    cr_assert_eq(expect_bad, 0);
}

/* --- the swarm finds what was planted, and the line it prints finds it again --- */

static char heard[65536];

/* seeded_swarm beside this binary, with $GODEBUG godebug (NULL: none); what it says on both outputs is in heard. */
static int swarm(const char *godebug, const char *const *args)
{
    char binary[PATH_MAX];
    int said[2], status = 0;
    size_t len = 0;
    ssize_t n = readlink("/proc/self/exe", binary, sizeof binary - 32);
    cr_assert(n > 0 && pipe(said) == 0);
    binary[n] = '\0';
    snprintf(strrchr(binary, '/'), 32, "/seeded_swarm");
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        char *argv[8] = {binary};
        for (int i = 0; i < 6 && args[i]; i++)
            argv[i + 1] = (char *)(uintptr_t)args[i];
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (godebug)
            setenv("GODEBUG", godebug, 1);
        dup2(said[1], STDERR_FILENO);
        dup2(said[1], STDOUT_FILENO);
        close(said[0]);
        close(said[1]);
        execv(binary, argv);
        _exit(127);
    }
    close(said[1]);
    while (len < sizeof heard - 1 && (n = read(said[0], heard + len, sizeof heard - 1 - len)) > 0)
        len += (size_t)n;
    heard[len] = '\0';
    close(said[0]);
    cr_assert_eq(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void must_find(const char *program)
{
    char godebug[64], first[256];
    int status = swarm(NULL, (const char *const[]){"--seeds", "2000", program, NULL});
    cr_assert_eq(status, 2, "%s was not found: %s", program, heard);
    char *replay = strstr(heard, "replay: GODEBUG=");
    cr_assert_not_null(replay, "%s", heard);
    cr_assert_eq(sscanf(replay, "replay: GODEBUG=%63s", godebug), 1);
    snprintf(first, sizeof first, "%.*s", (int)strcspn(replay, "\n"), replay);
    cr_assert_not_null(strstr(first, program), "%s", first);
    cr_assert_eq(swarm(godebug, (const char *const[]){program, NULL}), 2, "did not come again: %s", first);
    cr_assert_not_null(strstr(heard, first), "%s", heard);
}

Test(planted, a_lost_wake_up_is_found)
{
    must_find("planted_lost_wakeup");
}

Test(planted, a_lost_update_is_found)
{
    must_find("planted_lost_update");
}

Test(planted, a_waiter_woken_twice_is_found)
{
    must_find("planted_double_ready");
}

Test(planted, a_close_that_misses_a_waiter_is_found)
{
    must_find("planted_missed_close");
}

Test(planted, a_stack_lent_out_without_a_pin_is_found)
{
    if (!rti_membarrier_register())
        test_skip("a kernel without membarrier: no stack is copied out");
    must_find("planted_lent_stack");
}

Test(planted, crossed_locks_are_found)
{
    must_find("planted_crossed_locks");
}

Test(planted, a_stop_that_came_too_late_is_found)
{
    must_find("planted_stop_not_heeded");
}

Test(swarm, refuses_what_it_does_not_understand)
{
    cr_assert_eq(swarm(NULL, (const char *const[]){"no_such_program", NULL}), 1);
    cr_assert_eq(swarm(NULL, (const char *const[]){"--seeds", "0", NULL}), 1);
    cr_assert_eq(swarm(NULL, (const char *const[]){"--seeds", NULL}), 1);
    cr_assert_eq(swarm(NULL, (const char *const[]){"--from", "-1", NULL}), 1);
    cr_assert_eq(swarm(NULL, (const char *const[]){"--from", "18446744073709551615", "--seeds", "2", "mutex", NULL}),
                 1);
    cr_assert_eq(swarm("seed=0x10000000000000000", (const char *const[]){"mutex", NULL}), 1);
    cr_assert_eq(swarm("nonsense=1", (const char *const[]){"mutex", NULL}), 1);
}
