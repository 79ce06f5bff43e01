#include "test.h"

#include <signal.h>
#include <unistd.h>

#include "base/throw.h"

static void say(void)
{
    _exit(write(STDOUT_FILENO, "", 0) == 0 ? 7 : 8);
}

static void throw_again(void)
{
    rt_throw("in the dump");
}

Test(throw, ends_with_status_2, .exit_code = 2)
{
    rt_throw("reason %d", 1);
}

Test(throw, calls_the_dump, .exit_code = 7)
{
    rti_throw_set_dump(say);
    rt_throw("reason");
}

Test(throw, a_dump_that_throws_does_not_recurse, .exit_code = 2)
{
    rti_throw_set_dump(throw_again);
    rt_throw("reason");
}

Test(throw, gotraceback_crash_aborts, .signal = SIGABRT)
{
    setenv("GOTRACEBACK", "crash", 1);
    rt_throw("reason");
}

Test(throw, a_broken_check_throws, .exit_code = 2)
{
    int zero = 0;
    CHECK(zero == 1);
}

Test(throw, a_kept_check_is_silent)
{
    CHECK(1 + 1 == 2);
    DCHECK(1 + 1 == 2);
}

static void nothing(void)
{
}

Test(throw, has_a_last_word_after_the_dump, .exit_code = 7)
{
    rti_throw_set_dump(nothing);
    rti_throw_set_last(say);
    rt_throw("reason");
}
