/* tips.h - what everybody is told: the tip with its job, the beacon, orders to all.
 * Pure. Threads: one at a time. Memory: none of its own. */
#ifndef COORDINATOR_CORE_TIPS_H
#define COORDINATOR_CORE_TIPS_H

#include "coordinator/core/state.h"

/* A new job on the present tip, and a TIP that carries it, or tells to rest while the job's time is further ahead of
 * the clock than a block's may be: published, and the welcome message from now on. clean: the parent changed; reorg:
 * blocks rolled back. */
void tips_announce(struct core *self, bool clean, uint64_t reorg);
/* The TIP as it stands, for WELCOME and TIP_GET; views borrow from the current job. */
void tips_fill(const struct core *self, struct message_tip *out);
/* The regular part: a beacon each beat, a fresher job now and then; rest, and its end. */
void tips_tick(struct core *self);
/* An order to all workers (enum message_ctrl_verb). */
void tips_order(struct core *self, uint8_t verb, uint64_t arg);

#endif
