/* fatal.h - what a dying process says about its goroutines; GOTRACEBACK decides how much. Threads: any, signal
 * handlers. Memory: about 14 KiB of the caller's stack. */
#ifndef RTI_FATAL_H
#define RTI_FATAL_H

#include <rt/attr.h>

/* The hook of rt_throw: the scheduler's state if GODEBUG asks for it, then the stacks. */
void rti_fatal_dump(void);
/* SIGQUIT, in its handler: says so, prints every stack, ends the process with status 2 as Go does. */
NORETURN void rti_fatal_quit(int code, const void *context);
/* The goroutine of this thread ran over its stack, in the handler, after that was told: as a fault, and the end of the
 * process with status 2. */
NORETURN void rti_fatal_overflow(const void *context);
/* A fault in the goroutine of this thread, in its handler: its stack, or all of them if GOTRACEBACK asks for more. */
void rti_fatal_fault(const void *context);

#endif
