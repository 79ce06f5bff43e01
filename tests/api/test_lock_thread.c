/* test_lock_thread.c - goroutines tied to their thread, as a user sees them. */
#include "goroutines.h"

#include <errno.h>
#include <poll.h>
#include <sys/syscall.h>

#include <rt/chan.h>
#include <rt/time.h>

#if defined(__SANITIZE_THREAD__)
enum { ROUNDS = 50, ENDING = 30, OTHERS = 4 };
#else
enum { ROUNDS = 300, ENDING = 200, OTHERS = 8 };
#endif

/* noinline: the thread may differ from one call to the next, which no compiler knows */
static NOINLINE int tid(void)
{
    return (int)syscall(SYS_gettid);
}

static _Atomic(int) mine, running, strangers;

/* Yields until told to stop, and looks whether it was let onto the locked thread. */
static void other(void *arg)
{
    (void)arg;
    while (atomic_load(&running)) {
        if (tid() == atomic_load(&mine))
            atomic_fetch_add(&strangers, 1);
        rt_yield();
    }
    atomic_fetch_sub(&strangers, 1 << 16);
}

static void start_others(void)
{
    atomic_store(&running, 1);
    atomic_store(&strangers, OTHERS << 16);
    for (int i = 0; i < OTHERS; i++)
        rt_go(other, NULL);
}

static void stop_others(void)
{
    atomic_store(&running, 0);
    while (atomic_load(&strangers) >= 1 << 16)
        rt_yield();
    EXPECT(atomic_load(&strangers) == 0);
}

static void main_stays(void)
{
    rt_lock_thread();
    atomic_store(&mine, tid());
    start_others();
    for (int i = 0; i < ROUNDS; i++) {
        rt_yield();
        EXPECT(tid() == atomic_load(&mine));
        if (i % 16 == 0)
            rt_sleep(1000);
        EXPECT(tid() == atomic_load(&mine));
        if (i % 32 == 0)
            EXPECT(RT_BLOCKING(poll(NULL, 0, 1)) == 0);
        EXPECT(tid() == atomic_load(&mine));
    }
    atomic_store(&mine, 0);
    stop_others();
    rt_unlock_thread();
}

Test(lock_thread, a_locked_goroutine_stays_and_nobody_else_comes)
{
    run_everywhere(main_stays);
}

static void all_through_global_queue(void)
{
    struct rt_config config = {.procs = 2, .godebug = "alwaysmigrate=1"};
    void (*app)(void) = main_stays;
    cr_assert_eq(rt_main(&config, run_app, &app), 0);
    cr_assert_eq(expect_bad, 0);
}

Test(lock_thread, the_same_where_every_yield_migrates)
{
    all_through_global_queue();
}

static void nests(void)
{
    rt_unlock_thread(); /* nothing to unlock */
    rt_lock_thread();
    rt_lock_thread();
    rt_unlock_thread();
    atomic_store(&mine, tid());
    start_others();
    for (int i = 0; i < ROUNDS / 4; i++) {
        rt_yield();
        EXPECT(tid() == atomic_load(&mine)); /* still locked, once */
    }
    atomic_store(&mine, 0);
    rt_unlock_thread();
    rt_unlock_thread();
    stop_others();
}

Test(lock_thread, locks_nest_and_one_unlock_too_many_is_nothing)
{
    run_everywhere(nests);
}

/* --- two locked goroutines pass a value to and fro --- */
static struct rt_chan *there, *back;
static void echo(void *arg)
{
    (void)arg;
    int at = 0, v = 0;
    rt_lock_thread();
    at = tid();
    while (rt_recv(there, &v)) {
        EXPECT(tid() == at);
        v++;
        rt_send(back, &v);
        EXPECT(tid() == at);
    }
    rt_unlock_thread();
    atomic_store(&running, 0);
}

static void ping(void)
{
    there = rt_chan_new(sizeof(int), 0);
    back = rt_chan_new(sizeof(int), 0);
    atomic_store(&running, 1);
    rt_lock_thread();
    int at = tid(), v = 0;
    rt_go(echo, NULL);
    for (int i = 0; i < ROUNDS; i++) {
        int want = v + 1;
        rt_send(there, &v);
        EXPECT(rt_recv(back, &v) && v == want);
        EXPECT(tid() == at);
    }
    rt_close(there);
    rt_unlock_thread();
    while (atomic_load(&running))
        rt_yield();
    rt_chan_free(&there);
    rt_chan_free(&back);
}

Test(lock_thread, two_locked_goroutines_talk)
{
    run_everywhere(ping);
}

/* --- a goroutine that ends locked --- */
static _Atomic(int) last_tid;
static void ends_locked(void *arg)
{
    (void)arg;
    rt_lock_thread();
    rt_yield();
    atomic_store(&last_tid, tid());
}

static int threads(void)
{
    char text[4096];
    FILE *f = fopen("/proc/self/status", "r");
    size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
    text[n] = '\0';
    if (f)
        fclose(f);
    const char *line = strstr(text, "Threads:");
    return line ? (int)strtol(line + 8, NULL, 10) : -1;
}

static void ends_many(void)
{
    for (int i = 0; i < ENDING; i++) {
        atomic_store(&last_tid, 0);
        rt_go(ends_locked, NULL);
        int t;
        while ((t = atomic_load(&last_tid)) == 0)
            rt_yield();
        EXPECT(t != tid());
        /* Not until it is gone: or its number could be given to another thread. */
        while (syscall(SYS_tgkill, getpid(), t, 0) == 0)
            rt_yield();
        EXPECT(rt_errno() == ESRCH);
    }
    EXPECT(threads() < 20);
}

static int ends_app(void *arg)
{
    (void)arg;
    ends_many();
    return 0;
}

Test(lock_thread, a_goroutine_that_ends_locked_ends_its_thread)
{
    struct rt_config config = {.procs = 2};
    cr_assert_eq(rt_main(&config, ends_app, NULL), 0);
    cr_assert_eq(rt_main(&config, ends_app, NULL), 0, "and again");
    cr_assert_eq(expect_bad, 0);
}

static void main_ends_locked(void)
{
    rt_lock_thread();
    rt_go(ends_locked, NULL);
    rt_yield();
}

Test(lock_thread, main_may_end_locked)
{
    for (int i = 0; i < 20; i++)
        run_everywhere(main_ends_locked);
}

static void nobody_wakes_it(void *arg)
{
    rt_lock_thread();
    EXPECT(!rt_recv(NULL, arg));
}

static void locked_deadlock(void)
{
    int v;
    rt_go(nobody_wakes_it, &v);
    rt_lock_thread();
    EXPECT(!rt_recv(NULL, &v));
}

Test(lock_thread, a_deadlock_of_locked_goroutines_is_reported)
{
    dies_saying(locked_deadlock, "all goroutines are asleep");
}

static _Atomic(int) asleep_done;
static void sleeper(void *arg)
{
    (void)arg;
    rt_lock_thread();
    int at = tid();
    rt_sleep(2000000);
    EXPECT(tid() == at);
    rt_unlock_thread();
    atomic_fetch_add(&asleep_done, 1);
}

static void only_sleepers(void)
{
    atomic_store(&asleep_done, 0);
    for (int i = 0; i < OTHERS; i++)
        rt_go(sleeper, NULL);
    rt_lock_thread();
    while (atomic_load(&asleep_done) < OTHERS)
        rt_sleep(500000);
    rt_unlock_thread();
}

Test(lock_thread, locked_goroutines_sleep_and_wake)
{
    run_everywhere(only_sleepers);
}

Test(lock_thread, outside_a_goroutine_it_is_nothing)
{
    rt_lock_thread();
    rt_unlock_thread();
    cr_assert_eq(rt_goid(), 0);
}
