/* config.h - typed settings of a program: defaults, then a YAML file, then the environment, then flags.
 * Threads: one while loading, any afterwards (nothing changes any more). Memory: malloc; strings live as long as the
 * config. Reads the files it is pointed at; nothing else.
 *
 *   static const struct config_key keys[] = {
 *       {.name = "bind", .type = CONFIG_ENDPOINT, .def = "tcp://127.0.0.1:7070", .help = "where workers connect"},
 *       {.name = "beat", .type = CONFIG_DURATION, .def = "2s", .min = 100 * CONFIG_MS, .max = 60 * CONFIG_S, .help =
 * ...},
 *   };
 *   static const struct config_program program = {.name = "lode-coordinator", .summary = "...", .keys = keys,
 *                                                 .key_count = ARRAY_LEN(keys)};
 *   AUTO(config_free) struct config *c = config_start(&program, argc, argv);
 *   bind_to(config_str(c, "bind")); every(config_ns(c, "beat"));
 *
 * Every program also has --config FILE (or LODE_CONFIG), --help, --version and --print-config. A key is written with
 * '-' in the table; --lease-ms, LODE_LEASE_MS, and lease-ms or lease_ms in the file are one. What is unknown, doubled,
 * out of range or not of the type is an error that names key, source, line and what was expected, and then nothing is
 * applied. */
#ifndef COMMON_CONFIG_CONFIG_H
#define COMMON_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <rt/attr.h>

enum config_type {
    CONFIG_BOOL,      /* true false yes no on off 1 0; flags --name and --no-name */
    CONFIG_U64,       /* decimal, or 0x and hex */
    CONFIG_DURATION,  /* number with ns us ms s m h, or of seconds; kept in ns */
    CONFIG_SIZE,      /* number with B KiB MiB GiB TiB or none; kept in bytes */
    CONFIG_STRING,    /* UTF-8, plain characters (plain.h); max is its length in bytes, 0 for CONFIG_STRING_MAX */
    CONFIG_ENUM,      /* one of choices */
    CONFIG_ENDPOINT,  /* tcp://host:port, ipc://path, inproc://name; may be empty if def is "" */
    CONFIG_ENDPOINTS, /* several, separated by commas */
};

enum {
    CONFIG_STRING_MAX = 4096,
    CONFIG_FILE_MAX = 1 << 18, /* bytes of a configuration file */
    CONFIG_EXIT_USAGE = 2,     /* exit status for an error here */
};

#define CONFIG_MS UINT64_C(1000000)    /* ns */
#define CONFIG_S  UINT64_C(1000000000) /* ns */

struct config_key {
    const char *name;
    enum config_type type;
    const char *def;            /* as it would be written; NULL: false, 0 or "" */
    uint64_t min, max;          /* of U64, DURATION (ns), SIZE (bytes); max 0: no limit */
    const char *const *choices; /* of ENUM, NULL-terminated */
    bool required;              /* must come from the file, the environment or a flag */
    bool secret;      /* string never printed; not allowed as a flag; LODE_NAME_FILE names a file that holds it */
    const char *help; /* one line, lower case, no full stop */
};

struct config_program {
    const char *name;
    const char *summary; /* one line */
    const struct config_key *keys;
    size_t key_count;
    unsigned args_min, args_max; /* positional arguments; 0, 0: none are taken */
    const char *args_help;       /* "FILE..." */
};

/* Where settings come from, so that tests can say it. */
struct config_input {
    int argc;
    char **argv; /* argv[0] is skipped; borrowed for the life of the config (positional arguments) */
    char **envp; /* NULL-terminated "NAME=value" list, such as environ */
};

enum config_outcome { CONFIG_RUN = 0, CONFIG_HELP = 1, CONFIG_VERSION = 2, CONFIG_PRINT = 3 };

struct config_error {
    char text[512]; /* one line without the newline; printable, no secret */
};

struct config;

/* Loads and checks everything. 0 or more: an enum config_outcome, *out is the caller's (config_free), and all values
 * are set (with CONFIG_HELP and CONFIG_VERSION: the defaults). Negative: *out is NULL, err->text says what is wrong:
 * ERR_UNKNOWN_KEY, ERR_MISSING_KEY, ERR_DUPLICATE, ERR_FORMAT, ERR_RANGE, ERR_TOO_LONG, ERR_PERMISSION (secret file
 * open to others), or -errno. program is borrowed until config_free. */
int config_load(struct config **out, const struct config_program *program, const struct config_input *in,
                struct config_error *err) MUST_CHECK;
/* For main(): config_load on the process's own environment. Prints and exits 0 for --help, --version, --print-config;
 * prints the error and exits CONFIG_EXIT_USAGE. Never NULL. */
struct config *config_start(const struct config_program *program, int argc, char **argv);
/* NULL-safe; wipes secrets; leaves *self_p NULL. */
void config_free(struct config **self_p);

/* Getters. A name that is not in the table, or is of another type, is a bug of the program (CHECK). */
bool config_bool(const struct config *self, const char *name);
uint64_t config_u64(const struct config *self, const char *name);
int64_t config_ns(const struct config *self, const char *name);      /* DURATION */
int64_t config_ms(const struct config *self, const char *name);      /* DURATION, rounded up */
uint64_t config_size(const struct config *self, const char *name);   /* SIZE, bytes */
const char *config_str(const struct config *self, const char *name); /* STRING, ENUM, ENDPOINT, ENDPOINTS; never NULL */
int config_choice(const struct config *self, const char *name);      /* ENUM: index in choices */
size_t config_list_count(const struct config *self, const char *name); /* ENDPOINTS */
const char *config_list_at(const struct config *self, const char *name, size_t i);
/* Where the value came from: "default", "file", "environment", "flag". */
const char *config_origin(const struct config *self, const char *name);
unsigned config_arg_count(const struct config *self); /* positional arguments */
const char *config_arg(const struct config *self, unsigned i);

/* What --help and --print-config write. */
void config_help(const struct config_program *program, FILE *to);
void config_print(const struct config *self, FILE *to);

#endif
