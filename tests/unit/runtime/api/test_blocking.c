/* The behaviour of <rt/blocking.h> is in tests/api/test_go.c; here is what only the inside can see. */
#include "test.h"

#include <errno.h>
#include <unistd.h>

#include <rt/rt.h>

#include "proc/g.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/sched.h"

static int in_and_out(void *arg)
{
    struct g *g = rti_sched_self();
    (void)arg;
    rt_enter_blocking();
    int inside = (int)rti_g_state(g);
    rt_exit_blocking();
    bool back = rti_g_state(g) == RTI_G_RUNNING;
    return inside == RTI_G_BLOCKING && back && RT_BLOCKING(close(-1)) == -EBADF && RT_BLOCKING(getpid()) == getpid()
               ? 0
               : 1;
}

Test(blocking, the_goroutine_counts_as_blocked_in_between_and_errors_come_as_negative_errno)
{
    struct rt_config config = {.procs = 1};
    cr_assert_eq(rt_main(&config, in_and_out, NULL), 0);
}

Test(blocking, on_a_plain_thread_the_bracket_does_nothing)
{
    cr_assert_eq(RT_BLOCKING(close(-1)), -EBADF);
}
