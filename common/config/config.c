#include "common/config/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/config/flatfile.h"
#include "common/config/setting.h"

enum origin { ORIGIN_DEFAULT, ORIGIN_FILE, ORIGIN_ENVIRONMENT, ORIGIN_FLAG };
static const char *const origins[] = {"default", "file", "environment", "flag"};

/* Names that are other programs' or the tests' business; any other unknown LODE_ name is a mistake. */
static const char *const foreign_names[] = {"LODE_TESTDATA", "LODE_BIN",      "LODE_SOURCE",
                                            "LODE_CONFIG",   "LODE_ENDPOINT", "LODE_LOG_FORMAT"};

struct slot {
    char *text; /* as it was written; owned */
    uint64_t number;
    enum origin origin;
    bool given; /* in the source being read, to find doubles */
};

struct config {
    const struct config_program *program;
    struct slot *slots; /* one for each key of the table; owned */
    char **parts;       /* of CONFIG_ENDPOINTS: see list_at; owned */
    size_t part_count;
    char **args; /* positional arguments, borrowed from argv; the array is owned */
    unsigned arg_count;
};

/* One load under way. */
struct load {
    struct config *c;
    const struct config_program *program;
    const struct config_input *in;
    struct config_error *err;
    const char *file; /* the configuration file, or NULL */
};

static void *must(void *p)
{
    CHECK(p); /* out of memory at the start */
    return p;
}

/* Sets the error text; bytes that could disturb a terminal become '?'. */
PRINTF_LIKE(3, 4) static int fail(struct config_error *err, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    for (char *p = err->text; *p; p++)
        if ((unsigned char)*p < ' ' || (unsigned char)*p >= 0x7f)
            *p = '?';
    return code;
}

/* A name as written somewhere against a key of the table: '_' counts as '-', and for the environment case does not. */
static bool same_name(const char *key, const char *name, size_t len, bool upper)
{
    for (size_t i = 0; i < len; i++) {
        char c = name[i] == '_' ? '-' : name[i];
        if (upper)
            c = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c >= 'a' && c <= 'z' ? '?' : c;
        if (key[i] == 0 || key[i] != c)
            return false;
    }
    return key[len] == 0;
}

static size_t find(const struct config_program *p, const char *name, size_t len, bool upper)
{
    for (size_t i = 0; i < p->key_count; i++)
        if (same_name(p->keys[i].name, name, len, upper))
            return i;
    return SIZE_MAX;
}

/* Takes text for key i; `where` names the source for the error. */
static int assign(struct load *l, size_t i, enum origin origin, const char *text, const char *where)
{
    const struct config_key *key = &l->program->keys[i];
    struct slot *slot = &l->c->slots[i];
    char why[300];
    uint64_t number;
    if (slot->given)
        return fail(l->err, ERR_DUPLICATE, "%.200s: given twice", where);
    const int err = setting_read(key, text, &number, why, sizeof(why));
    if (err < 0)
        return fail(l->err, err, "%.200s: %s", where, why);
    if (key->secret && slot->text)
        explicit_bzero(slot->text, strlen(slot->text));
    free(slot->text);
    slot->text = must(strdup(text));
    slot->number = number;
    slot->origin = origin;
    slot->given = true;
    return 0;
}

static void next_source(struct load *l)
{
    for (size_t i = 0; i < l->program->key_count; i++)
        l->c->slots[i].given = false;
}

static void set_defaults(struct load *l)
{
    static const char *const none[] = {
        [CONFIG_BOOL] = "false", [CONFIG_U64] = "0", [CONFIG_DURATION] = "0ns", [CONFIG_SIZE] = "0",
        [CONFIG_STRING] = "",    [CONFIG_ENUM] = "", [CONFIG_ENDPOINT] = "",    [CONFIG_ENDPOINTS] = ""};
    for (size_t i = 0; i < l->program->key_count; i++) {
        const struct config_key *key = &l->program->keys[i];
        struct slot *slot = &l->c->slots[i];
        const char *first = key->type == CONFIG_ENUM ? key->choices[0] : none[key->type];
        slot->text = must(strdup(key->def ? key->def : first));
        const int err = setting_parse(key, slot->text, &slot->number);
        CHECK(err == 0 || !key->def); /* a default that the table itself refuses is a bug */
    }
}

/* The file. */

static int on_pair(void *arg, const struct flatfile_pair *pair)
{
    struct load *l = arg;
    char where[160];
    const size_t i = find(l->program, pair->key, strlen(pair->key), false);
    if (i == SIZE_MAX)
        return fail(l->err, ERR_UNKNOWN_KEY, "%.120s, line %zu, column %zu: unknown key '%.60s'", l->file, pair->line,
                    pair->column, pair->key);
    snprintf(where, sizeof(where), "%.80s, line %zu, column %zu, %.40s", l->file, pair->value_line, pair->value_column,
             l->program->keys[i].name);
    return assign(l, i, ORIGIN_FILE, pair->value, where);
}

static int read_file(struct load *l)
{
    struct flatfile_fault fault;
    if (!l->file)
        return 0;
    l->err->text[0] = 0;
    const int err = flatfile_read(l->file, CONFIG_FILE_MAX, on_pair, l, &fault);
    if (err >= 0 || l->err->text[0])
        return err;
    if (fault.line)
        return fail(l->err, err, "%.120s, line %zu, column %zu: %s", l->file, fault.line, fault.column, fault.text);
    return fail(l->err, err, "%.120s: %s", l->file, fault.text[0] ? fault.text : err_text(err));
}

/* The environment. */

/* LODE_NAME_FILE: the secret is the first line of that file. Its mode is checked: others must not read it. */
static int read_secret(struct load *l, size_t i, const char *path, const char *where)
{
    struct stat st;
    char *text;
    size_t len;
    if (stat(path, &st) < 0)
        return fail(l->err, -errno, "%s: %.120s: %s", where, path, err_text(-errno));
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return fail(l->err, ERR_PERMISSION, "%s: %.120s may be read by others (mode %03o, wanted 600)", where, path,
                    (unsigned)st.st_mode & 0777);
    int err = flatfile_slurp(&text, &len, path, CONFIG_STRING_MAX + 1);
    if (err < 0)
        return fail(l->err, err, "%s: %.120s: %s", where, path, err_text(err));
    if (len && text[len - 1] == '\n')
        text[--len] = 0;
    err = strlen(text) == len ? assign(l, i, ORIGIN_ENVIRONMENT, text, where)
                              : fail(l->err, ERR_FORMAT, "%s: %.120s holds a NUL", where, path);
    explicit_bzero(text, len);
    free(text);
    return err;
}

static int read_variable(struct load *l, const char *variable)
{
    static const char prefix[] = "LODE_", suffix[] = "_FILE";
    const char *equals = strchr(variable, '=');
    if (!equals || strncmp(variable, prefix, strlen(prefix)) != 0)
        return 0;
    const size_t len = (size_t)(equals - variable), skip = strlen(prefix), tail = strlen(suffix);
    char where[100];
    snprintf(where, sizeof(where), "environment, %.*s", (int)(len < 80 ? len : 80), variable);
    size_t i = find(l->program, variable + skip, len - skip, true);
    if (i != SIZE_MAX)
        return assign(l, i, ORIGIN_ENVIRONMENT, equals + 1, where);
    if (len > skip + tail && memcmp(equals - tail, suffix, tail) == 0) {
        i = find(l->program, variable + skip, len - skip - tail, true);
        if (i != SIZE_MAX && l->program->keys[i].secret)
            return read_secret(l, i, equals + 1, where);
    }
    for (size_t k = 0; k < ARRAY_LEN(foreign_names); k++)
        if (strlen(foreign_names[k]) == len && memcmp(variable, foreign_names[k], len) == 0)
            return 0;
    return fail(l->err, ERR_UNKNOWN_KEY, "%s: unknown name", where);
}

static int read_environment(struct load *l)
{
    for (char **e = l->in->envp; e && *e; e++)
        TRY(read_variable(l, *e));
    return 0;
}

/* Flags. */

static bool is_outcome(const char *flag, enum config_outcome *out)
{
    static const struct {
        const char *flag;
        enum config_outcome outcome;
    } rows[] = {{"--help", CONFIG_HELP}, {"--version", CONFIG_VERSION}, {"--print-config", CONFIG_PRINT}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (strcmp(flag, rows[i].flag) == 0) {
            *out = rows[i].outcome;
            return true;
        }
    return false;
}

/* A flag taken apart: --name=value, --name value, --name, --no-name. */
struct flag {
    const char *name;
    size_t len;
    const char *value; /* NULL: none in the same word */
};

static struct flag take_apart(const char *word)
{
    const char *name = word + 2, *equals = strchr(name, '=');
    return (struct flag){name, equals ? (size_t)(equals - name) : strlen(name), equals ? equals + 1 : NULL};
}

/* The word behind a flag that needs one. */
static const char *next_word(struct load *l, int *at)
{
    if (*at + 1 >= l->in->argc || strncmp(l->in->argv[*at + 1], "--", 2) == 0)
        return NULL;
    return l->in->argv[++*at];
}

static int read_known_flag(struct load *l, const struct flag *f, size_t i, int *at)
{
    const struct config_key *key = &l->program->keys[i];
    const char *value = f->value;
    char where[100];
    snprintf(where, sizeof(where), "flag --%s", key->name);
    if (key->secret)
        return fail(l->err, ERR_FORMAT, "%s: a secret is not taken from the command line, where others can read it",
                    where);
    if (!value)
        value = key->type == CONFIG_BOOL ? "true" : next_word(l, at);
    if (!value)
        return fail(l->err, ERR_FORMAT, "%s: a value is missing", where);
    return assign(l, i, ORIGIN_FLAG, value, where);
}

static int read_flag(struct load *l, int *at)
{
    const struct flag f = take_apart(l->in->argv[*at]);
    size_t i = find(l->program, f.name, f.len, false);
    if (i != SIZE_MAX)
        return read_known_flag(l, &f, i, at);
    if (f.len == 6 && memcmp(f.name, "config", 6) == 0) { /* read already, by find_file */
        if (!f.value)
            next_word(l, at);
        return 0;
    }
    if (f.len > 3 && memcmp(f.name, "no-", 3) == 0 && !f.value) {
        i = find(l->program, f.name + 3, f.len - 3, false);
        if (i != SIZE_MAX && l->program->keys[i].type == CONFIG_BOOL)
            return assign(l, i, ORIGIN_FLAG, "false", l->in->argv[*at]);
    }
    return fail(l->err, ERR_UNKNOWN_KEY, "flag --%.*s: unknown flag (--help lists them)",
                (int)(f.len < 60 ? f.len : 60), f.name);
}

static int check_args(struct load *l)
{
    const struct config_program *p = l->program;
    const char *help = p->args_help ? p->args_help : "";
    if (l->c->arg_count > p->args_max)
        return fail(l->err, ERR_FORMAT, "unexpected argument '%.60s'", l->c->args[p->args_max]);
    if (l->c->arg_count < p->args_min)
        return fail(l->err, ERR_MISSING_KEY, "an argument is missing: %s", help);
    return 0;
}

static int read_flags(struct load *l)
{
    enum config_outcome ignored;
    bool flags_over = false;
    for (int at = 1; at < l->in->argc; at++) {
        char *word = l->in->argv[at];
        if (flags_over || word[0] != '-' || !word[1])
            l->c->args[l->c->arg_count++] = word;
        else if (strcmp(word, "--") == 0)
            flags_over = true;
        else if (word[1] != '-')
            return fail(l->err, ERR_UNKNOWN_KEY, "flag %.60s: unknown flag (--help lists them)", word);
        else if (!is_outcome(word, &ignored))
            TRY(read_flag(l, &at));
    }
    return check_args(l);
}

/* What must be known before anything is read: --help and its like, and the name of the file. */
static int look_ahead(struct load *l, enum config_outcome *outcome)
{
    for (char **e = l->in->envp; e && *e; e++)
        if (strncmp(*e, "LODE_CONFIG=", 12) == 0 && (*e)[12])
            l->file = *e + 12;
    bool by_flag = false;
    for (int at = 1; at < l->in->argc && strcmp(l->in->argv[at], "--") != 0; at++) {
        if (is_outcome(l->in->argv[at], outcome) && *outcome != CONFIG_PRINT)
            return 0;
        if (strncmp(l->in->argv[at], "--config", 8) != 0)
            continue;
        const struct flag f = take_apart(l->in->argv[at]);
        if (f.len != 6)
            continue;
        if (by_flag)
            return fail(l->err, ERR_DUPLICATE, "flag --config is given twice");
        by_flag = true;
        l->file = f.value ? f.value : next_word(l, &at);
        if (!l->file || !*l->file)
            return fail(l->err, ERR_FORMAT, "flag --config: the name of a file is missing");
    }
    return 0;
}

static int check_required(struct load *l)
{
    for (size_t i = 0; i < l->program->key_count; i++)
        if (l->program->keys[i].required && l->c->slots[i].origin == ORIGIN_DEFAULT)
            return fail(l->err, ERR_MISSING_KEY, "%s is required: by flag, environment or configuration file",
                        l->program->keys[i].name);
    return 0;
}

static int load_all(struct load *l, enum config_outcome *outcome)
{
    TRY(look_ahead(l, outcome));
    if (*outcome == CONFIG_HELP || *outcome == CONFIG_VERSION)
        return 0;
    TRY(read_file(l));
    next_source(l);
    TRY(read_environment(l));
    next_source(l);
    TRY(read_flags(l));
    return check_required(l);
}

static struct config *config_new(const struct config_program *program, int argc)
{
    struct config *c = must(calloc(1, sizeof(*c)));
    c->program = program;
    c->slots = must(calloc(program->key_count + 1, sizeof(*c->slots)));
    c->args = must(calloc((size_t)argc + 1, sizeof(*c->args)));
    return c;
}

static void add_part(void *arg, const char *part, size_t len)
{
    struct config *c = arg;
    c->parts = must(realloc(c->parts, (c->part_count + 1) * sizeof(*c->parts)));
    c->parts[c->part_count++] = must(strndup(part, len));
}

/* The parts of all lists one after the other; slot.number says where a list starts. */
static void split_lists(struct config *c)
{
    for (size_t i = 0; i < c->program->key_count; i++)
        if (c->program->keys[i].type == CONFIG_ENDPOINTS) {
            c->slots[i].number = c->part_count;
            setting_split(c->slots[i].text, add_part, c);
        }
}

int config_load(struct config **out, const struct config_program *program, const struct config_input *in,
                struct config_error *err)
{
    enum config_outcome outcome = CONFIG_RUN;
    AUTO(config_free) struct config *c = config_new(program, in->argc);
    struct load l = {.c = c, .program = program, .in = in, .err = err};
    *out = NULL;
    err->text[0] = 0;
    set_defaults(&l);
    TRY(load_all(&l, &outcome));
    split_lists(c);
    *out = TAKE(c);
    return (int)outcome;
}

void config_free(struct config **self_p)
{
    struct config *c = *self_p;
    *self_p = NULL;
    if (!c)
        return;
    for (size_t i = 0; i < c->program->key_count; i++) {
        if (c->program->keys[i].secret && c->slots[i].text)
            explicit_bzero(c->slots[i].text, strlen(c->slots[i].text));
        free(c->slots[i].text);
    }
    for (size_t i = 0; i < c->part_count; i++)
        free(c->parts[i]);
    free(c->parts);
    free(c->slots);
    free(c->args);
    free(c);
}

struct config *config_start(const struct config_program *program, int argc, char **argv)
{
    const struct config_input in = {argc, argv, environ};
    struct config_error err;
    struct config *c;
    const int outcome = config_load(&c, program, &in, &err);
    if (outcome < 0) {
        fprintf(stderr, "%s: %s\n", program->name, err.text);
        exit(CONFIG_EXIT_USAGE);
    }
    if (outcome == CONFIG_RUN)
        return c;
    if (outcome == CONFIG_HELP)
        config_help(program, stdout);
    else if (outcome == CONFIG_VERSION)
        printf("%s %s\n", program->name, LODE_VERSION);
    else
        config_print(c, stdout);
    config_free(&c);
    exit(fflush(stdout) == 0 ? 0 : 1);
}

/* Getters. */

static const struct slot *slot_of(const struct config *self, const char *name, unsigned types)
{
    const size_t i = find(self->program, name, strlen(name), false);
    CHECK(i != SIZE_MAX && (types >> self->program->keys[i].type & 1)); /* the program's own table */
    return &self->slots[i];
}

bool config_bool(const struct config *self, const char *name)
{
    return slot_of(self, name, 1u << CONFIG_BOOL)->number != 0;
}

uint64_t config_u64(const struct config *self, const char *name)
{
    return slot_of(self, name, 1u << CONFIG_U64)->number;
}

int64_t config_ns(const struct config *self, const char *name)
{
    return (int64_t)slot_of(self, name, 1u << CONFIG_DURATION)->number;
}

int64_t config_ms(const struct config *self, const char *name)
{
    const int64_t ns = config_ns(self, name), ms = (int64_t)CONFIG_MS;
    return ns / ms + (ns % ms != 0);
}

uint64_t config_size(const struct config *self, const char *name)
{
    return slot_of(self, name, 1u << CONFIG_SIZE)->number;
}

const char *config_str(const struct config *self, const char *name)
{
    return slot_of(self, name, 1u << CONFIG_STRING | 1u << CONFIG_ENUM | 1u << CONFIG_ENDPOINT | 1u << CONFIG_ENDPOINTS)
        ->text;
}

int config_choice(const struct config *self, const char *name)
{
    return (int)slot_of(self, name, 1u << CONFIG_ENUM)->number;
}

static void ignore_part(void *arg, const char *part, size_t len)
{
    (void)arg, (void)part, (void)len;
}

size_t config_list_count(const struct config *self, const char *name)
{
    return setting_split(slot_of(self, name, 1u << CONFIG_ENDPOINTS)->text, ignore_part, NULL);
}

const char *config_list_at(const struct config *self, const char *name, size_t i)
{
    CHECK(i < config_list_count(self, name));
    return self->parts[slot_of(self, name, 1u << CONFIG_ENDPOINTS)->number + i];
}

const char *config_origin(const struct config *self, const char *name)
{
    return origins[slot_of(self, name, ~0u)->origin];
}

unsigned config_arg_count(const struct config *self)
{
    return self->arg_count;
}

const char *config_arg(const struct config *self, unsigned i)
{
    CHECK(i < self->arg_count);
    return self->args[i];
}

void config_help(const struct config_program *program, FILE *to)
{
    static const char *const words[] = {
        [CONFIG_BOOL] = "",
        [CONFIG_U64] = " N",
        [CONFIG_DURATION] = " TIME",
        [CONFIG_SIZE] = " SIZE",
        [CONFIG_STRING] = " TEXT",
        [CONFIG_ENUM] = " WORD",
        [CONFIG_ENDPOINT] = " ENDPOINT",
        [CONFIG_ENDPOINTS] = " ENDPOINT,...",
    };
    char expected[300];
    fprintf(to, "Usage: %s [--FLAG VALUE]...%s%s\n%s\n\n", program->name, program->args_help ? " " : "",
            program->args_help ? program->args_help : "", program->summary);
    for (size_t i = 0; i < program->key_count; i++) {
        const struct config_key *key = &program->keys[i];
        setting_expected(key, expected, sizeof(expected));
        fprintf(to, "  %s%s%s\n        %s: %s", key->secret ? "" : "--", key->name, words[key->type],
                key->help ? key->help : "", expected);
        if (key->secret)
            fprintf(to, "; secret: only in the file, the environment, or a file that LODE_..._FILE names");
        else if (key->required)
            fprintf(to, "; required");
        else if (key->def && *key->def)
            fprintf(to, " (%s)", key->def);
        fputc('\n', to);
    }
    fprintf(to, "  --config FILE\n        a YAML file with the same keys (LODE_CONFIG)\n"
                "  --print-config\n        show every setting and where it came from\n"
                "  --help, --version\n\n"
                "Every flag --some-name is also LODE_SOME_NAME in the environment. Flags go before the environment,\n"
                "that before the file. On/off flags: --name, --no-name.\n");
}

/* As a double-quoted scalar, so that what is printed can be read back. The values hold no controls. */
static void print_quoted(const char *text, FILE *to)
{
    fputc('"', to);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            fputc('\\', to);
        fputc(*text, to);
    }
    fputc('"', to);
}

void config_print(const struct config *self, FILE *to)
{
    for (size_t i = 0; i < self->program->key_count; i++) {
        const struct config_key *key = &self->program->keys[i];
        const struct slot *slot = &self->slots[i];
        if (key->secret) {
            fprintf(to, "# %s: secret, %s (%s)\n", key->name, *slot->text ? "set" : "not set", origins[slot->origin]);
            continue;
        }
        fprintf(to, "%s: ", key->name);
        print_quoted(slot->text, to);
        fprintf(to, " # %s\n", origins[slot->origin]);
    }
}
