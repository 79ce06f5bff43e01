/* traceback.h - the stacks of goroutines as text, in the format of Go's tracebacks. Threads: any, signal handlers;
 * nothing is locked or stopped. Memory: about 9 KiB of the caller's stack.
 * A stack is walked by its frame pointers, from where its goroutine was switched away or entered a blocking call, and
 * never outside its own bounds, so a walk cannot fault even when the goroutine runs on meanwhile; a state or context
 * that changed during the walk makes it void. */
#ifndef RTI_TRACEBACK_H
#define RTI_TRACEBACK_H

#include <stdbool.h>
#include <stdint.h>

struct g;
struct rti_outbuf;

/* Where the goroutine of the calling thread stands. */
struct rti_traceback_at {
    uintptr_t pc; /* an interrupted instruction; 0: fp is the frame of a function that it called */
    uintptr_t fp;
    bool programs; /* the innermost frame is the program's, so nothing is left out before it */
};

/* g: "goroutine 7 [chan receive]:", its frames, and who made it. here: NULL unless g runs on the calling thread.
 * system: frames of the runtime too. Nothing for a G that is in a pool. */
void rti_traceback_one(struct rti_outbuf *o, struct g *g, const struct rti_traceback_at *here, bool system);
/* self (may be NULL) first, then every other in the order of creation, an empty line between them. */
void rti_traceback_all(struct rti_outbuf *o, struct g *self, const struct rti_traceback_at *here, bool system);

#endif
