#include "goroutines.h"

#include <sys/eventfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>

#include <rt/poll.h>
#include <rt/sync.h>
#include <rt/time.h>

enum { MS = 1000000 };

struct clock_fd {
    struct rt_pd *pd;
    struct rt_waitgroup left;
    int64_t deadline_ns;
    ssize_t result;
    uint64_t count;
};

static void clock_open(struct clock_fd *c, long first_ns, long every_ns)
{
    struct itimerspec when = {.it_value = {.tv_nsec = first_ns}, .it_interval = {.tv_nsec = every_ns}};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
    *c = (struct clock_fd){.deadline_ns = RT_NO_DEADLINE};
    EXPECT(timerfd_settime(fd, 0, &when, NULL) == 0);
    EXPECT(rt_poll_open(&c->pd, fd) == 0);
}

static void read_count(void *arg)
{
    struct clock_fd *c = arg;
    c->result = rt_read(c->pd, &c->count, sizeof(c->count), c->deadline_ns);
    rt_waitgroup_done(&c->left);
}

static void start_reader(struct clock_fd *c)
{
    rt_waitgroup_add(&c->left, 1);
    rt_go(read_count, c);
}

static bool seeded(void)
{
    const char *godebug = getenv("GODEBUG");
    return godebug && strstr(godebug, "seed=");
}

static void ticks(void)
{
    struct clock_fd c;
    uint64_t count, sum = 0;
    int64_t before = rt_now();
    clock_open(&c, MS / 2, MS / 2);
    while (sum < 10) {
        EXPECT(rt_read(c.pd, &count, sizeof(count), RT_NO_DEADLINE) == sizeof(count) && count > 0);
        sum += count;
    }
    EXPECT(seeded() || rt_now() - before >= 10 * (MS / 2)); /* a seed's clock is not the kernel's */
    rt_poll_close_fd(&c.pd);
}

Test(poll_timerfd, every_tick_of_a_periodic_timer_is_counted)
{
    run_everywhere(ticks);
}

/* Whichever of the two is first, the wait ends once and with what is true. */
static void deadline_against_tick(void)
{
    for (int i = 0; i < 60; i++) {
        struct clock_fd c;
        clock_open(&c, MS / 5, 0);
        c.deadline_ns = rt_deadline(MS / 10 + i * (MS / 300));
        start_reader(&c);
        rt_waitgroup_wait(&c.left);
        EXPECT(c.result == sizeof(c.count) ? c.count == 1 : c.result == -ETIMEDOUT && rt_now() >= c.deadline_ns);
        if (c.result < 0) /* it still comes */
            EXPECT(rt_read(c.pd, &c.count, sizeof(c.count), RT_NO_DEADLINE) == sizeof(c.count) && c.count == 1);
        rt_poll_close_fd(&c.pd);
    }
}

Test(poll_timerfd, a_deadline_and_a_tick_at_the_same_moment_lose_nothing)
{
    run_everywhere(deadline_against_tick);
}

static void close_against_tick(void)
{
    for (int i = 0; i < 60; i++) {
        struct clock_fd c;
        clock_open(&c, 1 + i * 2000, 0);
        struct rt_pd *pd = c.pd; /* a copy: the reader reads c.pd */
        start_reader(&c);
        for (int j = 0; j < i % 7; j++)
            rt_yield();
        rt_poll_close_fd(&pd);
        rt_waitgroup_wait(&c.left);
        EXPECT(c.result == sizeof(c.count) ? c.count == 1 : c.result == -ECANCELED);
    }
}

Test(poll_timerfd, a_close_ends_a_wait_that_a_tick_may_end_too)
{
    run_everywhere(close_against_tick);
}

/* The timer fires and is closed without being read; its number and its record go to an eventfd that says nothing. The
 * event of before may come late and wake somebody, but a read sees through it. */
static void stale_tick(void)
{
    for (int i = 0; i < 40; i++) {
        struct clock_fd c, e = {.deadline_ns = RT_NO_DEADLINE};
        clock_open(&c, 1, 0);
        int was = rt_poll_fd(c.pd);
        if (i % 2)
            rt_yield();
        rt_poll_close_fd(&c.pd);
        int fd = eventfd(0, EFD_CLOEXEC);
        EXPECT(fd == was);
        EXPECT(rt_poll_open(&e.pd, fd) == 0);
        e.deadline_ns = rt_deadline(i % 4 == 0 ? MS / 5 : 10000LL * MS);
        start_reader(&e);
        if (i % 4 != 0) {
            uint64_t seven = 7;
            rt_yield();
            EXPECT(rt_write(e.pd, &seven, sizeof(seven), RT_NO_DEADLINE, NULL) == sizeof(seven));
        }
        rt_waitgroup_wait(&e.left);
        EXPECT(i % 4 == 0 ? e.result == -ETIMEDOUT : e.result == sizeof(e.count) && e.count == 7);
        rt_poll_close_fd(&e.pd);
    }
}

Test(poll_timerfd, a_late_tick_of_a_closed_timer_is_not_taken_for_data_of_the_next_descriptor)
{
    run_everywhere(stale_tick);
}
