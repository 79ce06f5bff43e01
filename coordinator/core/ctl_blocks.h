/* ctl_blocks.h - the verbs that read the chain: blocks, headers.
 * Pure, but for the core's reader. Threads: one at a time. Memory: one block at a time. */
#ifndef COORDINATOR_CORE_CTL_BLOCKS_H
#define COORDINATOR_CORE_CTL_BLOCKS_H

#include "coordinator/core/ctl.h"

void ctl_blocks_blocks(struct core *self, const struct ctl_call *call);
void ctl_blocks_headers(struct core *self, const struct ctl_call *call);
/* Writes the map that describes the block at node. 0, or what the reader says; nothing is written then. A block's map
 * has at most BLOCK_BODY_MAX + 1 KiB. */
int ctl_blocks_put(struct core *self, struct cursor_out *o, const struct tree_node *node) MUST_CHECK;

#endif
