#include "coordinator/core/worker_fsm.h"

#include "common/base/check.h"

#define TO(state, action)                                                                                              \
    {                                                                                                                  \
        WORKER_##state, WORKER_DO_##action                                                                             \
    }

/* clang-format off */
static const struct worker_step table[WORKER_STATES][WORKER_EVENTS] = {
    [WORKER_AWAY] = {
        [WORKER_EV_HELLO]  = TO(LIVE, GREET),
        [WORKER_EV_BEAT]   = TO(AWAY, REFUSE),
        [WORKER_EV_QUIET]  = TO(AWAY, NOTHING),
        [WORKER_EV_SILENT] = TO(AWAY, NOTHING),
        [WORKER_EV_BYE]    = TO(AWAY, REFUSE),
        [WORKER_EV_LOST]   = TO(AWAY, NOTHING),
        [WORKER_EV_FORGET] = TO(AWAY, FORGET),
    },
    [WORKER_LIVE] = {
        [WORKER_EV_HELLO]  = TO(LIVE, GREET),
        [WORKER_EV_BEAT]   = TO(LIVE, NOTHING),
        [WORKER_EV_QUIET]  = TO(SUSPECT, SUSPECT),
        [WORKER_EV_SILENT] = TO(AWAY, EXPIRE),
        [WORKER_EV_BYE]    = TO(AWAY, RELEASE),
        [WORKER_EV_LOST]   = TO(AWAY, EXPIRE),
        [WORKER_EV_FORGET] = TO(LIVE, NOTHING), /* it came back in time */
    },
    [WORKER_SUSPECT] = {
        [WORKER_EV_HELLO]  = TO(LIVE, GREET),
        [WORKER_EV_BEAT]   = TO(LIVE, REVIVE),
        [WORKER_EV_QUIET]  = TO(SUSPECT, NOTHING),
        [WORKER_EV_SILENT] = TO(AWAY, EXPIRE),
        [WORKER_EV_BYE]    = TO(AWAY, RELEASE),
        [WORKER_EV_LOST]   = TO(AWAY, EXPIRE),
        [WORKER_EV_FORGET] = TO(SUSPECT, NOTHING),
    },
};
/* clang-format on */

struct worker_step worker_fsm_step(enum worker_state state, enum worker_event event)
{
    CHECK(state < WORKER_STATES && event < WORKER_EVENTS);
    return table[state][event];
}

const char *worker_fsm_name(enum worker_state state)
{
    static const char *const names[WORKER_STATES] = {"away", "live", "suspect"};
    return state < WORKER_STATES ? names[state] : "unknown";
}
