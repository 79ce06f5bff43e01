#include "test.h"

#include <pthread.h>
#include <sched.h>
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

Test(throw, gotraceback_takes_gos_words)
{
    static const char *const words[] = {"none", "single", "all", "system", "crash"};
    for (int i = 0; i < 5; i++) {
        setenv("GOTRACEBACK", words[i], 1);
        cr_assert_eq((int)rti_throw_level(), i);
    }
    setenv("GOTRACEBACK", "0", 1);
    cr_assert_eq(rti_throw_level(), RTI_THROW_NONE);
    setenv("GOTRACEBACK", "2", 1);
    cr_assert_eq(rti_throw_level(), RTI_THROW_SYSTEM);
    unsetenv("GOTRACEBACK");
    cr_assert_eq(rti_throw_level(), RTI_THROW_SINGLE);
}

static void *throw_second(void *arg)
{
    rt_throw("second");
    return arg;
}

static void let_another_throw(void)
{
    pthread_t t;
    if (pthread_create(&t, NULL, throw_second, NULL) != 0 || pthread_tryjoin_np(t, NULL) == 0)
        _exit(1);
    sched_yield();
    _exit(9);
}

Test(throw, a_second_thread_that_dies_waits_for_the_first, .exit_code = 9)
{
    rti_throw_set_dump(let_another_throw);
    rt_throw("first");
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
