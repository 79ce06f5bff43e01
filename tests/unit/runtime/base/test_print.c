#include "test.h"

#include <limits.h>
#include <unistd.h>

#include "base/print.h"

static char buf[64];
PRINTF_LIKE(2, 3) static const char *text(size_t cap, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    size_t n = rti_print_format(buf, cap, fmt, args);
    va_end(args);
    cr_assert_eq(n, strlen(buf));
    return buf;
}

Test(print, formats_what_printf_would)
{
    char want[64];
    snprintf(want, sizeof want, "%s|%d|%u|%x|%c|%%|%ld|%zu", "a", -7, 8u, 255u, 'z', LONG_MIN, (size_t)12);
    cr_assert_str_eq(text(64, "%s|%d|%u|%x|%c|%%|%ld|%zu", "a", -7, 8u, 255u, 'z', LONG_MIN, (size_t)12), want);
    cr_assert_str_eq(text(64, "%lu %llx %d", ULONG_MAX, 0x123456789abcdefULL, INT_MIN),
                     "18446744073709551615 123456789abcdef -2147483648");
    cr_assert_str_eq(text(64, "%p", (void *)0x1f), "0x1f");
}

Test(print, is_cut_to_the_buffer_and_ends_with_nul)
{
    cr_assert_str_eq(text(4, "%s", "abcdef"), "abc");
    cr_assert_str_eq(text(1, "%d", 5), "");
}

Test(print, goes_to_standard_error_in_one_write)
{
    int pipes[2];
    char got[32] = {0};
    cr_assert_eq(pipe(pipes), 0);
    int saved = dup(STDERR_FILENO);
    dup2(pipes[1], STDERR_FILENO);
    rti_print_text("x=%d\n", 42);
    dup2(saved, STDERR_FILENO);
    cr_assert_eq(read(pipes[0], got, sizeof got - 1), 5);
    cr_assert_str_eq(got, "x=42\n");
}
