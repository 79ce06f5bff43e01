#include "test.h"

#include "common/base/err.h"
#include "coordinator/http/body.h"

static void refuse(const char *text, bool with_goroutines, const char *wants)
{
    struct body body;
    char error[BODY_ERROR_CAP];
    cr_assert_eq(body_read(&body, text, strlen(text), with_goroutines, error), ERR_FORMAT, "%s", text);
    cr_assert_not_null(strstr(error, wants), "'%s' instead of '%s'", error, wants);
    cr_assert_null(body.tree);
}

Test(body, data_and_goroutines_are_read)
{
    struct body body;
    char error[BODY_ERROR_CAP];
    static const char text[] = " {\"goroutines\": 1000, \"data\": \"a\\u0000b\"}\n";
    cr_assert_eq(body_read(&body, text, sizeof text - 1, true, error), 0);
    cr_assert_eq(body.goroutines, 1000);
    cr_assert_eq(body.data_len, 3);
    cr_assert_arr_eq(body.data, "a\0b", 3);
    body_free(&body);
    cr_assert_eq(body_read(&body, "{\"data\":\"a\"}\0x", 14, true, error), ERR_FORMAT, "what is behind a NUL was lost");
    cr_assert_eq(body_read(&body, "{\"data\":\" \"}", 12, true, error), 0);
    cr_assert_eq(body.goroutines, 1);
    body_free(&body);
    body_free(&body);
}

Test(body, a_mistake_is_named)
{
    refuse("", true, "empty");
    refuse("{", true, "not valid JSON");
    refuse("{\"data\":\"a\",\"data\":\"b\"}", true, "twice");
    refuse("{\"a\\u0000b\":1}", true, "unknown field");
    refuse("{\"data\":\"a\"} x", true, "not valid JSON");
    refuse("[]", true, "not a JSON object");
    refuse("null", true, "not a JSON object");
    refuse("{}", true, "data");
    refuse("{\"Data\":\"a\"}", true, "Data: unknown");
    refuse("{\"data\":\"\"}", true, "data");
    refuse("{\"data\":1}", true, "data");
    refuse("{\"data\":null}", true, "data");
    refuse("{\"data\":\"a\",\"extra\":1}", true, "extra: unknown");
    refuse("{\"data\":\"a\",\"goroutines\":2}", false, "goroutines: unknown");
    refuse("{\"data\":\"a\",\"goroutines\":0}", true, "goroutines");
    refuse("{\"data\":\"a\",\"goroutines\":1001}", true, "goroutines");
    refuse("{\"data\":\"a\",\"goroutines\":-1}", true, "goroutines");
    refuse("{\"data\":\"a\",\"goroutines\":1.5}", true, "goroutines");
    refuse("{\"data\":\"a\",\"goroutines\":\"4\"}", true, "goroutines");
    refuse("{\"data\":\"a\",\"goroutines\":1e3}", true, "goroutines");
    refuse("{\"data\":\"a\",\"goroutines\":99000000000000000000}", true, "not valid JSON");
    refuse("{\"data\":\"\xff\"}", true, "not valid JSON");
}

Test(body, data_has_a_longest_length)
{
    static char text[BODY_DATA_MAX + 16];
    char error[BODY_ERROR_CAP];
    struct body body;
    for (int over = 0; over < 2; over++) {
        size_t n = (size_t)snprintf(text, sizeof text, "{\"data\":\"");
        size_t fill = BODY_DATA_MAX + (size_t)over;
        memset(text + n, 'x', fill);
        memcpy(text + n + fill, "\"}", 2);
        cr_assert_eq(body_read(&body, text, n + fill + 2, false, error), over ? ERR_FORMAT : 0);
        if (!over)
            cr_assert_eq(body.data_len, BODY_DATA_MAX);
        body_free(&body);
    }
}
