/* traceback.h - the stacks of goroutines as text, in the format of Go's tracebacks. Threads: any, signal handlers;
 * nothing is locked or stopped, unless it says so. Memory: about 11 KiB of the caller's stack. */
#ifndef RTI_TRACEBACK_H
#define RTI_TRACEBACK_H

#include <stdbool.h>

#include "observe/shot.h"
#include <rt/attr.h>

struct g;
struct rti_outbuf;

/* g: "goroutine 7 [chan receive]:", its frames, and who made it. here: NULL unless g runs on the calling thread.
 * system: frames of the runtime too. Nothing for a G that is in a pool. */
void rti_traceback_one(struct rti_outbuf *o, struct g *g, const struct rti_traceback_at *here, bool system);
/* self (may be NULL) first, then every other in the order of creation, an empty line between them. */
void rti_traceback_all(struct rti_outbuf *o, struct g *self, const struct rti_traceback_at *here, bool system);
/* The same of one instant, with the stacks of those that run: stops the world for a microsecond or two a goroutine, and
 * prints when it goes on. False, and nothing is printed, if it cannot be stopped at once (sched/stopworld.h) or there
 * is no memory. The caller could stop it by rti_stopworld_stop. */
bool rti_traceback_stopped(struct rti_outbuf *o, struct g *self, const struct rti_traceback_at *here) MUST_CHECK;
/* The same for a dying process: no lock, and a wait of some 50 ms at most; whoever has not come by then is listed
 * without its stack. Async-signal-safe. False, and nothing is printed, if nobody else runs, or there is no memory. */
bool rti_traceback_frozen(struct rti_outbuf *o, struct g *self, const struct rti_traceback_at *here,
                          bool system) MUST_CHECK;

#endif
