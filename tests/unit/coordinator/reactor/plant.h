/* plant.h - a whole coordinator in this process but for HTTP: directory, store, sockets, core, and the reactor on a
 * thread; and a client's side of its sockets. For the tests of coordinator/reactor. */
#ifndef TESTS_UNIT_COORDINATOR_REACTOR_PLANT_H
#define TESTS_UNIT_COORDINATOR_REACTOR_PLANT_H

#include "test.h"

#include <pthread.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/chain/merkle.h"
#include "common/chain/target.h"
#include "common/log/log.h"
#include "common/wire/codec.h"
#include "coordinator/reactor/reactor.h"

enum { PLANT_WAIT_MS = 20000 };

struct plant {
    char dir[64];
    struct frame_context *zmq;
    struct sockets sockets;
    struct store *store;
    struct store_facts facts;
    struct core *core;
    int stop[2], ready[2]; /* pipes */
    pthread_t thread;
    int status;
    struct store_hook hook;
};

static int plant_load(void *ctx, const struct core_block *block)
{
    struct plant *self = ctx;
    return core_load(self->core, block);
}

static int plant_load_job(void *ctx, uint64_t id, const uint8_t *record, size_t len)
{
    struct plant *self = ctx;
    return core_load_job(self->core, id, record, len);
}

static void plant_ready(void *ctx)
{
    struct plant *self = ctx;
    cr_assert_eq(write(self->ready[1], "r", 1), 1);
}

static void *plant_main(void *ctx)
{
    struct plant *self = ctx;
    struct reactor_config config = {.core = self->core,
                                    .store = self->store,
                                    .sockets = &self->sockets,
                                    .stop_fd = self->stop[0],
                                    .ready = plant_ready,
                                    .ctx = self};
    self->status = reactor_run(&config);
    return NULL;
}

static inline void plant_open_store(struct plant *self)
{
    struct store_config config = {
        .dir = self->dir, .network = network_find("lode-regtest"), .cluster = {1, 2, 3}, .hook = self->hook};
    cr_assert_eq(store_open(&self->store, &config, &self->facts), 0, "%s", self->facts.why);
}

static inline void plant_open_core(struct plant *self, uint64_t blocks)
{
    struct core_config config = {
        .network = &self->facts.network,
        .seed = 5,
        .epoch = self->facts.epoch,
        .mark = self->facts.mark,
        .beat_ms = 200,
        .dead_ms = 10000,
        .metrics_ms = 1000,
        .lease_ms = 1000,
        .share_rate = 10,
        .max_workers = 50,
        .blocks_wanted = blocks,
        .tag = "plant",
        .version = "0",
        .work_endpoint = self->sockets.endpoint[SOCKETS_WORK],
        .tip_endpoint = self->sockets.endpoint[SOCKETS_TIPS],
        .reader = {.block = store_read, .ctx = self->store},
    };
    memcpy(config.cluster, self->facts.cluster, 16);
    cr_assert_eq(core_new(&self->core, &config), 0);
    cr_assert_eq(store_load(self->store, plant_load, self), 0);
    cr_assert_eq(store_load_jobs(self->store, plant_load_job, self), 0);
}

/* Starts on self->dir, which exists; returns once it listens. */
static inline void plant_start(struct plant *self, uint64_t blocks)
{
    log_set_level(LOG_LEVEL_ERROR);
    self->zmq = frame_context_new(SOCKETS_IO_THREADS, 0);
    char control[128], why[SOCKETS_WHY_MAX];
    (void)snprintf(control, sizeof control, "ipc://%s/control.sock", self->dir);
    struct sockets_config config = {
        .zmq = self->zmq, .work = "tcp://127.0.0.1:*", .tips = "tcp://127.0.0.1:*", .control = control};
    cr_assert_eq(sockets_open(&self->sockets, &config, why), 0, "%s", why);
    plant_open_store(self);
    plant_open_core(self, blocks);
    cr_assert_eq(pipe(self->stop), 0);
    cr_assert_eq(pipe(self->ready), 0);
    cr_assert_eq(pthread_create(&self->thread, NULL, plant_main, self), 0);
    char r;
    cr_assert_eq(read(self->ready[0], &r, 1), 1);
}

static inline struct plant *plant_new(uint64_t blocks)
{
    struct plant *self = calloc(1, sizeof *self);
    (void)snprintf(self->dir, sizeof self->dir, "/tmp/lode-test-XXXXXX");
    cr_assert_not_null(mkdtemp(self->dir));
    plant_start(self, blocks);
    return self;
}

/* Waits for the reactor's own end; its exit status. */
static inline int plant_wait(struct plant *self)
{
    cr_assert_eq(pthread_join(self->thread, NULL), 0);
    return self->status;
}

/* After the end of the reactor and of all clients: closes all but the directory. */
static inline void plant_close(struct plant *self)
{
    core_free(&self->core);
    sockets_close(&self->sockets);
    frame_context_free(&self->zmq);
    store_close(&self->store);
    for (int i = 0; i < 2; i++) {
        close(self->stop[i]);
        close(self->ready[i]);
    }
}

/* The operator's end, when all clients are gone. */
static inline int plant_stop(struct plant *self)
{
    cr_assert_eq(write(self->stop[1], "s", 1), 1);
    int status = plant_wait(self);
    plant_close(self);
    return status;
}

static inline void plant_remove(struct plant *self)
{
    static const char *const names[] = {"lode.db", "lode.db-wal", "lode.db-shm", "lock", "control.sock"};
    char path[128];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        (void)snprintf(path, sizeof path, "%s/%s", self->dir, names[i]);
        unlink(path);
    }
    cr_assert_eq(rmdir(self->dir), 0, "%s is not empty", self->dir);
    free(self);
}

/* --- the other side ---------------------------------------------------------------------------------------------- */

struct client {
    struct frame_socket *socket;
    struct frame frame; /* held since the last client_get */
    bool holds;
    struct message message;
    uint64_t wid, seq;
};

static inline struct client *client_new(struct plant *plant, enum sockets_which which)
{
    struct client *c = calloc(1, sizeof *c);
    struct frame_options options = {.kind = which == SOCKETS_TIPS ? FRAME_SUB : FRAME_DEALER};
    options.max_bytes = 1 << 20;
    cr_assert_eq(frame_connect(&c->socket, plant->zmq, &options, plant->sockets.endpoint[which]), 0);
    if (which == SOCKETS_TIPS) {
        cr_assert_eq(frame_subscribe(c->socket, "T", 1), 0);
        cr_assert_eq(frame_subscribe(c->socket, "C", 1), 0);
    }
    return c;
}

static inline void client_free(struct client *c)
{
    if (c->holds)
        frame_release(&c->frame);
    frame_close(&c->socket);
    free(c);
}

static inline void client_send_bytes(struct client *c, const void *bytes, size_t len)
{
    cr_assert(frame_wait(c->socket, FRAME_OUT, PLANT_WAIT_MS) & FRAME_OUT);
    cr_assert_eq(frame_send(c->socket, NULL, bytes, len), 0);
}

static inline void client_send(struct client *c, struct message *m)
{
    static uint8_t buf[1 << 17];
    m->wid = c->wid;
    m->seq = ++c->seq;
    int len = codec_encode(buf, sizeof buf, m);
    cr_assert_gt(len, 0, "%s", err_code(len));
    client_send_bytes(c, buf, (size_t)len);
}

/* The next message of that type; others are skipped. Fails the test when none comes. */
static inline const struct message *client_get(struct client *c, enum message_type type)
{
    for (;;) {
        if (c->holds)
            frame_release(&c->frame);
        c->holds = false;
        cr_assert(frame_wait(c->socket, FRAME_IN, PLANT_WAIT_MS) & FRAME_IN, "no %s came", codec_name(type));
        if (frame_recv(c->socket, NULL, &c->frame) != 1)
            continue;
        c->holds = true;
        const uint8_t *data = frame_data(&c->frame);
        size_t len = frame_size(&c->frame);
        bool topic = len > 0 && (data[0] == 'T' || data[0] == 'C');
        int err = topic ? codec_decode_topic(&c->message, data, len) : codec_decode(&c->message, data, len);
        cr_assert_eq(err, 0, "%s", err_code(err));
        if (c->message.type == type)
            return &c->message;
    }
}

/* Says HELLO and returns the WELCOME. */
static inline const struct message_welcome *client_hello(struct client *c, uint8_t n)
{
    struct message m = {.type = MESSAGE_HELLO};
    m.u.hello.ver_min = 1;
    m.u.hello.ver_max = 1;
    m.u.hello.uuid[0] = n;
    m.u.hello.host = cursor_view_of("mini");
    m.u.hello.agent = cursor_view_of("test");
    m.u.hello.lanes = 1;
    c->wid = 0;
    client_send(c, &m);
    const struct message_welcome *w = &client_get(c, MESSAGE_WELCOME)->u.welcome;
    c->wid = w->wid;
    return w;
}

/* The block that a worker finds first for job at or after counter `from`: as a worker derives it, from the wire form.
 */
static inline struct message client_mine(const struct message_job *job, uint64_t from)
{
    struct message m = {.type = MESSAGE_BLOCK};
    struct u256 target;
    cr_assert_eq(target_from_bits(&target, job->bits), 0);
    struct header h = {.version = (int32_t)job->version, .time = job->ntime, .bits = job->bits};
    memcpy(h.prev, job->parent, 32);
    for (uint64_t counter = from;; counter++) {
        uint8_t leaf[32];
        block_coinbase_leaf(leaf, job->coinbase1.at, (uint32_t)(counter >> 32), job->coinbase2.at, job->coinbase2.len);
        merkle_root_from_branch(h.merkle, leaf, job->branch[0], job->branch_count);
        h.nonce = (uint32_t)counter;
        header_hash(m.u.block.hash, &h);
        if (!target_met(&target, m.u.block.hash))
            continue;
        m.u.block.job = job->job;
        m.u.block.nonce = counter;
        header_serialize(m.u.block.header, &h);
        return m;
    }
}

#endif
