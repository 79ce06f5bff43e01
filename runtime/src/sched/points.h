/* points.h - places where a goroutine may be made to give way though it has no need to: GODEBUG=seed and randompreempt.
 * Threads: any. Memory: none.
 *
 * A point is every lock of rank API (wanted or released, no other lock held), every rti_sched_point() of the API and
 * every checkpoint. What a goroutine does between two points nobody can tell from one instant, as far as goroutines
 * meet in nothing else. Unarmed, a point costs one load and a branch. */
#ifndef RTI_POINTS_H
#define RTI_POINTS_H

#include <stdbool.h>

extern bool rti_points_armed; /* written at boot, before the first M, and at the end */

/* Boot: from now on points matter. Disarm: no M left. */
void rti_points_arm(void);
void rti_points_disarm(void);
/* The calling goroutine may give way; a no-op elsewhere, and where it must not. */
void rti_points_here(void);
/* A checkpoint that the P asks something of: gives way, or is a point if points are armed. A goroutine. */
void rti_points_checkpoint(void);

#endif
