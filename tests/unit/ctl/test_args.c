#include "test.h"

#include "common/base/err.h"
#include "ctl/args.h"

static const struct command table[] = {
    {.name = "status", .args = "", .summary = "s", .help = "Examples:\n"},
    {.name = "mine", .args = "DATA...", .summary = "s", .help = "h", .options = ARGS_COUNT, .min = 1, .max = -1},
    {.name = "chain export", .args = "FILE", .summary = "s", .help = "h", .min = 1, .max = 1},
    {.name = "chain verify",
     .args = "FILE",
     .summary = "s",
     .help = "h",
     .options = ARGS_NETWORK | ARGS_FROM_HEIGHT,
     .min = 1,
     .max = 1},
    {.name = "blocks", .args = "", .summary = "s", .help = "h", .options = ARGS_FROM | ARGS_LIMIT | ARGS_REVERSE},
    {.name = "keys new", .args = "NAME", .summary = "s", .help = "h", .options = ARGS_DIR, .min = 1, .max = 1},
    {.name = NULL},
};

static char error[400];
static char *words[32];

/* Parses words separated by blanks; "lodectl" stands before them. */
static int parse(struct args *out, const char *line)
{
    static char copy[512];
    int n = 0;
    snprintf(copy, sizeof copy, "lodectl %s", line);
    for (char *at = copy; *at;) {
        words[n++] = at;
        at += strcspn(at, " ");
        if (*at)
            *at++ = '\0';
    }
    words[n] = NULL;
    error[0] = '\0';
    return args_parse(out, n, words, table, error);
}

Test(args, global_options_stand_anywhere)
{
    static const char *const lines[] = {
        "-o json --timeout 250ms --endpoint ipc://x mine a b --count 3",
        "mine a b --count=3 -ojson --timeout=250ms --endpoint=ipc://x",
        "mine --output json a --endpoint ipc://x --timeout 250ms b --count 3",
        "-o=json mine --timeout 250ms --endpoint ipc://x --count 3 -- a b",
    };
    for (size_t i = 0; i < 4; i++) {
        struct args a;
        cr_assert_eq(parse(&a, lines[i]), 0, "line %zu: %s", i, error);
        cr_assert_str_eq(a.command->name, "mine");
        cr_assert(a.json);
        cr_assert_eq(a.timeout_ms, 250);
        cr_assert_str_eq(a.endpoint, "ipc://x");
        cr_assert_eq(a.count, 3);
        cr_assert_eq(a.rest_count, 2);
        cr_assert_str_eq(a.rest[0], "a");
        cr_assert_str_eq(a.rest[1], "b");
    }
}

Test(args, without_options_the_defaults_hold)
{
    struct args a;
    cr_assert_eq(parse(&a, "status"), 0);
    cr_assert_eq(a.timeout_ms, 5000);
    cr_assert_not(a.json);
    cr_assert_null(a.endpoint);
    cr_assert_eq(a.count, -1);
    cr_assert_eq(a.from, -1);
    cr_assert_eq(parse(&a, ""), 0);
    cr_assert_null(a.command);
}

Test(args, commands_of_two_words_are_found)
{
    struct args a;
    cr_assert_eq(parse(&a, "chain export f.bin"), 0);
    cr_assert_str_eq(a.command->name, "chain export");
    cr_assert_str_eq(a.rest[0], "f.bin");
    cr_assert_eq(parse(&a, "blocks --from 7 --limit 2 --reverse"), 0);
    cr_assert_eq(a.from, 7);
    cr_assert_eq(a.limit, 2);
    cr_assert(a.reverse);
    cr_assert_eq(parse(&a, "keys new --dir /d n"), 0);
    cr_assert_str_eq(a.dir, "/d");
}

Test(args, a_chain_command_takes_the_network_and_the_global_options_too)
{
    struct args a;
    cr_assert_eq(parse(&a, "--timeout 1s chain verify --network lode -o json --from-height 3 f"), 0, "%s", error);
    cr_assert(a.json);
    cr_assert_eq(a.rest_count, 1);
    cr_assert_str_eq(a.rest[0], "f");
    cr_assert_str_eq(a.network, "lode");
    cr_assert_eq(a.from_height, 3);
    cr_assert_eq(a.spacing_s, -1);
    cr_assert_eq(a.half_life_s, -1);
    cr_assert_eq(parse(&a, "chain verify f --spacing 2 --half-life=1h --from-height 0"), 0, "%s", error);
    cr_assert_eq(a.spacing_s, 2);
    cr_assert_eq(a.half_life_s, 3600);
    cr_assert_eq(a.from_height, 0);
    cr_assert_eq(parse(&a, "chain verify --help"), 0);
    cr_assert(a.help);
}

Test(args, a_dash_and_what_follows_two_dashes_are_arguments)
{
    struct args a;
    cr_assert_eq(parse(&a, "chain export -"), 0);
    cr_assert_str_eq(a.rest[0], "-");
    cr_assert_eq(parse(&a, "mine -- --count"), 0);
    cr_assert_str_eq(a.rest[0], "--count");
}

Test(args, a_mistake_is_named)
{
    static const struct {
        const char *line, *names;
    } cases[] = {
        {"frobnicate", "frobnicate"},
        {"chain", "chain"},
        {"chain exports f", "chain"},
        {"status --frob", "--frob"},
        {"status -x", "-x"},
        {"status extra", "extra"},
        {"status --count 3", "--count"},
        {"--count 3 mine a", "--count"},
        {"mine", "DATA"},
        {"mine a --count", "--count"},
        {"mine a --count many", "--count"},
        {"mine a --count -3", "--count"},
        {"mine a --count 12345678901234567890", "--count"},
        {"status --timeout 25h", "--timeout"},
        {"status --timeout soon", "'soon'"},
        {"status --endpoint bogus", "--endpoint"},
        {"status --endpoint bogus", "'bogus'"},
        {"status --endpoint inproc://x", "inproc"},
        {"status --endpoint tcp://127.0.0.1:*", "--endpoint"},
        {"status --endpoint tcp://*:1", "--endpoint"},
        {"status --endpoint=", "--endpoint"},
        {"blocks --limit 501", "from 1 to 500"},
        {"blocks --limit 0", "--limit"},
        {"blocks --from 9007199254740993", "--from"},
        {"mine a --count 0", "--count"},
        {"chain verify f --spacing 0", "--spacing"},
        {"chain verify f --spacing 1500ms", "--spacing: whole seconds"},
        {"chain verify f --half-life 2147483649", "--half-life"},
        {"chain verify f --from-height -1", "'-1'"},
        {"chain verify f --from-height 12x", "'12x'"},
        {"chain verify f --from-height 99999999999999999999", "--from-height"},
        {"chain verify f --from-height", "--from-height"},
        {"chain verify f --networks x", "--networks"},
        {"chain export --network lode f", "--network"},
        {"status --timeout 0s", "--timeout"},
        {"status --timeout s", "--timeout"},
        {"status --timeout 1.5s", "--timeout"},
        {"status -o xml", "-o"},
        {"status -o", "-o"},
        {"status --output=", "--output"},
        {"status --help=yes", "--help"},
        {"blocks --reverse=no", "--reverse"},
        {"chain export a b", "b"},
        {"chain verify -o yaml f", "-o"},
        {"sta", "sta"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct args a;
        cr_assert_eq(parse(&a, cases[i].line), ERR_FORMAT, "'%s' was taken", cases[i].line);
        cr_assert_not_null(strstr(error, cases[i].names), "'%s' does not name '%s'", error, cases[i].names);
    }
}

Test(args, durations_have_units)
{
    static const struct {
        const char *line;
        int ms;
    } cases[] = {{"status --timeout 5", 5000},
                 {"status --timeout 1ms", 1},
                 {"status --timeout 2m", 120000},
                 {"status --timeout 24s", 24000},
                 {"status --timeout 24h", 86400000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct args a;
        cr_assert_eq(parse(&a, cases[i].line), 0);
        cr_assert_eq(a.timeout_ms, cases[i].ms);
    }
}

Test(args, json_is_known_even_when_the_rest_is_wrong)
{
    struct args a;
    cr_assert_eq(parse(&a, "-o json status --frob"), ERR_FORMAT);
    cr_assert(a.json);
    static const char *const behind[] = {"--frob -o json",     "status x -ojson", "frob --output=json",
                                         "frob --output json", "frob -o=json",    "frob -o table -o json",
                                         "frob -o json -o xml"};
    for (size_t i = 0; i < sizeof behind / sizeof *behind; i++) {
        cr_assert_eq(parse(&a, behind[i]), ERR_FORMAT, "%s", behind[i]);
        cr_assert(a.json, "%s", behind[i]);
    }
    cr_assert_eq(parse(&a, "frob -- -o json"), ERR_FORMAT);
    cr_assert_not(a.json);
}

Test(args, help_names_every_command_and_every_exit_status)
{
    static char text[8192];
    FILE *f = fmemopen(text, sizeof text, "w");
    args_help(f, table, NULL);
    fclose(f);
    for (const struct command *c = table; c->name; c++)
        cr_assert_not_null(strstr(text, c->name), "%s is missing", c->name);
    static const char *const statuses[] = {"0 ok",      "1 failed",  "2 usage",     "3 unreachable",
                                           "4 refused", "5 partial", "6 timed out", "7 not found"};
    for (size_t i = 0; i < 8; i++)
        cr_assert_not_null(strstr(text, statuses[i]), "%s is missing", statuses[i]);
    f = fmemopen(text, sizeof text, "w");
    args_help(f, table, &table[0]);
    fclose(f);
    cr_assert_not_null(strstr(text, "Examples:"));
}
