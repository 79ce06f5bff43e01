#include "test.h"

#include "arch/stackhints.h"

#if defined(RTI_HAVE_TSAN) || defined(RTI_HAVE_ASAN)
Test(stackhints, the_threads_own_stack_is_known)
{
    struct rti_stackhints h = {0};
    int local;
    rti_stackhints_thread(&h);
    cr_assert((const char *)&local > (const char *)h.lo);
    cr_assert((const char *)&local < (const char *)h.lo + h.size);
}

Test(stackhints, a_stack_can_be_bound_many_times)
{
    static char stack[4096];
    struct rti_stackhints h = {0};
    for (int i = 0; i < 2000; i++) { /* more than TSan's pool holds */
        rti_stackhints_bind(&h, stack, sizeof stack);
        cr_assert_eq(h.lo, stack);
        rti_stackhints_unbind(&h);
        cr_assert_null(h.tsan_fiber);
    }
}
#else
Test(stackhints, without_a_sanitizer_they_take_no_room)
{
    cr_assert_eq(sizeof(struct rti_stackhints), 0);
}
#endif
