/* ctl_status.h - the verbs that read the state of the cluster: status, workers, stats.
 * Pure. Threads: one at a time. Memory: none of its own. */
#ifndef COORDINATOR_CORE_CTL_STATUS_H
#define COORDINATOR_CORE_CTL_STATUS_H

#include "coordinator/core/ctl.h"

void ctl_status_status(struct core *self, const struct ctl_call *call);
/* In several replies (more = 1 but for the last) when one has no room for all. */
void ctl_status_workers(struct core *self, const struct ctl_call *call);
void ctl_status_stats(struct core *self, const struct ctl_call *call);

#endif
