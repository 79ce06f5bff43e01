/* deadlock.h - "all goroutines are asleep". Threads: an M that goes idle, sysmon. Memory: none. */
#ifndef RTI_DEADLOCK_H
#define RTI_DEADLOCK_H

#include "sched/sched.h"

/* Called by an M that is on the idle list, before it sleeps, and by sysmon when it no longer counts as one that looks
 * for work (sched/thrift.h): if nothing in this process can ever make a goroutine runnable again, prints every
 * goroutine and ends the process with status 2. */
void rti_deadlock_check(void);
/* By enum rti_wait; also read by tools/gdb/rt.py. */
extern const char *const rti_deadlock_words[RTI_WAIT_COUNT];
/* Why a G waits (enum rti_wait) in Go's words; "waiting" for anything else. */
const char *rti_deadlock_reason(unsigned why);

#endif
