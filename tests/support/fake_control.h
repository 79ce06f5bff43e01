/* fake_control.h - a thread that plays the coordinator's control ROUTER, for tests of lodectl and of the HTTP server.
 * Header only: tests that include it link lode-common. Its chain is made of linked headers without proof of work.
 *
 * Set the fields you want before fake_control_start; mode may change any time. No assertion happens on its thread. */
#ifndef TESTS_SUPPORT_FAKE_CONTROL_H
#define TESTS_SUPPORT_FAKE_CONTROL_H

#include "test.h"

#include <pthread.h>
#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/chain/header.h"
#include "common/net/frame.h"
#include "common/wire/codec.h"

enum fake_mode {
    FAKE_ANSWER,
    FAKE_SILENT,    /* takes questions, never answers */
    FAKE_HOLD_MINE, /* "mine" is answered when the mode changes to FAKE_ANSWER; all else at once */
    FAKE_REFUSE,    /* every verb: ERR_STATE, error and key */
    FAKE_GARBAGE,   /* answers bytes that are no message */
    FAKE_BAD_MAP,   /* answers a reply whose result has a key that is no string */
    FAKE_UNWELL,    /* health is not ok */
    FAKE_CUT_MINE,  /* "mine" is ended after its first block */
    FAKE_MORE_MINE, /* "mine" is answered with one block too many */
    FAKE_SEVERAL,   /* "workers" comes in three replies of one row each */
    FAKE_HOSTILE,   /* every name and text would drive a terminal */
};

/* Clears the screen by ESC [ and by the one character that says the same, and turns the direction of what follows. */
#define FAKE_HOSTILE_TEXT                                                                                              \
    "x\033[2J\xc2\x9b"                                                                                                 \
    "2J\xe2\x80\xae\177y"

enum { FAKE_BLOCKS_MAX = 6000, FAKE_HELD_MAX = 256, FAKE_OUT = 1 << 20 };

struct fake_question {
    struct frame_peer from;
    uint64_t id;
    int count; /* mine: payloads */
};

struct fake_control {
    struct frame_context *ctx; /* borrowed when set, else made */
    bool own_ctx;
    char endpoint[256];
    struct frame_socket *socket;
    pthread_t thread;
    _Atomic(int) mode, stop;
    _Atomic(int) questions, mined, payload_bytes; /* what came in */
    pthread_mutex_t lock;                         /* for changed, which is signalled after every question */
    pthread_cond_t changed;
    _Atomic(int) blocks; /* height + 1 */
    uint8_t headers[FAKE_BLOCKS_MAX][HEADER_LEN];
    char data[FAKE_BLOCKS_MAX][64]; /* payloads mined, cut */
    struct fake_question held[FAKE_HELD_MAX];
    int held_count;
    uint8_t buf[FAKE_OUT], frame[FAKE_OUT + 128];
};

static inline void fake_extend(struct fake_control *self, const uint8_t *data, size_t len)
{
    int n = atomic_load(&self->blocks);
    struct header h = {.version = 1, .time = 1600000000u + (uint32_t)n, .bits = 0x207fffff, .nonce = (uint32_t)n};
    if (n == FAKE_BLOCKS_MAX)
        return;
    if (n > 0)
        header_hash_raw(h.prev, self->headers[n - 1]);
    header_serialize(self->headers[n], &h);
    snprintf(self->data[n], sizeof self->data[n], "%.*s", (int)(len < 63 ? len : 63), len ? (const char *)data : "");
    atomic_store(&self->blocks, n + 1);
}

static inline void fake_put_number(struct cursor_out *o, const char *key, uint64_t v)
{
    cursor_put_str(o, key);
    cursor_put_u64(o, v);
}

static inline void fake_put_text(struct cursor_out *o, const char *key, const char *v)
{
    cursor_put_str(o, key);
    cursor_put_str(o, v);
}

static inline void fake_put_block(const struct fake_control *self, struct cursor_out *o, int height)
{
    uint8_t hash[32];
    char hex[65];
    struct header h;
    header_parse(&h, self->headers[height]);
    header_hash_raw(hash, self->headers[height]);
    cursor_put_map(o, 11);
    fake_put_number(o, "height", (uint64_t)height);
    bytes_to_hex_reversed(hex, hash, 32);
    fake_put_text(o, "hash", hex);
    bytes_to_hex_reversed(hex, h.prev, 32);
    fake_put_text(o, "previous_hash", hex);
    bytes_to_hex_reversed(hex, h.merkle, 32);
    fake_put_text(o, "merkle_root", hex);
    fake_put_number(o, "time", h.time);
    fake_put_number(o, "bits", h.bits);
    fake_put_number(o, "nonce", h.nonce);
    fake_put_number(o, "extranonce", 9);
    fake_put_text(o, "worker", atomic_load(&self->mode) == FAKE_HOSTILE ? FAKE_HOSTILE_TEXT : "w1");
    fake_put_number(o, "arrival_ms", 1600000000000u);
    cursor_put_str(o, "data");
    cursor_put_array(o, 1);
    cursor_put_bin(o, self->data[height], strlen(self->data[height]));
}

static inline void fake_send(struct fake_control *self, const struct fake_question *q, int code, bool more,
                             const struct cursor_out *result)
{
    struct message m = {.type = MESSAGE_CTL_REP, .seq = 1};
    m.u.ctl_rep.id = q->id;
    m.u.ctl_rep.code = code;
    m.u.ctl_rep.more = more;
    m.u.ctl_rep.result = cursor_out_view(result);
    int len = codec_encode(self->frame, sizeof self->frame, &m);
    if (len < 0)
        fprintf(stderr, "fake_control: %s\n", err_code(len));
    else
        while (frame_send(self->socket, &q->from, self->frame, (size_t)len) == -EAGAIN &&
               frame_wait(self->socket, FRAME_OUT, 1000) >= 0 && !atomic_load(&self->stop))
            ;
}

static inline uint64_t fake_arg(struct cursor_view args, const char *key, uint64_t otherwise)
{
    struct cursor c = cursor_map_find(args, key);
    uint64_t v = cursor_u64(&c, UINT64_MAX);
    return c.err ? otherwise : v;
}

static inline void fake_answer_blocks(struct fake_control *self, const struct fake_question *q, struct cursor_view args)
{
    struct cursor_out o = cursor_out_over(self->buf, sizeof self->buf);
    int from = (int)fake_arg(args, "from", 0), limit = (int)fake_arg(args, "limit", 100);
    int count = atomic_load(&self->blocks), n = count - from;
    n = n < 0 ? 0 : n > limit ? limit : n > 500 ? 500 : n;
    cursor_put_map(&o, 2);
    cursor_put_str(&o, "blocks");
    cursor_put_array(&o, (uint32_t)n);
    for (int i = 0; i < n; i++)
        fake_put_block(self, &o, from + i);
    cursor_put_str(&o, "next");
    if (from + n < count)
        cursor_put_u64(&o, (uint64_t)(from + n));
    else
        cursor_put_nil(&o);
    fake_send(self, q, 0, false, &o);
}

static inline void fake_answer_headers(struct fake_control *self, const struct fake_question *q,
                                       struct cursor_view args)
{
    struct cursor_out o = cursor_out_over(self->buf, sizeof self->buf);
    int from = (int)fake_arg(args, "from", 0), limit = (int)fake_arg(args, "limit", 2000);
    int n = atomic_load(&self->blocks) - from;
    n = n < 0 ? 0 : n > limit ? limit : n;
    cursor_put_map(&o, 3);
    fake_put_number(&o, "from", (uint64_t)from);
    cursor_put_str(&o, "headers");
    cursor_put_bin(&o, n ? self->headers[from] : NULL, (size_t)n * HEADER_LEN);
    fake_put_number(&o, "height", (uint64_t)atomic_load(&self->blocks) - 1);
    fake_send(self, q, 0, false, &o);
}

/* The payloads were taken when the question came; the last `count` blocks are theirs. */
static inline void fake_answer_mined(struct fake_control *self, const struct fake_question *q, int count)
{
    bool cut = atomic_load(&self->mode) == FAKE_CUT_MINE;
    int first = atomic_load(&self->blocks) - count, replies = cut ? 1 : count;
    if (atomic_load(&self->mode) == FAKE_MORE_MINE) { /* begins with the block before */
        first--;
        replies++;
    }
    for (int i = 0; i < replies; i++) {
        bool last = i + 1 == replies;
        struct cursor_out o = cursor_out_over(self->buf, sizeof self->buf);
        cursor_put_map(&o, last ? 5 : 3);
        cursor_put_str(&o, "block");
        fake_put_block(self, &o, first + i);
        fake_put_number(&o, "done", (uint64_t)i + 1);
        fake_put_number(&o, "of", (uint64_t)count);
        if (last) {
            fake_put_number(&o, "duration_ms", 1500);
            fake_put_number(&o, "hashes", 3000000);
        }
        fake_send(self, q, 0, !last, &o);
    }
}

static inline void fake_answer_mine(struct fake_control *self, struct fake_question *q, struct cursor_view args)
{
    struct cursor c = cursor_map_find(args, "data");
    q->count = (int)cursor_array(&c, 1000);
    for (int i = 0; i < q->count; i++) {
        struct cursor_view v = cursor_bin(&c, 32768);
        fake_extend(self, v.at, v.len);
        atomic_fetch_add(&self->payload_bytes, (int)v.len);
    }
    atomic_fetch_add(&self->mined, q->count);
    if (atomic_load(&self->mode) == FAKE_HOLD_MINE && self->held_count < FAKE_HELD_MAX)
        self->held[self->held_count++] = *q;
    else
        fake_answer_mined(self, q, q->count);
}

static inline void fake_answer_plain(struct fake_control *self, const struct fake_question *q, const char *verb)
{
    struct cursor_out o = cursor_out_over(self->buf, sizeof self->buf);
    const bool hostile = atomic_load(&self->mode) == FAKE_HOSTILE;
    if (strcmp(verb, "status") == 0) {
        cursor_put_map(&o, 9);
        fake_put_text(&o, "version", hostile ? FAKE_HOSTILE_TEXT : "0.0.1");
        fake_put_text(&o, "genesis", "00000000000000000000000000000000000000000000000000000000000000ff");
        fake_put_number(&o, "spacing_s", 2);
        fake_put_number(&o, "half_life_s", 60);
        fake_put_text(&o, "network", "lode-regtest");
        fake_put_number(&o, "height", (uint64_t)atomic_load(&self->blocks) - 1);
        fake_put_number(&o, "workers", 2);
        cursor_put_str(&o, "hashrate");
        cursor_put_f64(&o, 18.4e6);
        fake_put_text(&o, "tip", "000000a1b2c3d4e5f6000000a1b2c3d4e5f6000000a1b2c3d4e5f6000000a1b2");
    } else if (strcmp(verb, "workers") == 0) {
        cursor_put_map(&o, 1);
        cursor_put_str(&o, "workers");
        cursor_put_array(&o, 1);
        cursor_put_map(&o, 5);
        fake_put_text(&o, "name", hostile ? FAKE_HOSTILE_TEXT : "w1");
        fake_put_text(&o, "state", "live");
        cursor_put_str(&o, "uuid");
        cursor_put_bin(&o, "0123456789abcdef", 16);
        fake_put_number(&o, "last_seen_ms", 3200);
        cursor_put_str(&o, "hashrate");
        cursor_put_f64(&o, 9.2e6);
    } else if (strcmp(verb, "stats") == 0) {
        cursor_put_map(&o, 3);
        fake_put_number(&o, "workers", 2);
        cursor_put_str(&o, "metrics");
        cursor_put_map(&o, 2);
        fake_put_number(&o, hostile ? FAKE_HOSTILE_TEXT : "/sched/goroutines:goroutines", 12);
        fake_put_number(&o, "/gc/cycles/total:gc-cycles", (uint64_t)atomic_load(&self->questions));
        fake_put_number(&o, "uptime_ms", 5);
    } else if (strcmp(verb, "health") == 0) {
        bool ok = atomic_load(&self->mode) != FAKE_UNWELL && !hostile;
        cursor_put_map(&o, 2);
        cursor_put_str(&o, "ok");
        cursor_put_bool(&o, ok);
        fake_put_text(&o, "reason", ok ? "" : hostile ? FAKE_HOSTILE_TEXT : "the disk is full");
    } else
        cursor_put_map(&o, 0);
    const bool several = atomic_load(&self->mode) == FAKE_SEVERAL && strcmp(verb, "workers") == 0;
    for (int i = several ? 3 : 1; i > 0; i--)
        fake_send(self, q, 0, i > 1, &o);
}

/* The modes that answer every verb alike. True when it did. */
static inline bool fake_misbehave(struct fake_control *self, const struct fake_question *q)
{
    struct cursor_out o = cursor_out_over(self->buf, sizeof self->buf);
    switch (atomic_load(&self->mode)) {
    case FAKE_SILENT:
        return true;
    case FAKE_REFUSE:
        cursor_put_map(&o, 2);
        fake_put_text(&o, "error", "not now");
        fake_put_text(&o, "key", "verb");
        fake_send(self, q, ERR_STATE, false, &o);
        return true;
    case FAKE_GARBAGE:
        if (frame_send(self->socket, &q->from, "nonsense", 8) < 0)
            fprintf(stderr, "fake_control: send\n");
        return true;
    case FAKE_BAD_MAP:
        cursor_put_map(&o, 1);
        cursor_put_u64(&o, 1);
        cursor_put_u64(&o, 2);
        fake_send(self, q, 0, false, &o);
        return true;
    default:
        return false;
    }
}

static inline void fake_take(struct fake_control *self, const struct frame_peer *from, struct frame *f)
{
    struct message m;
    char verb[MESSAGE_VERB_LEN + 1];
    if (codec_decode(&m, frame_data(f), frame_size(f)) < 0 || m.type != MESSAGE_CTL_REQ)
        return;
    struct fake_question q = {.from = *from, .id = m.u.ctl_req.id};
    struct cursor_view args = m.u.ctl_req.args;
    snprintf(verb, sizeof verb, "%.*s", (int)m.u.ctl_req.verb.len, (const char *)m.u.ctl_req.verb.at);
    atomic_fetch_add(&self->questions, 1);
    if (fake_misbehave(self, &q))
        return;
    if (strcmp(verb, "mine") == 0)
        fake_answer_mine(self, &q, args);
    else if (strcmp(verb, "blocks") == 0)
        fake_answer_blocks(self, &q, args);
    else if (strcmp(verb, "headers") == 0)
        fake_answer_headers(self, &q, args);
    else
        fake_answer_plain(self, &q, verb);
}

static inline void *fake_run(void *arg)
{
    struct fake_control *self = arg;
    while (!atomic_load(&self->stop)) {
        struct frame f;
        struct frame_peer from;
        if (atomic_load(&self->mode) != FAKE_HOLD_MINE)
            while (self->held_count > 0) {
                self->held_count--;
                fake_answer_mined(self, &self->held[self->held_count], self->held[self->held_count].count);
            }
        if (frame_wait(self->socket, FRAME_IN, 10) <= 0)
            continue;
        while (frame_recv(self->socket, &from, &f) == 1) {
            fake_take(self, &from, &f);
            frame_release(&f);
            pthread_mutex_lock(&self->lock);
            pthread_cond_broadcast(&self->changed);
            pthread_mutex_unlock(&self->lock);
        }
    }
    return NULL;
}

/* Waits until counter, one of self's, is at least n; false after 20 s. */
static inline bool fake_control_wait(struct fake_control *self, _Atomic(int) *counter, int n)
{
    struct timespec until;
    int err = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 20;
    pthread_mutex_lock(&self->lock);
    while (atomic_load(counter) < n && err == 0)
        err = pthread_cond_timedwait(&self->changed, &self->lock, &until);
    pthread_mutex_unlock(&self->lock);
    return err == 0;
}

/* A coordinator with `blocks` blocks at endpoint (port "*" is fine: the real one is in self->endpoint), in ctx or in a
 * context of its own. */
static inline struct fake_control *fake_control_start(const char *endpoint, struct frame_context *ctx, int blocks)
{
    struct fake_control *self = calloc(1, sizeof *self);
    const struct frame_options options = {.kind = FRAME_ROUTER, .sndhwm = 4096, .rcvhwm = 4096, .max_bytes = 1 << 20};
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->changed, NULL);
    self->own_ctx = !ctx;
    self->ctx = ctx ? ctx : frame_context_new(1, 0);
    for (int i = 0; i < blocks; i++)
        fake_extend(self, (const uint8_t *)"genesis", i == 0 ? 7 : 3);
    cr_assert_eq(frame_bind(&self->socket, self->ctx, &options, endpoint), 0);
    cr_assert_eq(frame_endpoint(self->socket, self->endpoint, sizeof self->endpoint), 0);
    cr_assert_eq(pthread_create(&self->thread, NULL, fake_run, self), 0);
    return self;
}

static inline void fake_control_stop(struct fake_control *self)
{
    atomic_store(&self->stop, 1);
    pthread_join(self->thread, NULL);
    frame_close(&self->socket);
    if (self->own_ctx)
        frame_context_free(&self->ctx);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

#endif
