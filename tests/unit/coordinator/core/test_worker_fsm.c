#include "test.h"

#include "coordinator/core/worker_fsm.h"

/* The table again, by hand: a change on one side has to be meant on the other. */
static const struct worker_step wanted[WORKER_STATES][WORKER_EVENTS] = {
    {
        {WORKER_LIVE, WORKER_DO_GREET},
        {WORKER_AWAY, WORKER_DO_REFUSE},
        {WORKER_AWAY, WORKER_DO_NOTHING},
        {WORKER_AWAY, WORKER_DO_NOTHING},
        {WORKER_AWAY, WORKER_DO_REFUSE},
        {WORKER_AWAY, WORKER_DO_NOTHING},
        {WORKER_AWAY, WORKER_DO_FORGET},
    },
    {
        {WORKER_LIVE, WORKER_DO_GREET},
        {WORKER_LIVE, WORKER_DO_NOTHING},
        {WORKER_SUSPECT, WORKER_DO_SUSPECT},
        {WORKER_AWAY, WORKER_DO_EXPIRE},
        {WORKER_AWAY, WORKER_DO_RELEASE},
        {WORKER_AWAY, WORKER_DO_EXPIRE},
        {WORKER_LIVE, WORKER_DO_NOTHING},
    },
    {
        {WORKER_LIVE, WORKER_DO_GREET},
        {WORKER_LIVE, WORKER_DO_REVIVE},
        {WORKER_SUSPECT, WORKER_DO_NOTHING},
        {WORKER_AWAY, WORKER_DO_EXPIRE},
        {WORKER_AWAY, WORKER_DO_RELEASE},
        {WORKER_AWAY, WORKER_DO_EXPIRE},
        {WORKER_SUSPECT, WORKER_DO_NOTHING},
    },
};

Test(worker_fsm, every_cell_of_the_table_is_as_meant)
{
    for (int s = 0; s < WORKER_STATES; s++)
        for (int e = 0; e < WORKER_EVENTS; e++) {
            struct worker_step got = worker_fsm_step((enum worker_state)s, (enum worker_event)e);
            cr_assert_eq(got.next, wanted[s][e].next, "state %d event %d", s, e);
            cr_assert_eq(got.action, wanted[s][e].action, "state %d event %d", s, e);
        }
}

Test(worker_fsm, every_state_has_a_name)
{
    cr_assert_str_eq(worker_fsm_name(WORKER_AWAY), "away");
    cr_assert_str_eq(worker_fsm_name(WORKER_LIVE), "live");
    cr_assert_str_eq(worker_fsm_name(WORKER_SUSPECT), "suspect");
    cr_assert_str_eq(worker_fsm_name(WORKER_STATES), "unknown");
}
