#include "test.h"

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
}
