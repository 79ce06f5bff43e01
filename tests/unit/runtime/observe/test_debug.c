#include "test.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <rt/debug.h>
#include <rt/rt.h>

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

static void *outside(void *arg)
{
    *(size_t *)arg = rt_stack(text, sizeof text, false);
    rt_stack(text, sizeof text, true);
    return NULL;
}

static int asks_outside(void *arg)
{
    pthread_t t;
    size_t own = 1;
    (void)arg;
    if (pthread_create(&t, NULL, outside, &own) != 0)
        return 1;
    pthread_join(t, NULL);
    return own;
}

Test(debug, a_thread_outside_has_no_stack_of_its_own_to_show)
{
    cr_assert_eq(run(asks_outside), 0);
    cr_assert_not_null(strstr(text, "goroutine 1 [running, \"main\"]:\n\tgoroutine running on other thread"), "%s",
                       text);
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
