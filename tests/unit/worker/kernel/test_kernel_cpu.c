/* Holds what the kernels believe of the CPU against what Linux says in /proc/cpuinfo. */
#include "test.h"

#include "worker/kernel/kernel_select.h"

/* Whether the first "flags" line has the word. */
static bool linux_says(const char *flag)
{
    static char line[16384];
    FILE *f = fopen("/proc/cpuinfo", "r");
    bool found = false;
    if (!f)
        test_skip("no /proc/cpuinfo");
    while (fgets(line, sizeof line, f) && strncmp(line, "flags", 5) != 0)
        ;
    fclose(f);
    for (char *at = line; !found && (at = strstr(at, flag)); at++) {
        char after = at[strlen(flag)];
        found = at > line && at[-1] == ' ' && (after == ' ' || after == '\n' || after == '\0');
    }
    return found;
}

static const struct kernel *built(const char *name)
{
    for (const struct kernel *const *k = kernel_list(); *k; k++)
        if (strcmp((*k)->name, name) == 0)
            return *k;
    test_skip("%s is not built here", name);
    return NULL;
}

Test(kernel_cpu, agrees_with_linux_about_avx2)
{
    cr_assert_eq(built("avx2")->usable(), linux_says("avx2"));
}

Test(kernel_cpu, agrees_with_linux_about_avx512)
{
    cr_assert_eq(built("avx512")->usable(), linux_says("avx512f") && linux_says("avx512bw"));
}

Test(kernel_cpu, agrees_with_linux_about_the_sha_extensions)
{
    cr_assert_eq(built("shani")->usable(), linux_says("sha_ni") && linux_says("avx"));
}
