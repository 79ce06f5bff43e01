/* cgroup.h - where the control groups of this process are: the mounted hierarchies of mountinfo, v1 and v2, and our
 * group in them. What is odd, cut short or too long is passed over. Threads: any. Memory: the caller's. */
#ifndef RTI_CGROUP_H
#define RTI_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

#include <rt/attr.h>

enum { RTI_CGROUP_PATH = 1024 };

/* A mounted hierarchy, and the group in it that is seen at the mount point ("/" unless a container sees only a part).
 */
struct rti_cgroup_mount {
    bool there;
    char root[RTI_CGROUP_PATH], point[RTI_CGROUP_PATH];
};
struct rti_cgroup_mounts {
    struct rti_cgroup_mount v1, v2;
};

/* The first hierarchies in prefix/proc/self/mountinfo: v2, and v1 with that controller. If that file cannot be read,
 * where systemd mounts them. prefix: "" but for tests. */
void rti_cgroup_find(const char *prefix, const char *controller, struct rti_cgroup_mounts *out);
/* Calls visit on the directory of our group, and of each one above it up to the mount point, in each hierarchy that
 * prefix/proc/self/cgroup puts us in with that controller. A group that is not below the mount's root is not to be
 * seen: then the mount point alone. */
void rti_cgroup_each(const char *prefix, const char *controller, const struct rti_cgroup_mounts *mounts,
                     void (*visit)(const char *dir, bool v2, void *arg), void *arg);

#endif
