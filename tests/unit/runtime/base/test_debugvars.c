#include "test.h"

#include <errno.h>

#include "base/debugvars.h"

static struct rti_debugvars vars;
static char bad[16];

static int parse(const char *text)
{
    rti_debugvars_reset(&vars);
    return rti_debugvars_parse(&vars, text, bad, sizeof bad);
}

Test(debugvars, nothing_said_means_the_defaults)
{
    cr_assert_eq(parse(NULL), 0);
    cr_assert_eq(parse(""), 0);
    cr_assert_eq(parse(",,"), 0);
    cr_assert_eq(vars.alwaysmigrate, 0);
    cr_assert_eq(vars.membarrier, 1);
}

Test(debugvars, names_and_numbers_are_read)
{
    cr_assert_eq(parse("alwaysmigrate=1,stackmib=-3,guardpages=0"), 0);
    cr_assert_eq(vars.alwaysmigrate, 1);
    cr_assert_eq(vars.stackmib, -3);
    cr_assert_eq(vars.guardpages, 0);
}

Test(debugvars, what_is_not_understood_is_named)
{
    static const char *const wrong[] = {
        "nope=1", "alwaysmigrate",       "alwaysmigrate=", "alwaysmigrate=1x", "alwaysmigrate=0x1", "alwaysmigrat=1",
        "=1",     "stackmib=1234567890", "stackmib=-"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        char text[64];
        snprintf(text, sizeof text, "membarrier=1,%s,stackmib=1", wrong[i]);
        cr_assert_eq(parse(text), -EINVAL, "an entry was accepted");
        cr_assert_eq(strncmp(bad, wrong[i], sizeof bad - 1), 0, "the wrong entry was named");
        cr_assert_eq(bad[sizeof bad - 1], '\0');
    }
}

Test(debugvars, what_is_formatted_can_be_parsed_again)
{
    char text[128];
    cr_assert_eq(parse("seed=123,membarrier=0,tinyqueues=1"), 0);
    rti_debugvars_format(&vars, text, sizeof text);
    struct rti_debugvars was = vars;
    cr_assert_eq(parse(text), 0);
    cr_assert_eq(memcmp(&was, &vars, sizeof vars), 0);
    cr_assert_eq(parse(NULL), 0);
    rti_debugvars_format(&vars, text, sizeof text);
    cr_assert_str_eq(text, "");
}

Test(debugvars, a_text_that_is_too_long_is_cut)
{
    char text[8];
    cr_assert_eq(parse("seed=123456789,membarrier=0"), 0);
    rti_debugvars_format(&vars, text, sizeof text);
    cr_assert_eq(strlen(text), sizeof text - 1);
}
