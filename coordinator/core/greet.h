/* greet.h - a worker's sessions: begin, end, silence. Drives the table of worker_fsm.
 * Pure. Threads: one at a time. Memory: none of its own. */
#ifndef COORDINATOR_CORE_GREET_H
#define COORDINATOR_CORE_GREET_H

#include "coordinator/core/state.h"

/* HELLO from route: WELCOME, or ERROR (version, another cluster, no room, stopping). */
void greet_hello(struct core *self, const struct core_route *route, const struct message *message);
/* Moves w by its table and does what the table says; not for WORKER_EV_HELLO. After WORKER_DO_FORGET w is gone. */
enum worker_action greet_event(struct core *self, struct worker *w, enum worker_event event);
/* The timer of w is due: how silent is it? */
void greet_due(struct core *self, struct worker *w);

#endif
