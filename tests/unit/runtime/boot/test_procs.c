#include "fixture_tree.h"

#include <errno.h>
#include <sched.h>

#include "boot/procs.h"
#include "proc/world.h"

Test(procs, the_default_is_at_most_the_cpus_we_may_use)
{
    cpu_set_t set;
    cr_assert_eq(sched_getaffinity(0, sizeof set, &set), 0);
    int n = rti_procs_default();
    cr_assert(n >= 1 && n <= CPU_COUNT(&set));
    CPU_ZERO(&set);
    CPU_SET(sched_getcpu(), &set);
    cr_assert_eq(sched_setaffinity(0, sizeof set, &set), 0);
    cr_assert_eq(rti_procs_default(), 1);
}

Test(procs, a_number_is_taken_and_everything_else_refused)
{
    cr_assert_eq(rti_procs_parse("3"), 3);
    cr_assert_eq(rti_procs_parse("1024"), RTI_MAX_PROCS);
    cr_assert_eq(rti_procs_parse(NULL), rti_procs_default());
    cr_assert_eq(rti_procs_parse(""), rti_procs_default());
    static const char *const wrong[] = {"0", "-1", "1025", "2x", "two", "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        cr_assert_eq(rti_procs_parse(wrong[i]), -EINVAL);
}

Test(procs, a_cpu_max_line_is_quota_over_period_rounded_up)
{
    cr_assert_eq(rti_procs_cpu_max("max 100000\n"), 0);
    cr_assert_eq(rti_procs_cpu_max("150000 100000\n"), 2);
    cr_assert_eq(rti_procs_cpu_max("400000 100000"), 4);
    cr_assert_eq(rti_procs_cpu_max("1000 100000"), 1);
    cr_assert_eq(rti_procs_cpu_max(""), 0);
    cr_assert_eq(rti_procs_cpu_max("5"), 0);
    cr_assert_eq(rti_procs_cpu_max("-5 10"), 0);
    cr_assert_eq(rti_procs_cpu_max("9000000000000 1"), 0);
    cr_assert_eq(rti_procs_cpu_max("9223372036854775807 9223372036854775807"), 1);
    cr_assert_eq(rti_procs_cpu_max("99999999999999999999999 9223372036854775806"), 2);
}

Test(procs, the_least_limit_of_the_groups_above_us_counts, .init = tree_new, .fini = tree_free)
{
    tree_put("/proc/self/mountinfo", "30 23 0:26 / /elsewhere rw - cgroup2 cgroup2 rw\n");
    tree_put("/proc/self/cgroup", "0::/a/b/c\n");
    cr_assert_eq(rti_procs_cgroup(tree), 0);
    tree_put("/elsewhere/a/b/c/cpu.max", "max 100000\n");
    cr_assert_eq(rti_procs_cgroup(tree), 0);
    tree_put("/elsewhere/a/b/cpu.max", "550000 100000\n");
    cr_assert_eq(rti_procs_cgroup(tree), 6);
    tree_put("/elsewhere/a/cpu.max", "300000 100000\n");
    cr_assert_eq(rti_procs_cgroup(tree), 3);
    tree_put("/elsewhere/cpu.max", "what is this");
    tree_put("/sys/fs/cgroup/a/cpu.max", "100000 100000\n"); /* where it used to be looked for */
    cr_assert_eq(rti_procs_cgroup(tree), 3);
}

Test(procs, v1_has_quota_and_period_in_two_files, .init = tree_new, .fini = tree_free)
{
    tree_put("/proc/self/mountinfo", "33 32 0:29 /pod /cg rw - cgroup cgroup rw,cpuacct,cpu\n");
    tree_put("/proc/self/cgroup", "9:cpuacct,cpu:/pod/a\n0::/\n");
    tree_put("/cg/a/cpu.cfs_quota_us", "-1\n");
    tree_put("/cg/a/cpu.cfs_period_us", "100000\n");
    cr_assert_eq(rti_procs_cgroup(tree), 0);
    tree_put("/cg/cpu.cfs_quota_us", "250000\n");
    cr_assert_eq(rti_procs_cgroup(tree), 0, "no period");
    tree_put("/cg/cpu.cfs_period_us", "100000\n");
    cr_assert_eq(rti_procs_cgroup(tree), 3);
}
