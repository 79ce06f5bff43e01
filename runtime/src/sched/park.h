/* park.h - from running to waiting and back. Threads: a goroutine parks itself; anybody readies. Memory: none. */
#ifndef RTI_PARK_H
#define RTI_PARK_H

#include <stdbool.h>

#include "sched/sched.h"

/* See rti_sched_park and rti_sched_ready. */
void rti_park_wait(bool (*commit)(struct g *g, void *arg), void *arg, enum rti_wait why);
void rti_park_unlock(struct rti_lock *lock, enum rti_wait why);
void rti_park_ready(struct g *g);
void rti_park_ready_list(struct g *head);

#endif
