#include "test.h"

#include "sched/callsite.h"

static char code[4096];

Test(callsite, two_long_calls_make_a_place_long_and_one_does_not)
{
    cr_assert_not(rti_callsite_is_long(code));
    rti_callsite_learn(code, true);
    cr_assert_not(rti_callsite_is_long(code));
    rti_callsite_learn(code, true);
    cr_assert(rti_callsite_is_long(code));
}

Test(callsite, one_short_call_among_many_long_ones_changes_nothing_and_two_do)
{
    for (int i = 0; i < 300; i++) /* more than a counter holds */
        rti_callsite_learn(code, true);
    rti_callsite_learn(code, false);
    cr_assert(rti_callsite_is_long(code));
    rti_callsite_learn(code, false);
    cr_assert_not(rti_callsite_is_long(code));
}

Test(callsite, short_calls_do_not_count_below_nothing)
{
    for (int i = 0; i < 300; i++)
        rti_callsite_learn(code, false);
    rti_callsite_learn(code, true);
    rti_callsite_learn(code, true);
    cr_assert(rti_callsite_is_long(code));
}

/* A program has its calls some ten bytes or more apart. */
Test(callsite, places_near_each_other_rarely_share_a_counter)
{
    bool used[RTI_CALLSITES] = {false};
    int places = 0, slots = 0;
    for (size_t at = 0; at < sizeof code; at += 64, places++) {
        uint32_t slot = rti_callsite_slot(code + at);
        cr_assert_lt(slot, RTI_CALLSITES);
        slots += !used[slot];
        used[slot] = true;
    }
    cr_assert_geq(slots, places * 3 / 4);
}
