/* perform.h - does what the core wants done: actions to bytes, commits, lines of log; and feeds the outcome back.
 * Threads: the reactor's. Memory: malloc. */
#ifndef COORDINATOR_REACTOR_PERFORM_H
#define COORDINATOR_REACTOR_PERFORM_H

#include <stdbool.h>
#include <stdint.h>

#include "coordinator/core/core.h"
#include "coordinator/reactor/sockets.h"
#include "coordinator/store/store.h"

struct perform {
    struct core *core;       /* borrowed */
    struct store *store;     /* borrowed */
    struct sockets *sockets; /* borrowed */
    bool progress;           /* print CORE_PROGRESS lines on standard output */
    struct core_actions actions;
    bool done; /* CORE_EXIT was met */
    int status;
};

/* The core's start, and one event: wall time is put in here, and all that follows from it is done before it returns. */
void perform_start(struct perform *self);
void perform_event(struct perform *self, struct core_event *event);
void perform_free(struct perform *self); /* of its own only */

int64_t perform_now_ns(void); /* monotonic */

/* A peer of a socket as the core's route; a control route says which socket it is of. False: its id is too long. */
bool perform_route(struct core_route *out, enum sockets_which which, const struct frame_peer *peer);

#endif
