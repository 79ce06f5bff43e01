#include "worker/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/wire/endpoint.h"

static const char *const levels[] = {"error", "warn", "info", "debug", NULL}; /* in the order of enum log_level */
static const char *const forms[] = {"text", "json", NULL};

static const struct config_key keys[] = {
    {.name = "coordinator",
     .type = CONFIG_ENDPOINTS,
     .def = "tcp://127.0.0.1:5701",
     .help = "work endpoints of coordinators, in order of preference, separated by commas"},
    {.name = "name", .type = CONFIG_STRING, .max = SETTINGS_NAME_MAX, .help = "what to call this worker (host name)"},
    {.name = "procs",
     .type = CONFIG_U64,
     .max = 1024,
     .help = "hashing threads; 0: GOMAXPROCS, else the CPUs we may use"},
    {.name = "kernel", .type = CONFIG_STRING, .def = "auto", .max = 32, .help = "hash kernel; auto: the fastest here"},
    {.name = "list-kernels", .type = CONFIG_BOOL, .help = "print the kernels with their speed here, and exit"},
    {.name = "state-dir",
     .type = CONFIG_STRING,
     .help = "directory that keeps this worker's uuid; empty: a new one each start"},
    {.name = "log-level", .type = CONFIG_ENUM, .def = "info", .choices = levels, .help = "error, warn, info or debug"},
    {.name = "log-format", .type = CONFIG_ENUM, .def = "text", .choices = forms, .help = "text or json"},
    {.name = "insecure", .type = CONFIG_BOOL, .help = "talk to coordinators off loopback without keys"},
    {.name = "server-key", .type = CONFIG_STRING, .help = "file with the coordinator's public key"},
    {.name = "keys", .type = CONFIG_STRING, .help = "our CURVE pair: this name with .key and .pub"},
};

static const struct config_program program = {
    .name = "lode-worker",
    .summary = "mines for a Lode coordinator",
    .keys = keys,
    .key_count = ARRAY_LEN(keys),
};

const struct config_program *settings_program(void)
{
    return &program;
}

static int read_uuid(uint8_t uuid[16], const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    char text[40];
    ssize_t len = read(fd, text, sizeof text);
    int err = errno;
    close(fd);
    if (len < 0)
        return -err;
    if (len == 33 && text[32] == '\n')
        len = 32;
    return bytes_from_hex(uuid, 16, text, (size_t)len);
}

/* Written beside and renamed, so that a crash leaves all of it or none. */
static int write_uuid(const uint8_t uuid[16], const char *path)
{
    char temporary[4200], text[34];
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.new", path) >= sizeof temporary)
        return -ENAMETOOLONG;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    bytes_to_hex(text, uuid, 16);
    text[32] = '\n';
    int err = write(fd, text, 33) == 33 && fsync(fd) == 0 ? 0 : errno ? -errno : -EIO;
    close(fd);
    if (err == 0 && rename(temporary, path) < 0)
        err = -errno;
    if (err < 0)
        unlink(temporary);
    return err;
}

int settings_uuid(uint8_t uuid[16], const char *dir)
{
    char path[4096];
    if (dir[0] == '\0')
        return getrandom(uuid, 16, 0) == 16 ? 0 : -EIO;
    if ((size_t)snprintf(path, sizeof path, "%s/uuid", dir) >= sizeof path)
        return -ENAMETOOLONG;
    if (mkdir(dir, 0700) < 0 && errno != EEXIST)
        return -errno;
    int err = read_uuid(uuid, path);
    if (err != -ENOENT)
        return err;
    if (getrandom(uuid, 16, 0) != 16)
        return -EIO;
    return write_uuid(uuid, path);
}

static int why_not(char why[SETTINGS_WHY_MAX], const char *key, const char *value, int err)
{
    snprintf(why, SETTINGS_WHY_MAX, "%s: '%.120s': %s", key, value, err_text(err));
    return err;
}

static int load_endpoints(struct settings *out, const struct config *config, char why[SETTINGS_WHY_MAX])
{
    size_t n = config_list_count(config, "coordinator");
    if (n == 0)
        return why_not(why, "coordinator", "", ERR_MISSING_KEY);
    if (n > SETTINGS_ENDPOINTS_MAX)
        return why_not(why, "coordinator", config_str(config, "coordinator"), ERR_TOO_LONG);
    for (size_t i = 0; i < n; i++) {
        const char *at = config_list_at(config, "coordinator", i);
        struct endpoint e;
        int err = endpoint_parse(&e, at, strlen(at));
        if (err < 0)
            return why_not(why, "coordinator", at, err);
        if (!endpoint_is_loopback(&e) && !out->secure && !config_bool(config, "insecure")) {
            snprintf(why, SETTINGS_WHY_MAX,
                     "coordinator: '%.120s' is off loopback: give --keys and --server-key, or say --insecure", at);
            return ERR_INSECURE;
        }
        out->endpoints[i] = at;
    }
    out->endpoint_count = n;
    return 0;
}

static int load_keys(struct settings *out, const struct config *config, char why[SETTINGS_WHY_MAX])
{
    const char *own = config_str(config, "keys"), *server = config_str(config, "server-key");
    if (own[0] == '\0' && server[0] == '\0')
        return 0;
    if (own[0] == '\0' || server[0] == '\0') {
        snprintf(why, SETTINGS_WHY_MAX, "keys and server-key: one is of no use without the other");
        return ERR_MISSING_KEY;
    }
    int err = keys_load(&out->keys, own);
    if (err < 0)
        return why_not(why, "keys", own, err);
    err = keys_load_public(out->server_key, server);
    if (err < 0)
        return why_not(why, "server-key", server, err);
    out->secure = true;
    return 0;
}

static void load_name(struct settings *out, const struct config *config)
{
    const char *name = config_str(config, "name");
    if (name[0] != '\0')
        snprintf(out->name, sizeof out->name, "%s", name);
    else if (gethostname(out->name, sizeof out->name) < 0)
        snprintf(out->name, sizeof out->name, "worker");
    out->name[SETTINGS_NAME_MAX] = '\0';
}

int settings_load(struct settings *out, const struct config *config, char why[SETTINGS_WHY_MAX])
{
    memset(out, 0, sizeof *out);
    out->procs = (int)config_u64(config, "procs");
    out->kernel = config_str(config, "kernel");
    out->list_kernels = config_bool(config, "list-kernels");
    out->log_level = config_choice(config, "log-level");
    out->log_form = config_choice(config, "log-format");
    load_name(out, config);
    TRY(load_keys(out, config, why));
    TRY(load_endpoints(out, config, why));
    const char *dir = config_str(config, "state-dir");
    int err = settings_uuid(out->uuid, dir);
    return err < 0 ? why_not(why, "state-dir", dir, err) : 0;
}
