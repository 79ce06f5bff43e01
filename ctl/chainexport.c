#include "ctl/chainexport.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/err.h"
#include "common/chain/header.h"
#include "common/wire/message.h"
#include "ctl/args.h"
#include "ctl/chainopts.h"
#include "ctl/render.h"
#include "ctl/session.h"

enum { PAGE_HEADERS = 2000, TRIES = 3, PATH_CAP = 4096, HEADERS_MAX = CHAINOPTS_BYTES_MAX / HEADER_LEN };

struct export
{
    struct session *s;
    uint8_t *headers; /* all of them: 80 bytes a block */
    size_t count, cap;
    uint8_t tip[HEADER_HASH_LEN]; /* hash of the last one */
    json_t *status;               /* whose network it is; NULL: the coordinator does not say */
};

static int ask_page(struct export *x)
{
    uint8_t buf[64];
    struct cursor_out args = cursor_out_over(buf, sizeof buf);
    cursor_put_map(&args, 2);
    cursor_put_str(&args, "from");
    cursor_put_u64(&args, x->count);
    cursor_put_str(&args, "limit");
    cursor_put_u64(&args, PAGE_HEADERS);
    return session_ask(x->s, "headers", cursor_out_view(&args));
}

static int take_header(struct export *x, const uint8_t *raw)
{
    struct header h;
    header_parse(&h, raw);
    if (x->count > 0 && memcmp(h.prev, x->tip, HEADER_HASH_LEN) != 0)
        return ERR_LINK;
    header_hash_raw(x->tip, raw);
    if (x->count == HEADERS_MAX)
        return ERR_TOO_LONG;
    if (x->count == x->cap) {
        x->cap = x->cap ? 2 * x->cap : PAGE_HEADERS;
        x->headers = realloc(x->headers, x->cap * HEADER_LEN);
        CHECK(x->headers != NULL);
    }
    memcpy(x->headers + x->count++ * HEADER_LEN, raw, HEADER_LEN);
    return 0;
}

/* Takes one page. 1: the chain's end is reached. */
static int take_page(struct export *x, struct cursor_view result)
{
    struct cursor at = cursor_map_find(result, "headers"), height_at = cursor_map_find(result, "height");
    struct cursor_view page = cursor_bin(&at, MESSAGE_RESULT_LEN);
    uint64_t height = cursor_u64(&height_at, UINT64_MAX - 1);
    TRY(at.err);
    TRY(height_at.err);
    if (page.len % HEADER_LEN != 0)
        return ERR_FORMAT;
    for (size_t i = 0; i < page.len; i += HEADER_LEN)
        TRY(take_header(x, page.at + i));
    if (page.len == 0 && x->count <= height)
        return ERR_LINK; /* the chain is shorter than it was */
    return x->count > height;
}

/* 0 when the whole chain is there. ERR_LINK: it changed meanwhile. Other errors have been said. */
static int fetch(struct export *x)
{
    x->count = 0;
    for (;;) {
        struct client_reply reply;
        TRY(ask_page(x));
        TRY(session_next(x->s, &reply, false));
        int end = take_page(x, reply.result);
        if (end == ERR_TOO_LONG)
            session_fail(x->s, end, "the chain has more than %d headers", HEADERS_MAX);
        else if (end < 0 && end != ERR_LINK)
            session_fail(x->s, end, "the headers are not readable");
        TRY(end);
        if (end)
            return 0;
    }
}

static int write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int sync_folder(const char *path)
{
    char folder[PATH_CAP];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1, slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int err = fsync(fd) < 0 && errno != EINVAL ? -errno : 0; /* EINVAL: this file system cannot */
    close(fd);
    return err;
}

/* What a new file may have by the user's umask, which can only be read by setting it. */
static mode_t new_file_mode(void)
{
    mode_t mask = umask(077);
    umask(mask);
    return 0666 & ~mask;
}

static int write_temp(const struct export *x, const char *temp, int fd)
{
    int err = write_all(fd, x->headers, x->count * HEADER_LEN);
    if (err >= 0 && (fchmod(fd, new_file_mode()) < 0 || fsync(fd) < 0))
        err = -errno;
    if (close(fd) < 0 && err >= 0)
        err = -errno;
    if (err < 0)
        unlink(temp);
    return err;
}

static int replace_file(const struct export *x, const char *path)
{
    char temp[PATH_CAP];
    if ((size_t)snprintf(temp, sizeof temp, "%s.XXXXXX", path) >= sizeof temp)
        return -ENAMETOOLONG;
    int fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    TRY(write_temp(x, temp, fd));
    if (rename(temp, path) < 0) {
        int err = -errno;
        unlink(temp);
        return err;
    }
    return sync_folder(path);
}

/* A device or pipe is written to: renaming over it would put a file in its place. */
static int write_through(const struct export *x, const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int err = write_all(fd, x->headers, x->count * HEADER_LEN);
    return close(fd) < 0 && err >= 0 ? -errno : err;
}

/* A link is followed: what it points at is replaced. */
static int write_file(const struct export *x, const char *path)
{
    char real[PATH_MAX];
    struct stat st;
    if (!realpath(path, real))
        return errno == ENOENT ? replace_file(x, path) : -errno;
    if (stat(real, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    return S_ISREG(st.st_mode) ? replace_file(x, real) : write_through(x, real);
}

/* The words for "chain verify" that judge this chain; "" when the coordinator does not say. */
static void verify_options(const struct export *x, char *out, size_t cap)
{
    const char *network = json_string_value(json_object_get(x->status, "network"));
    int64_t half_life = render_whole(json_object_get(x->status, "half_life_s"));
    int n = snprintf(out, cap, network ? "--network %.60s" : "%s", network ? network : "");
    if (network && half_life > 0)
        snprintf(out + n, cap - (size_t)n, " --spacing %llds --half-life %llds",
                 (long long)render_whole(json_object_get(x->status, "spacing_s")), (long long)half_life);
    render_plain(out);
}

static json_t *summary_of(const struct export *x, const char *tip, const char *path)
{
    static const char *const keys[] = {"network", "genesis", "spacing_s", "half_life_s"};
    json_t *summary = json_pack("{s:I, s:I, s:s, s:s}", "headers", (json_int_t)x->count, "height",
                                (json_int_t)x->count - 1, "tip", tip, "file", path);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        json_object_set(summary, keys[i], json_object_get(x->status, keys[i])); /* nothing for what is not there */
    return summary;
}

static void print_summary(const struct export *x, const char *path, FILE *to)
{
    char tip[2 * HEADER_HASH_LEN + 1], options[200], plain[PATH_CAP];
    bytes_to_hex_reversed(tip, x->tip, HEADER_HASH_LEN);
    snprintf(plain, sizeof plain, "%s", path);
    render_plain(plain);
    if (x->s->json) {
        json_t *summary = summary_of(x, tip, plain);
        render_json(to, summary);
        json_decref(summary);
        return;
    }
    fprintf(to, "%zu headers, tip %s, written to %s\n", x->count, tip, plain);
    verify_options(x, options, sizeof options);
    if (options[0])
        fprintf(to, "verify with: lodectl chain verify %s %s\n", options, plain);
}

static int fetch_all(struct export *x)
{
    int err = session_get(x->s, &x->status, "status", (struct cursor_view){0});
    if (err < 0)
        return err;
    err = ERR_LINK;
    for (int i = 0; i < TRIES && err == ERR_LINK; i++)
        err = fetch(x);
    if (err == ERR_LINK)
        session_fail(x->s, err, "the chain keeps changing");
    return err;
}

static int write_out(struct export *x, const char *path, bool to_out)
{
    int err = 0;
    if (!to_out)
        err = write_file(x, path);
    else if (fwrite(x->headers, HEADER_LEN, x->count, x->s->out) != x->count || fflush(x->s->out) != 0)
        err = errno ? -errno : -EIO;
    if (err < 0)
        session_fail(x->s, err, "cannot write %.200s", path);
    else
        print_summary(x, path, to_out ? x->s->err : x->s->out);
    return err;
}

int chainexport_run(struct session *s, const struct args *args)
{
    struct export x = {.s = s};
    const char *path = args->rest[0];
    bool to_out = strcmp(path, "-") == 0;
    if (to_out && isatty(fileno(s->out)))
        return session_usage(s, "FILE: headers are binary, and standard output is a terminal");
    int err = fetch_all(&x);
    if (err >= 0)
        err = write_out(&x, path, to_out);
    json_decref(x.status);
    free(x.headers);
    return session_status(err);
}
