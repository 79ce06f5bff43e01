/* seeds.h - for tests that may run under GODEBUG=seed=N, where neither order nor time is what it is otherwise. */
#ifndef TESTS_SUPPORT_SEEDS_H
#define TESTS_SUPPORT_SEEDS_H

#include "test.h"

__attribute__((unused)) static bool under_a_seed(void)
{
    const char *godebug = getenv("GODEBUG");
    return godebug && strstr(godebug, "seed=");
}

__attribute__((unused)) static void not_under_a_seed(const char *what)
{
    if (under_a_seed())
        test_skip("is about %s", what);
}

#endif
