#include "test.h"

#include "common/base/err.h"
#include "coordinator/http/query.h"

Test(query, numbers_of_the_query_are_found_and_judged)
{
    static const struct {
        const char *query;
        int result;
        long long value;
    } cases[] = {
        {"from=7", 1, 7},
        {"limit=3&from=0", 1, 0},
        {"limit=3", 0, -1},
        {"", 0, -1},
        {NULL, 0, -1},
        {"%66rom=1", 0, -1},
        {"from=", ERR_FORMAT, 0},
        {"from", ERR_FORMAT, 0},
        {"from=1&from=2", ERR_FORMAT, 0},
        {"from=-1", ERR_FORMAT, 0},
        {"from=1x", ERR_FORMAT, 0},
        {"from=1234567890123456789", ERR_FORMAT, 0},
        {"&&from=123456789012345678&", 1, 123456789012345678},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        long long value = -1;
        int result = query_number(cases[i].query, "from", &value);
        cr_assert_eq(result, cases[i].result, "case %zu", i);
        if (result >= 0)
            cr_assert_eq(value, cases[i].value, "case %zu", i);
    }
}

Test(query, an_unknown_key_of_the_query_is_named)
{
    static const char *const keys[] = {"from", "limit", NULL};
    char name[8];
    cr_assert_eq(query_known("limit=1&froms=2", keys, name, sizeof name), ERR_UNKNOWN_KEY);
    cr_assert_str_eq(name, "froms");
    cr_assert_eq(query_known("limit=1&from=2", keys, name, sizeof name), 0);
    cr_assert_eq(query_known("averylongname=1", keys, name, sizeof name), ERR_UNKNOWN_KEY);
    cr_assert_str_eq(name, "averylo");
}
