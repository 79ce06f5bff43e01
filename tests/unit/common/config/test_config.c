#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/config/config.h"

static const char *const forms[] = {"text", "json", NULL};
static const struct config_key keys[] = {
    {.name = "bind", .type = CONFIG_ENDPOINT, .def = "tcp://127.0.0.1:7070", .help = "where workers connect"},
    {.name = "peers", .type = CONFIG_ENDPOINTS, .help = "other coordinators"},
    {.name = "beat",
     .type = CONFIG_DURATION,
     .def = "2s",
     .min = 100 * CONFIG_MS,
     .max = 60 * CONFIG_S,
     .help = "interval"},
    {.name = "blocks", .type = CONFIG_U64, .max = 1000, .help = "stop after so many"},
    {.name = "cache-size", .type = CONFIG_SIZE, .def = "1MiB", .help = "memory"},
    {.name = "log-format", .type = CONFIG_ENUM, .choices = forms, .def = "text", .help = "form of a line"},
    {.name = "progress", .type = CONFIG_BOOL, .help = "a line per block"},
    {.name = "token", .type = CONFIG_STRING, .secret = true, .help = "of the HTTP side"},
    {.name = "tag", .type = CONFIG_STRING, .def = "lode", .max = 32, .help = "of the miner"},
};
static const struct config_program program = {.name = "tester",
                                              .summary = "tries settings",
                                              .keys = keys,
                                              .key_count = sizeof(keys) / sizeof(*keys),
                                              .args_max = 2,
                                              .args_help = "FILE..."};

static struct config_error err;
static struct config *c;

static void *kept[256];
static size_t kept_count;

/* Words separated by one space; env as NAME=value words. Kept until the process ends: argv is borrowed by the config.
 */
static char **split(const char *text)
{
    char *copy = strdup(text), **words = calloc(64, sizeof(char *));
    cr_assert_lt(kept_count, 254);
    kept[kept_count++] = copy;
    kept[kept_count++] = words;
    size_t n = 0;
    for (char *p = copy; p && *p; p = strchr(p, ' ') ? strchr(p, ' ') + 1 : NULL)
        words[n++] = p;
    for (char *p = copy; *p; p++)
        if (*p == ' ')
            *p = 0;
    return words;
}

static int load_program(const struct config_program *p, const char *flags, const char *env)
{
    char **argv = split(flags);
    int argc = 0;
    while (argv[argc])
        argc++;
    const struct config_input in = {argc, argv, split(env)};
    config_free(&c);
    return config_load(&c, p, &in, &err);
}

static int load(const char *flags, const char *env)
{
    return load_program(&program, flags, env);
}

static const char *file(const char *text)
{
    static char path[64];
    strncpy(path, "/tmp/config-test-XXXXXX", sizeof(path) - 1);
    const int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

static int load_file(const char *text)
{
    char flags[128];
    snprintf(flags, sizeof(flags), "tester --config %s", file(text));
    const int got = load(flags, "");
    unlink(flags + strlen("tester --config "));
    return got;
}

Test(config, without_a_source_the_defaults_hold)
{
    cr_assert_eq(load("tester", "HOME=/x PATH=y"), CONFIG_RUN, "%s", err.text);
    cr_assert_str_eq(config_str(c, "bind"), "tcp://127.0.0.1:7070");
    cr_assert_eq(config_ns(c, "beat"), 2 * (int64_t)CONFIG_S);
    cr_assert_eq(config_ms(c, "beat"), 2000);
    cr_assert_eq(config_u64(c, "blocks"), 0);
    cr_assert_eq(config_size(c, "cache-size"), 1 << 20);
    cr_assert_eq(config_choice(c, "log-format"), 0);
    cr_assert_str_eq(config_str(c, "log-format"), "text");
    cr_assert_not(config_bool(c, "progress"));
    cr_assert_str_eq(config_str(c, "token"), "");
    cr_assert_eq(config_list_count(c, "peers"), 0);
    cr_assert_str_eq(config_origin(c, "beat"), "default");
    cr_assert_eq(config_arg_count(c), 0);
}

Test(config, a_flag_beats_the_environment_and_that_the_file)
{
    char flags[128];
    snprintf(flags, sizeof(flags), "tester --beat 5s --config=%s", file("beat: 3s\nblocks: 7\ncache_size: 2MiB\n"));
    cr_assert_eq(load(flags, "LODE_BEAT=4s LODE_BLOCKS=8"), CONFIG_RUN, "%s", err.text);
    cr_assert_eq(config_ms(c, "beat"), 5000);
    cr_assert_str_eq(config_origin(c, "beat"), "flag");
    cr_assert_eq(config_u64(c, "blocks"), 8);
    cr_assert_str_eq(config_origin(c, "blocks"), "environment");
    cr_assert_eq(config_size(c, "cache-size"), 2 << 20);
    cr_assert_str_eq(config_origin(c, "cache-size"), "file");
}

Test(config, the_file_may_be_named_by_the_environment)
{
    char env[128];
    snprintf(env, sizeof(env), "LODE_CONFIG=%s", file("tag: abc\n"));
    cr_assert_eq(load("tester", env), CONFIG_RUN, "%s", err.text);
    cr_assert_str_eq(config_str(c, "tag"), "abc");
    cr_assert_eq(load("tester --config /nowhere/x", env), -ENOENT);
    cr_assert_not_null(strstr(err.text, "/nowhere/x"));
    cr_assert_null(c);
    cr_assert_eq(load("tester", "LODE_CONFIG="), CONFIG_RUN, "%s", err.text);
}

Test(config, flags_have_all_their_forms)
{
    cr_assert_eq(load("tester --progress --log-format=json --cache_size 3KiB a -", ""), CONFIG_RUN, "%s", err.text);
    cr_assert(config_bool(c, "progress"));
    cr_assert_eq(config_choice(c, "log-format"), 1);
    cr_assert_eq(config_size(c, "cache-size"), 3072);
    cr_assert_eq(config_arg_count(c), 2);
    cr_assert_str_eq(config_arg(c, 1), "-");
    cr_assert_eq(load("tester --no-progress -- --beat", "LODE_PROGRESS=yes"), CONFIG_RUN, "%s", err.text);
    cr_assert_not(config_bool(c, "progress"));
    cr_assert_str_eq(config_arg(c, 0), "--beat");
    cr_assert_eq(load("tester --progress=off", ""), CONFIG_RUN);
    cr_assert_not(config_bool(c, "progress"));
}

Test(config, a_list_comes_apart)
{
    cr_assert_eq(load("tester --peers tcp://a:1,ipc://b", ""), CONFIG_RUN, "%s", err.text);
    cr_assert_eq(config_list_count(c, "peers"), 2);
    cr_assert_str_eq(config_list_at(c, "peers", 0), "tcp://a:1");
    cr_assert_str_eq(config_list_at(c, "peers", 1), "ipc://b");
}

static void expect(int got, int want, const char *const *words)
{
    cr_assert_eq(got, want, "%d: %s", got, err.text);
    cr_assert_null(c);
    for (; *words; words++)
        cr_assert_not_null(strstr(err.text, *words), "'%s' is not in '%s'", *words, err.text);
}

#define EXPECT(got, want, ...) expect(got, want, (const char *const[]){__VA_ARGS__, NULL})

Test(config, an_error_in_a_flag_names_it_and_what_was_expected)
{
    EXPECT(load("tester --beat=99ms", ""), ERR_RANGE, "flag --beat", "from 100ms to 1m", "99ms");
    EXPECT(load("tester --beat", ""), ERR_FORMAT, "flag --beat", "missing");
    EXPECT(load("tester --beat --progress", ""), ERR_FORMAT, "flag --beat", "missing");
    EXPECT(load("tester --beat=", ""), ERR_FORMAT, "--beat");
    EXPECT(load("tester --beats 1s", ""), ERR_UNKNOWN_KEY, "--beats");
    EXPECT(load("tester --no-beat", ""), ERR_UNKNOWN_KEY, "--no-beat");
    EXPECT(load("tester -v", ""), ERR_UNKNOWN_KEY, "-v");
    EXPECT(load("tester --beat 1s --beat=2s", ""), ERR_DUPLICATE, "beat", "twice");
    EXPECT(load("tester --progress --no-progress", ""), ERR_DUPLICATE, "progress", "twice");
    EXPECT(load("tester --config /a --config=/b", ""), ERR_DUPLICATE, "--config");
    EXPECT(load("tester --config", ""), ERR_FORMAT, "--config");
    EXPECT(load("tester --config=", ""), ERR_FORMAT, "--config", "missing");
    EXPECT(load("tester --token abc", ""), ERR_FORMAT, "--token", "secret");
    EXPECT(load("tester a b c", ""), ERR_FORMAT, "unexpected", "'c'");
    EXPECT(load("tester --blocks -1", ""), ERR_FORMAT, "--blocks");
    EXPECT(load("tester --blocks 1001", ""), ERR_RANGE, "--blocks");
}

Test(config, an_error_in_the_environment_names_it)
{
    EXPECT(load("tester", "LODE_BEAT=x"), ERR_FORMAT, "environment, LODE_BEAT", "duration", "'x'");
    EXPECT(load("tester", "LODE_BEATS=1s"), ERR_UNKNOWN_KEY, "LODE_BEATS");
    EXPECT(load("tester", "LODE_=1s"), ERR_UNKNOWN_KEY, "LODE_");
    EXPECT(load("tester", "LODE_beat=1s"), ERR_UNKNOWN_KEY, "LODE_beat");
    EXPECT(load("tester", "LODE_BEAT=1s LODE_BEAT=2s"), ERR_DUPLICATE, "LODE_BEAT");
    EXPECT(load("tester", "LODE_BEAT="), ERR_FORMAT, "LODE_BEAT");
    EXPECT(load("tester", "LODE_BEAT_FILE=/x"), ERR_UNKNOWN_KEY, "LODE_BEAT_FILE");
    cr_assert_eq(load("tester", "LODE_TESTDATA=x LODE_BIN=y LODE_SOURCE=z LODE_ENDPOINT=q"), CONFIG_RUN, "%s",
                 err.text);
}

Test(config, an_error_in_the_file_names_line_and_column)
{
    EXPECT(load_file("beat: 1s\nworkerz: 3\n"), ERR_UNKNOWN_KEY, "/tmp/config-test-", "line 2, column 1", "workerz");
    EXPECT(load_file("beat: 1s\nblocks:    many\n"), ERR_FORMAT, "line 2, column 12", "blocks", "a number", "many");
    EXPECT(load_file("beat: 1s\nbeat: 2s\n"), ERR_DUPLICATE, "line 2", "beat", "twice");
    EXPECT(load_file("cache-size: 1\ncache_size: 1\n"), ERR_DUPLICATE, "line 2", "cache-size");
    EXPECT(load_file("beat: [1s]\n"), ERR_FORMAT, "line 1", "nested");
    EXPECT(load_file("tag: \xff\n"), ERR_FORMAT, "/tmp/config-test-");
    EXPECT(load_file("tag: \"a\\0b\"\n"), ERR_FORMAT, "line 1", "NUL");
}

Test(config, a_value_of_a_megabyte_is_refused)
{
    char *text = malloc(1 << 20);
    memset(text, 'x', 1 << 20);
    memcpy(text, "tag: ", 5);
    text[(1 << 20) - 1] = 0;
    EXPECT(load_file(text), ERR_TOO_LONG, "/tmp/config-test-");
    text[5000] = 0;
    EXPECT(load_file(text), ERR_TOO_LONG, "tag", "at most 32 bytes", "...");
    cr_assert_lt(strlen(err.text), sizeof(err.text) - 1);
    free(text);
}

Test(config, an_error_text_holds_no_controls)
{
    EXPECT(load("tester --beat=\x1b[31m\n", ""), ERR_FORMAT, "?[31m?");
}

Test(config, a_secret_comes_from_the_environment_or_a_private_file_and_is_not_shown)
{
    char env[128];
    cr_assert_eq(load("tester", "LODE_TOKEN=hunter2"), CONFIG_RUN, "%s", err.text);
    cr_assert_str_eq(config_str(c, "token"), "hunter2");
    snprintf(env, sizeof(env), "LODE_TOKEN_FILE=%s", file("hunter3\n"));
    const char *path = env + strlen("LODE_TOKEN_FILE=");
    cr_assert_eq(load("tester", env), CONFIG_RUN, "%s", err.text);
    cr_assert_str_eq(config_str(c, "token"), "hunter3");
    char shown[4096] = "";
    FILE *to = fmemopen(shown, sizeof(shown), "w");
    config_print(c, to);
    fclose(to);
    cr_assert_not_null(strstr(shown, "# token: secret, set (environment)"));
    cr_assert_null(strstr(shown, "hunter"));
    cr_assert_eq(chmod(path, 0644), 0);
    EXPECT(load("tester", env), ERR_PERMISSION, "LODE_TOKEN_FILE", "644");
    unlink(path);
    EXPECT(load("tester", env), -ENOENT, "LODE_TOKEN_FILE");
    EXPECT(load("tester", "LODE_TOKEN=a\nb"), ERR_FORMAT, "LODE_TOKEN", "(secret)");
    cr_assert_null(strstr(err.text, "a?b"));
    EXPECT(load("tester", "LODE_TOKEN=a LODE_TOKEN_FILE=/x"), -ENOENT, "/x");
}

Test(config, what_is_printed_can_be_read_back)
{
    cr_assert_eq(load("tester --tag=x\"\\y --peers tcp://a:1 --progress", "LODE_BEAT=7s"), CONFIG_RUN, "%s", err.text);
    char shown[4096] = "";
    FILE *to = fmemopen(shown, sizeof(shown), "w");
    config_print(c, to);
    fclose(to);
    cr_assert_not_null(strstr(shown, "beat: \"7s\" # environment\n"), "%s", shown);
    cr_assert_not_null(strstr(shown, "bind: \"tcp://127.0.0.1:7070\" # default\n"));
    cr_assert_eq(load_file(shown), CONFIG_RUN, "%s", err.text);
    cr_assert_str_eq(config_str(c, "tag"), "x\"\\y");
    cr_assert_eq(config_ms(c, "beat"), 7000);
    cr_assert(config_bool(c, "progress"));
}

Test(config, help_lists_every_key_and_does_not_read_the_rest)
{
    cr_assert_eq(load("tester --beats --help", "LODE_X=1"), CONFIG_HELP, "%s", err.text);
    cr_assert_eq(load("tester --version", ""), CONFIG_VERSION);
    cr_assert_eq(load("tester --print-config --beat 4s", ""), CONFIG_PRINT);
    cr_assert_eq(config_ms(c, "beat"), 4000);
    EXPECT(load("tester --print-config --beats 4s", ""), ERR_UNKNOWN_KEY, "--beats");
    cr_assert_eq(load("tester -- --help", ""), CONFIG_RUN);
    char shown[8192] = "";
    FILE *to = fmemopen(shown, sizeof(shown), "w");
    config_help(&program, to);
    fclose(to);
    for (size_t i = 0; i < program.key_count; i++) {
        cr_assert_not_null(strstr(shown, keys[i].name));
        cr_assert_not_null(strstr(shown, keys[i].help));
    }
    cr_assert_not_null(strstr(shown, "from 100ms to 1m (2s)"));
    cr_assert_null(strstr(shown, "--token"));
}

Test(config, what_is_required_must_be_given)
{
    static const struct config_key needed[] = {
        {.name = "data", .type = CONFIG_STRING, .required = true, .help = "directory"}};
    static const struct config_program p = {.name = "needy",
                                            .summary = "x",
                                            .keys = needed,
                                            .key_count = 1,
                                            .args_min = 1,
                                            .args_max = 1,
                                            .args_help = "FILE"};
    EXPECT(load_program(&p, "needy x", ""), ERR_MISSING_KEY, "data");
    EXPECT(load_program(&p, "needy --data d", ""), ERR_MISSING_KEY, "FILE");
    cr_assert_eq(load_program(&p, "needy x", "LODE_DATA=d"), CONFIG_RUN, "%s", err.text);
    cr_assert_eq(load_program(&p, "needy --help", ""), CONFIG_HELP);
}

Test(config, a_name_that_the_table_does_not_have_is_a_bug, .signal = SIGABRT)
{
    cr_assert_eq(load("tester", ""), CONFIG_RUN);
    config_u64(c, "nothing");
}

Test(config, a_getter_of_another_type_is_a_bug, .signal = SIGABRT)
{
    cr_assert_eq(load("tester", ""), CONFIG_RUN);
    config_u64(c, "beat");
}

Test(config, a_mistake_ends_the_program_with_status_2, .exit_code = CONFIG_EXIT_USAGE)
{
    config_start(&program, 2, split("tester --nonsense"));
}
