#include "boot/procs.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/cgroup.h"
#include "proc/world.h"

enum { PATH = 4 * RTI_CGROUP_PATH };

static int affinity(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        return CPU_COUNT(&set);
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (int)n : 1;
}

static bool slurp(const char *path, char *buf, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, buf, cap - 1);
    close(fd);
    buf[n > 0 ? n : 0] = '\0';
    return n > 0;
}

/* Rounded up; 0 if that makes no sense. */
static int cpus(long long quota, long long period)
{
    if (quota <= 0 || period <= 0 || quota / period > RTI_MAX_PROCS)
        return 0;
    return (int)(quota / period) + (quota % period != 0);
}

int rti_procs_cpu_max(const char *line)
{
    char *end;
    long long quota = strtoll(line, &end, 10); /* "max" reads as 0: no limit */
    return end == line ? 0 : cpus(quota, strtoll(end, NULL, 10));
}

/* The limit of one group directory. */
static int group_limit(const char *dir, bool v2)
{
    char path[PATH], quota[64], period[64];
    int n = snprintf(path, sizeof path, v2 ? "%s/cpu.max" : "%s/cpu.cfs_quota_us", dir);
    if (n < 0 || (size_t)n >= sizeof path || !slurp(path, quota, sizeof quota))
        return 0;
    if (v2)
        return rti_procs_cpu_max(quota);
    n = snprintf(path, sizeof path, "%s/cpu.cfs_period_us", dir);
    if (n < 0 || (size_t)n >= sizeof path || !slurp(path, period, sizeof period))
        return 0;
    return cpus(strtoll(quota, NULL, 10), strtoll(period, NULL, 10));
}

static int smaller(int a, int b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

static void lower(const char *dir, bool v2, void *limit_p)
{
    int *limit = limit_p;
    *limit = smaller(*limit, group_limit(dir, v2));
}

int rti_procs_cgroup(const char *prefix)
{
    static struct rti_cgroup_mounts mounts; /* read once: mountinfo is long, and sysmon comes by every second */
    static bool known;
    int limit = 0;
    if (!known || *prefix)
        rti_cgroup_find(prefix, "cpu", &mounts);
    known = !*prefix;
    rti_cgroup_each(prefix, "cpu", &mounts, lower, &limit);
    return limit;
}

int rti_procs_default(void)
{
    int n = affinity();
    int limit = rti_procs_cgroup("");
    if (limit > 0 && limit < 2)
        limit = 2;
    n = smaller(n, limit);
    return n < RTI_MAX_PROCS ? n : RTI_MAX_PROCS;
}

int rti_procs_parse(const char *text)
{
    if (!text || !*text)
        return rti_procs_default();
    char *end;
    errno = 0;
    long n = strtol(text, &end, 10);
    return errno || *end || n < 1 || n > RTI_MAX_PROCS ? -EINVAL : (int)n;
}
