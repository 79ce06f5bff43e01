#include "test.h"

#include "base/clock.h"

Test(clock, never_goes_back)
{
    int64_t last = rti_clock_now();
    for (int i = 0; i < 1000; i++) {
        int64_t now = rti_clock_now();
        cr_assert(now >= last);
        last = now;
    }
}

Test(clock, can_be_set_and_given_back)
{
    rti_clock_set_fake(5);
    cr_assert_eq(rti_clock_now(), 5);
    cr_assert(rti_clock_monotonic() != 5);
    rti_clock_set_fake(-1);
    cr_assert(rti_clock_now() > 5);
}
