#include "test.h"

#include <signal.h>

#include "base/pages.h"

Test(pages, reserved_pages_are_zero_and_usable)
{
    size_t bytes = (size_t)1 << 32;
    char *p = rti_pages_reserve(bytes);
    cr_assert_not_null(p);
    rti_pages_small(p, bytes);
    cr_assert_eq(p[bytes - 1], 0);
    p[bytes - 1] = 1;
    rti_pages_discard(p + bytes - RTI_PAGE, RTI_PAGE);
    cr_assert_eq(p[bytes - 1], 0);
    rti_pages_release(p, bytes);
}

Test(pages, more_than_the_address_space_is_refused)
{
    cr_assert_null(rti_pages_reserve((size_t)1 << 60));
}

Test(pages, what_cannot_be_taken_is_fatal, .exit_code = 2)
{
    rti_pages_take((size_t)1 << 60);
}

static void touch_guard(enum rti_guard kind)
{
    char *p = rti_pages_take(2 * RTI_PAGE);
    if (!rti_pages_guard(p, RTI_PAGE, kind))
        raise(SIGSEGV); /* a kernel without this kind */
    p[RTI_PAGE] = 1;
    *(volatile char *)p = 1;
}

/* A sanitizer's handler would turn the signal into its own exit. */
static void plain_handler(void)
{
    signal(SIGSEGV, SIG_DFL);
}

Test(pages, a_guard_by_madvise_faults, .signal = SIGSEGV, .init = plain_handler)
{
    touch_guard(RTI_GUARD_MADVISE);
}

Test(pages, a_guard_by_mprotect_faults, .signal = SIGSEGV, .init = plain_handler)
{
    touch_guard(RTI_GUARD_MPROTECT);
}

Test(pages, no_guard_is_a_kind_of_guard_too)
{
    char *p = rti_pages_take(2 * RTI_PAGE);
    cr_assert(rti_pages_guard(p, 2 * RTI_PAGE, RTI_GUARD_NONE));
    p[0] = p[RTI_PAGE] = 1;
    rti_pages_release(p, 2 * RTI_PAGE);
}

static char *many;

static void guard_many(void)
{
    plain_handler();
    many = rti_pages_take(16 * RTI_PAGE);
    if (rti_pages_guard_kind() != RTI_GUARD_MADVISE || !rti_pages_guard_many(many, RTI_PAGE, 2 * RTI_PAGE, 8))
        raise(SIGSEGV); /* a kernel without this kind */
    for (int i = 1; i < 16; i += 2)
        many[i * RTI_PAGE] = 1;
}

Test(pages, the_first_of_many_guards_faults, .signal = SIGSEGV, .init = guard_many)
{
    *(volatile char *)many = 1;
}

Test(pages, the_last_of_many_guards_faults, .signal = SIGSEGV, .init = guard_many)
{
    *(volatile char *)(many + 14 * RTI_PAGE) = 1;
}

Test(pages, the_map_limit_is_a_plausible_number)
{
    cr_assert(rti_pages_map_limit() >= 1000);
}
