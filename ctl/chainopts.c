#include "ctl/chainopts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/err.h"
#include "ctl/args.h"
#include "ctl/session.h"

static int unknown_network(struct session *s, const char *name)
{
    char names[256] = "";
    for (size_t i = 0, n = 0; network_at(i) && n < sizeof names; i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "", network_at(i)->name);
    return session_usage(s, "--network: expected one of %s, not '%.64s'", names, name);
}

int chainopts_network(struct network *out, struct session *s, const struct args *args)
{
    const struct network *found = args->network ? network_find(args->network) : NULL;
    if (!args->network)
        return session_usage(s, "--network: is required");
    if (!found)
        return unknown_network(s, args->network);
    if (found->rule != NETWORK_ASERT && (args->spacing_s >= 0 || args->half_life_s >= 0))
        return session_usage(s, "%s: only a network with ASERT has it (lode), not %s",
                             args->spacing_s >= 0 ? "--spacing" : "--half-life", found->name);
    *out = *found;
    if (args->spacing_s >= 0)
        out->spacing_s = (uint32_t)args->spacing_s;
    if (args->half_life_s >= 0)
        out->half_life_s = (uint32_t)args->half_life_s;
    return ARGS_OK;
}

/* Reads up to max and one more byte into *bytes_p, which grows; the count, or the reason why not. */
static int64_t read_all(FILE *f, uint8_t **bytes_p, size_t max)
{
    size_t cap = 0, len = 0, got = 0;
    do {
        len += got;
        if (len > max)
            return ERR_TOO_LONG;
        if (len == cap) {
            cap = cap == 0 ? 1 << 20 : cap * 2;
            cap = cap > max ? max + 1 : cap;
            uint8_t *bigger = realloc(*bytes_p, cap);
            if (!bigger)
                return -ENOMEM; /* its size is the file's word: no reason to abort */
            *bytes_p = bigger;
        }
    } while ((got = fread(*bytes_p + len, 1, cap - len, f)) > 0);
    return ferror(f) ? (errno ? -errno : -EIO) : (int64_t)len;
}

/* A regular file that is too long is known without reading it. */
static bool is_too_long(FILE *f, size_t max)
{
    struct stat st;
    return fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode) && (uintmax_t)st.st_size > max;
}

int chainopts_load(struct chainopts_file *out, struct session *s, const char *path, size_t max)
{
    errno = 0;
    FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
    if (!f) {
        int err = -errno;
        session_fail(s, err, "cannot read %.200s", path);
        return err;
    }
    uint8_t *bytes = NULL;
    int64_t len = is_too_long(f, max) ? ERR_TOO_LONG : read_all(f, &bytes, max);
    if (f != stdin)
        fclose(f);
    if (len < 0) {
        free(bytes);
        if (len == ERR_TOO_LONG)
            session_fail(s, ERR_TOO_LONG, "%.200s: more than %d bytes of headers", path, CHAINOPTS_BYTES_MAX);
        else
            session_fail(s, (int)len, "cannot read %.200s", path);
        return (int)len;
    }
    *out = (struct chainopts_file){.bytes = bytes, .len = (size_t)len};
    return 0;
}

int chainopts_check_length(const struct chainopts_file *file, struct session *s, const char *path)
{
    size_t rest = file->len % HEADER_LEN;
    if (file->len > 0 && rest == 0)
        return 0;
    if (file->len == 0)
        session_fail(s, ERR_TRUNCATED, "%.200s: it is empty", path);
    else
        session_fail(s, ERR_TRUNCATED, "%.200s: the header at byte offset %zu has %zu of its %d bytes", path,
                     file->len - rest, rest, HEADER_LEN);
    return ERR_TRUNCATED;
}
