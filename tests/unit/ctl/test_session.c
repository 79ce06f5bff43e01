#include "run.h"

#include <errno.h>

#include "common/base/err.h"
#include "ctl/args.h"

Test(session, every_code_has_its_exit_status)
{
    static const struct {
        int code, status;
    } cases[] = {{0, ARGS_OK},
                 {7, ARGS_OK},
                 {ERR_UNREACHABLE, ARGS_UNREACHABLE},
                 {ERR_TIMEOUT, ARGS_TIMEOUT},
                 {ERR_NOT_FOUND, ARGS_NOT_FOUND},
                 {ERR_STATE, ARGS_REFUSED},
                 {ERR_FULL, ARGS_REFUSED},
                 {-EACCES, ARGS_REFUSED},
                 {ERR_RANGE, ARGS_FAILED},
                 {-ENOSPC, ARGS_FAILED}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_assert_eq(session_status(cases[i].code), cases[i].status, "case %zu", i);
}

static struct session open_session(char **err, size_t *len, bool json)
{
    return (struct session){.out = stdout, .err = open_memstream(err, len), .json = json, .timeout_ms = 1000};
}

Test(session, a_failure_is_said_in_words_or_in_json)
{
    char *err;
    size_t len;
    struct session s = open_session(&err, &len, false);
    cr_assert_eq(session_fail(&s, ERR_TIMEOUT, "asking %s", "you"), ARGS_TIMEOUT);
    fclose(s.err);
    cr_assert_not_null(strstr(err, "lodectl: asking you: "));
    cr_assert_not_null(strstr(err, "(timeout)\n"));
    free(err);
    s = open_session(&err, &len, true);
    cr_assert_eq(session_fail(&s, ERR_TIMEOUT, "asking %s", "you"), ARGS_TIMEOUT);
    fclose(s.err);
    json_t *tree = run_json(err);
    cr_assert_str_eq(json_string_value(json_object_get(tree, "code")), "timeout");
    cr_assert_eq(json_integer_value(json_object_get(tree, "exit")), ARGS_TIMEOUT);
    cr_assert_not_null(strstr(json_string_value(json_object_get(tree, "error")), "asking you"));
    json_decref(tree);
    free(err);
}

Test(session, words_that_are_not_utf_8_do_not_break_the_json)
{
    char *err;
    size_t len;
    struct session s = open_session(&err, &len, true);
    cr_assert_eq(session_usage(&s, "no \xff"), ARGS_USAGE);
    fclose(s.err);
    json_t *tree = run_json(err);
    cr_assert_str_eq(json_string_value(json_object_get(tree, "error")), "no ?");
    json_decref(tree);
    free(err);
}

Test(session, words_that_would_drive_the_terminal_are_made_plain)
{
    char *err;
    size_t len;
    struct session s = open_session(&err, &len, false);
    cr_assert_eq(session_fail(&s, ERR_STATE, "it says %s", FAKE_HOSTILE_TEXT), ARGS_REFUSED);
    fclose(s.err);
    cr_assert_not_null(strstr(err, "lodectl: it says x?[2J?2J??y: "), "%s", err);
    free(err);
}

Test(session, the_coordinators_own_words_and_key_are_handed_on)
{
    struct fake_control *fake = run_fake(1);
    atomic_store(&fake->mode, FAKE_REFUSE);
    struct run r = run_line(fake->endpoint, "-o json status");
    cr_assert_eq(r.status, ARGS_REFUSED);
    cr_assert_eq(r.out_len, 0);
    json_t *tree = run_json(r.err);
    const char *text = json_string_value(json_object_get(tree, "error"));
    cr_assert_not_null(strstr(text, "not now"));
    cr_assert_not_null(strstr(text, "verb"));
    json_decref(tree);
    run_free(&r);
    fake_control_stop(fake);
}

Test(session, an_unreadable_result_fails)
{
    struct fake_control *fake = run_fake(1);
    atomic_store(&fake->mode, FAKE_BAD_MAP);
    struct run r = run_line(fake->endpoint, "status");
    cr_assert_eq(r.status, ARGS_FAILED);
    run_free(&r);
    fake_control_stop(fake);
}
