#include "test.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rt/debug.h>
#include <rt/rt.h>
#include <rt/time.h>

#if defined(__SANITIZE_THREAD__)
enum { TSAN = 1 };
#else
enum { TSAN = 0 };
#endif

static void needs_switching(void)
{
    const char *godebug = getenv("GODEBUG");
    if (TSAN || (godebug && strstr(godebug, "seed=")))
        test_skip("no switching by signals under TSan or a seed");
}

/* --- a loop that never looks, in a marked function --- */

static _Atomic(int) quit, gone;
RT_PREEMPTIBLE static void spins_here(void)
{
    while (!atomic_load_explicit(&quit, memory_order_relaxed))
        ;
}

static void computes(void *arg)
{
    rt_preemptible_enter();
    spins_here();
    rt_preemptible_leave();
    atomic_fetch_add(&gone, 1);
    (void)arg;
}

static int waits_beside(void *arg)
{
    int n = *(int *)arg;
    for (int i = 0; i < n; i++)
        rt_go(computes, NULL);
    for (int i = 0; i < 3; i++)
        rt_yield(); /* until every one of them has had its slice */
    rt_sleep(1000000);
    atomic_store(&quit, 1);
    while (atomic_load(&gone) < n)
        rt_yield();
    return 0;
}

static void beside(int n)
{
    struct rt_config config = {.procs = 1};
    needs_switching();
    cr_assert_eq(rt_main(&config, waits_beside, &n), 0);
    cr_assert_eq(atomic_load(&gone), n);
}

Test(preemptible, a_loop_on_the_only_p_lets_others_run)
{
    beside(1);
}

Test(preemptible, so_do_three)
{
    beside(3);
}

static int just_starts(void *arg)
{
    rt_go(computes, NULL);
    rt_yield();
    (void)arg;
    return 0;
}

Test(preemptible, the_end_of_the_world_ends_it_too)
{
    struct rt_config config = {.procs = 1};
    needs_switching();
    cr_assert_eq(rt_main(&config, just_starts, NULL), 0);
    cr_assert_eq(rt_main(&config, just_starts, NULL), 0, "nobody was left behind");
}

/* --- what it looks like from outside --- */

static char dump[1 << 16];
static int looks_at_it(void *arg)
{
    rt_go(computes, NULL);
    rt_yield();
    rt_stack(dump, sizeof dump, true);
    atomic_store(&quit, 1);
    (void)arg;
    return 0;
}

Test(preemptible, a_dump_shows_where_it_was_interrupted)
{
    struct rt_config config = {.procs = 1};
    needs_switching();
    cr_assert_eq(rt_main(&config, looks_at_it, NULL), 0);
    const char *runnable = strstr(dump, "[runnable]");
    cr_assert(runnable != NULL, "%s", dump);
    cr_assert(strncmp(strchr(runnable, '\n') + 1, "spins_here(...)", strlen("spins_here(...)")) == 0, "%s", dump);
}

/* --- use --- */

static int nests(void *arg)
{
    uint64_t id = rt_goid();
    rt_preemptible_enter();
    rt_preemptible_enter();
    rt_preemptible_leave();
    *(uint64_t *)arg = rt_goid();
    rt_preemptible_leave();
    return *(uint64_t *)arg == id ? 0 : 1;
}

Test(preemptible, sections_nest)
{
    uint64_t id = 0;
    cr_assert_eq(rt_main(NULL, nests, &id), 0);
    cr_assert_eq(id, 1);
}

static int leaves_only(void *arg)
{
    rt_preemptible_leave();
    (void)arg;
    return 0;
}

Test(preemptible, leaving_what_was_not_entered_is_fatal, .exit_code = 2)
{
    (void)!rt_main(NULL, leaves_only, NULL);
}

Test(preemptible, a_thread_that_runs_no_goroutine_may_call_it)
{
    rt_preemptible_enter();
    rt_preemptible_leave();
    rt_preemptible_leave();
}
