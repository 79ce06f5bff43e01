/* rig.h - a core under test: its driver, its store in memory, and a worker's words. For the tests of coordinator/core.
 */
#ifndef TESTS_UNIT_COORDINATOR_CORE_RIG_H
#define TESTS_UNIT_COORDINATOR_CORE_RIG_H

#include "test.h"

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/err.h"
#include "common/chain/target.h"
#include "common/wire/codec.h"
#include "coordinator/core/state.h"

enum { RIG_BLOCKS = 1024, RIG_SENT = 4096 };

struct rig_block {
    struct core_block block;
    uint8_t *body;
};

/* One action that went to somebody, decoded. */
struct rig_sent {
    enum core_action_kind kind;
    struct core_route route;
    uint8_t *bytes;
    size_t len;
    struct message message;
};

struct rig_job {
    uint64_t id;
    uint8_t *record;
    size_t len;
};

struct rig {
    struct core *core;
    struct core_actions actions;
    int64_t now_ns, wall_ms;
    struct rig_block blocks[RIG_BLOCKS];
    size_t block_count;
    struct rig_job jobs[RIG_BLOCKS];
    size_t job_count;
    size_t sent_before_job; /* sent_count when the last job was to be kept */
    int store_err;          /* what the store says next */
    uint64_t mark;
    struct rig_sent *sent; /* of the last rig_event, RIG_SENT at most */
    size_t sent_count;
    int exit_status; /* -1: none asked for */
    char progress[512];
    int logs[4]; /* by level */
};

static int rig_read(void *ctx, const uint8_t hash[32], struct core_block *out, uint8_t **body_p)
{
    struct rig *self = ctx;
    for (size_t i = 0; i < self->block_count; i++) {
        if (memcmp(self->blocks[i].block.hash, hash, 32) != 0)
            continue;
        *out = self->blocks[i].block;
        *body_p = malloc(out->body_len + 1);
        memcpy(*body_p, self->blocks[i].body, out->body_len);
        out->body = *body_p;
        return 0;
    }
    return ERR_NOT_FOUND;
}

static inline void rig_keep_block(struct rig *self, const struct core_action *a)
{
    cr_assert_lt(self->block_count, RIG_BLOCKS);
    struct rig_block *b = &self->blocks[self->block_count++];
    b->block = a->u.block;
    b->body = malloc(a->len + 1);
    memcpy(b->body, actions_bytes(&self->actions, a), a->len);
    b->block.body = b->body;
    b->block.body_len = a->len;
}

static inline void rig_keep_job(struct rig *self, const struct core_action *a)
{
    cr_assert_lt(self->job_count, RIG_BLOCKS);
    struct rig_job *j = &self->jobs[self->job_count++];
    *j = (struct rig_job){.id = a->u.job, .record = malloc(a->len + 1), .len = a->len};
    memcpy(j->record, actions_bytes(&self->actions, a), a->len);
    self->sent_before_job = self->sent_count;
}

static inline void rig_keep_sent(struct rig *self, const struct core_action *a)
{
    cr_assert_lt(self->sent_count, RIG_SENT);
    struct rig_sent *s = &self->sent[self->sent_count++];
    *s = (struct rig_sent){.kind = a->kind, .route = a->route, .len = a->len};
    s->bytes = malloc(a->len + 1);
    memcpy(s->bytes, actions_bytes(&self->actions, a), a->len);
    bool topic = a->kind == CORE_PUBLISH || a->kind == CORE_GREETING;
    int err = topic ? codec_decode_topic(&s->message, s->bytes, s->len) : codec_decode(&s->message, s->bytes, s->len);
    cr_assert_eq(err, 0, "what the core sends must decode: %s", err_code(err));
}

static inline void rig_forget_sent(struct rig *self)
{
    for (size_t i = 0; i < self->sent_count; i++)
        free(self->sent[i].bytes);
    self->sent_count = 0;
}

static inline void rig_answer(struct rig *self, enum core_event_kind kind, uint64_t mark)
{
    struct core_event e = {.kind = kind, .err = self->store_err, .mark = mark, .wall_ms = self->wall_ms};
    core_step(self->core, &e, self->now_ns, &self->actions);
}

static inline void rig_do(struct rig *self)
{
    for (size_t i = 0; i < self->actions.count; i++) {
        struct core_action a = self->actions.items[i];
        if (a.kind == CORE_PERSIST) {
            if (self->store_err == 0)
                rig_keep_block(self, &a);
            rig_answer(self, CORE_EV_STORED, 0);
        } else if (a.kind == CORE_RESERVE) {
            if (self->store_err == 0)
                self->mark = a.u.mark;
            rig_answer(self, CORE_EV_RESERVED, a.u.mark);
        } else if (a.kind == CORE_KEEP_JOB) {
            rig_keep_job(self, &a);
        } else if (a.kind == CORE_EXIT) {
            self->exit_status = a.u.status;
        } else if (a.kind == CORE_LOG) {
            self->logs[a.u.log.level]++;
        } else if (a.kind == CORE_PROGRESS) {
            (void)snprintf(self->progress, sizeof self->progress, "%s",
                           (const char *)actions_bytes(&self->actions, &a));
        } else {
            rig_keep_sent(self, &a);
        }
    }
    actions_clear(&self->actions);
}

static inline struct core_config rig_config(struct rig *self)
{
    return (struct core_config){
        .network = network_find("lode-regtest"),
        .seed = 7,
        .epoch = 1,
        .beat_ms = 1000,
        .dead_ms = 5000,
        .metrics_ms = 1000,
        .lease_ms = 30000,
        .share_rate = 10,
        .max_workers = 100,
        .tag = "test",
        .version = "0",
        .work_endpoint = "tcp://127.0.0.1:1",
        .tip_endpoint = "tcp://127.0.0.1:2",
        .http = "none",
        .data_dir = "/nowhere",
        .reader = {.block = rig_read, .ctx = self},
    };
}

/* A rig whose core is made of config (its blocks so far are loaded) and started. */
static inline void rig_begin(struct rig *self, const struct core_config *config)
{
    if (!self->sent)
        self->sent = calloc(RIG_SENT, sizeof *self->sent);
    self->exit_status = -1;
    if (self->wall_ms == 0)
        self->wall_ms = INT64_C(1800000000000);
    self->now_ns += 1000000000;
    cr_assert_eq(core_new(&self->core, config), 0);
    for (size_t i = 0; i < self->block_count; i++)
        cr_assert_eq(core_load(self->core, &self->blocks[i].block), 0);
    for (size_t i = 0; i < self->job_count; i++)
        cr_assert_eq(core_load_job(self->core, self->jobs[i].id, self->jobs[i].record, self->jobs[i].len), 0);
    core_start(self->core, self->now_ns, self->wall_ms, &self->actions);
    rig_do(self);
}

static inline struct rig *rig_new(void)
{
    struct rig *self = calloc(1, sizeof *self);
    struct core_config config = rig_config(self);
    rig_begin(self, &config);
    return self;
}

static inline void rig_end_core(struct rig *self)
{
    rig_forget_sent(self);
    core_free(&self->core);
}

static inline void rig_free(struct rig *self)
{
    rig_end_core(self);
    actions_free(&self->actions);
    for (size_t i = 0; i < self->block_count; i++)
        free(self->blocks[i].body);
    for (size_t i = 0; i < self->job_count; i++)
        free(self->jobs[i].record);
    free(self->sent);
    free(self);
}

/* One event and all that follows from it; what was sent before is forgotten. */
static inline void rig_event(struct rig *self, struct core_event *event)
{
    rig_forget_sent(self);
    event->wall_ms = self->wall_ms;
    core_step(self->core, event, self->now_ns, &self->actions);
    rig_do(self);
}

static inline struct core_route rig_route(uint8_t n)
{
    return (struct core_route){.len = 5, .id = {0, 1, 2, 3, n}};
}

/* A message of worker n. */
static inline void rig_say(struct rig *self, uint8_t n, const struct message *m)
{
    struct core_event e = {.kind = CORE_EV_MESSAGE, .route = rig_route(n), .message = m};
    rig_event(self, &e);
}

static inline void rig_kind(struct rig *self, enum core_event_kind kind)
{
    struct core_event e = {.kind = kind, .route = rig_route(0)};
    rig_event(self, &e);
}

/* Lets ms pass in ticks of 50. Keeps only what the last tick sent. */
static inline void rig_pass(struct rig *self, int64_t ms)
{
    for (; ms > 0; ms -= 50) {
        self->now_ns += INT64_C(50) * 1000000;
        self->wall_ms += 50;
        rig_kind(self, CORE_EV_TICK);
    }
}

/* The i-th message of that type sent by the last event, NULL if there are not so many. */
static inline const struct rig_sent *rig_sent_at(const struct rig *self, enum message_type type, int i)
{
    for (size_t k = 0; k < self->sent_count; k++)
        if (self->sent[k].message.type == type && i-- == 0)
            return &self->sent[k];
    return NULL;
}

static inline const struct message *rig_got(const struct rig *self, enum message_type type)
{
    const struct rig_sent *s = rig_sent_at(self, type, 0);
    return s ? &s->message : NULL;
}

static inline struct message rig_hello_message(uint8_t n)
{
    struct message m = {.type = MESSAGE_HELLO, .seq = 1};
    m.u.hello = (struct message_hello){.ver_min = 1, .ver_max = 1, .lanes = 2};
    m.u.hello.host = cursor_view_of("worker");
    m.u.hello.agent = cursor_view_of("test/1");
    m.u.hello.uuid[15] = n;
    return m;
}

/* Worker n says HELLO and is welcome; returns its row. */
static inline struct worker *rig_hello(struct rig *self, uint8_t n)
{
    struct message m = rig_hello_message(n);
    rig_say(self, n, &m);
    cr_assert_not_null(rig_got(self, MESSAGE_WELCOME));
    struct core_route route = rig_route(n);
    struct worker *w = fleet_at(&self->core->fleet, &route);
    cr_assert_not_null(w);
    return w;
}

static inline void rig_ask(struct rig *self, struct worker *w, uint8_t n, uint8_t credit)
{
    struct message m = {.type = MESSAGE_LEASE_REQ, .wid = w->wid, .seq = 2};
    m.u.lease_req.n = credit;
    rig_say(self, n, &m);
}

/* The first counter of [start, end) under job whose header meets the target (want) or misses it (!want). */
static inline uint64_t rig_search(const struct job *job, uint64_t start, const struct u256 *target, bool want)
{
    for (uint64_t counter = start;; counter++) {
        struct header header;
        uint8_t hash[32];
        jobs_header(job, counter, &header);
        header_hash(hash, &header);
        if (target_met(target, hash) == want)
            return counter;
    }
}

/* A BLOCK as worker w would say it. */
static inline struct message rig_block(const struct job *job, const struct worker *w, uint64_t counter)
{
    struct message m = {.type = MESSAGE_BLOCK, .wid = w->wid, .seq = 10};
    m.u.block = (struct message_block){.job = job->id, .nonce = counter};
    struct header header;
    jobs_header(job, counter, &header);
    header_serialize(m.u.block.header, &header);
    header_hash(m.u.block.hash, &header);
    return m;
}

/* Worker n (with at least one lease) finds a block on the current job. */
static inline void rig_find(struct rig *self, struct worker *w, uint8_t n)
{
    const struct job *job = jobs_current(&self->core->jobs);
    uint64_t counter = rig_search(job, w->leases.slots[0].start, &job->target, true);
    struct message m = rig_block(job, w, counter);
    rig_say(self, n, &m);
}

/* A control request from client n. */
static inline void rig_control(struct rig *self, uint8_t n, const char *verb, const struct cursor_out *args)
{
    struct message m = {.type = MESSAGE_CTL_REQ, .seq = 1};
    m.u.ctl_req = (struct message_ctl_req){.id = 77, .verb = cursor_view_of(verb)};
    if (args)
        m.u.ctl_req.args = cursor_out_view(args);
    struct core_event e = {.kind = CORE_EV_CONTROL, .route = rig_route(n), .message = &m};
    rig_event(self, &e);
}

static inline const struct message_ctl_rep *rig_reply(const struct rig *self, int i)
{
    const struct rig_sent *s = rig_sent_at(self, MESSAGE_CTL_REP, i);
    return s ? &s->message.u.ctl_rep : NULL;
}

static inline uint64_t rig_reply_u64(const struct message_ctl_rep *rep, const char *key)
{
    struct cursor c = cursor_map_find(rep->result, key);
    uint64_t v = cursor_u64(&c, UINT64_MAX);
    cr_assert_eq(c.err, 0, "%s", key);
    return v;
}

#endif
