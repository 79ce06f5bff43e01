#include "run.h"

#include <sys/stat.h>
#include <unistd.h>

#include "common/wire/plain.h"

static struct run run_ok(struct fake_control *fake, const char *line)
{
    struct run r = run_line(fake->endpoint, line);
    cr_assert_eq(r.status, 0, "%s: status %d, %s", line, r.status, r.err);
    return r;
}

Test(commands, every_command_speaks_json)
{
    char dir[] = "/tmp/lode-commands-XXXXXX", keys[128], export[128];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(keys, sizeof keys, "-o json keys new w1 --dir %s", dir);
    snprintf(export, sizeof export, "-o json chain export %s/c.bin", dir);
    const char *const lines[] = {"-o json status",      "-o json workers",
                                 "-o json mine a b",    "-o json blocks",
                                 "-o json stats",       "-o json health",
                                 "-o json help",        "-o json stop",
                                 "-o json --version",   keys,
                                 "-o json help mine",   export,
                                 "-o json mine --help", "-o json blocks --reverse --limit 2 --from 1"};
    struct fake_control *fake = run_fake(3);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct run r = run_ok(fake, lines[i]);
        json_decref(run_json(r.out));
        cr_assert_eq(r.err_len, 0, "%s: '%s'", lines[i], r.err);
        run_free(&r);
    }
    fake_control_stop(fake);
    static const char *const files[] = {"w1.key", "w1.pub", "c.bin"};
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        cr_assert_eq(unlink(path), 0, "%s", files[i]);
    }
    rmdir(dir);
}

Test(commands, every_failure_speaks_json)
{
    static const struct {
        const char *line;
        int status;
    } cases[] = {
        {"-o json frobnicate", 2},
        {"-o json", 2},
        {"-o json mine", 2},
        {"-o json status extra", 2},
        {"-o json help nothing", 2},
        {"-o json keys new a/b", 2},
        {"-o json keys new x --dir /nonexistent/dir", 1},
        {"-o json --endpoint ipc:///nonexistent/control.sock status", 3},
        {"-o json --endpoint ipc:///nonexistent/control.sock mine a", 3},
        {"-o json --endpoint nonsense status", 2},
        {"-o json --endpoint nonsense help", 2},
        {"-o json chain verify x", 2},
        {"-o json chain replay --network lode --spacing soon x", 2},
        {"-o json chain verify --network lode /nonexistent/x", 1},
        {"-o json chain replay --network lode /nonexistent/x", 1},
        {"-o json keys new a --dir=", 2},
        {"-o json keys new a=b", 2},
        {"-o json chain export /nonexistent/dir/f", 1},
        {"-o json mine --count 0 a", 2},
        {"-o json mine --count 100001 a", 2},
    };
    struct fake_control *fake = run_fake(3);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct run r = run_line(fake->endpoint, cases[i].line);
        cr_assert_eq(r.status, cases[i].status, "%s: %d", cases[i].line, r.status);
        cr_assert_eq(r.out_len, 0, "%s wrote '%s'", cases[i].line, r.out);
        json_t *tree = run_json(r.err);
        cr_assert(json_is_string(json_object_get(tree, "code")));
        cr_assert(json_is_string(json_object_get(tree, "error")));
        cr_assert_eq(json_integer_value(json_object_get(tree, "exit")), cases[i].status);
        json_decref(tree);
        run_free(&r);
    }
    fake_control_stop(fake);
}

Test(commands, json_carries_all_that_the_coordinator_said)
{
    struct fake_control *fake = run_fake(3);
    struct run r = run_ok(fake, "-o json workers");
    json_t *tree = run_json(r.out), *worker = json_array_get(json_object_get(tree, "workers"), 0);
    cr_assert_str_eq(json_string_value(json_object_get(worker, "uuid")), "30313233343536373839616263646566");
    cr_assert_eq(json_integer_value(json_object_get(worker, "last_seen_ms")), 3200);
    json_decref(tree);
    run_free(&r);
    r = run_ok(fake, "-o json blocks --from 1 --limit 1");
    tree = run_json(r.out);
    cr_assert_eq(json_array_size(json_object_get(tree, "blocks")), 1);
    cr_assert_eq(json_integer_value(json_object_get(tree, "next")), 2);
    json_decref(tree);
    run_free(&r);
    fake_control_stop(fake);
}

Test(commands, tables_show_units_and_short_hashes)
{
    struct fake_control *fake = run_fake(3);
    struct run r = run_ok(fake, "status");
    cr_assert_not_null(strstr(r.out, "18.4 MH/s"));
    cr_assert_not_null(strstr(r.out, "000000a1b2c3d4e5…"));
    run_free(&r);
    r = run_ok(fake, "workers");
    cr_assert_not_null(strstr(r.out, "9.20 MH/s"));
    cr_assert_not_null(strstr(r.out, "3.2 s"));
    cr_assert_null(strchr(r.out, '\033'), "colour without being asked for");
    run_free(&r);
    r = run_ok(fake, "blocks");
    cr_assert_not_null(strstr(r.out, "genesis"));
    cr_assert_not_null(strstr(r.out, "2020-09-13 12:26:40"));
    run_free(&r);
    fake_control_stop(fake);
}

Test(commands, a_block_that_is_not_there_is_not_found)
{
    struct fake_control *fake = run_fake(3);
    struct run r = run_line(fake->endpoint, "blocks --from 9");
    cr_assert_eq(r.status, ARGS_NOT_FOUND);
    run_free(&r);
    fake_control_stop(fake);
}

Test(commands, a_wrong_endpoint_in_the_environment_is_usage_and_named_but_not_for_what_needs_none)
{
    struct run r = run_line("tcp://nowhere", "status");
    cr_assert_eq(r.status, ARGS_USAGE);
    cr_assert_not_null(strstr(r.err, "LODE_ENDPOINT: expected tcp://HOST:PORT or ipc://PATH, not 'tcp://nowhere'"),
                       "%s", r.err);
    run_free(&r);
    r = run_line("tcp://nowhere", "help");
    cr_assert_eq(r.status, 0);
    run_free(&r);
}

Test(commands, workers_that_come_in_several_replies_are_all_shown)
{
    struct fake_control *fake = run_fake(1);
    atomic_store(&fake->mode, FAKE_SEVERAL);
    struct run r = run_ok(fake, "-o json workers");
    json_t *tree = run_json(r.out);
    cr_assert_eq(json_array_size(json_object_get(tree, "workers")), 3);
    json_decref(tree);
    run_free(&r);
    fake_control_stop(fake);
}

Test(commands, status_tells_the_parameters_that_verify_wants)
{
    struct fake_control *fake = run_fake(1);
    struct run r = run_ok(fake, "status");
    cr_assert_not_null(strstr(r.out, "lode-regtest  (spacing 2s, half-life 60s)"), "%s", r.out);
    run_free(&r);
    r = run_ok(fake, "-o json status");
    json_t *tree = run_json(r.out);
    cr_assert_eq(json_integer_value(json_object_get(tree, "spacing_s")), 2);
    cr_assert_eq(json_integer_value(json_object_get(tree, "half_life_s")), 60);
    json_decref(tree);
    run_free(&r);
    fake_control_stop(fake);
}

static bool is_plain(const char *text)
{
    for (size_t left = strlen(text), n; left > 0; text += n, left -= n) {
        n = *text == '\n' ? 1 : plain_sequence((const uint8_t *)text, left);
        if (n == 0)
            return false;
    }
    return true;
}

Test(commands, no_word_of_a_coordinator_drives_the_terminal)
{
    static const char *const lines[] = {"status",        "workers",        "stats",          "health",
                                        "blocks",        "mine a b",       "-o json status", "-o json workers",
                                        "-o json stats", "-o json health", "-o json blocks", "-o json mine a b",
                                        "chain export -"};
    struct fake_control *fake = run_fake(2);
    atomic_store(&fake->mode, FAKE_HOSTILE);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct run r = run_line(fake->endpoint, lines[i]);
        cr_assert(is_plain(r.err), "%s: '%s'", lines[i], r.err);
        cr_assert(strstr(lines[i], "export") || is_plain(r.out), "%s: '%s'", lines[i], r.out);
        run_free(&r);
    }
    struct run r = run_ok(fake, "-o json workers");
    json_t *tree = run_json(r.out);
    const json_t *row = json_array_get(json_object_get(tree, "workers"), 0);
    cr_assert_str_eq(json_string_value(json_object_get(row, "name")), FAKE_HOSTILE_TEXT,
                     "JSON must hold what was said");
    json_decref(tree);
    run_free(&r);
    fake_control_stop(fake);
}

Test(commands, stats_shows_a_line_a_metric)
{
    struct fake_control *fake = run_fake(3);
    struct run r = run_ok(fake, "stats");
    cr_assert(strstr(r.out, "/sched/goroutines:goroutines                     12\n") != NULL);
    cr_assert(strstr(r.out, "/gc/cycles/total:gc-cycles ") != NULL);
    run_free(&r);
    fake_control_stop(fake);
}

Test(commands, health_is_the_exit_status)
{
    struct fake_control *fake = run_fake(1);
    struct run r = run_ok(fake, "health");
    cr_assert_str_eq(r.out, "ok\n");
    run_free(&r);
    atomic_store(&fake->mode, FAKE_UNWELL);
    r = run_line(fake->endpoint, "health");
    cr_assert_eq(r.status, ARGS_FAILED);
    cr_assert_str_eq(r.out, "not ok: the disk is full\n");
    run_free(&r);
    fake_control_stop(fake);
}

Test(commands, a_silent_coordinator_is_a_time_out)
{
    struct fake_control *fake = run_fake(1);
    atomic_store(&fake->mode, FAKE_SILENT);
    struct run r = run_line(fake->endpoint, "-o json --timeout 50ms status");
    cr_assert_eq(r.status, ARGS_TIMEOUT);
    run_free(&r);
    fake_control_stop(fake);
}

Test(commands, keys_are_never_overwritten_and_stay_secret)
{
    char dir[] = "/tmp/lode-keys-XXXXXX", line[128], path[128];
    struct stat st;
    cr_assert_not_null(mkdtemp(dir));
    snprintf(line, sizeof line, "keys new server --dir %s", dir);
    struct run r = run_line("", line);
    cr_assert_eq(r.status, 0);
    snprintf(path, sizeof path, "%s/server.key", dir);
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0600);
    size_t len;
    char *secret = test_slurp(path, &len);
    secret[strcspn(secret, "\n")] = '\0';
    cr_assert_null(strstr(r.out, secret), "the secret was printed");
    free(secret);
    run_free(&r);
    r = run_line("", line);
    cr_assert_eq(r.status, ARGS_FAILED);
    cr_assert_not_null(strstr(r.err, "exists"));
    run_free(&r);
    cr_assert_eq(unlink(path), 0);
    snprintf(path, sizeof path, "%s/server.pub", dir);
    cr_assert_eq(unlink(path), 0);
    rmdir(dir);
}

Test(commands, every_command_has_help_with_three_examples)
{
    for (const struct command *c = commands_table(); c->name; c++) {
        int examples = 0;
        const char *at = strstr(c->help, "Examples:\n");
        cr_assert_not_null(at, "%s", c->name);
        for (at = strchr(at, '\n') + 1; *at; at = strchr(at, '\n') + 1)
            examples += strncmp(at, "  ", 2) == 0 && strstr(at, "lodectl") != NULL;
        cr_assert_eq(examples, 3, "%s has %d", c->name, examples);
    }
}
