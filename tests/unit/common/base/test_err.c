#include "test.h"

#include <errno.h>

#include "common/base/err.h"

Test(err, a_code_of_ours_has_a_name_and_a_text)
{
    cr_assert_str_eq(err_code(ERR_POW), "pow");
    cr_assert_str_eq(err_text(ERR_POW), "the hash is above the target");
}

Test(err, a_code_of_the_kernel_keeps_its_name)
{
    cr_assert_str_eq(err_code(-ENOENT), "ENOENT");
    cr_assert_str_eq(err_text(-ENOENT), "No such file or directory");
}

Test(err, success_and_unknown_codes_are_told_apart)
{
    cr_assert_str_eq(err_code(0), "ok");
    cr_assert_str_eq(err_code(7), "ok");
    cr_assert_str_eq(err_code(-99999), "unknown");
    cr_assert_str_eq(err_text(-99999), "unknown error");
}
