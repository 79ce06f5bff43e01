#include "seeds.h"
#include "test.h"

#include <stdatomic.h>

#include <rt/go.h>
#include <rt/rt.h>
#include <rt/time.h>

enum { TIMERS = 20, SLICE_NS = 200000 };

static _Atomic(int) fired;

static void count(void *arg)
{
    (void)arg;
    atomic_fetch_add(&fired, 1);
}

static void compute(void)
{
    for (int64_t end = rt_now() + SLICE_NS; rt_now() < end;)
        continue;
}

/* Alone on its P, slices longer than the timers, a yield between them: how many, over all timers, until each fired? */
static int compute_and_yield(void *arg)
{
    (void)arg;
    int slices = 0;
    for (int i = 0; i < TIMERS; i++) {
        struct rt_timer *t = rt_after_func(SLICE_NS / 2, count, NULL);
        for (; atomic_load(&fired) <= i; slices++) {
            compute();
            rt_yield();
        }
        rt_timer_free(&t);
    }
    return slices;
}

Test(time_busy, a_timer_waits_for_a_slice_of_a_goroutine_that_computes_and_yields_not_for_eight, .timeout = 30)
{
    not_under_a_seed("real time");
    int slices = rt_main(&(struct rt_config){.procs = 1, .godebug = "alwaysmigrate=0"}, compute_and_yield, NULL);
    cr_assert_geq(slices, TIMERS);
    cr_assert_leq(slices, 3 * TIMERS, "%d slices for %d timers", slices, TIMERS);
}
