#include "ctl/args.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"

enum { DEFAULT_TIMEOUT_MS = 5000, NUMBER_DIGITS_MAX = 15 };

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
    snprintf(r->error, 256, "%.80s: %.160s", which, what);
    return ERR_FORMAT;
}

static int read_number(struct reader *r, const char *option, const char *text, int64_t *out)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > NUMBER_DIGITS_MAX || text[digits])
        return complain(r, "wants a whole number", option);
    *out = strtoll(text, NULL, 10);
    return 0;
}

/* "250ms", "5s", "2m"; a bare number is seconds. */
static int read_duration(struct reader *r, const char *option, const char *text, int *out_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"ms", 1}, {"s", 1000}, {"", 1000}, {"m", 60000}};
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 7)
        return complain(r, "wants a duration such as 250ms, 5s or 2m", option);
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strcmp(text + digits, units[i].unit) == 0) {
            int64_t ms = strtoll(text, NULL, 10) * units[i].ms;
            if (ms < 1 || ms > 86400000)
                return complain(r, "wants 1ms to 24h", option);
            *out_ms = (int)ms;
            return 0;
        }
    return complain(r, "wants a duration such as 250ms, 5s or 2m", option);
}

static int set_output(struct reader *r, const char *option, const char *text)
{
    if (strcmp(text, "json") != 0 && strcmp(text, "table") != 0)
        return complain(r, "wants table or json", option);
    r->args->json = strcmp(text, "json") == 0;
    return 0;
}

static int set_endpoint(struct reader *r, const char *option, const char *text)
{
    (void)option;
    r->args->endpoint = text;
    return 0;
}

static int set_timeout(struct reader *r, const char *option, const char *text)
{
    return read_duration(r, option, text, &r->args->timeout_ms);
}

static int set_count(struct reader *r, const char *option, const char *text)
{
    return read_number(r, option, text, &r->args->count);
}

static int set_from(struct reader *r, const char *option, const char *text)
{
    return read_number(r, option, text, &r->args->from);
}

static int set_limit(struct reader *r, const char *option, const char *text)
{
    return read_number(r, option, text, &r->args->limit);
}

static int set_dir(struct reader *r, const char *option, const char *text)
{
    (void)option;
    r->args->dir = text;
    return 0;
}

static const struct option {
    const char *name;
    unsigned bit;                                                       /* 0: every command has it */
    int (*set)(struct reader *r, const char *option, const char *text); /* NULL: a flag */
    size_t flag;                                                        /* offset in struct args */
} options[] = {
    {"--output", 0, set_output, 0},
    {"--endpoint", 0, set_endpoint, 0},
    {"--timeout", 0, set_timeout, 0},
    {"--help", 0, NULL, offsetof(struct args, help)},
    {"--version", 0, NULL, offsetof(struct args, version)},
    {"--count", ARGS_COUNT, set_count, 0},
    {"--from", ARGS_FROM, set_from, 0},
    {"--limit", ARGS_LIMIT, set_limit, 0},
    {"--dir", ARGS_DIR, set_dir, 0},
    {"--reverse", ARGS_REVERSE, NULL, offsetof(struct args, reverse)},
};

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
    if (!o->set) {
        if (equals)
            return complain(r, "takes no value", o->name);
        *(bool *)((char *)r->args + o->flag) = true;
        return 0;
    }
    if (equals)
        return o->set(r, o->name, equals + 1);
    if (r->at + 1 >= r->argc)
        return complain(r, "wants a value", o->name);
    return o->set(r, o->name, r->argv[++r->at]);
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
        return set_output(r, "-o", text + 2 + (text[2] == '='));
    if (r->at + 1 >= r->argc)
        return complain(r, "wants a value", text);
    return set_output(r, "-o", r->argv[++r->at]);
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
    return complain(r, group ? "which one? see lodectl help" : "unknown command, see lodectl help", first);
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
    if (!c || c->raw || r->args->help || r->args->version)
        return 0;
    if (r->args->rest_count < c->min)
        return complain(r, c->args[0] ? c->args : "takes no arguments", "missing argument");
    if (c->max >= 0 && r->args->rest_count > c->max)
        return complain(r, "is one argument too many", r->args->rest[c->max]);
    return 0;
}

static bool is_output(const char *text)
{
    return strncmp(text, "-o", 2) == 0 || strcmp(text, "--output") == 0 || strncmp(text, "--output=", 9) == 0;
}

/* A raw command reads its own arguments, but for help and the form of the output. rest[0] is the last word of its name,
 * as argv[0] of a program. */
static int read_raw(struct reader *r)
{
    struct args *a = r->args;
    a->rest[a->rest_count++] = r->argv[r->at++];
    if (r->at < r->argc && (strcmp(r->argv[r->at], "--help") == 0 || strcmp(r->argv[r->at], "-h") == 0))
        a->help = true;
    for (; r->at < r->argc; r->at++) {
        if (!is_output(r->argv[r->at]))
            a->rest[a->rest_count++] = r->argv[r->at];
        else
            TRY(r->argv[r->at][1] == '-' ? read_long(r) : read_short(r));
    }
    return 0;
}

int args_parse(struct args *out, int argc, char **argv, const struct command *table, char error[256])
{
    *out = (struct args){.timeout_ms = DEFAULT_TIMEOUT_MS, .count = -1, .from = -1, .limit = -1, .rest = argv};
    struct reader r = {.args = out, .table = table, .argc = argc, .at = 1, .argv = argv, .error = error};
    for (; r.at < argc; r.at++) {
        TRY(read_one(&r));
        if (out->command && out->command->raw)
            return read_raw(&r);
    }
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
