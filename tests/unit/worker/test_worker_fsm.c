#include <test.h>

#include "worker/worker_fsm.h"

/* What each cell must hold, written a second time in another form: a row a state, a column an event, in the order of
 * enum worker_event (dial welcome stranger refused lease dry silent stop drained): state letter, action letter. */
static const char *const expected[WORKER_STATES] = {
    [WORKER_AWAY] = "Gd A! A! A! A! As A- XL A!",     [WORKER_GREETING] = "G! IS G- XR G! Gs Ar XL G!",
    [WORKER_IDLE] = "I! IS Gg XR Mm I- Ar DD I!",     [WORKER_MINING] = "M! IS Gg XR M- Is Ar DD M!",
    [WORKER_DRAINING] = "D! DS Dg XL D- D- XL D- XL", [WORKER_GONE] = "X- X- X- X- X- X- X- X- X-",
};
static const char state_letters[] = "AGIMDX";
static const char action_letters[] = "-!dgSmsrRDL";

Test(worker_fsm, every_cell_of_the_table_is_what_this_second_table_says)
{
    for (int s = 0; s < WORKER_STATES; s++)
        for (int e = 0; e < WORKER_EVENTS; e++) {
            struct worker_step step = worker_fsm_step((enum worker_state)s, (enum worker_event)e);
            const char *cell = expected[s] + 3 * e;
            cr_assert_eq(state_letters[step.next], cell[0], "state %d event %d", s, e);
            cr_assert_eq(action_letters[step.action], cell[1], "state %d event %d", s, e);
        }
}

Test(worker_fsm, a_stop_ends_in_gone_from_every_state_with_at_most_one_more_event)
{
    for (int s = 0; s < WORKER_STATES; s++) {
        enum worker_state next = worker_fsm_step((enum worker_state)s, WORKER_EV_STOP).next;
        cr_assert_eq(worker_fsm_step(next, WORKER_EV_DRAINED).next, WORKER_GONE, "state %d", s);
    }
}

Test(worker_fsm, nothing_leaves_gone)
{
    for (int e = 0; e < WORKER_EVENTS; e++)
        cr_assert_eq(worker_fsm_step(WORKER_GONE, (enum worker_event)e).next, WORKER_GONE);
}

Test(worker_fsm, an_event_out_of_place_changes_no_state)
{
    for (int s = 0; s < WORKER_STATES; s++)
        for (int e = 0; e < WORKER_EVENTS; e++) {
            struct worker_step step = worker_fsm_step((enum worker_state)s, (enum worker_event)e);
            if (step.action == WORKER_ACT_BAD)
                cr_assert_eq((int)step.next, s);
        }
}

Test(worker_fsm, a_silent_coordinator_is_left_from_every_state_with_a_link)
{
    cr_assert_eq(worker_fsm_step(WORKER_GREETING, WORKER_EV_SILENT).next, WORKER_AWAY);
    cr_assert_eq(worker_fsm_step(WORKER_IDLE, WORKER_EV_SILENT).next, WORKER_AWAY);
    cr_assert_eq(worker_fsm_step(WORKER_MINING, WORKER_EV_SILENT).next, WORKER_AWAY);
}

Test(worker_fsm, states_and_events_have_names_for_the_log)
{
    cr_assert_str_eq(worker_fsm_state_name(WORKER_AWAY), "away");
    cr_assert_str_eq(worker_fsm_state_name(WORKER_GONE), "gone");
    cr_assert_str_eq(worker_fsm_event_name(WORKER_EV_DIAL), "dial");
    cr_assert_str_eq(worker_fsm_event_name(WORKER_EV_DRAINED), "drained");
}
