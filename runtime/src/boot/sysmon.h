/* sysmon.h - the one thread without a P: retakes Ps from blocking calls, ends long slices, polls if nobody did, and
 * mends what the frugal wake-up rule may miss. Threads: the one that called rt_main. Memory: none. */
#ifndef RTI_SYSMON_H
#define RTI_SYSMON_H

/* Runs until the world stops. */
void rti_sysmon_run(void);
/* Ends its sleep; any thread. */
void rti_sysmon_wake(void);

#endif
