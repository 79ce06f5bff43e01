#include "coordinator/http/routes_demo.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/json/unpack.h"
#include "common/wire/message.h"
#include "coordinator/http/body.h"
#include "coordinator/http/conn.h"
#include "coordinator/http/demojson.h"
#include "coordinator/http/query.h"
#include "coordinator/http/upstream.h"

enum {
    ANSWER_MS = 5000, /* what the reactor answers from memory or the store */
    HEALTH_MS = 2000,
    PAGE_BLOCKS = 500,
    BATCH_PAYLOADS = 1000,                /* of one "mine" */
    BATCH_BYTES = MESSAGE_ARGS_LEN - 256, /* of its args, with room for the map around the payloads */
    PAYLOAD_OVERHEAD = 5,                 /* bytes of MessagePack before a payload */
    LABEL_CAP = 24,
};

/* One request on its way through the control verbs it needs. */
struct exchange {
    struct conn *conn;
    uint64_t ticket;                                                /* the question that is out, 0 none */
    void (*next)(struct exchange *self, json_t *result, bool more); /* what to do with its reply */
    json_t *first;                                                  /* the result of the step before */
    /* GET /blocks */
    int64_t from, left; /* left < 0: all */
    bool streaming, separate;
    /* POST */
    struct body body;
    bool single; /* POST /blocks */
    int asked, mined, batch;
    int64_t begun_ns;
    json_t *blocks;
};

static int64_t now_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void end(struct exchange *self)
{
    if (self->ticket)
        upstream_cancel(conn_upstream(self->conn), self->ticket);
    json_decref(self->first);
    json_decref(self->blocks);
    body_free(&self->body);
    free(self);
}

static void on_gone(void *arg)
{
    end(arg);
}

static struct exchange *begin(struct conn *c)
{
    struct exchange *self = calloc(1, sizeof *self);
    CHECK(self != NULL);
    self->conn = c;
    conn_on_gone(c, on_gone, self);
    return self;
}

static void reply(struct exchange *self, int status, json_t *body)
{
    struct conn *c = self->conn;
    end(self);
    conn_reply(c, status, body, NULL);
}

/* What an error of the coordinator is in HTTP. */
static int status_of(int code)
{
    switch (code) {
    case ERR_RANGE:
    case ERR_TOO_LONG:
    case ERR_TYPE:
    case ERR_FORMAT:
        return 400;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_FULL:
    case ERR_STATE:
    case ERR_CANCELLED:
    case ERR_UNREACHABLE:
        return 503;
    case ERR_TIMEOUT:
        return 504;
    default:
        return 500;
    }
}

static void fail(struct exchange *self, int code, const json_t *result)
{
    struct conn *c = self->conn;
    const char *text = json_string_value(json_object_get(result, "error"));
    if (self->streaming) {
        conn_stream_abort(c); /* frees self by on_gone */
        return;
    }
    json_t *body = json_pack("{s:s, s:s}", "error", text ? text : err_text(code), "code", err_code(code));
    reply(self, status_of(code), body);
}

static void on_reply(void *arg, const struct upstream_reply *r)
{
    struct exchange *self = arg;
    if (!r->more || r->code < 0) {
        if (r->more)
            upstream_cancel(conn_upstream(self->conn), r->ticket);
        self->ticket = 0;
    }
    if (r->code < 0)
        fail(self, r->code, r->result);
    else
        self->next(self, r->result, r->more);
}

static void ask(struct exchange *self, const char *verb, struct cursor_view args, int timeout_ms,
                void (*next)(struct exchange *, json_t *, bool))
{
    const struct upstream_question question = {
        .verb = verb, .args = args, .timeout_ms = timeout_ms, .fn = on_reply, .arg = self};
    self->next = next;
    int err = upstream_ask(conn_upstream(self->conn), &question, &self->ticket);
    if (err < 0)
        fail(self, err, NULL);
}

static const struct cursor_view no_args = {0};

/* --- GET /healthz --- */

static void answer_health(struct exchange *self, json_t *result, bool more)
{
    (void)more;
    bool ok = json_is_true(json_object_get(result, "ok"));
    reply(self, ok ? 200 : 503, json_incref(result));
}

void routes_demo_health(struct conn *c)
{
    ask(begin(c), "health", no_args, HEALTH_MS, answer_health);
}

/* --- GET /stats --- */

static void answer_stats(struct exchange *self, json_t *result, bool more)
{
    (void)more;
    reply(self, 200, demojson_stats(self->first, result, now_ns(CLOCK_REALTIME)));
}

static void have_status(struct exchange *self, json_t *result, bool more)
{
    (void)more;
    self->first = json_incref(result);
    ask(self, "stats", no_args, ANSWER_MS, answer_stats);
}

void routes_demo_stats(struct conn *c)
{
    ask(begin(c), "status", no_args, ANSWER_MS, have_status);
}

/* --- GET /blocks --- */

static void ask_page(void *arg);

/* Writes the blocks of one page into the array that is being streamed. */
static void put_page(struct exchange *self, const json_t *page)
{
    size_t index, len;
    json_t *block;
    json_array_foreach((json_t *)(uintptr_t)page, index, block)
    {
        json_t *shown = demojson_block(block);
        char *text = conn_text(shown, &len);
        json_decref(shown);
        if (self->separate)
            conn_stream_write(self->conn, ",", 1);
        conn_stream_write(self->conn, text, len - 1);
        free(text);
        self->separate = true;
    }
}

static void have_page(struct exchange *self, json_t *result, bool more)
{
    (void)more;
    const json_t *page = json_object_get(result, "blocks"), *next = json_object_get(result, "next");
    struct conn *c = self->conn;
    if (!self->streaming) {
        self->streaming = true;
        conn_stream_begin(c, 200);
        conn_stream_write(c, "[", 1);
    }
    put_page(self, page);
    if (self->left > 0)
        self->left -= (int64_t)json_array_size(page);
    if (json_is_integer(next) && self->left != 0 && json_integer_value(next) > self->from && conn_wants_body(c)) {
        self->from = json_integer_value(next);
        conn_stream_drained(c, ask_page, self); /* the client's pace is ours */
        return;
    }
    conn_stream_write(c, "]\n", 2);
    end(self);
    conn_stream_end(c);
}

static void ask_page(void *arg)
{
    struct exchange *self = arg;
    uint8_t buf[64];
    struct cursor_out args = cursor_out_over(buf, sizeof buf);
    int64_t limit = self->left < 0 || self->left > PAGE_BLOCKS ? PAGE_BLOCKS : self->left;
    cursor_put_map(&args, 2);
    cursor_put_str(&args, "from");
    cursor_put_u64(&args, (uint64_t)self->from);
    cursor_put_str(&args, "limit");
    cursor_put_u64(&args, (uint64_t)limit);
    ask(self, "blocks", cursor_out_view(&args), ANSWER_MS, have_page);
}

void routes_demo_blocks(struct conn *c)
{
    static const char *const keys[] = {"from", "limit", NULL};
    char unknown[64];
    long long from = 0, limit = -1;
    const char *query = conn_query(c);
    if (query_known(query, keys, unknown, sizeof unknown) < 0)
        conn_fail(c, 400, "%s: unknown query parameter", unknown);
    else if (query_number(query, "from", &from) < 0)
        conn_fail(c, 400, "from: is not a block height");
    else if (query_number(query, "limit", &limit) < 0 || limit == 0)
        conn_fail(c, 400, "limit: is not a number of blocks, 1 or more");
    else {
        struct exchange *self = begin(c);
        self->from = from;
        self->left = limit;
        ask_page(self);
    }
}

/* --- POST /blocks, POST /mine --- */

static void answer_mined(struct exchange *self, json_t *result, bool more)
{
    (void)more;
    char duration[DEMOJSON_DURATION_CAP];
    json_t *body = json_object(), *last = json_array_get(self->blocks, json_array_size(self->blocks) - 1);
    demojson_duration(duration, now_ns(CLOCK_MONOTONIC) - self->begun_ns);
    if (self->single)
        json_object_set(body, "block", last);
    else {
        json_object_set(body, "blocks", self->blocks);
        json_object_set_new(body, "goroutines", json_integer(self->asked));
        json_int_t height = json_integer_value(json_object_get(last, "index"));
        json_object_set_new(body, "total_blocks", json_integer(height + 1));
    }
    json_object_set_new(body, "duration", json_string(duration));
    demojson_cost(body, self->first, result);
    if (self->single)
        json_object_set_new(body, "heap_objects",
                            json_integer((json_int_t)demojson_metric(result, "/gc/heap/objects:objects")));
    reply(self, self->single ? 201 : 200, body);
}

/* The payload of the i-th block. The demo's label goes behind the data of /mine, unless that would make it too long. */
static void put_payload(struct exchange *self, struct cursor_out *args, int i)
{
    char label[LABEL_CAP], payload[BODY_DATA_MAX];
    size_t len = self->body.data_len, label_len = (size_t)snprintf(label, sizeof label, "-worker-%d", i);
    memcpy(payload, self->body.data, len);
    if (!self->single && len + label_len <= sizeof payload) {
        memcpy(payload + len, label, label_len);
        len += label_len;
    }
    cursor_put_bin(args, payload, len);
}

static void have_block(struct exchange *self, json_t *result, bool more);

/* Hands in the next payloads, as many as one question takes. */
static void ask_batch(struct exchange *self)
{
    uint8_t *buf = malloc(MESSAGE_ARGS_LEN);
    CHECK(buf != NULL);
    struct cursor_out args = cursor_out_over(buf, MESSAGE_ARGS_LEN);
    size_t fit = BATCH_BYTES / (self->body.data_len + LABEL_CAP + PAYLOAD_OVERHEAD);
    self->batch = self->asked - self->mined;
    if ((size_t)self->batch > fit)
        self->batch = (int)fit;
    if (self->batch > BATCH_PAYLOADS)
        self->batch = BATCH_PAYLOADS;
    cursor_put_map(&args, 1);
    cursor_put_str(&args, "data");
    cursor_put_array(&args, (uint32_t)self->batch);
    for (int i = 0; i < self->batch; i++)
        put_payload(self, &args, self->mined + i);
    ask(self, "mine", cursor_out_view(&args), 0, have_block);
    free(buf);
}

static void have_block(struct exchange *self, json_t *result, bool more)
{
    const json_t *block = json_object_get(result, "block");
    if (json_is_object(block)) {
        json_array_append_new(self->blocks, demojson_block(block));
        self->mined++;
        self->batch--;
    }
    if (more)
        return;
    if (self->batch > 0)
        fail(self, ERR_STATE, NULL); /* the coordinator ended the batch early: it is stopping */
    else if (self->mined < self->asked)
        ask_batch(self);
    else
        ask(self, "stats", no_args, ANSWER_MS, answer_mined);
}

static void have_before(struct exchange *self, json_t *result, bool more)
{
    (void)more;
    self->first = json_incref(result);
    self->begun_ns = now_ns(CLOCK_MONOTONIC);
    ask_batch(self);
}

static void mine(struct conn *c, bool single)
{
    size_t len;
    struct body body;
    char error[BODY_ERROR_CAP];
    const char *text = conn_body(c, &len);
    if (body_read(&body, text, len, !single, error) < 0) {
        conn_fail(c, 400, "%s", error);
        return;
    }
    struct exchange *self = begin(c);
    self->body = body;
    self->single = single;
    self->asked = body.goroutines;
    self->blocks = json_array();
    ask(self, "stats", no_args, ANSWER_MS, have_before);
}

void routes_demo_add(struct conn *c)
{
    mine(c, true);
}

void routes_demo_mine(struct conn *c)
{
    mine(c, false);
}
