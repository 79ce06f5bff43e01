#include "test.h"

#include <errno.h>
#include <signal.h>

#include <rt/rt.h>

#include "proc/world.h"

static int procs_now(void *arg)
{
    (void)arg;
    return rt_procs();
}

Test(boot, gomaxprocs_and_config_say_how_many_ps)
{
    setenv("GOMAXPROCS", "3", 1);
    cr_assert_eq(rt_main(NULL, procs_now, NULL), 3);
    struct rt_config config = {.procs = 2};
    cr_assert_eq(rt_main(&config, procs_now, NULL), 2);
    setenv("GOMAXPROCS", "many", 1);
    cr_assert_eq(rt_main(NULL, procs_now, NULL), -EINVAL);
}

Test(boot, godebug_comes_from_the_environment_too)
{
    setenv("GODEBUG", "whatisthis=1", 1);
    cr_assert_eq(rt_main(NULL, procs_now, NULL), -EINVAL);
}

Test(boot, too_small_a_stack_region_is_an_error_not_a_crash)
{
    struct rt_config config = {.godebug = "stackmib=1"};
    cr_assert_eq(rt_main(&config, procs_now, NULL), -ENOMEM);
}

Test(boot, everything_is_taken_down_again)
{
    struct rt_config config = {.procs = 4};
    cr_assert_eq(rt_main(&config, procs_now, NULL), 4);
    cr_assert_eq(load_rlx(&rti_world.procs), 0);
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 0);
    cr_assert_eq(load_rlx(&rti_world.spinning), 0);
    cr_assert_null(rti_world.all_m);
    cr_assert_null(rti_world.stacks.region);
}

Test(boot, a_closed_pipe_is_an_error_not_a_signal)
{
    struct sigaction act;
    rt_main(NULL, procs_now, NULL);
    cr_assert_eq(sigaction(SIGPIPE, NULL, &act), 0);
    cr_assert(act.sa_handler == SIG_IGN);
    cr_assert_str_eq(rt_version(), LODE_VERSION);
}
