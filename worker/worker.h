/* worker.h - a worker: one goroutine, the link, owns the sockets and every piece of conversation state; miners hash
 * beside it and reach it through the mailbox. So nothing in here is locked, and nothing in here waits but one select.
 *
 * One goroutine owns both sockets (work and tips), not two: a tip, a WELCOME and a lease change the same state, and two
 * owners would need a lock around it or a channel between them, a hop more for the one message whose latency counts.
 * Threads: the link's goroutine, unless said otherwise. Memory: malloc; freed by worker_run itself. */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/wire/message.h"
#include "worker/crew.h"
#include "worker/hashrate.h"
#include "worker/session.h"
#include "worker/worker_fsm.h"

struct chainview;
struct kernel;
struct mailbox;
struct report;
struct rt_chan;
struct settings;
struct socket;
struct socket_context;
struct telemetry;

enum worker_exit { WORKER_EXIT_OK = 0, WORKER_EXIT_FAILED = 1, WORKER_EXIT_USAGE = 2, WORKER_EXIT_REFUSED = 4 };

enum {
    WORKER_TICK_MS = 25,
    WORKER_DRAIN_MS = 500,  /* for results to be acknowledged after a stop */
    WORKER_LINGER_MS = 100, /* for BYE to leave */
    /* Blocks that may wait for their ACK before the miners pause. What they have found by then and not reported yet (a
     * mailbox full) still fits the outbox, which never drops a block for want of room. */
    WORKER_BLOCKS_MAX = 64,
    WORKER_BATCH = 64, /* frames or reports taken in one go before the others get their turn */
};

/* Seen by worker.c, worker_actions.c and worker_messages.c only. */
struct worker {
    const struct settings *settings;
    enum worker_state state;
    enum worker_exit exit;
    enum message_reason reason; /* of the BYE */
    struct session *session;
    struct crew *crew;
    struct mailbox *mailbox;
    struct chainview *view;
    struct telemetry *telemetry;
    struct hashrate rate;
    struct session_crew seen; /* the crew as it was at the last look */

    struct socket_context *zmq;
    struct socket *work, *tips, *metrics; /* NULL: not open; metrics NULL: they go to work */
    char tips_endpoint[MESSAGE_ENDPOINT_LEN + 1], metrics_endpoint[MESSAGE_ENDPOINT_LEN + 1];

    int64_t dial_at_ns, drain_until_ns, metrics_due_ns;
    bool schema_said, pause_on_loss, lost;
    size_t miners_left; /* that have not said REPORT_EXITED */
    uint64_t bad_frames, out_of_place, shares_found, blocks_found;
    uint64_t random;
    struct message in;                /* the frame being handled */
    uint8_t frame[MESSAGE_FRAME_MAX]; /* the frame being said */
};

/* Works for the coordinators of settings until a value comes out of stop (of 0 bytes) or a coordinator refuses it.
 * Returns an exit status. The main goroutine of rt_main; settings and kernel are borrowed. */
int worker_run(const struct settings *settings, const struct kernel *kernel, struct rt_chan *stop);

/* One event of the state machine; arg is the action's (a struct message for WELCOME and ERROR, else NULL). */
void worker_step(struct worker *self, enum worker_event event, const struct message *arg);
/* Looks at the crew: self->seen is up to date afterwards. */
const struct session_crew *worker_look(struct worker *self, int64_t now_ns);
/* What a miner or a cut reported. */
void worker_report(struct worker *self, const struct report *r);
/* 32 random bits for jitter. */
uint32_t worker_random(struct worker *self);

#endif
