#include "test.h"

#include <unistd.h>

#include "sched/symbol.h"
#include <rt/attr.h>

static char got[1024];
static void print(const void *at)
{
    int pipes[2];
    cr_assert_eq(pipe(pipes), 0);
    int saved = dup(STDERR_FILENO);
    dup2(pipes[1], STDERR_FILENO);
    rti_symbol_print("at ", at);
    dup2(saved, STDERR_FILENO);
    close(pipes[1]);
    ssize_t n = read(pipes[0], got, sizeof got - 1);
    cr_assert(n > 0);
    got[n] = '\0';
}

Test(symbol, an_exported_function_is_named)
{
    print((const void *)(uintptr_t)&getpid);
    cr_assert(strstr(got, "getpid") != NULL);
    cr_assert_eq(strncmp(got, "at ", 3), 0);
}

static NOINLINE int in_no_table_of_the_loader(int x)
{
    return x + 1;
}

Test(symbol, a_static_function_is_named)
{
    uintptr_t at = (uintptr_t)&in_no_table_of_the_loader;
    struct rti_symbol s;
    cr_assert_eq(in_no_table_of_the_loader(1), 2);
    cr_assert(rti_symbol_find(at + 1, &s));
    cr_assert_str_eq(s.name, "in_no_table_of_the_loader");
    cr_assert_eq(s.start, at);
    cr_assert_eq(access(s.file, R_OK), 0);
    cr_assert_lt(at - s.base, (uintptr_t)1 << 32, "an offset in the file");
    print((const void *)(at + 1));
    cr_assert(strstr(got, "at in_no_table_of_the_loader+0x1 (/") != NULL, "%s", got);
}

Test(symbol, a_cache_gives_the_same)
{
    static struct rti_symbol_cache cache;
    uintptr_t at = (uintptr_t)&in_no_table_of_the_loader;
    for (int round = 0; round < 3; round++)
        for (uintptr_t i = 0; i < 2000; i++) { /* they collide */
            const struct rti_symbol *s = rti_symbol_cached(&cache, at - 1000 + i);
            struct rti_symbol again;
            if (i % 100 == 0)
                cr_assert(rti_symbol_find(at - 1000 + i, &again) && again.name == s->name);
        }
    cr_assert_str_eq(rti_symbol_cached(&cache, at)->name, "in_no_table_of_the_loader");
    cr_assert_null(rti_symbol_cached(&cache, 0x10)->file);
}

Test(symbol, an_address_in_no_object_is_printed_as_a_number)
{
    print((const void *)(uintptr_t)0x10);
    cr_assert_str_eq(got, "at 0x10\n");
}
