/* netpoll.h - looking at descriptors, and waiting for them or for the next timer: at most one M does. Threads: an M's
 * system stack unless said otherwise. Memory: one pollset for the process. */
#ifndef RTI_NETPOLL_H
#define RTI_NETPOLL_H

#include <stdbool.h>
#include <stdint.h>

#include "proc/world.h"

struct g;
struct m;

/* The process's pollset, made at first use; dies when the kernel refuses. Any thread. */
struct rti_pollset *rti_netpoll_set(void);
/* Without waiting: one ready G to run, the others are queued. NULL when nobody waits for anything, or somebody else
 * blocks in the poller already. */
struct g *rti_netpoll_look(struct m *m);
/* If the calling goroutine parks now, a look at the descriptors is what its P does next: nothing else can run, and
 * nobody blocks in the poller. A guess. */
bool rti_netpoll_is_next(void);
/* A yield's that found nobody else to run: the same, if the last wait or such look was NETPOLL_STALE_NS ago. Without it
 * goroutines that compute on every P and yield between their slices would keep arrivals waiting for sysmon's look, 10
 * ms. On the caller's stack. */
struct g *rti_netpoll_look_stale(struct m *m);
/* Who polled does so no more: sysmon has to watch the timers from now on. Any thread. */
void rti_netpoll_left(void);

/* sysmon's: what is ready goes to the global queue, if nobody waited since `since` (ns). */
void rti_netpoll_look_late(int64_t since);
/* True: the caller is the one that waits from now on (rti_netpoll_wait must follow). False: nothing to wait for, or
 * somebody does already. */
bool rti_netpoll_claim_locked(void) REQUIRES(rti_world.lock);
/* Blocks until a descriptor, a timer or a break. On return m holds a P, or is on the idle list. */
struct g *rti_netpoll_wait(struct m *m);
/* A timer for `when` was added: whoever waits longer is broken off, and if nobody waits, somebody idle shall. Any
 * thread. */
void rti_netpoll_hurry(int64_t when);
/* Ends the wait. Any thread. */
void rti_netpoll_break(void);
/* Somebody waits for a descriptor. Any thread. */
bool rti_netpoll_has_waiters(void);
/* At the end of the world. */
void rti_netpoll_free(void);

#endif
