/* worker_fsm.h - one worker's life as a table: state and event to next state and action.
 * Pure. Threads: any. Memory: none.
 *
 *   AWAY     known by its uuid, without a session (never greeted, said BYE, or thought dead)
 *   LIVE     in session and heard from
 *   SUSPECT  in session, silent for three beats: gets no new leases
 * A row that is forgotten goes with its last event; there is no state for it. */
#ifndef COORDINATOR_CORE_WORKER_FSM_H
#define COORDINATOR_CORE_WORKER_FSM_H

enum worker_state { WORKER_AWAY, WORKER_LIVE, WORKER_SUSPECT, WORKER_STATES };

enum worker_event {
    WORKER_EV_HELLO,  /* a valid HELLO of this uuid */
    WORKER_EV_BEAT,   /* any other message of its session */
    WORKER_EV_QUIET,  /* three beats of silence */
    WORKER_EV_SILENT, /* dead_ms of silence */
    WORKER_EV_BYE,    /* it leaves */
    WORKER_EV_LOST,   /* the transport says that it is gone, or its frames do not decode */
    WORKER_EV_FORGET, /* away for too long, or room is needed */
    WORKER_EVENTS
};

enum worker_action {
    WORKER_DO_NOTHING,
    WORKER_DO_GREET,   /* begin a session (ending the one before) and answer WELCOME */
    WORKER_DO_REFUSE,  /* it has no session: ERROR state */
    WORKER_DO_SUSPECT, /* note it */
    WORKER_DO_REVIVE,  /* note it; leases it asked for are given now */
    WORKER_DO_EXPIRE,  /* end the session; its leases expire */
    WORKER_DO_RELEASE, /* end the session; what it holds was returned by its own word */
    WORKER_DO_FORGET,  /* add its counts to those of the departed and drop the row */
};

struct worker_step {
    enum worker_state next;
    enum worker_action action;
};

struct worker_step worker_fsm_step(enum worker_state state, enum worker_event event);
/* "away", "live", "suspect". Static storage. */
const char *worker_fsm_name(enum worker_state state);

#endif
