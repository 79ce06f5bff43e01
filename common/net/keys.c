#include "common/net/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zmq.h>

#include "common/base/err.h"

enum { GROUP = 5, GROUP_BYTES = 4 }; /* five characters of Z85 stand for four bytes */

/* ZeroMQ RFC 32. */
static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

static int digit_of(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

/* One group; libzmq's own decoder (4.3.4) takes values above 2^32-1 in some versions, hence ours. */
static int decode_group(uint8_t out[GROUP_BYTES], const char *text)
{
    uint64_t v = 0;
    for (int i = 0; i < GROUP; i++) {
        const int d = digit_of(text[i]);
        if (d < 0)
            return ERR_FORMAT;
        v = v * 85 + (uint64_t)d;
    }
    if (v > UINT32_MAX)
        return ERR_FORMAT;
    for (int i = 0; i < GROUP_BYTES; i++)
        out[i] = (uint8_t)(v >> (24 - 8 * i));
    return 0;
}

int keys_z85_decode(uint8_t *out, size_t len_out, const char *text)
{
    if (len_out % GROUP_BYTES != 0 || strlen(text) != len_out / GROUP_BYTES * GROUP)
        return ERR_FORMAT;
    for (size_t i = 0; i < len_out / GROUP_BYTES; i++)
        TRY(decode_group(out + i * GROUP_BYTES, text + i * GROUP));
    return 0;
}

int keys_parse(uint8_t out[KEYS_BYTES], const char *text)
{
    uint8_t bytes[KEYS_BYTES] = {0};
    const int err = keys_z85_decode(bytes, sizeof(bytes), text);
    if (err == 0 && out)
        memcpy(out, bytes, sizeof(bytes));
    explicit_bzero(bytes, sizeof(bytes));
    return err;
}

void keys_wipe(struct keys *self)
{
    explicit_bzero(self, sizeof(*self));
}

int keys_new(struct keys *out)
{
    if (zmq_curve_keypair(out->public_key, out->secret_key) == 0)
        return 0;
    keys_wipe(out);
    return ERR_STATE;
}

/* path and ending into name; -ENAMETOOLONG. */
static int name_of(char name[PATH_MAX], const char *path, const char *ending)
{
    const int n = snprintf(name, PATH_MAX, "%s%s", path, ending);
    return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* All of text, then to the disk. */
static int write_out(int fd, const char *text, size_t len)
{
    while (len) {
        const ssize_t n = write(fd, text, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        text += n;
        len -= (size_t)n;
    }
    return fsync(fd) < 0 ? -errno : 0;
}

/* A new file of one line; removed again when it could not be written whole. */
static int write_key(const char *name, mode_t mode, const char *key)
{
    char line[KEYS_TEXT + 1];
    const int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0)
        return errno == EEXIST || errno == ELOOP ? ERR_EXISTS : -errno;
    const int len = snprintf(line, sizeof(line), "%s\n", key);
    int err = fchmod(fd, mode) < 0 ? -errno : 0; /* whatever the umask is */
    if (err == 0)
        err = write_out(fd, line, (size_t)len);
    explicit_bzero(line, sizeof(line));
    if (close(fd) < 0 && err == 0)
        err = -errno;
    if (err < 0)
        unlink(name);
    return err;
}

static int sync_folder_of(const char *name)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(name, '/');
    const int len = slash ? (slash == name ? 1 : (int)(slash - name)) : 1;
    snprintf(folder, sizeof(folder), "%.*s", len, slash ? name : ".");
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    const int err = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return err;
}

static int write_pair(const char *path, const struct keys *k)
{
    char secret[PATH_MAX], public[PATH_MAX];
    TRY(name_of(secret, path, ".key"));
    TRY(name_of(public, path, ".pub"));
    TRY(write_key(secret, 0600, k->secret_key));
    int err = write_key(public, 0644, k->public_key);
    if (err == 0) {
        err = sync_folder_of(secret);
        if (err < 0)
            unlink(public);
    }
    if (err < 0)
        unlink(secret);
    return err;
}

int keys_make(const char *path, struct keys *out)
{
    struct keys k;
    TRY(keys_new(&k));
    const int err = write_pair(path, &k);
    if (err == 0 && out)
        *out = k;
    keys_wipe(&k);
    return err;
}

/* The one line of an open file. */
static int read_line(int fd, char out[KEYS_TEXT])
{
    char text[KEYS_TEXT + 2];
    size_t len = 0;
    ssize_t n = 1;
    while (n != 0 && len < sizeof(text)) {
        n = read(fd, text + len, sizeof(text) - len);
        if (n < 0 && errno != EINTR)
            return -errno;
        len += n > 0 ? (size_t)n : 0;
    }
    if (len == KEYS_TEXT && text[len - 1] == '\n')
        len--;
    int err = ERR_FORMAT;
    if (len == KEYS_TEXT - 1) {
        text[len] = 0;
        err = keys_parse(NULL, text);
    }
    if (err == 0)
        memcpy(out, text, KEYS_TEXT);
    explicit_bzero(text, sizeof(text));
    return err;
}

/* A secret is a regular file of our own that nobody else may touch; looked at through the descriptor that is read. */
static int check_mode(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    const bool private_file = S_ISREG(st.st_mode) && !(st.st_mode & (S_IRWXG | S_IRWXO));
    return private_file && st.st_uid == geteuid() ? 0 : ERR_PERMISSION;
}

static int load_key(char out[KEYS_TEXT], const char *name, bool secret)
{
    const int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (secret ? O_NOFOLLOW : 0));
    if (fd < 0)
        return secret && errno == ELOOP ? ERR_PERMISSION : -errno;
    int err = secret ? check_mode(fd) : 0;
    if (err == 0)
        err = read_line(fd, out);
    close(fd);
    return err;
}

int keys_load_public(char out[KEYS_TEXT], const char *file)
{
    return load_key(out, file, false);
}

static int load_pair(struct keys *out, const char *path)
{
    char name[PATH_MAX], derived[KEYS_TEXT];
    TRY(name_of(name, path, ".key"));
    TRY(load_key(out->secret_key, name, true));
    TRY(name_of(name, path, ".pub"));
    TRY(load_key(out->public_key, name, false));
    if (zmq_curve_public(derived, out->secret_key) != 0)
        return ERR_STATE;
    return memcmp(derived, out->public_key, KEYS_TEXT) == 0 ? 0 : ERR_CORRUPT;
}

int keys_load(struct keys *out, const char *path)
{
    const int err = load_pair(out, path);
    if (err < 0)
        keys_wipe(out);
    return err;
}
