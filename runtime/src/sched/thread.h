/* thread.h - the life of an M's thread. Threads: said at each. Memory: the signal stack, unmapped when it ends. */
#ifndef RTI_THREAD_H
#define RTI_THREAD_H

#include "proc/world.h"
#include <rt/attr.h>

struct m;

/* A new M, counted, without a thread yet. Dies when there are RTI_MAX_MS. */
struct m *rti_thread_new_locked(void) REQUIRES(rti_world.lock);
/* Gives m its thread, which at once runs m's P. Dies when the kernel refuses. */
void rti_thread_start(struct m *m);
/* The same, 0 | -errno for boot, which can still report it. */
int rti_thread_try_start(struct m *m) MUST_CHECK;

#endif
