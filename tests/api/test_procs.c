/* test_procs.c - the number of Ps changes while goroutines run. */
#include "goroutines.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>

#include <rt/chan.h>
#include <rt/time.h>

#if defined(__SANITIZE_THREAD__)
enum { CHANGES = 60, WORKERS = 12, SLEEPERS = 50, VALUES = 200 };
#else
enum { CHANGES = 300, WORKERS = 24, SLEEPERS = 500, VALUES = 2000 };
#endif

static _Atomic(int) running, fired, left;
static _Atomic(int64_t) sent_sum, got_sum;

Test(procs, outside_the_runtime_there_are_none)
{
    not_under_a_seed("the number of Ps");
    cr_assert_eq(rt_set_procs(0), 0);
    cr_assert_eq(rt_set_procs(4), 0);
    cr_assert_eq(rt_procs(), 0);
}

static void reads_and_sets(void)
{
    int before = rt_procs();
    EXPECT(rt_set_procs(0) == before);
    EXPECT(rt_set_procs(3) == before && rt_procs() == 3);
    EXPECT(rt_set_procs(-1) == 3 && rt_procs() == 3);
    EXPECT(rt_set_procs(1025) == -EINVAL && rt_procs() == 3);
    EXPECT(rt_set_procs(1) == 3 && rt_procs() == 1);
    EXPECT(rt_set_procs(1024) == 1 && rt_procs() == 1024);
    EXPECT(rt_set_procs(2) == 1024 && rt_procs() == 2);
}

Test(procs, the_number_is_read_and_set)
{
    not_under_a_seed("the number of Ps");
    run_everywhere(reads_and_sets);
}

/* Two goroutines that cannot end unless both run at once. */
static _Atomic(int) met;
static void meets(void *arg)
{
    (void)arg;
    atomic_fetch_add(&met, 1);
    while (atomic_load(&met) < 2) /* gives way to nobody */
        ;
    atomic_fetch_sub(&left, 1);
}

static void more_run_at_once(void)
{
    atomic_store(&met, 0);
    atomic_store(&left, 2);
    rt_set_procs(1);
    rt_set_procs(3);
    rt_go(meets, NULL);
    rt_go(meets, NULL);
    while (atomic_load(&left) > 0)
        rt_yield();
}

Test(procs, after_a_rise_more_goroutines_run_at_once)
{
    not_under_a_seed("the number of Ps");
    run_everywhere(more_run_at_once);
}

/* --- everything at once, while the number changes --- */

static struct rt_chan *queue;
static void sender(void *arg)
{
    (void)arg;
    for (int i = 1; i <= VALUES; i++) {
        int64_t v = i;
        rt_send(queue, &v);
        atomic_fetch_add(&sent_sum, v);
        if (i % 16 == 0)
            rt_yield();
    }
    atomic_fetch_sub(&left, 1);
}

static void receiver(void *arg)
{
    int64_t v;
    (void)arg;
    while (rt_recv(queue, &v)) {
        atomic_fetch_add(&got_sum, v);
        if (v % 64 == 0)
            RT_BLOCKING(poll(NULL, 0, 0));
    }
    atomic_fetch_sub(&running, 1);
}

static void sleeper(void *arg)
{
    int64_t ns = (int64_t)(intptr_t)arg * 20000, start = rt_now();
    rt_sleep(ns);
    EXPECT(rt_now() - start >= ns);
    atomic_fetch_add(&fired, 1);
}

static void changes(void)
{
    unsigned seed = 7;
    queue = rt_chan_new(sizeof(int64_t), 8);
    atomic_store(&left, WORKERS);
    atomic_store(&running, WORKERS);
    atomic_store(&fired, 0);
    atomic_store(&sent_sum, 0);
    atomic_store(&got_sum, 0);
    for (int i = 0; i < WORKERS; i++) {
        rt_go(sender, NULL);
        rt_go(receiver, NULL);
    }
    for (int i = 0; i < SLEEPERS; i++)
        rt_go(sleeper, (void *)(intptr_t)i);
    for (int i = 0; i < CHANGES; i++) {
        int n = 1 + rand_r(&seed) % 8;
        EXPECT(rt_set_procs(n) >= 1);
        EXPECT(rt_procs() == n);
        rt_yield();
        if (i % 16 == 0)
            rt_sleep(100000);
    }
    while (atomic_load(&left) > 0)
        rt_yield();
    rt_close(queue);
    while (atomic_load(&running) > 0 || atomic_load(&fired) < SLEEPERS)
        rt_sleep(100000);
    EXPECT(atomic_load(&got_sum) == atomic_load(&sent_sum));
    EXPECT(atomic_load(&got_sum) == (int64_t)WORKERS * VALUES * (VALUES + 1) / 2);
    rt_chan_free(&queue);
}

Test(procs, nothing_is_lost_while_the_number_changes)
{
    not_under_a_seed("the number of Ps");
    run_everywhere(changes);
}

/* --- timers of a P that goes away --- */

static struct rt_timer *timers[SLEEPERS];
static void fire(void *arg)
{
    (void)arg;
    atomic_fetch_add(&fired, 1);
}

static void arms(void *arg)
{
    int from = (int)(intptr_t)arg;
    for (int i = from; i < from + SLEEPERS / 5; i++) {
        timers[i] = rt_after_func(i % 2 ? 1000000 : 3600ll * 1000000000, fire, NULL);
        rt_yield();
    }
    atomic_fetch_sub(&left, 1);
}

static void timers_move(void)
{
    atomic_store(&fired, 0);
    atomic_store(&left, 5);
    rt_set_procs(8);
    for (int i = 0; i < 5; i++)
        rt_go(arms, (void *)(intptr_t)(i * (SLEEPERS / 5)));
    while (atomic_load(&left) > 0)
        rt_yield();
    rt_set_procs(1);
    for (int i = 0; i < SLEEPERS; i += 2) {
        EXPECT(rt_timer_stop(timers[i])); /* an hour to go: it must be found, and found pending */
    }
    while (atomic_load(&fired) < SLEEPERS / 2)
        rt_sleep(100000);
    EXPECT(atomic_load(&fired) == SLEEPERS / 2);
    for (int i = 0; i < SLEEPERS; i++)
        rt_timer_free(&timers[i]);
}

Test(procs, timers_of_a_p_that_goes_away_fire_or_are_stopped)
{
    not_under_a_seed("the number of Ps");
    run_everywhere(timers_move);
}

/* --- others who set it --- */

static void *sets(void *arg)
{
    for (int i = 0; i < CHANGES / 4; i++)
        EXPECT(rt_set_procs(1 + i % 5) > 0);
    atomic_fetch_sub(&left, 1);
    return arg;
}

static void sets_too(void *arg)
{
    for (int i = 0; i < CHANGES / 4; i++) {
        EXPECT(rt_set_procs(5 - i % 5) > 0);
        rt_yield();
    }
    (void)arg;
    atomic_fetch_sub(&left, 1);
}

static void many_set_it(void)
{
    pthread_t t;
    atomic_store(&left, 5);
    EXPECT(pthread_create(&t, NULL, sets, NULL) == 0);
    for (int i = 0; i < 4; i++)
        rt_go(sets_too, NULL);
    while (atomic_load(&left) > 0)
        rt_yield();
    RT_BLOCKING(pthread_join(t, NULL));
    EXPECT(rt_procs() >= 1 && rt_procs() <= 5);
}

Test(procs, several_may_set_it_threads_outside_too)
{
    not_under_a_seed("the number of Ps");
    run_everywhere(many_set_it);
}

static void locked_and_fewer(void)
{
    rt_lock_thread();
    for (int i = 0; i < CHANGES / 4; i++) {
        rt_set_procs(1 + i % 4);
        rt_yield();
    }
    rt_unlock_thread();
}

Test(procs, a_locked_goroutine_may_set_it)
{
    not_under_a_seed("the number of Ps");
    run_everywhere(locked_and_fewer);
}

/* --- what the system grants --- */

static void set_cpus(pid_t thread, int cpus)
{
    cpu_set_t set, mine;
    EXPECT(sched_getaffinity(thread, sizeof mine, &mine) == 0 || errno);
    CPU_ZERO(&set);
    for (int cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&set) < cpus; cpu++)
        CPU_SET(cpu, &set);
    EXPECT(sched_setaffinity(thread, sizeof set, &set) == 0);
}

static int follows(void *arg)
{
    (void)arg;
    EXPECT(rt_procs() == 1);
    set_cpus(getpid(), 2); /* of the thread that called rt_main */
    while (rt_procs() != 2)
        rt_sleep(1000000);
    set_cpus(getpid(), 1);
    while (rt_procs() != 1)
        rt_sleep(1000000);
    rt_set_procs(2);
    EXPECT(rt_procs() == 2); /* by hand: stays */
    return 0;
}

Test(procs, the_number_follows_the_affinity_mask_until_it_is_set)
{
    not_under_a_seed("the number of Ps");
    cpu_set_t all;
    cr_assert_eq(sched_getaffinity(0, sizeof all, &all), 0);
    if (CPU_COUNT(&all) < 2 || !CPU_ISSET(0, &all) || !CPU_ISSET(1, &all))
        test_skip("needs CPUs 0 and 1");
    unsetenv("GOMAXPROCS");
    set_cpus(0, 1);
    cr_assert_eq(rt_main(NULL, follows, NULL), 0);
    cr_assert_eq(expect_bad, 0);
}

/* --- a goroutine that never looks --- */

static _Atomic(uint64_t) rounds;
static size_t (*volatile length)(const char *s) = strlen; /* where ThreadSanitizer delivers signals */

static void never_looks(void *arg)
{
    (void)arg;
    atomic_store(&running, 1);
    while (!atomic_load(&left))
        atomic_fetch_add(&rounds, length("x"));
    atomic_store(&running, 0);
}

static void changes_beside_it(void)
{
    atomic_store(&left, 0);
    atomic_store(&running, 0);
    rt_set_procs(3);
    rt_go(never_looks, NULL);
    while (!atomic_load(&running))
        rt_yield();
    for (int i = 0; i < CHANGES; i++)
        EXPECT(rt_set_procs(2 + i % 3) > 0); /* never 1: it might get just that P, and keep it from us */
    uint64_t was = atomic_load(&rounds);
    rt_set_procs(2);
    while (atomic_load(&rounds) < was + 1000) /* it goes on, perhaps on a P that is surplus */
        rt_yield();
    atomic_store(&left, 1);
    while (atomic_load(&running))
        rt_yield();
    EXPECT(rt_set_procs(1) == 2);
}

Test(procs, a_goroutine_that_never_looks_holds_nothing_up)
{
    not_under_a_seed("the number of Ps");
    run_everywhere(changes_beside_it);
}
