#include "coordinator/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/chain/block.h"

static const char *const networks[] = {"lode", "lode-regtest", NULL};
static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
static const char *const forms[] = {"text", "json", NULL};

static const struct config_key keys[] = {
    {.name = "network", .type = CONFIG_ENUM, .def = "lode", .choices = networks, .help = "whose rules hold"},
    {.name = "spacing",
     .type = CONFIG_DURATION,
     .def = "0s",
     .max = 86400 * CONFIG_S,
     .help = "wanted time between blocks; at creation only (0: the network's)"},
    {.name = "half-life",
     .type = CONFIG_DURATION,
     .def = "0s",
     .max = 30 * 86400 * CONFIG_S,
     .help = "how late doubles the target; at creation only (0: the network's)"},
    {.name = "data-dir", .type = CONFIG_STRING, .def = "./lode-data", .help = "where the chain is kept"},
    {.name = "work", .type = CONFIG_ENDPOINT, .def = "tcp://127.0.0.1:5701", .help = "where workers connect"},
    {.name = "tips", .type = CONFIG_ENDPOINT, .def = "tcp://127.0.0.1:5702", .help = "where tips are published"},
    {.name = "control",
     .type = CONFIG_STRING,
     .def = "",
     .help = "where lodectl connects; none disables (default ipc://DATA-DIR/control.sock)"},
    {.name = "http", .type = CONFIG_STRING, .def = "127.0.0.1:8080", .help = "HTTP address; port 0 any, none disables"},
    {.name = "tag", .type = CONFIG_STRING, .def = "lode", .max = BLOCK_TAG_MAX, .help = "who mined, in each coinbase"},
    {.name = "blocks", .type = CONFIG_U64, .def = "0", .help = "end after so many new blocks (0: run on)"},
    {.name = "progress", .type = CONFIG_BOOL, .def = "no", .help = "a line per block on standard output"},
    {.name = "share-rate",
     .type = CONFIG_U64,
     .def = "10",
     .min = 1,
     .max = 100000,
     .help = "shares per second aimed at, of the whole cluster"},
    {.name = "lease-time",
     .type = CONFIG_DURATION,
     .def = "30s",
     .min = 100 * CONFIG_MS,
     .max = 120 * CONFIG_S,
     .help = "how long a lease should last"},
    {.name = "beat",
     .type = CONFIG_DURATION,
     .def = "1s",
     .min = 50 * CONFIG_MS,
     .max = 60 * CONFIG_S,
     .help = "interval of heartbeats"},
    {.name = "dead",
     .type = CONFIG_DURATION,
     .def = "5s",
     .min = 100 * CONFIG_MS,
     .max = 600 * CONFIG_S,
     .help = "silence after which a worker is given up"},
    {.name = "metrics-interval",
     .type = CONFIG_DURATION,
     .def = "1s",
     .min = 100 * CONFIG_MS,
     .max = 600 * CONFIG_S,
     .help = "how often workers report metrics"},
    {.name = "insecure", .type = CONFIG_BOOL, .def = "no", .help = "listen off loopback without keys"},
    {.name = "max-workers", .type = CONFIG_U64, .def = "9000", .min = 1, .max = 1000000, .help = "workers at a time"},
    {.name = "ready-fd", .type = CONFIG_STRING, .def = "", .help = "descriptor for the ready line"},
    {.name = "log-level", .type = CONFIG_ENUM, .def = "info", .choices = levels, .help = "what is logged"},
    {.name = "log-format", .type = CONFIG_ENUM, .def = "text", .choices = forms, .help = "how lines look"},
};

const struct config_program settings_program = {
    .name = "lode-coordinator",
    .summary = "splits the search space, keeps the chain",
    .keys = keys,
    .key_count = ARRAY_LEN(keys),
};

static int read_descriptor(int *out, const char *text, char why[static 256])
{
    *out = -1;
    if (text[0] == 0)
        return 0;
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || *end != 0 || value < 0 || value > INT_MAX) {
        (void)snprintf(why, 256, "ready-fd: '%s' is no descriptor", text);
        return ERR_FORMAT;
    }
    int flags = fcntl((int)value, F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) {
        (void)snprintf(why, 256, "ready-fd: descriptor %ld is not open%s", value, flags < 0 ? "" : " for writing");
        return -EBADF;
    }
    *out = (int)value;
    return 0;
}

static const char *unless_none(const char *text)
{
    return strcmp(text, "none") == 0 ? NULL : text;
}

static int read_places(struct settings *out, const struct config *c, char why[static 256])
{
    out->data_dir = config_str(c, "data-dir");
    out->work = config_str(c, "work");
    out->tips = config_str(c, "tips");
    out->http = unless_none(config_str(c, "http"));
    out->control = config_str(c, "control");
    if (out->data_dir[0] == 0) {
        (void)snprintf(why, 256, "data-dir: it is empty");
        return ERR_FORMAT;
    }
    if (out->control[0] == 0) {
        (void)snprintf(out->control_default, sizeof out->control_default, "ipc://%s/control.sock", out->data_dir);
        out->control = out->control_default;
    }
    out->control = unless_none(out->control);
    return 0;
}

static int check(const struct settings *s, char why[static 256])
{
    bool fixed = s->network->rule != NETWORK_ASERT;
    if (fixed && (s->spacing_s != 0 || s->half_life_s != 0)) {
        (void)snprintf(why, 256, "spacing, half-life: %s does not retarget", s->network->name);
        return ERR_RANGE;
    }
    if (s->dead_ms < 2 * s->beat_ms) {
        (void)snprintf(why, 256, "dead: it must be at least two beats");
        return ERR_RANGE;
    }
    return 0;
}

/* Headers count in whole seconds, and so do the rules that use these. */
static int read_seconds(uint32_t *out, const struct config *c, const char *key, char why[static 256])
{
    int64_t ns = config_ns(c, key);
    if (ns % (int64_t)CONFIG_S != 0) {
        (void)snprintf(why, 256, "%s: whole seconds are wanted", key);
        return ERR_RANGE;
    }
    *out = (uint32_t)(ns / (int64_t)CONFIG_S);
    return 0;
}

int settings_read(struct settings *out, const struct config *c, char why[static 256])
{
    *out = (struct settings){
        .network = network_find(config_str(c, "network")),
        .tag = config_str(c, "tag"),
        .blocks = config_u64(c, "blocks"),
        .progress = config_bool(c, "progress"),
        .insecure = config_bool(c, "insecure"),
        .share_rate = (double)config_u64(c, "share-rate"),
        .lease_ms = (uint32_t)config_ms(c, "lease-time"),
        .beat_ms = (uint32_t)config_ms(c, "beat"),
        .dead_ms = (uint32_t)config_ms(c, "dead"),
        .metrics_ms = (uint32_t)config_ms(c, "metrics-interval"),
        .max_workers = (uint32_t)config_u64(c, "max-workers"),
        .max_workers_said = strcmp(config_origin(c, "max-workers"), "default") != 0,
        .log_level = (enum log_level)config_choice(c, "log-level"),
        .log_form = (enum log_form)config_choice(c, "log-format"),
    };
    CHECK(out->network);
    TRY(read_seconds(&out->spacing_s, c, "spacing", why));
    TRY(read_seconds(&out->half_life_s, c, "half-life", why));
    TRY(read_places(out, c, why));
    TRY(read_descriptor(&out->ready_fd, config_str(c, "ready-fd"), why));
    return check(out, why);
}

int settings_check_descriptors(struct settings *self, char why[static 256])
{
    struct rlimit limit;
    uint64_t need = 2 * (uint64_t)self->max_workers + SETTINGS_DESCRIPTORS_RESERVE;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    if (limit.rlim_cur < need && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < need ? limit.rlim_max : need;
        (void)setrlimit(RLIMIT_NOFILE, &limit); /* judged by what it is afterwards */
    }
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return -errno;
    if (limit.rlim_cur >= need)
        return 0;
    if (!self->max_workers_said && limit.rlim_cur > SETTINGS_DESCRIPTORS_RESERVE + 2) {
        self->max_workers = (uint32_t)((limit.rlim_cur - SETTINGS_DESCRIPTORS_RESERVE) / 2);
        return 0;
    }
    (void)snprintf(why, 256, "max-workers: %u workers need %llu descriptors, the limit is %llu (ulimit -n)",
                   self->max_workers, (unsigned long long)need, (unsigned long long)limit.rlim_cur);
    return ERR_FULL;
}
