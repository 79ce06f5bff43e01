/* progress.h - the line for people about each new block, and the end after as many as were wanted.
 * Pure. Threads: one at a time. Memory: none of its own. */
#ifndef COORDINATOR_CORE_PROGRESS_H
#define COORDINATOR_CORE_PROGRESS_H

#include "coordinator/core/state.h"

/* block is durable and was a new tip. */
void progress_block(struct core *self, const struct state_storing *block);
/* "18.4 MH/s". */
void progress_rate(char *out, size_t size, double rate);
/* The operator wants an end: nothing more is taken, CORE_EXIT follows shortly, when what was sent has left. */
void progress_stop(struct core *self);
/* CORE_EXIT when its time has come. */
void progress_tick(struct core *self);

#endif
