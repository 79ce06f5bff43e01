/* layout.h - the size of every public struct, and where its fields lie: compiled as C and as C++, which must agree.
 * Threads: one. Memory: none. */
#ifndef TESTS_INSTALL_LAYOUT_H
#define TESTS_INSTALL_LAYOUT_H

#include <stddef.h>
#include <stdio.h>

#include <rt/chan.h>
#include <rt/rt.h>
#include <rt/sync.h>

#define SIZE(type)         printf("%s %zu %zu\n", #type, sizeof(struct type), alignof(struct type))
#define FIELD(type, field) printf("%s.%s %zu\n", #type, #field, offsetof(struct type, field))

static void print_layout(void)
{
    SIZE(rt_mutex);
    FIELD(rt_mutex, waiters);
    SIZE(rt_rwmutex);
    FIELD(rt_rwmutex, readers_ahead);
    SIZE(rt_cond);
    SIZE(rt_waitgroup);
    FIELD(rt_waitgroup, sema);
    SIZE(rt_once);
    FIELD(rt_once, mutex);
    SIZE(rt_sema);
    SIZE(rt_case);
    FIELD(rt_case, value);
    SIZE(rt_config);
    FIELD(rt_config, godebug);
    SIZE(rt_go_attr);
}

#endif
