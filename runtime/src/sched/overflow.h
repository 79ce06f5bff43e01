/* overflow.h - the report of a goroutine that ran over the end of its stack. Threads: any, signal handlers. Memory:
 * none.
 */
#ifndef RTI_OVERFLOW_H
#define RTI_OVERFLOW_H

#include <rt/attr.h>

struct g;

/* g touched at: says so, and no more. */
void rti_overflow_tell(const struct g *g, const void *at);
/* The same, where its stack cannot be walked: says so, with id, name, function and creation site; ends the process with
 * status 2. */
NORETURN void rti_overflow_report(const struct g *g, const void *at);

#endif
