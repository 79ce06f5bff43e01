#include "goroutines.h"

/* A goroutine that runs over the end of its stack ends the process with a report, whatever the size of its frames
 * (faults.md G1). */

static void (*dig)(void *arg);
static enum rt_stack stack_of;
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
              died_saying);
    cr_assert_not_null(strstr(died_saying, "fatal: stack overflow"), "frames of %zu: %s", frame, died_saying);
    cr_assert_not_null(strstr(died_saying, "digger"), "frames of %zu: %s", frame, died_saying);
    cr_assert_not_null(strstr(died_saying, "runs"), "frames of %zu: %s", frame, died_saying);
    cr_assert_not_null(strstr(died_saying, "created by goroutine 1"), "frames of %zu: %s", frame, died_saying);
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
