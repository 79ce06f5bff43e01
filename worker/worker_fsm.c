#include "worker/worker_fsm.h"

#include "common/base/check.h"

/* clang-format off */
#define TO(state, action) { WORKER_##state, WORKER_ACT_##action }

/* Every cell is filled. BAD keeps the state: the coordinator said something out of place, which is counted. */
static const struct worker_step table[WORKER_STATES][WORKER_EVENTS] = {
    [WORKER_AWAY] = {
        [WORKER_EV_DIAL]     = TO(GREETING, DIAL),
        [WORKER_EV_WELCOME]  = TO(AWAY, BAD),        /* of a socket closed a moment ago */
        [WORKER_EV_STRANGER] = TO(AWAY, BAD),
        [WORKER_EV_REFUSED]  = TO(AWAY, BAD),
        [WORKER_EV_LEASE]    = TO(AWAY, BAD),
        [WORKER_EV_DRY]      = TO(AWAY, STARVE),     /* held leases ran out meanwhile */
        [WORKER_EV_SILENT]   = TO(AWAY, NONE),       /* it is: that is why we are away */
        [WORKER_EV_STOP]     = TO(GONE, LEAVE),      /* nobody to wait for */
        [WORKER_EV_DRAINED]  = TO(AWAY, BAD),
    },
    [WORKER_GREETING] = {
        [WORKER_EV_DIAL]     = TO(GREETING, BAD),
        [WORKER_EV_WELCOME]  = TO(IDLE, SETTLE),     /* the action raises LEASE when leases are still held */
        [WORKER_EV_STRANGER] = TO(GREETING, NONE),   /* answer to a beat sent before HELLO was read */
        [WORKER_EV_REFUSED]  = TO(GONE, REFUSE),
        [WORKER_EV_LEASE]    = TO(GREETING, BAD),
        [WORKER_EV_DRY]      = TO(GREETING, STARVE),
        [WORKER_EV_SILENT]   = TO(AWAY, REDIAL),
        [WORKER_EV_STOP]     = TO(GONE, LEAVE),      /* no session: a BYE would mean nothing */
        [WORKER_EV_DRAINED]  = TO(GREETING, BAD),
    },
    [WORKER_IDLE] = {
        [WORKER_EV_DIAL]     = TO(IDLE, BAD),
        [WORKER_EV_WELCOME]  = TO(IDLE, SETTLE),     /* a second HELLO's answer: the newest session counts */
        [WORKER_EV_STRANGER] = TO(GREETING, GREET),
        [WORKER_EV_REFUSED]  = TO(GONE, REFUSE),
        [WORKER_EV_LEASE]    = TO(MINING, MINE),
        [WORKER_EV_DRY]      = TO(IDLE, NONE),
        [WORKER_EV_SILENT]   = TO(AWAY, REDIAL),
        [WORKER_EV_STOP]     = TO(DRAINING, DRAIN),
        [WORKER_EV_DRAINED]  = TO(IDLE, BAD),
    },
    [WORKER_MINING] = {
        [WORKER_EV_DIAL]     = TO(MINING, BAD),
        [WORKER_EV_WELCOME]  = TO(IDLE, SETTLE),
        [WORKER_EV_STRANGER] = TO(GREETING, GREET),
        [WORKER_EV_REFUSED]  = TO(GONE, REFUSE),
        [WORKER_EV_LEASE]    = TO(MINING, NONE),
        [WORKER_EV_DRY]      = TO(IDLE, STARVE),
        [WORKER_EV_SILENT]   = TO(AWAY, REDIAL),
        [WORKER_EV_STOP]     = TO(DRAINING, DRAIN),
        [WORKER_EV_DRAINED]  = TO(MINING, BAD),
    },
    [WORKER_DRAINING] = {
        [WORKER_EV_DIAL]     = TO(DRAINING, BAD),
        [WORKER_EV_WELCOME]  = TO(DRAINING, SETTLE), /* what is unacknowledged is resent: it is why we still wait */
        [WORKER_EV_STRANGER] = TO(DRAINING, GREET),
        [WORKER_EV_REFUSED]  = TO(GONE, LEAVE),
        [WORKER_EV_LEASE]    = TO(DRAINING, NONE),   /* asked for before; BYE gives it back untouched */
        [WORKER_EV_DRY]      = TO(DRAINING, NONE),
        [WORKER_EV_SILENT]   = TO(GONE, LEAVE),
        [WORKER_EV_STOP]     = TO(DRAINING, NONE),
        [WORKER_EV_DRAINED]  = TO(GONE, LEAVE),
    },
    [WORKER_GONE] = {
        [WORKER_EV_DIAL]     = TO(GONE, NONE),
        [WORKER_EV_WELCOME]  = TO(GONE, NONE),
        [WORKER_EV_STRANGER] = TO(GONE, NONE),
        [WORKER_EV_REFUSED]  = TO(GONE, NONE),
        [WORKER_EV_LEASE]    = TO(GONE, NONE),
        [WORKER_EV_DRY]      = TO(GONE, NONE),
        [WORKER_EV_SILENT]   = TO(GONE, NONE),
        [WORKER_EV_STOP]     = TO(GONE, NONE),
        [WORKER_EV_DRAINED]  = TO(GONE, NONE),
    },
};
/* clang-format on */

static const char *const state_names[WORKER_STATES] = {"away", "greeting", "idle", "mining", "draining", "gone"};
static const char *const event_names[WORKER_EVENTS] = {
    "dial", "welcome", "stranger", "refused", "lease", "dry", "silent", "stop", "drained",
};

struct worker_step worker_fsm_step(enum worker_state state, enum worker_event event)
{
    CHECK(state < WORKER_STATES && event < WORKER_EVENTS);
    return table[state][event];
}

const char *worker_fsm_state_name(enum worker_state state)
{
    CHECK(state < WORKER_STATES);
    return state_names[state];
}

const char *worker_fsm_event_name(enum worker_event event)
{
    CHECK(event < WORKER_EVENTS);
    return event_names[event];
}
