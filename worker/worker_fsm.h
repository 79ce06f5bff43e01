/* worker_fsm.h - the life of a worker as one table: away, greeting, idle, mining, draining. Pure: says the next state
 * and the action; worker_actions.c carries actions out. Threads: any. Memory: none. */
#ifndef WORKER_WORKER_FSM_H
#define WORKER_WORKER_FSM_H

/* Mining and idle are about the link as well as the crew: a worker that is away goes on hashing what it holds. */
enum worker_state {
    WORKER_AWAY,     /* no sockets: waiting out the back-off before the next endpoint */
    WORKER_GREETING, /* sockets open, HELLO said or about to be, no WELCOME yet */
    WORKER_IDLE,     /* welcome, but no lease to work on */
    WORKER_MINING,   /* welcome, and at least one lease held */
    WORKER_DRAINING, /* told to stop: results go out, then BYE */
    WORKER_GONE,     /* the end; nothing leaves it */
    WORKER_STATES
};

enum worker_event {
    WORKER_EV_DIAL,     /* the back-off is over */
    WORKER_EV_WELCOME,  /* WELCOME came */
    WORKER_EV_STRANGER, /* ERROR state: the coordinator does not know this session */
    WORKER_EV_REFUSED,  /* ERROR version or cluster: it will never take us */
    WORKER_EV_LEASE,    /* a lease was accepted */
    WORKER_EV_DRY,      /* the last held lease ended */
    WORKER_EV_SILENT,   /* nothing heard for dead_ms, or GO_TO */
    WORKER_EV_STOP,     /* SIGTERM, or CTRL drain */
    WORKER_EV_DRAINED,  /* every result is acknowledged, or the time for it is over */
    WORKER_EVENTS
};

enum worker_action {
    WORKER_ACT_NONE,
    WORKER_ACT_BAD,    /* out of place: counted and logged, nothing else */
    WORKER_ACT_DIAL,   /* open sockets to the endpoint whose turn it is, say HELLO */
    WORKER_ACT_GREET,  /* say HELLO on the sockets we have */
    WORKER_ACT_SETTLE, /* take verdicts, resend what is unacknowledged, subscribe, ask for leases */
    WORKER_ACT_MINE,   /* the crew has work again */
    WORKER_ACT_STARVE, /* start counting the wait */
    WORKER_ACT_REDIAL, /* close sockets, next endpoint, back-off */
    WORKER_ACT_REFUSE, /* stop the crew, exit status 4 */
    WORKER_ACT_DRAIN,  /* stop the crew, send what is unsent, start the clock of the drain */
    WORKER_ACT_LEAVE,  /* BYE with what is held, close, exit status 0 */
    WORKER_ACTIONS
};

struct worker_step {
    enum worker_state next;
    enum worker_action action;
};

/* The cell of the table. Both arguments in range. */
struct worker_step worker_fsm_step(enum worker_state state, enum worker_event event);
/* For the log: "away", "greeting" ...; "silent", ... Static storage. */
const char *worker_fsm_state_name(enum worker_state state);
const char *worker_fsm_event_name(enum worker_event event);

#endif
