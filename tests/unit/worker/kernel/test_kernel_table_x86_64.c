/* Holds for whichever table this build has. */
#include "test.h"

#include "worker/kernel/kernel_select.h"
#include "worker/kernel/kernel_table.h"

Test(kernel_table, names_are_unique_and_portable_is_last)
{
    size_t n = 0;
    for (; kernel_table[n]; n++)
        for (size_t i = 0; i < n; i++)
            cr_assert_str_neq(kernel_table[i]->name, kernel_table[n]->name);
    cr_assert(n >= 2 && n <= KERNEL_MENU_MAX);
    cr_assert_str_eq(kernel_table[n - 1]->name, "portable");
}

Test(kernel_table, every_kernel_is_whole)
{
    for (const struct kernel *const *k = kernel_table; *k; k++) {
        cr_assert((*k)->usable != NULL && (*k)->sweep != NULL);
        cr_assert((*k)->lanes >= 1 && (*k)->lanes <= KERNEL_LANES_MAX);
    }
}
