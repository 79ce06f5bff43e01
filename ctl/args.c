#include "ctl/args.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"
#include "common/config/setting.h"
#include "ctl/client.h"

enum { DEFAULT_TIMEOUT_MS = 5000, ERROR_CAP = 400 };

struct reader {
    struct args *args;
    const struct command *table;
    int argc, at; /* at: the argument being read */
    char **argv;
    bool ended; /* "--" was there */
    char *error;
};

static int complain(struct reader *r, const char *what, const char *which)
{
    snprintf(r->error, ERROR_CAP, "%.80s: %.300s", which, what);
    return ERR_FORMAT;
}

static const char *const forms[] = {"table", "json", NULL};

/* What an option's value becomes: a flag has none. */
enum kind { FLAG, TEXT, ENDPOINT, FORM, NUMBER, MILLISECONDS, SECONDS };

#define HEIGHT_MAX  (UINT64_C(1) << 53) /* what a JSON number holds exactly */
#define SECONDS_MAX (UINT64_C(1) << 31)

static const struct option {
    const char *name;
    unsigned bit; /* 0: every command has it */
    enum kind kind;
    size_t at; /* offset in struct args */
    struct config_key key;
} options[] = {
    {"--output", 0, FORM, offsetof(struct args, json), {.type = CONFIG_ENUM, .choices = forms}},
    {"--endpoint", 0, ENDPOINT, offsetof(struct args, endpoint), {0}},
    {"--timeout",
     0,
     MILLISECONDS,
     offsetof(struct args, timeout_ms),
     {.type = CONFIG_DURATION, .min = CONFIG_MS, .max = 86400 * CONFIG_S}},
    {"--help", 0, FLAG, offsetof(struct args, help), {0}},
    {"--version", 0, FLAG, offsetof(struct args, version), {0}},
    {"--count", ARGS_COUNT, NUMBER, offsetof(struct args, count), {.type = CONFIG_U64, .min = 1, .max = 100000}},
    {"--from", ARGS_FROM, NUMBER, offsetof(struct args, from), {.type = CONFIG_U64, .max = HEIGHT_MAX}},
    {"--limit", ARGS_LIMIT, NUMBER, offsetof(struct args, limit), {.type = CONFIG_U64, .min = 1, .max = 500}},
    {"--reverse", ARGS_REVERSE, FLAG, offsetof(struct args, reverse), {0}},
    {"--dir", ARGS_DIR, TEXT, offsetof(struct args, dir), {.type = CONFIG_STRING}},
    {"--network", ARGS_NETWORK, TEXT, offsetof(struct args, network), {.type = CONFIG_STRING, .max = 64}},
    {"--spacing",
     ARGS_NETWORK,
     SECONDS,
     offsetof(struct args, spacing_s),
     {.type = CONFIG_DURATION, .min = CONFIG_S, .max = SECONDS_MAX * CONFIG_S}},
    {"--half-life",
     ARGS_NETWORK,
     SECONDS,
     offsetof(struct args, half_life_s),
     {.type = CONFIG_DURATION, .min = CONFIG_S, .max = SECONDS_MAX * CONFIG_S}},
    {"--from-height",
     ARGS_FROM_HEIGHT,
     NUMBER,
     offsetof(struct args, from_height),
     {.type = CONFIG_U64, .max = HEIGHT_MAX}},
};

static int store_seconds(struct reader *r, const struct option *o, uint64_t ns, const char *text)
{
    char why[160];
    if (ns % CONFIG_S != 0) { /* headers count in whole seconds */
        snprintf(why, sizeof why, "whole seconds are wanted, not '%.60s'", text);
        return complain(r, why, o->name);
    }
    *(int64_t *)((char *)r->args + o->at) = (int64_t)(ns / CONFIG_S);
    return 0;
}

static int store_endpoint(struct reader *r, const struct option *o, const char *text)
{
    char why[300];
    if (client_check(text, why, sizeof why) < 0)
        return complain(r, why, o->name);
    r->args->endpoint = text;
    return 0;
}

/* Takes text as the value of o; as is how the option was written. */
static int store(struct reader *r, const struct option *o, const char *text, const char *as)
{
    char why[300], *field = (char *)r->args + o->at;
    uint64_t n = 0;
    if (o->kind == ENDPOINT)
        return store_endpoint(r, o, text);
    if (setting_read(&o->key, text, &n, why, sizeof why) < 0)
        return complain(r, why, as);
    switch (o->kind) {
    case FORM:
        *(bool *)field = n == 1;
        return 0;
    case NUMBER:
        *(int64_t *)field = (int64_t)n;
        return 0;
    case MILLISECONDS:
        *(int *)field = (int)((n + CONFIG_MS - 1) / CONFIG_MS);
        return 0;
    case SECONDS:
        return store_seconds(r, o, n, text);
    default:
        *(const char **)field = text;
        return 0;
    }
}

static const struct option *find_option(const char *text, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++)
        if (strlen(options[i].name) == len && memcmp(options[i].name, text, len) == 0)
            return &options[i];
    return NULL;
}

static int read_long(struct reader *r)
{
    const char *text = r->argv[r->at], *equals = strchr(text, '=');
    const struct option *o = find_option(text, equals ? (size_t)(equals - text) : strlen(text));
    if (!o)
        return complain(r, "unknown option", text);
    if (o->bit && !(r->args->command && r->args->command->options & o->bit))
        return complain(r, "is not an option here", o->name);
    if (o->kind == FLAG) {
        if (equals)
            return complain(r, "takes no value", o->name);
        *(bool *)((char *)r->args + o->at) = true;
        return 0;
    }
    if (equals)
        return store(r, o, equals + 1, o->name);
    if (r->at + 1 >= r->argc)
        return complain(r, "wants a value", o->name);
    return store(r, o, r->argv[++r->at], o->name);
}

static int read_short(struct reader *r)
{
    const char *text = r->argv[r->at];
    if (strcmp(text, "-h") == 0) {
        r->args->help = true;
        return 0;
    }
    if (strncmp(text, "-o", 2) != 0)
        return complain(r, "unknown option", text);
    if (text[2])
        return store(r, &options[0], text + 2 + (text[2] == '='), "-o");
    if (r->at + 1 >= r->argc)
        return complain(r, "wants a value", text);
    return store(r, &options[0], r->argv[++r->at], "-o");
}

/* The command that begins at argv[at]: of one word, or of two. */
static int read_command(struct reader *r)
{
    const char *first = r->argv[r->at], *second = r->at + 1 < r->argc ? r->argv[r->at + 1] : "";
    size_t len = strlen(first);
    bool group = false;
    for (const struct command *c = r->table; c->name; c++) {
        if (strncmp(c->name, first, len) != 0 || (c->name[len] && c->name[len] != ' '))
            continue;
        group = true;
        if (c->name[len] && strcmp(c->name + len + 1, second) != 0)
            continue;
        r->args->command = c;
        r->at += c->name[len] == ' ';
        return 0;
    }
    char which[80];
    snprintf(which, sizeof which, "'%.70s'", first);
    return complain(r, group ? "which one? see lodectl help" : "unknown command, see lodectl help", which);
}

static int read_one(struct reader *r)
{
    char *text = r->argv[r->at];
    if (!r->ended && strcmp(text, "--") == 0) {
        r->ended = true;
        return 0;
    }
    if (!r->ended && text[0] == '-' && text[1])
        return text[1] == '-' ? read_long(r) : read_short(r);
    if (!r->args->command)
        return read_command(r);
    r->args->rest[r->args->rest_count++] = text;
    return 0;
}

static int check_count(struct reader *r)
{
    const struct command *c = r->args->command;
    if (!c || r->args->help || r->args->version)
        return 0;
    if (r->args->rest_count < c->min)
        return complain(r, c->args[0] ? c->args : "takes no arguments", "missing argument");
    if (c->max >= 0 && r->args->rest_count > c->max) {
        char which[80];
        snprintf(which, sizeof which, "'%.70s'", r->args->rest[c->max]);
        return complain(r, "is one argument too many", which);
    }
    return 0;
}

/* Errors obey -o wherever it stands, so it is looked for beyond the mistake. The last good one counts. */
static void look_for_output(struct args *a, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *form = strncmp(argv[i], "--output=", 9) == 0          ? argv[i] + 9
                           : strncmp(argv[i], "-o", 2) == 0 && argv[i][2] ? argv[i] + 2 + (argv[i][2] == '=')
                                                                          : NULL;
        if (!form && (strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "--output") == 0))
            form = i + 1 < argc ? argv[++i] : "";
        if (form && (strcmp(form, "json") == 0 || strcmp(form, "table") == 0))
            a->json = form[0] == 'j';
    }
}

int args_parse(struct args *out, int argc, char **argv, const struct command *table, char error[400])
{
    *out = (struct args){.timeout_ms = DEFAULT_TIMEOUT_MS,
                         .count = -1,
                         .from = -1,
                         .limit = -1,
                         .from_height = -1,
                         .spacing_s = -1,
                         .half_life_s = -1,
                         .rest = argv};
    struct reader r = {.args = out, .table = table, .argc = argc, .at = 1, .argv = argv, .error = error};
    look_for_output(out, argc, argv);
    for (; r.at < argc; r.at++)
        TRY(read_one(&r));
    return check_count(&r);
}

static void help_one(FILE *to, const struct command *c)
{
    fprintf(to, "lodectl %s%s%s - %s\n\n%s\nGlobal options and exit statuses: lodectl help\n", c->name,
            c->args[0] ? " " : "", c->args, c->summary, c->help);
}

void args_help(FILE *to, const struct command *table, const struct command *command)
{
    if (command) {
        help_one(to, command);
        return;
    }
    fputs("lodectl - controls a Lode coordinator and looks at it\n\n"
          "Usage: lodectl [OPTIONS] COMMAND [ARGUMENTS]\n\nCommands:\n",
          to);
    for (const struct command *c = table; c->name; c++) {
        char left[64];
        snprintf(left, sizeof left, "%s%s%s", c->name, c->args[0] ? " " : "", c->args);
        fprintf(to, "  %-28s %s\n", left, c->summary);
    }
    fputs("\nOptions:\n"
          "  --endpoint ENDPOINT          the control socket (LODE_ENDPOINT; ipc://./lode-data/control.sock)\n"
          "  -o, --output table|json      json carries everything the table shows, and more; errors obey it too\n"
          "  --timeout DURATION           how long to wait for an answer (5s)\n"
          "  -h, --help                   this, or a command's own help with examples\n"
          "  --version\n\n"
          "Exit statuses:\n"
          "  0 ok   1 failed   2 usage   3 unreachable   4 refused   5 partial   6 timed out   7 not found\n\n"
          "Data goes to standard output, all else to standard error. No colour into a pipe or with NO_COLOR.\n",
          to);
}
