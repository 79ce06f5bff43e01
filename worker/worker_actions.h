/* worker_actions.h - what the cells of the worker's state machine do. Threads: the link's goroutine. Memory: none. */
#ifndef WORKER_WORKER_ACTIONS_H
#define WORKER_WORKER_ACTIONS_H

#include "common/wire/message.h"
#include "worker/worker_fsm.h"

struct worker;

/* Carries action out; arg as worker_step has it. The state is the new one already. */
void worker_actions_do(struct worker *w, enum worker_action action, const struct message *arg);

#endif
