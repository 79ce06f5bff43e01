#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include <rt/chan.h>
#include <rt/debug.h>
#include <rt/rt.h>
#include <rt/sync.h>

static char text[8192];
static int pipes[2];

static int run(int (*app)(void *))
{
    struct rt_config config = {.procs = 1};
    cr_assert_eq(pipe(pipes), 0);
    return rt_main(&config, app, NULL);
}

static void nothing(void *arg)
{
    (void)arg;
}

static int own_and_all(void *arg)
{
    char small[16];
    (void)arg;
    rt_go(nothing, NULL);
    if (rt_stack(text, sizeof text, false) != strlen(text) || strstr(text, "goroutine 2"))
        return 1;
    if (strncmp(text, "goroutine 1 [running, \"main\"]:\nown_and_all(...)\n", 48) != 0)
        return 2;
    if (rt_stack(small, sizeof small, true) != 15 || strcmp(small, "goroutine 1 [ru") != 0)
        return 3;
    if (rt_stack(text, sizeof text, true) != strlen(text) || !strstr(text, "\n\ngoroutine 2 [runnable]:\n"))
        return 4;
    return 0;
}

Test(debug, a_goroutine_sees_its_own_stack_or_all)
{
    cr_assert_eq(run(own_and_all), 0, "%s", text);
}

static int to_descriptors(void *arg)
{
    (void)arg;
    if (rt_stack_dump(-1, true) != -EBADF)
        return 1;
    if (rt_stack_dump(pipes[1], false) != 0)
        return 2;
    close(pipes[1]);
    return rt_stack_dump(pipes[1], true) == -EBADF ? 0 : 3;
}

Test(debug, a_dump_goes_to_a_descriptor_and_tells_when_it_cannot)
{
    cr_assert_eq(run(to_descriptors), 0);
    ssize_t n = read(pipes[0], text, sizeof text - 1);
    cr_assert_gt(n, 0);
    cr_assert_eq(strncmp(text, "goroutine 1 [running, \"main\"]:\nto_descriptors(...)\n", 51), 0, "%s", text);
}

static _Atomic(bool) seen;

static void *outside(void *arg)
{
    *(size_t *)arg = rt_stack(text, sizeof text, false);
    do
        rt_stack(text, sizeof text, true);
    while (!strstr(text, "\nasks_outside(...)\n\t/"));
    atomic_store(&seen, true);
    return NULL;
}

static NOINLINE bool was_seen(void)
{
    return atomic_load(&seen);
}

/* It calls something, or it had no frame of its own and its caller's would be missing. */
static NOINLINE void spin_until_seen(void)
{
    while (!was_seen())
        __asm__ volatile("");
}

static int asks_outside(void *arg)
{
    pthread_t t;
    size_t own = 1;
    (void)arg;
    if (pthread_create(&t, NULL, outside, &own) != 0)
        return 1;
    spin_until_seen();
    pthread_join(t, NULL);
    return own;
}

Test(debug, a_thread_outside_has_no_stack_of_its_own_to_show_but_sees_the_others)
{
    cr_assert_eq(run(asks_outside), 0);
    cr_assert_eq(strncmp(text, "goroutine 1 [running, \"main\"]:\n", 31), 0, "%s", text);
}

/* --- from all sides --- */

static struct rt_waitgroup left;
static _Atomic(int) odd;

static void dump_often(void)
{
    enum { TIMES = 25, ROOM = 1 << 15 };
    char *mine = malloc(ROOM);
    for (int i = 0; i < TIMES; i++) {
        size_t n = rt_stack(mine, ROOM, true);
        if (n != strlen(mine) || strncmp(mine, "goroutine ", 10) != 0 || !strstr(mine, "goroutine 1 ["))
            atomic_fetch_add(&odd, 1);
    }
    free(mine);
}

static void dumper(void *arg)
{
    dump_often();
    rt_waitgroup_done(arg);
}

static void *dump_outside(void *arg)
{
    dump_often();
    rt_external_release();
    return arg;
}

static void malloc_often(void *arg)
{
    for (int i = 0; !atomic_load(&seen); i++) {
        free(malloc((size_t)(i % 4000) + 1)); /* stopped with malloc's lock held */
        rt_checkpoint();
    }
    (void)arg;
    rt_waitgroup_done(&left);
}

static int from_all_sides(void *arg)
{
    enum { DUMPERS = 3 };
    pthread_t t;
    (void)arg;
    rt_waitgroup_add(&left, DUMPERS);
    rt_external_hold();
    if (pthread_create(&t, NULL, dump_outside, NULL) != 0)
        return 1;
    for (int i = 0; i < DUMPERS; i++)
        rt_go(dumper, &left);
    rt_waitgroup_wait(&left);
    pthread_join(t, NULL);
    return atomic_load(&odd);
}

static int from_all_sides_beside_malloc(void *arg)
{
    enum { DUMPS = 20 };
    rt_waitgroup_add(&left, 2);
    rt_go(malloc_often, NULL);
    rt_go(malloc_often, NULL);
    for (int i = 0; i < DUMPS; i++) {
        rt_stack(text, sizeof text, true);
        rt_yield();
    }
    atomic_store(&seen, true);
    rt_waitgroup_wait(&left);
    atomic_store(&seen, false);
    return from_all_sides(arg);
}

Test(debug, several_may_dump_at_the_same_time_beside_goroutines_in_malloc, .timeout = 120)
{
    for (int procs = 1; procs <= 4; procs++) {
        struct rt_config config = {.procs = procs};
        cr_assert_eq(rt_main(&config, from_all_sides_beside_malloc, NULL), 0, "with %d procs", procs);
    }
}

static size_t read_bytes;

/* The text is written when the world goes on: who reads the pipe may be a goroutine. */
static void read_all(void *arg)
{
    ssize_t n;
    do {
        n = RT_BLOCKING(read(pipes[0], text, sizeof text));
        read_bytes += n > 0 ? (size_t)n : 0;
    } while (n > 0);
    rt_waitgroup_done(arg);
}

static void sleeper(void *arg)
{
    (void)!rt_recv(arg, NULL);
}

static int through_a_pipe(void *arg)
{
    struct rt_chan *stop = rt_chan_new(0, 0);
    rt_waitgroup_add(&left, 1);
    for (int i = 0; i < 1500; i++)
        rt_go(sleeper, stop);
    rt_go(read_all, &left);
    for (int i = 0; i < 1600; i++)
        rt_yield();
    int err = rt_stack_dump(pipes[1], true);
    (void)arg;
    close(pipes[1]);
    rt_waitgroup_wait(&left);
    rt_close(stop);
    return err;
}

Test(debug, a_goroutine_may_read_what_is_dumped)
{
    struct rt_config config = {.procs = 2}; /* the dump blocks one */
    cr_assert_eq(pipe(pipes), 0);
    cr_assert_eq(rt_main(&config, through_a_pipe, NULL), 0);
    cr_assert_gt(read_bytes, 1 << 16); /* more than the pipe holds */
}

static int yields_when_asked(void *arg)
{
    struct rt_safepoint_times t;
    do {
        rt_checkpoint();
        rt_safepoint_times(RT_SAFEPOINT_SLICE, &t);
    } while (t.count == 0);
    (void)arg;
    return 0;
}

Test(debug, it_tells_how_long_goroutines_took_to_give_way)
{
    struct rt_safepoint_times t;
    rt_safepoint_times(RT_SAFEPOINT_SLICE, &t);
    cr_assert_eq(t.count, 0);
    cr_assert_eq(t.max_ns, 0);
    cr_assert_eq(run(yields_when_asked), 0);
    rt_safepoint_times(RT_SAFEPOINT_SLICE, &t);
    cr_assert_geq(t.count, 1);
    cr_assert(t.p50_ns <= t.p90_ns && t.p90_ns <= t.p99_ns && t.p99_ns <= t.max_ns);
    rt_safepoint_times(RT_SAFEPOINT_END, &t);
    cr_assert_geq(t.count, 1);
}
