/* ctl_mine.h - the verb mine: payloads, each into a block of its own; one reply per block, when it is durable.
 * Pure. Threads: one at a time. Memory: the pool's. */
#ifndef COORDINATOR_CORE_CTL_MINE_H
#define COORDINATOR_CORE_CTL_MINE_H

#include "coordinator/core/ctl.h"

void ctl_mine_run(struct core *self, const struct ctl_call *call);
/* The block of that hash is durable and settles one payload of the request (which may be gone: then nothing). */
void ctl_mine_settled(struct core *self, uint64_t request, const uint8_t hash[32]);

#endif
