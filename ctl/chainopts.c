#include "ctl/chainopts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/err.h"

#define HEIGHT_MAX  (UINT64_C(1) << 53) /* what a JSON number holds exactly */
#define SECONDS_MAX (UINT64_C(1) << 31)

/* Where the arguments are read; problems are told in one line each. */
struct reader {
    const char *command;
    int argc, at;
    char **argv;
};

static int usage_error(const struct reader *r, const char *flag, const char *problem)
{
    fprintf(stderr, "lodectl: chain %s: %s: %s\n", r->command, flag, problem);
    return CHAINOPTS_USAGE;
}

/* If the current argument is flag, its value ("--flag value" or "--flag=value") is in *value; true when it is flag.
 * *value is NULL where it is missing. */
static bool take_flag(struct reader *r, const char *flag, const char **value)
{
    const char *arg = r->argv[r->at];
    size_t len = strlen(flag);
    if (strncmp(arg, flag, len) != 0 || (arg[len] != '\0' && arg[len] != '='))
        return false;
    *value = arg[len] == '=' ? arg + len + 1 : r->at + 1 < r->argc ? r->argv[++r->at] : NULL;
    return true;
}

static int read_number(const struct reader *r, const char *flag, const char *text, const uint64_t range[2],
                       uint64_t *out)
{
    char *end = NULL, problem[160];
    errno = 0;
    unsigned long long v = text && text[0] >= '0' && text[0] <= '9' ? strtoull(text, &end, 10) : 0;
    if (!end || *end != '\0' || errno != 0 || v < range[0] || v > range[1]) {
        snprintf(problem, sizeof problem, "wants a whole number from %llu to %llu, not '%.40s'",
                 (unsigned long long)range[0], (unsigned long long)range[1], text ? text : "");
        return usage_error(r, flag, problem);
    }
    *out = v;
    return CHAINOPTS_OK;
}

static int read_network(const struct reader *r, const char *name, struct network *out)
{
    char problem[256];
    const struct network *found = name ? network_find(name) : NULL;
    if (found) {
        *out = *found;
        return CHAINOPTS_OK;
    }
    int n = snprintf(problem, sizeof problem, "'%.40s' is none of", name ? name : "");
    for (size_t i = 0; network_at(i) && n < (int)sizeof problem; i++)
        n += snprintf(problem + n, sizeof problem - (size_t)n, " %s", network_at(i)->name);
    return usage_error(r, "--network", problem);
}

static void print_usage(const struct reader *r, bool from_height)
{
    printf("usage: lodectl chain %s --network NAME%s [--spacing SECONDS] [--half-life SECONDS] FILE%s\n", r->command,
           from_height ? " [--from-height HEIGHT]" : "", from_height ? "" : "...");
}

struct numbers {
    uint64_t spacing, half_life;
};

/* One argument, or two with a value. */
static int read_argument(struct reader *r, struct chainopts *out, struct numbers *numbers, bool from_height)
{
    static const uint64_t seconds[2] = {1, SECONDS_MAX}, heights[2] = {0, HEIGHT_MAX};
    const char *value, *arg = r->argv[r->at];
    if (take_flag(r, "--network", &value))
        return read_network(r, value, &out->network);
    if (take_flag(r, "--spacing", &value))
        return read_number(r, "--spacing", value, seconds, &numbers->spacing);
    if (take_flag(r, "--half-life", &value))
        return read_number(r, "--half-life", value, seconds, &numbers->half_life);
    if (from_height && take_flag(r, "--from-height", &value)) {
        out->has_from_height = true;
        return read_number(r, "--from-height", value, heights, &out->from_height);
    }
    if (strcmp(arg, "--help") == 0) {
        print_usage(r, from_height);
        return CHAINOPTS_HELP;
    }
    if (arg[0] == '-')
        return usage_error(r, arg, "no such flag here");
    if (out->file_count == CHAINOPTS_FILES_MAX)
        return usage_error(r, "FILE", "more files than 256");
    out->files[out->file_count++] = arg;
    return CHAINOPTS_OK;
}

int chainopts_parse(struct chainopts *out, int argc, char **argv, bool from_height)
{
    struct reader r = {.command = argv[0], .argc = argc, .argv = argv};
    struct numbers numbers = {0};
    *out = (struct chainopts){.network.name = NULL};
    for (r.at = 1; r.at < argc; r.at++) {
        int status = read_argument(&r, out, &numbers, from_height);
        if (status != CHAINOPTS_OK)
            return status;
    }
    if (!out->network.name)
        return usage_error(&r, "--network", "is required");
    if ((numbers.spacing || numbers.half_life) && out->network.rule != NETWORK_ASERT)
        return usage_error(&r, numbers.spacing ? "--spacing" : "--half-life",
                           "only a network with ASERT has it (lode)");
    if (out->file_count == 0)
        return usage_error(&r, "FILE", "is required");
    if (from_height && out->file_count > 1)
        return usage_error(&r, "FILE", "only one file can be verified at a time");
    if (numbers.spacing)
        out->network.spacing_s = (uint32_t)numbers.spacing;
    if (numbers.half_life)
        out->network.half_life_s = (uint32_t)numbers.half_life;
    return CHAINOPTS_OK;
}

/* Reads up to CHAINOPTS_BYTES_MAX and one more byte into *bytes_p, which grows; the count, or the reason why not. */
static int64_t read_all(FILE *f, uint8_t **bytes_p)
{
    size_t cap = 0, len = 0, got = 0;
    do {
        len += got;
        if (len > CHAINOPTS_BYTES_MAX)
            return ERR_TOO_LONG;
        if (len == cap) {
            cap = cap == 0 ? 1 << 20 : cap == CHAINOPTS_BYTES_MAX ? cap + 1 : cap * 2;
            uint8_t *bigger = realloc(*bytes_p, cap);
            if (!bigger)
                return -ENOMEM; /* its size is the file's word: no reason to abort */
            *bytes_p = bigger;
        }
    } while ((got = fread(*bytes_p + len, 1, cap - len, f)) > 0);
    return ferror(f) ? (errno ? -errno : -EIO) : (int64_t)len;
}

static int file_error(const char *path, int err)
{
    if (err == ERR_TOO_LONG)
        fprintf(stderr, "lodectl: %s: more than %d bytes\n", path, CHAINOPTS_BYTES_MAX);
    else
        fprintf(stderr, "lodectl: %s: %s\n", path, err_text(err));
    return err;
}

int chainopts_load(struct chainopts_file *out, const char *path)
{
    errno = 0;
    FILE *f = fopen(path, "rb");
    if (!f)
        return file_error(path, -errno);
    uint8_t *bytes = NULL;
    int64_t len = read_all(f, &bytes);
    fclose(f);
    if (len < 0) {
        free(bytes);
        return file_error(path, (int)len);
    }
    *out = (struct chainopts_file){.bytes = bytes, .len = (size_t)len};
    return 0;
}

int chainopts_check_length(const struct chainopts_file *file, const char *path)
{
    size_t rest = file->len % HEADER_LEN;
    if (file->len > 0 && rest == 0)
        return 0;
    fprintf(stderr, "lodectl: %s: the header at byte offset %zu has %zu of its %d bytes\n", path, file->len - rest,
            rest, HEADER_LEN);
    return ERR_TRUNCATED;
}
