/* fork.h - what becomes of the runtime in the child of a fork(2): nothing. Its other threads are gone, with whatever
 * locks and goroutines they held, so the child may exec or _exit, and what asks the scheduler for more is a fatal error
 * that says so (faults.md G7). Threads: rti_fork_install from the one that calls rt_main. Memory: none. */
#ifndef RTI_FORK_H
#define RTI_FORK_H

#include <stdbool.h>

/* Once per process; later calls do nothing. Forks while no runtime runs leave everything as it is: the child may call
 * rt_main. */
void rti_fork_install(void);
/* This process is the child of a fork made while the runtime ran. Async-signal-safe. */
bool rti_fork_is_child(void);

#endif
