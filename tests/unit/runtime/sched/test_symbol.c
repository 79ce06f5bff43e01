#include "test.h"

#include <unistd.h>

#include "sched/symbol.h"

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

Test(symbol, an_address_in_no_object_is_printed_as_a_number)
{
    print((const void *)(uintptr_t)0x10);
    cr_assert_str_eq(got, "at 0x10\n");
}
