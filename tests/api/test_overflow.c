#include "goroutines.h"

/* A goroutine that runs over the end of its stack ends the process with a report, whatever the size of its frames
 * (faults.md G1). */

static char heard[16384];
static void (*dig)(void *arg);
static enum rt_stack stack_of;

/* In a child. What it says is in heard. */
static int status_of_child(void (*app)(void))
{
    int said[2];
    size_t len = 0;
    cr_assert_eq(pipe(said), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        struct rt_config config = {.procs = 1};
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(said[1], STDERR_FILENO);
        close(said[0]);
        close(said[1]);
        _exit(rt_main(&config, run_app, &app) == 0 ? 0 : 1);
    }
    cr_assert_gt(child, 0);
    close(said[1]);
    for (ssize_t n; len < sizeof heard - 1 && (n = read(said[0], heard + len, sizeof heard - 1 - len)) > 0;)
        len += (size_t)n;
    heard[len] = '\0';
    close(said[0]);
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

static _Atomic(int) ended;

static void app(void)
{
    struct rt_go_attr attr = {.name = "digger", .stack = stack_of};
    rt_go_attr(&attr, dig, NULL);
    while (!ended)
        rt_yield();
}

static void must_be_reported(void (*digger)(void *arg), enum rt_stack stack, size_t frame)
{
    dig = digger;
    stack_of = stack;
    int status = status_of_child(app);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 2, "frames of %zu: status %#x, %s", frame, (unsigned)status,
              heard);
    cr_assert_not_null(strstr(heard, "fatal: stack overflow"), "frames of %zu: %s", frame, heard);
    cr_assert_not_null(strstr(heard, "digger"), "frames of %zu: %s", frame, heard);
    cr_assert_not_null(strstr(heard, "runs"), "frames of %zu: %s", frame, heard);
    cr_assert_not_null(strstr(heard, "created by goroutine 1"), "frames of %zu: %s", frame, heard);
}

/* A frame of at least BYTES of which the lowest byte is touched; deeper than any class. */
#define DIGGER(name, BYTES, ATTRIBUTE)                                                                                 \
    ATTRIBUTE static NOINLINE int name##_down(int n)                                                                   \
    {                                                                                                                  \
        volatile char room[BYTES];                                                                                     \
        room[0] = (char)n;                                                                                             \
        return n == 0 ? 0 : name##_down(n - 1) + room[0];                                                              \
    }                                                                                                                  \
    static void name(void *arg UNUSED)                                                                                 \
    {                                                                                                                  \
        ended = name##_down(1 << 20) | 1;                                                                              \
    }

DIGGER(dig_16, 16, )
DIGGER(dig_64, 64, )
DIGGER(dig_256, 256, )
DIGGER(dig_1k, 1 << 10, )
DIGGER(dig_4k, 4 << 10, )
DIGGER(dig_8k, 8 << 10, )
DIGGER(dig_16k, 16 << 10, )
DIGGER(dig_32k, 32 << 10, )
DIGGER(dig_64k, 64 << 10, )

Test(overflow, is_reported_with_frames_of_any_size)
{
    static const struct {
        void (*digger)(void *arg);
        size_t frame;
    } rows[] = {{dig_16, 16},      {dig_64, 64},        {dig_256, 256},      {dig_1k, 1 << 10},  {dig_4k, 4 << 10},
                {dig_8k, 8 << 10}, {dig_16k, 16 << 10}, {dig_32k, 32 << 10}, {dig_64k, 64 << 10}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        must_be_reported(rows[i].digger, RT_STACK_DEFAULT, rows[i].frame);
}

/* As in a library that was built without: nothing between two frames is touched, so only the size of the guard helps.
 */
#if defined(__GNUC__) && !defined(__clang__)
#define UNPROBED __attribute__((optimize("no-stack-clash-protection")))
DIGGER(leap_12k, 12 << 10, UNPROBED)
DIGGER(leap_60k, 60 << 10, UNPROBED)

Test(overflow, is_reported_when_unprobed_frames_would_leap_over_a_page)
{
    must_be_reported(leap_12k, RT_STACK_16K, 12 << 10);
    must_be_reported(leap_12k, RT_STACK_DEFAULT, 12 << 10);
    must_be_reported(leap_60k, RT_STACK_256K, 60 << 10);
    must_be_reported(leap_60k, RT_STACK_1M, 60 << 10);
}
#endif
