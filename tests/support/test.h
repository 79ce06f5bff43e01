/* test.h - what tests are written against: Criterion, or an in-process runner with the same words where Criterion does
 * not start (ThreadSanitizer; Snaipe/Criterion issue 274). Use only what is here:
 *
 *   Test(suite, a_sentence_in_words) { cr_assert(x); cr_assert_eq(a, b); cr_assert_str_eq(s, t); ... }
 *   Test(suite, name, .init = setup, .fini = teardown, .timeout = seconds, .signal = SIGABRT, .exit_code = 2)
 *   test_skip("why");               leaves the test as skipped (counted apart)
 *   test_data("bitcoin/x.bin")      path below $LODE_TESTDATA, or the test is skipped
 *   test_slurp(path, &len)          the whole file, malloc'd; fails the test when unreadable
 *
 * Both runners give every test a process of its own. A failing assertion is only allowed on the test's own thread. */
#ifndef TESTS_SUPPORT_TEST_H
#define TESTS_SUPPORT_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if !LODE_TEST_IN_PROCESS
#include <criterion/criterion.h>
#define test_skip(...) cr_skip_test(__VA_ARGS__)
#else

struct test_options {
    void (*init)(void);
    void (*fini)(void);
    double timeout;
    int signal;
    int exit_code;
    bool disabled;
    const char *description;
};
struct test_case {
    const char *suite, *name;
    void (*run)(void);
    struct test_options options;
    struct test_case *next;
};
void test_register(struct test_case *c);
__attribute__((noreturn, format(printf, 4, 5))) void test_fail(const char *file, int line, const char *expr,
                                                               const char *fmt, ...);
__attribute__((noreturn, format(printf, 1, 2))) void test_skip(const char *fmt, ...);

#define Test(suite_, name_, ...)                                                                                       \
    static void suite_##_##name_##_body(void);                                                                         \
    static struct test_case suite_##_##name_##_case = {                                                                \
        .suite = #suite_, .name = #name_, .run = suite_##_##name_##_body, .options = {__VA_ARGS__}};                   \
    __attribute__((constructor)) static void suite_##_##name_##_register(void)                                         \
    {                                                                                                                  \
        test_register(&suite_##_##name_##_case);                                                                       \
    }                                                                                                                  \
    static void suite_##_##name_##_body(void)

#define cr_assert(x, ...)                                                                                              \
    do {                                                                                                               \
        if (!(x))                                                                                                      \
            test_fail(__FILE__, __LINE__, #x, " " __VA_ARGS__);                                                        \
    } while (0)
#define cr_assert_not(x, ...)          cr_assert(!(x), ##__VA_ARGS__)
#define cr_assert_eq(a, b, ...)        cr_assert((a) == (b), ##__VA_ARGS__)
#define cr_assert_neq(a, b, ...)       cr_assert((a) != (b), ##__VA_ARGS__)
#define cr_assert_lt(a, b, ...)        cr_assert((a) < (b), ##__VA_ARGS__)
#define cr_assert_leq(a, b, ...)       cr_assert((a) <= (b), ##__VA_ARGS__)
#define cr_assert_gt(a, b, ...)        cr_assert((a) > (b), ##__VA_ARGS__)
#define cr_assert_geq(a, b, ...)       cr_assert((a) >= (b), ##__VA_ARGS__)
#define cr_assert_null(p, ...)         cr_assert((p) == NULL, ##__VA_ARGS__)
#define cr_assert_not_null(p, ...)     cr_assert((p) != NULL, ##__VA_ARGS__)
#define cr_assert_str_eq(a, b, ...)    cr_assert(strcmp((a), (b)) == 0, ##__VA_ARGS__)
#define cr_assert_str_neq(a, b, ...)   cr_assert(strcmp((a), (b)) != 0, ##__VA_ARGS__)
#define cr_assert_arr_eq(a, b, n, ...) cr_assert(memcmp((a), (b), (n)) == 0, ##__VA_ARGS__)
#define cr_assert_fail(...)            test_fail(__FILE__, __LINE__, "cr_assert_fail", " " __VA_ARGS__)
#define cr_log_info(...)               ((void)fprintf(stderr, __VA_ARGS__), (void)fputc('\n', stderr))
#endif

/* Path of a file of the test data; skips the calling test when it is absent. Static storage, valid until the next call.
 */
const char *test_data(const char *name);
/* The whole file, NUL-terminated beyond *len; caller frees. Fails the test when it cannot be read. */
char *test_slurp(const char *path, size_t *len);

#endif
