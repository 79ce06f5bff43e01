/* main.c - lode-coordinator: settings, signals, the order of start and stop; nothing else. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/net/frame.h"
#include "common/wire/endpoint.h"
#include "coordinator/http/server.h"
#include "coordinator/reactor/reactor.h"
#include "coordinator/settings.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_STORE = 3 };

struct program {
    struct settings settings;
    int stop_fd;
    struct frame_context *zmq;
    struct sockets sockets;
    struct server *http;
    struct store *store;
    struct store_facts facts;
    struct core *core;
};

static int complain(int status, const char *what, const char *why)
{
    (void)fprintf(stderr, "lode-coordinator: %s: %s\n", what, why);
    return status;
}

/* Blocked before any thread starts, so that each inherits it and the descriptor gets them all. */
static int catch_signals(struct program *self)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    self->stop_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return self->stop_fd < 0 ? complain(EXIT_FAILED, "signalfd", strerror(errno)) : EXIT_OK;
}

static int random_bytes(void *out, size_t len)
{
    return getrandom(out, len, 0) == (ssize_t)len ? 0 : -errno;
}

static int check_place(const char *key, const char *endpoint, bool insecure)
{
    struct endpoint e;
    int err = endpoint_parse(&e, endpoint, strlen(endpoint));
    if (err == 0 && !insecure && !endpoint_is_loopback(&e))
        err = ERR_INSECURE;
    char what[320];
    (void)snprintf(what, sizeof what, "%s: %.255s", key, endpoint);
    return err < 0 ? complain(EXIT_USAGE, what, err_text(err)) : EXIT_OK;
}

/* Addresses that will be refused are refused before the data directory is made or its epoch moves. */
static int check_places(const struct settings *s)
{
    int status = check_place("work", s->work, s->insecure);
    if (status == EXIT_OK)
        status = check_place("tips", s->tips, s->insecure);
    if (status == EXIT_OK && s->control)
        status = check_place("control", s->control, s->insecure);
    if (status != EXIT_OK || !s->http)
        return status;
    int err = server_check(s->http, s->insecure);
    char what[320];
    (void)snprintf(what, sizeof what, "http: %.255s", s->http);
    return err < 0 ? complain(EXIT_USAGE, what, err_text(err)) : EXIT_OK;
}

static int open_store(struct program *self)
{
    const struct settings *s = &self->settings;
    struct store_config config = {
        .dir = s->data_dir, .network = s->network, .spacing_s = s->spacing_s, .half_life_s = s->half_life_s};
    if (random_bytes(config.cluster, sizeof config.cluster) < 0)
        return complain(EXIT_FAILED, "getrandom", strerror(errno));
    int err = store_open(&self->store, &config, &self->facts);
    return err < 0 ? complain(EXIT_STORE, s->data_dir, self->facts.why) : EXIT_OK;
}

static int open_sockets(struct program *self)
{
    const struct settings *s = &self->settings;
    self->zmq = frame_context_new(SOCKETS_IO_THREADS, 0);
    struct sockets_config config = {
        .zmq = self->zmq, .work = s->work, .tips = s->tips, .control = s->control, .insecure = s->insecure};
    char why[SOCKETS_WHY_MAX];
    int err = sockets_open(&self->sockets, &config, why);
    if (err < 0)
        return complain(err == ERR_FORMAT || err == ERR_INSECURE ? EXIT_USAGE : EXIT_FAILED, "listen", why);
    return EXIT_OK;
}

static int open_http(struct program *self)
{
    const struct settings *s = &self->settings;
    if (!s->http)
        return EXIT_OK;
    struct server_config config = {
        .bind = s->http, .insecure = s->insecure, .zmq = self->zmq, .control = "inproc://control"};
    int err = server_start(&self->http, &config);
    if (err == 0)
        return EXIT_OK;
    char what[300];
    (void)snprintf(what, sizeof what, "http: %s", s->http);
    return complain(err == ERR_FORMAT || err == ERR_INSECURE ? EXIT_USAGE : EXIT_FAILED, what, err_text(err));
}

static const char *http_address(const struct program *self)
{
    return self->http ? server_address(self->http) : "none";
}

static int load_block(void *ctx, const struct core_block *block)
{
    struct program *self = ctx;
    return core_load(self->core, block);
}

static int load_job(void *ctx, uint64_t id, const uint8_t *record, size_t len)
{
    struct program *self = ctx;
    return core_load_job(self->core, id, record, len);
}

static int open_core(struct program *self)
{
    const struct settings *s = &self->settings;
    struct core_config config = {
        .network = &self->facts.network,
        .epoch = self->facts.epoch,
        .mark = self->facts.mark,
        .beat_ms = s->beat_ms,
        .dead_ms = s->dead_ms,
        .metrics_ms = s->metrics_ms,
        .lease_ms = s->lease_ms,
        .share_rate = s->share_rate,
        .max_workers = s->max_workers,
        .blocks_wanted = s->blocks,
        .tag = s->tag,
        .version = LODE_VERSION,
        .work_endpoint = self->sockets.endpoint[SOCKETS_WORK],
        .tip_endpoint = self->sockets.endpoint[SOCKETS_TIPS],
        .http = http_address(self),
        .data_dir = s->data_dir,
        .reader = {.block = store_read, .ctx = self->store},
    };
    memcpy(config.cluster, self->facts.cluster, sizeof config.cluster);
    if (random_bytes(&config.seed, sizeof config.seed) < 0)
        return complain(EXIT_FAILED, "getrandom", strerror(errno));
    if (core_new(&self->core, &config) < 0)
        return complain(EXIT_USAGE, "network", "blocks of this network are not mined here");
    int err = store_load(self->store, load_block, self);
    if (err == 0)
        err = store_load_jobs(self->store, load_job, self);
    if (err < 0)
        return complain(EXIT_STORE, s->data_dir,
                        err == ERR_CORRUPT ? "a stored block or job does not hold" : err_text(err));
    return EXIT_OK;
}

static void say_ready(void *ctx)
{
    const struct program *self = ctx;
    char line[1536];
    int len =
        snprintf(line, sizeof line, "ready work=%s tips=%s control=%s http=%s\n", self->sockets.endpoint[SOCKETS_WORK],
                 self->sockets.endpoint[SOCKETS_TIPS], self->sockets.endpoint[SOCKETS_CONTROL], http_address(self));
    int fd = self->settings.ready_fd;
    if (fd < 0)
        return;
    ssize_t written = write(fd, line, (size_t)len);
    if (written != len)
        LOG_WARN("ready_fd", "code=%s", err_code(-errno));
    if (fd > STDERR_FILENO)
        close(fd);
}

static int run(struct program *self)
{
    int status = check_places(&self->settings);
    if (status == EXIT_OK)
        status = catch_signals(self);
    if (status == EXIT_OK)
        status = open_store(self);
    if (status == EXIT_OK)
        status = open_sockets(self);
    if (status == EXIT_OK)
        status = open_http(self);
    if (status == EXIT_OK)
        status = open_core(self);
    if (status != EXIT_OK)
        return status;
    struct reactor_config config = {
        .core = self->core,
        .store = self->store,
        .sockets = &self->sockets,
        .progress = self->settings.progress,
        .stop_fd = self->stop_fd,
        .ready = say_ready,
        .ctx = self,
    };
    return reactor_run(&config);
}

/* The reverse of the start. */
static void close_all(struct program *self)
{
    server_free(&self->http);
    core_free(&self->core);
    sockets_close(&self->sockets);
    frame_context_free(&self->zmq);
    store_close(&self->store);
    if (self->stop_fd >= 0)
        close(self->stop_fd);
}

int main(int argc, char **argv)
{
    AUTO(config_free) struct config *config = config_start(&settings_program, argc, argv);
    struct program self = {.stop_fd = -1};
    char why[256] = "";
    if (settings_read(&self.settings, config, why) < 0)
        return complain(EXIT_USAGE, "settings", why);
    if (settings_check_descriptors(&self.settings, why) < 0)
        return complain(EXIT_USAGE, "settings", why);
    log_init("coordinator", self.settings.log_form, STDERR_FILENO);
    log_set_level(self.settings.log_level);
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    int status = run(&self);
    close_all(&self);
    return status;
}
