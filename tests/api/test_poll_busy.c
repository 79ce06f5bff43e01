#include "seeds.h"
#include "test.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <unistd.h>

#include <rt/go.h>
#include <rt/poll.h>
#include <rt/rt.h>
#include <rt/time.h>

enum { ARRIVALS = 20 };

static int ends[2];
static _Atomic(int) arrived;

static void read_all(void *arg)
{
    struct rt_pd *pd;
    uint8_t byte;
    (void)arg;
    if (rt_poll_open(&pd, ends[0]) < 0)
        return;
    while (rt_read(pd, &byte, 1, RT_NO_DEADLINE) == 1)
        atomic_fetch_add(&arrived, 1);
}

static void compute(void)
{
    for (int64_t end = rt_now() + 200000; rt_now() < end;)
        continue;
}

/* Slices longer than the poller's patience, a yield between them: how many, over all arrivals, until each was read? */
static int compute_and_yield(void *arg)
{
    (void)arg;
    rt_go(read_all, NULL);
    int slices = 0;
    for (int i = 0; i < ARRIVALS; i++) {
        compute();
        rt_yield(); /* it waits now, and somebody has just looked */
        if (write(ends[1], "x", 1) != 1)
            return -1;
        for (; atomic_load(&arrived) <= i; slices++) {
            compute();
            rt_yield();
        }
    }
    return slices;
}

Test(poll_busy, an_arrival_waits_for_a_slice_of_a_goroutine_that_computes_and_yields_not_for_sysmon, .timeout = 30)
{
    not_under_a_seed("real time");
    cr_assert_eq(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    int slices = rt_main(&(struct rt_config){.procs = 1, .godebug = "alwaysmigrate=0"}, compute_and_yield, NULL);
    cr_assert_geq(slices, 0);
    cr_assert_leq(slices, 5 * ARRIVALS, "%d slices for %d arrivals", slices, ARRIVALS); /* sysmon: up to 50 each */
}
