/* procs.h - how many CPUs we may use: the default of GOMAXPROCS. Threads: the one of rt_main (boot, sysmon). Memory:
 * static. */
#ifndef RTI_PROCS_H
#define RTI_PROCS_H

#include <rt/attr.h>

/* The CPUs of our affinity mask, or fewer if a cgroup (v2 cpu.max or v1 cpu.cfs_quota_us, of our group or one above)
 * grants less time: quota / period rounded up, at least 2 as in Go, so that one goroutine more can run while the other
 * is descheduled. At least 1. */
int rti_procs_default(void);
/* The CPUs that our cgroup and those above it grant, rounded up; 0: no limit, or none that makes sense. prefix: "" but
 * for tests, which lay out their own /proc and /sys below it. */
int rti_procs_cgroup(const char *prefix);
/* Reads text as GOMAXPROCS: NULL or empty gives the default; -EINVAL for anything but 1 to RTI_MAX_PROCS. */
int rti_procs_parse(const char *text) MUST_CHECK;
/* quota / period rounded up of a cpu.max line ("max 100000", "150000 100000"); 0: no limit, or not understood. */
int rti_procs_cpu_max(const char *line);

#endif
