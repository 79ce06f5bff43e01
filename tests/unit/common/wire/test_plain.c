#include "test.h"

#include "common/wire/plain.h"

static size_t plain(const char *text)
{
    return plain_sequence((const uint8_t *)text, strlen(text));
}

Test(plain, letters_of_any_script_stand_for_themselves)
{
    cr_assert_eq(plain("a"), 1);
    cr_assert_eq(plain(" "), 1);
    cr_assert_eq(plain("~"), 1);
    cr_assert_eq(plain("\xc3\xa4"), 2);         /* U+00E4 */
    cr_assert_eq(plain("\xc2\xa0"), 2);         /* U+00A0, right behind C1 */
    cr_assert_eq(plain("\xe2\x80\xa6"), 3);     /* U+2026, an ellipsis */
    cr_assert_eq(plain("\xe2\x80\xaf"), 3);     /* U+202F, right behind the overrides */
    cr_assert_eq(plain("\xf0\x9f\xa7\xb1"), 4); /* U+1F9F1 */
}

Test(plain, what_drives_a_terminal_or_breaks_a_line_does_not)
{
    static const char *const bad[] = {"\x1b",         "\n",           "\x1f",         "\x7f",
                                      "\xc2\x80",     "\xc2\x9b",     "\xc2\x9f",     "\xe2\x80\xa8",
                                      "\xe2\x80\xa9", "\xe2\x80\xae", "\xe2\x80\xaa", "\xe2\x81\xa6",
                                      "\xe2\x81\xa9", "\xe2\x80\x8f", "\xd8\x9c",     "\xef\xbb\xbf"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(plain(bad[i]), 0, "case %zu", i);
    cr_assert_eq(plain_sequence((const uint8_t *)"\0x", 2), 0);
}

Test(plain, bytes_that_are_no_utf_8_do_not)
{
    static const char *const bad[] = {
        "\x80", "\xff", "\xc3", "\xc0\x9b", "\xe2\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        cr_assert_eq(plain(bad[i]), 0, "case %zu", i);
}

Test(plain, code_points_are_read_at_every_length)
{
    cr_assert_eq(plain_code_point((const uint8_t *)"A", 1), 0x41);
    cr_assert_eq(plain_code_point((const uint8_t *)"\xc2\x9b", 2), 0x9b);
    cr_assert_eq(plain_code_point((const uint8_t *)"\xe2\x80\xa8", 3), 0x2028);
    cr_assert_eq(plain_code_point((const uint8_t *)"\xf0\x9f\xa7\xb1", 4), 0x1f9f1);
}
