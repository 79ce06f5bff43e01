#include "fixture_tree.h"

#include "boot/cgroup.h"

/* What a visit saw, one directory a line, without the tree's own name. */
static char seen[4096];

static void note(const char *dir, bool v2, void *arg)
{
    cr_assert_eq(arg, (void *)seen);
    cr_assert_eq(strncmp(dir, tree, strlen(tree)), 0);
    size_t at = strlen(seen);
    snprintf(seen + at, sizeof seen - at, "%s %s\n", v2 ? "v2" : "v1", dir + strlen(tree));
}

/* mounts: what mountinfo says, NULL for none. */
static const char *walk(const char *mounts, const char *groups)
{
    struct rti_cgroup_mounts found;
    if (mounts)
        tree_put("/proc/self/mountinfo", mounts);
    tree_put("/proc/self/cgroup", groups);
    seen[0] = '\0';
    rti_cgroup_find(tree, "cpu", &found);
    rti_cgroup_each(tree, "cpu", &found, note, seen);
    return seen;
}

#define ROOT_FS "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
#define V2      "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1      "33 32 0:29 / /cg/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"

Test(cgroup, our_group_and_all_above_it_are_visited_up_to_the_mount_point, .init = tree_new, .fini = tree_free)
{
    cr_assert_str_eq(walk(ROOT_FS V2, "0::/user.slice/a.scope\n"), "v2 /sys/fs/cgroup/user.slice/a.scope\n"
                                                                   "v2 /sys/fs/cgroup/user.slice\n"
                                                                   "v2 /sys/fs/cgroup\n");
    cr_assert_str_eq(walk(ROOT_FS V2, "0::/\n"), "v2 /sys/fs/cgroup\n");
}

Test(cgroup, v1_is_the_hierarchy_with_the_controller, .init = tree_new, .fini = tree_free)
{
    static const char mounts[] = ROOT_FS "31 30 0:27 / /cg/cpuset rw - cgroup cgroup rw,cpuset\n" V1;
    cr_assert_str_eq(walk(mounts, "5:cpuset:/x\n4:cpu,cpuacct:/y\n0::/z\n"),
                     "v1 /cg/cpu,cpuacct/y\nv1 /cg/cpu,cpuacct\n", "v2 is not mounted");
}

Test(cgroup, both_together_are_both_visited, .init = tree_new, .fini = tree_free)
{
    cr_assert_str_eq(walk(V1 V2, "4:cpuacct,cpu:/\n0::/z\n"),
                     "v1 /cg/cpu,cpuacct\nv2 /sys/fs/cgroup/z\nv2 /sys/fs/cgroup\n");
}

Test(cgroup, a_container_sees_its_part_of_the_hierarchy_at_the_mount_point, .init = tree_new, .fini = tree_free)
{
    static const char mounts[] = "33 32 0:29 /docker/1a /cg/cpu rw - cgroup cgroup rw,cpu\n";
    cr_assert_str_eq(walk(mounts, "4:cpu:/docker/1a\n"), "v1 /cg/cpu\n");
    cr_assert_str_eq(walk(mounts, "4:cpu:/docker/1a/in\n"), "v1 /cg/cpu/in\nv1 /cg/cpu\n");
    cr_assert_str_eq(walk(mounts, "4:cpu:/docker/1ab\n"), "v1 /cg/cpu\n", "not below the root");
    cr_assert_str_eq(walk(mounts, "4:cpu:/../../elsewhere\n"), "v1 /cg/cpu\n", "outside of what we may see");
    cr_assert_str_eq(walk(V2, "0::/a/../../../etc\n"), "v2 /sys/fs/cgroup\n");
}

Test(cgroup, optional_fields_escapes_and_the_first_of_two_mounts, .init = tree_new, .fini = tree_free)
{
    static const char mounts[] = "1 0 0:1 / /a\\040b\\134 rw shared:1 master:2 propagate_from:3 - cgroup2 none rw\n"
                                 "2 0 0:1 / /second rw - cgroup2 none rw\n";
    cr_assert_str_eq(walk(mounts, "0::/g\n"), "v2 /a b\\/g\nv2 /a b\\\n");
}

Test(cgroup, without_mountinfo_it_is_where_systemd_mounts_it, .init = tree_new, .fini = tree_free)
{
    cr_assert_str_eq(walk(NULL, "3:cpu:/a\n0::/b\n"), "v1 /sys/fs/cgroup/cpu/a\nv1 /sys/fs/cgroup/cpu\n"
                                                      "v2 /sys/fs/cgroup/b\nv2 /sys/fs/cgroup\n");
}

Test(cgroup, what_is_no_mount_or_group_is_passed_over, .init = tree_new, .fini = tree_free)
{
    static const char *const bad[] = {"",
                                      "\n\n \n",
                                      "33 32 0:29 / /x rw -\n",
                                      "33 32 0:29 / /x rw - cgroup2\n",
                                      "33 32 0:29 / /x rw cgroup2 cgroup2 rw\n",
                                      "33 32 0:29 / x rw - cgroup2 c rw\n",
                                      "33 32 0:29 x / rw - cgroup2 c rw\n",
                                      "- - - - - - - - -\n",
                                      "33 32 0:29 / /x rw - cgroup c rw,cpuset,cpuacct\n",
                                      "33 32 0:29 / /cut rw - cgroup2 c rw"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        cr_assert_str_eq(walk(bad[i], "4:cpu:/a\n0::/a\n"), "", "%s", bad[i]);
    static const char *const groups[] = {"", "\n", "0\n", "0:\n", ":\n", "4:cpuset:/a\n", "4:name=cpu:/a\n", "0::/cut"};
    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        cr_assert_str_eq(walk(V1 V2, groups[i]), "", "%s", groups[i]);
    cr_assert_str_eq(walk(V1 V2, "0::\n"), "v2 /sys/fs/cgroup\n", "a group without a path is the mount's own");
}

/* Longer than any buffer, and then what we look for. */
Test(cgroup, lines_and_paths_of_any_length_do_no_harm, .init = tree_new, .fini = tree_free)
{
    enum { LONG = 40000 };
    static char mounts[2 * LONG], groups[2 * LONG];
    for (int bytes = 8000; bytes <= LONG; bytes += 97) {
        memset(mounts, 'x', (size_t)bytes);
        snprintf(mounts + bytes, sizeof mounts - (size_t)bytes, "\n" V2);
        cr_assert_str_eq(walk(mounts, "0::/g\n"), "v2 /sys/fs/cgroup/g\nv2 /sys/fs/cgroup\n", "%d", bytes);
    }
    for (int bytes = 8100; bytes < 8300; bytes++) { /* what follows is not a line of its own */
        memset(mounts, 'x', (size_t)bytes);
        snprintf(mounts + bytes, sizeof mounts - (size_t)bytes, " 33 32 0:29 / /wrong rw - cgroup2 c rw\n");
        cr_assert_str_eq(walk(mounts, "0::/g\n"), "", "%d", bytes);
    }
    for (int bytes = 10; bytes < 8000; bytes += 211) {
        int n = snprintf(mounts, sizeof mounts, "1 0 0:1 / /");
        memset(mounts + n, 'm', (size_t)bytes);
        snprintf(mounts + n + bytes, sizeof mounts - (size_t)(n + bytes), " rw - cgroup2 c rw\n");
        n = snprintf(groups, sizeof groups, "0::/");
        memset(groups + n, 'g', (size_t)bytes);
        groups[n + bytes] = '\n';
        groups[n + bytes + 1] = '\0';
        cr_assert_eq(strlen(walk(mounts, groups)) > 0, bytes + 1 < RTI_CGROUP_PATH, "%d", bytes);
        cr_assert_not_null(strstr(walk(V2, groups), "v2 /sys/fs/cgroup\n"));
    }
}

static uint32_t draw(uint32_t *state)
{
    return *state = *state * 1664525u + 1013904223u;
}

/* Two good files with bytes changed, left out and doubled: any answer will do, but no more than the memory there is. */
Test(cgroup, noise_is_survived, .init = tree_new, .fini = tree_free)
{
    static const char good[] = ROOT_FS V1 V2, mine[] = "4:cpuacct,cpu:/a/b\n0::/z/y\n";
    struct rti_cgroup_mounts found;
    uint32_t state = 7;
    for (int i = 0; i < 500; i++) {
        char mounts[sizeof good], groups[sizeof mine];
        memcpy(mounts, good, sizeof good);
        memcpy(groups, mine, sizeof mine);
        for (uint32_t hits = draw(&state) >> 29; hits > 0; hits--) {
            mounts[(draw(&state) >> 8) % sizeof mounts] = (char)(draw(&state) >> 24);
            groups[(draw(&state) >> 8) % sizeof groups] = " \n:/,-\\"[(draw(&state) >> 8) % 8];
        }
        tree_put_bytes("/proc/self/mountinfo", mounts, (draw(&state) >> 8) % sizeof mounts + 1);
        tree_put_bytes("/proc/self/cgroup", groups, (draw(&state) >> 8) % sizeof groups + 1);
        seen[0] = '\0';
        rti_cgroup_find(tree, "cpu", &found);
        rti_cgroup_each(tree, "cpu", &found, note, seen);
    }
}
