/* args.h - lodectl's command line, read by the table of commands. Pure. Threads: main. Memory: none is owned; strings
 * are argv's, args.rest is argv itself, reordered. */
#ifndef CTL_ARGS_H
#define CTL_ARGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <rt/attr.h>

struct args;
struct session;

enum {
    ARGS_COUNT = 1, /* bits of command.options */
    ARGS_FROM = 2,
    ARGS_LIMIT = 4,
    ARGS_REVERSE = 8,
    ARGS_DIR = 16,
    ARGS_NETWORK = 32, /* and --spacing, --half-life */
    ARGS_FROM_HEIGHT = 64,
};

/* Documented exit statuses; they never change. */
enum {
    ARGS_OK = 0,
    ARGS_FAILED = 1,
    ARGS_USAGE = 2,
    ARGS_UNREACHABLE = 3,
    ARGS_REFUSED = 4,
    ARGS_PARTIAL = 5,
    ARGS_TIMEOUT = 6,
    ARGS_NOT_FOUND = 7,
};

struct command {
    const char *name; /* "chain export" */
    const char *args; /* "FILE"; "" */
    const char *summary;
    const char *help; /* whole lines: options of its own, examples */
    unsigned options;
    int min, max;                                           /* positional arguments; max -1: any number */
    bool offline;                                           /* needs no coordinator */
    int (*run)(struct session *s, const struct args *args); /* returns the exit status */
};

struct args {
    const struct command *command; /* NULL: none was named */
    const char *endpoint;          /* NULL: not said */
    int timeout_ms;
    bool json, help, version;
    int64_t count, from, limit, from_height; /* -1: not said */
    int64_t spacing_s, half_life_s;          /* likewise */
    bool reverse;
    const char *dir, *network; /* NULL: not said */
    int rest_count;
    char **rest;
};

/* Reads argv against the table. 0, or ERR_FORMAT and one line in error that names the argument and the value that are
 * wrong; args->json is right even then, wherever -o stands. */
int args_parse(struct args *out, int argc, char **argv, const struct command *table, char error[400]) MUST_CHECK;

/* Help for everything (command NULL) or one command. table ends with a name of NULL. */
void args_help(FILE *to, const struct command *table, const struct command *command);

#endif
