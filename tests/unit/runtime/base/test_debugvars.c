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

Test(debugvars, a_seed_has_sixty_four_bits_in_decimal_or_hexadecimal)
{
    static const struct {
        const char *text;
        uint64_t seed;
    } rows[] = {{"seed=0", 0},
                {"seed=1", 1},
                {"seed=007", 7},
                {"seed=4294967296", UINT64_C(1) << 32},
                {"seed=18446744073709551615", UINT64_MAX},
                {"seed=0x1", 1},
                {"seed=0XDeadBeef", 0xdeadbeef},
                {"seed=0xffffffffffffffff", UINT64_MAX},
                {"seed=0x0000000000000000000000012", 0x12}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cr_assert_eq(parse(rows[i].text), 0, "%s", rows[i].text);
        cr_assert_eq(vars.seed, rows[i].seed, "%s", rows[i].text);
    }
    static const char *const wrong[] = {"seed=",   "seed=0x", "seed=-1",  "seed=18446744073709551616",
                                        "seed=1x", "seed=a",  "seed=+1",  "seed=0x10000000000000000",
                                        "seed= 1", "seed=x1", "seed=0xg", "seed=99999999999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        cr_assert_eq(parse(wrong[i]), -EINVAL, "%s", wrong[i]);
        cr_assert_eq(strncmp(bad, wrong[i], sizeof bad - 1), 0, "%s", wrong[i]);
        cr_assert_str_eq(rti_debugvars_why(wrong[i]), "wants a number below 2^64, decimal or after 0x");
    }
}

Test(debugvars, why_a_part_is_refused_is_told)
{
    cr_assert_str_eq(rti_debugvars_why("nope=1"), "is not a known name=number");
    cr_assert_str_eq(rti_debugvars_why("seed"), "is not a known name=number");
    cr_assert_str_eq(rti_debugvars_why("tinyqueues=x"), "wants a number of up to nine digits");
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
    cr_assert_eq(parse("tinyqueues=1,seed=0xffffffffffffffff"), 0);
    rti_debugvars_format(&vars, text, sizeof text);
    cr_assert_str_eq(text, "seed=18446744073709551615,tinyqueues=1");
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
