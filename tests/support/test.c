/* test.c - test data helpers, and the in-process runner. */
#include "test.h"

#include <unistd.h>

const char *test_data(const char *name)
{
    static char path[4096];
    const char *root = getenv("LODE_TESTDATA");
    snprintf(path, sizeof path, "%s/%s", root ? root : "../shared/testdata", name);
    if (access(path, R_OK) != 0)
        test_skip("no test data at %s", path);
    return path;
}

char *test_slurp(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    cr_assert(f != NULL, "cannot open the file");
    size_t cap = 1 << 16, n = 0;
    char *buf = malloc(cap + 1);
    for (size_t got; (got = fread(buf + n, 1, cap - n, f)) > 0;) {
        n += got;
        if (n == cap)
            buf = realloc(buf, (cap *= 2) + 1);
    }
    fclose(f);
    buf[n] = '\0';
    *len = n;
    return buf;
}

#if LODE_TEST_IN_PROCESS
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

static struct test_case *cases, **cases_end = &cases;

void test_register(struct test_case *c)
{
    *cases_end = c;
    cases_end = &c->next;
}

/* Every test runs in a forked child, as in Criterion: a crash or a hang ends one test. fork is allowed here because the
 * runner itself has one thread. */
enum { EXIT_FAILED = 101, EXIT_SKIPPED = 102 };

void test_fail(const char *file, int line, const char *expr, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fprintf(stderr, "%s:%d: assertion failed: %s", file, line, expr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    fflush(NULL);
    _exit(EXIT_FAILED);
}

void test_skip(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("skipped: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    fflush(NULL);
    _exit(EXIT_SKIPPED);
}

static int run_child(const struct test_case *c)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(c->options.timeout > 0 ? (unsigned)c->options.timeout + 30 : 120);
        if (c->options.init)
            c->options.init();
        c->run();
        if (c->options.fini)
            c->options.fini();
        exit(0); /* not _exit: the sanitizer reports at exit, with its own status */
    }
    int status = 0;
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return EXIT_FAILED;
    if (c->options.signal)
        return WIFSIGNALED(status) && WTERMSIG(status) == c->options.signal ? 0 : EXIT_FAILED;
    if (WIFSIGNALED(status))
        return fprintf(stderr, "killed by signal %d\n", WTERMSIG(status)), EXIT_FAILED;
    int code = WEXITSTATUS(status);
    if (code == EXIT_SKIPPED || code == EXIT_FAILED)
        return code;
    return code == c->options.exit_code ? 0 : EXIT_FAILED;
}

static bool wanted(const struct test_case *c, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strstr(c->name, argv[i]) || strcmp(c->suite, argv[i]) == 0)
            return true;
    return argc < 2;
}

int main(int argc, char **argv)
{
    int passed = 0, failed = 0, skipped = 0;
    for (struct test_case *c = cases; c; c = c->next) {
        if (c->options.disabled || !wanted(c, argc, argv))
            continue;
        int result = run_child(c);
        passed += result == 0;
        skipped += result == EXIT_SKIPPED;
        failed += result != 0 && result != EXIT_SKIPPED;
        if (result != 0)
            printf("[%s] %s::%s\n", result == EXIT_SKIPPED ? "SKIP" : "FAIL", c->suite, c->name);
    }
    printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
    return failed != 0;
}
#endif
