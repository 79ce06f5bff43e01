#include "boot/procs.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc/world.h"

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

static int cpus(long long quota, long long period)
{
    if (quota <= 0 || period <= 0 || quota / period > RTI_MAX_PROCS)
        return 0;
    return (int)((quota + period - 1) / period);
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
    char path[1200], quota[64], period[64];
    snprintf(path, sizeof path, v2 ? "%s/cpu.max" : "%s/cpu.cfs_quota_us", dir);
    if (!slurp(path, quota, sizeof quota))
        return 0;
    if (v2)
        return rti_procs_cpu_max(quota);
    snprintf(path, sizeof path, "%s/cpu.cfs_period_us", dir);
    return slurp(path, period, sizeof period) ? cpus(strtoll(quota, NULL, 10), strtoll(period, NULL, 10)) : 0;
}

static int smaller(int a, int b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* The least limit of group and all above it, 0 for none. */
static int path_limit(const char *mount, const char *group, bool v2)
{
    char dir[1024];
    snprintf(dir, sizeof dir, "%s%s", mount, group);
    size_t root = strlen(mount);
    int limit = 0;
    for (;;) {
        limit = smaller(limit, group_limit(dir, v2));
        char *slash = strrchr(dir, '/');
        if (strlen(dir) <= root || !slash)
            return limit;
        *slash = '\0';
    }
}

/* A line is "id:controllers:/path"; v2 is the one with id 0 and no controllers. */
static int line_limit(char *line)
{
    char *controllers = strchr(line, ':');
    char *group = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!group)
        return 0;
    *group++ = '\0';
    controllers++;
    if (*controllers == '\0')
        return path_limit("/sys/fs/cgroup", group, true);
    for (char *save = NULL, *c = strtok_r(controllers, ",", &save); c; c = strtok_r(NULL, ",", &save))
        if (strcmp(c, "cpu") == 0)
            return path_limit("/sys/fs/cgroup/cpu", group, false);
    return 0;
}

static int cgroup_limit(void)
{
    char text[4096];
    int limit = 0;
    if (!slurp("/proc/self/cgroup", text, sizeof text))
        return 0;
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
        limit = smaller(limit, line_limit(line));
    return limit;
}

int rti_procs_default(void)
{
    int n = affinity();
    int limit = cgroup_limit();
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
