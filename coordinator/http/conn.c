#include "coordinator/http/conn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "common/base/check.h"
#include "common/log/log.h"
#include "coordinator/http/hostguard.h"

enum {
    INPUT_MAX = REQUEST_HEAD_MAX + REQUEST_BODY_MAX, /* of pipelined bytes while an answer is due; more is abuse */
    OUTPUT_MAX = 65536,                              /* unread answers, above which no further request is looked at */
};

/* RECEIVING: idle, or part of a request is there. BUSY: the handler owes an answer. LINGERING: the last answer is on
 * its way or out; input is thrown away until the client closes, or else its kernel might drop our answer on the reset.
 */
enum phase { RECEIVING, BUSY, LINGERING };

struct conn {
    const struct conn_env *env;
    struct bufferevent *bev;
    struct event *timer;
    struct request *request;
    enum phase phase;
    bool request_clock; /* the timer runs for the request, not for idleness */
    bool advancing;     /* advance() is on the stack */
    bool streaming, chunked;
    bool close_after; /* this answer is the last one */
    bool shut;        /* our half is closed */
    void (*on_gone)(void *arg);
    void *gone_arg;
    void (*on_drained)(void *arg);
    void *drained_arg;
    struct sockaddr_storage local;
};

static void advance(struct conn *self);

static void start_timer(struct conn *self, int ms)
{
    const struct timeval after = {ms / 1000, ms % 1000 * 1000};
    event_add(self->timer, &after);
}

static size_t unwritten(const struct conn *self)
{
    return evbuffer_get_length(bufferevent_get_output(self->bev));
}

static void tell_gone(struct conn *self)
{
    void (*fn)(void *) = self->on_gone;
    self->on_gone = NULL;
    self->on_drained = NULL;
    if (fn)
        fn(self->gone_arg);
}

void conn_close(struct conn *self)
{
    tell_gone(self);
    self->env->gone(self->env->gone_arg, self);
    event_free(self->timer);
    bufferevent_free(self->bev);
    request_free(&self->request);
    free(self);
}

/* Closes our half once all is written, and waits a little for the client's. */
static void linger(struct conn *self)
{
    self->phase = LINGERING;
    struct evbuffer *in = bufferevent_get_input(self->bev);
    evbuffer_drain(in, evbuffer_get_length(in));
    if (self->shut || unwritten(self) > 0)
        return;
    self->shut = true;
    shutdown(bufferevent_getfd(self->bev), SHUT_WR);
    start_timer(self, self->env->linger_ms);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct conn *self = arg;
    if (self->phase == RECEIVING && self->request_clock) {
        self->close_after = true;
        self->phase = BUSY;
        conn_fail(self, 408, "the request took longer than %d ms", self->env->request_ms);
        return;
    }
    conn_close(self);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    (void)bev;
    if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT))
        conn_close(arg);
}

static void on_read(struct bufferevent *bev, void *arg)
{
    struct conn *self = arg;
    struct evbuffer *in = bufferevent_get_input(bev);
    if (self->phase == LINGERING)
        evbuffer_drain(in, evbuffer_get_length(in));
    else if (self->phase == BUSY && evbuffer_get_length(in) > INPUT_MAX)
        conn_close(self);
    else
        advance(self);
}

/* The output is empty. */
static void on_written(struct bufferevent *bev, void *arg)
{
    (void)bev;
    struct conn *self = arg;
    if (self->phase == LINGERING)
        linger(self);
    else if (self->on_drained) {
        void (*fn)(void *) = self->on_drained;
        self->on_drained = NULL;
        fn(self->drained_arg);
    } else
        advance(self);
}

struct conn *conn_new(const struct conn_env *env, int fd)
{
    struct conn *self = calloc(1, sizeof *self);
    CHECK(self != NULL);
    self->env = env;
    self->request = request_new();
    socklen_t len = sizeof self->local;
    if (getsockname(fd, (struct sockaddr *)&self->local, &len) < 0)
        self->local.ss_family = AF_UNSPEC; /* matches no Host literal but loopback's */
    self->timer = evtimer_new(env->base, on_timer, self);
    self->bev = bufferevent_socket_new(env->base, fd, BEV_OPT_CLOSE_ON_FREE);
    CHECK(self->timer != NULL && self->bev != NULL);
    const struct timeval write_limit = {env->write_ms / 1000, env->write_ms % 1000 * 1000};
    bufferevent_set_timeouts(self->bev, NULL, &write_limit);
    bufferevent_setcb(self->bev, on_read, on_written, on_event, self);
    bufferevent_enable(self->bev, EV_READ | EV_WRITE);
    start_timer(self, env->idle_ms);
    return self;
}

/* Whether a whole request may be handled; answers it if not. */
static bool permitted(struct conn *self)
{
    const char *host = request_host(self->request), *origin = request_origin(self->request);
    if (!hostguard_host(host, &self->local, self->env->hosts)) {
        LOG_WARN("http_host_refused", "host=%s", host);
        self->close_after = true;
        conn_fail(self, 421, "the Host is not one of ours");
        return false;
    }
    if (origin && !hostguard_origin(origin, &self->local, self->env->hosts)) {
        LOG_WARN("http_origin_refused", "origin=%s", origin);
        self->close_after = true;
        conn_fail(self, 403, "requests of pages from elsewhere are refused");
        return false;
    }
    return true;
}

static void start_request(struct conn *self)
{
    event_del(self->timer);
    self->request_clock = false;
    self->phase = BUSY;
    self->close_after = !request_keep_alive(self->request);
    if (permitted(self))
        self->env->handle(self);
}

static void refuse(struct conn *self, int status)
{
    self->phase = BUSY;
    self->close_after = true;
    conn_fail(self, status, "%s", request_reason(self->request));
}

static void keep_clock(struct conn *self)
{
    if (request_begun(self->request) && !self->request_clock) {
        self->request_clock = true;
        start_timer(self, self->env->request_ms);
    }
    if (request_wants_continue(self->request)) {
        static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
        bufferevent_write(self->bev, go_on, sizeof go_on - 1);
    }
}

/* Feeds what has come to the request, and starts it when whole; again for pipelined ones that were answered at once. */
static void advance(struct conn *self)
{
    struct evbuffer *in = bufferevent_get_input(self->bev);
    if (self->advancing)
        return;
    self->advancing = true;
    while (self->phase == RECEIVING && evbuffer_get_length(in) > 0 && unwritten(self) <= OUTPUT_MAX) {
        size_t len = evbuffer_get_contiguous_space(in), used;
        int status = request_feed(self->request, (const char *)evbuffer_pullup(in, (ev_ssize_t)len), len, &used);
        evbuffer_drain(in, used);
        if (status >= 400)
            refuse(self, status);
        else if (status == 1)
            start_request(self);
        else
            keep_clock(self);
    }
    self->advancing = false;
}

void conn_stop(struct conn *self)
{
    bool due = self->phase == BUSY && !self->streaming;
    if (self->streaming) {
        conn_stream_abort(self);
        return;
    }
    tell_gone(self);
    self->close_after = true;
    if (due)
        conn_fail(self, 503, "the coordinator is stopping; what was posted stays queued");
    else
        linger(self);
}

bool conn_is_writing(const struct conn *self)
{
    return unwritten(self) > 0;
}

const struct request *conn_request(const struct conn *self)
{
    return self->request;
}

struct upstream *conn_upstream(const struct conn *self)
{
    return self->env->upstream;
}

void conn_on_gone(struct conn *self, void (*fn)(void *arg), void *arg)
{
    self->on_gone = fn;
    self->gone_arg = arg;
}

/* The answer is complete. */
static void finish(struct conn *self)
{
    CHECK(self->phase == BUSY);
    self->on_gone = NULL;
    self->on_drained = NULL;
    self->streaming = false;
    if (self->close_after) {
        linger(self);
        return;
    }
    request_reset(self->request);
    self->phase = RECEIVING;
    start_timer(self, self->env->idle_ms);
    advance(self);
}

static const char *status_text(int status)
{
    static const struct {
        int status;
        const char *text;
    } table[] = {
        {200, "OK"},
        {201, "Created"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {413, "Content Too Large"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].status == status)
            return table[i].text;
    return "Unknown";
}

static void put_head(struct conn *self, int status, const char *extra)
{
    time_t now = time(NULL);
    struct tm utc;
    char date[64];
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &utc));
    evbuffer_add_printf(bufferevent_get_output(self->bev),
                        "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n"
                        "X-Content-Type-Options: nosniff\r\n%s%s",
                        status, status_text(status), date, self->close_after ? "Connection: close\r\n" : "",
                        extra ? extra : "");
}

/* HEAD is answered as GET is, without the body. */
static bool wants_body(const struct conn *self)
{
    const char *method = request_method(self->request);
    return !method || strcmp(method, "HEAD") != 0;
}

char *conn_text(const json_t *body, size_t *len)
{
    char *plain = json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    CHECK(plain != NULL);
    size_t n = strlen(plain), at = 0;
    char *text = malloc(6 * n + 2);
    CHECK(text != NULL);
    for (size_t i = 0; i < n; i++) {
        /* outside of strings JSON has none of the three */
        if (plain[i] == '<' || plain[i] == '>' || plain[i] == '&')
            at += (size_t)snprintf(text + at, 7, "\\u%04x", (unsigned char)plain[i]);
        else
            text[at++] = plain[i];
    }
    text[at++] = '\n';
    text[at] = '\0';
    free(plain);
    *len = at;
    return text;
}

void conn_reply(struct conn *self, int status, json_t *body, const char *extra)
{
    size_t len;
    char *text = conn_text(body, &len);
    json_decref(body);
    put_head(self, status, extra);
    struct evbuffer *out = bufferevent_get_output(self->bev);
    evbuffer_add_printf(out, "Content-Length: %zu\r\n\r\n", len);
    if (wants_body(self))
        evbuffer_add(out, text, len);
    free(text);
    finish(self);
}

void conn_fail(struct conn *self, int status, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    json_t *error = json_string(text);
    if (!error) { /* words of the client's, cut inside a character */
        for (char *at = text; *at; at++)
            *at = (char)((unsigned char)*at < 0x80 ? *at : '?');
        error = json_string(text);
    }
    conn_reply(self, status, json_pack("{s:o}", "error", error), NULL);
}

void conn_stream_begin(struct conn *self, int status)
{
    self->streaming = true;
    self->chunked = request_is_http11(self->request);
    self->close_after |= !self->chunked;
    put_head(self, status, self->chunked ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n");
}

void conn_stream_write(struct conn *self, const char *data, size_t len)
{
    struct evbuffer *out = bufferevent_get_output(self->bev);
    if (len == 0 || !wants_body(self))
        return;
    if (self->chunked)
        evbuffer_add_printf(out, "%zx\r\n", len);
    evbuffer_add(out, data, len);
    if (self->chunked)
        evbuffer_add(out, "\r\n", 2);
}

void conn_stream_drained(struct conn *self, void (*fn)(void *arg), void *arg)
{
    self->on_drained = fn;
    self->drained_arg = arg;
    if (unwritten(self) == 0) /* HEAD: nothing was written, so nothing would tell */
        bufferevent_trigger(self->bev, EV_WRITE, BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

void conn_stream_end(struct conn *self)
{
    if (self->chunked && wants_body(self))
        evbuffer_add(bufferevent_get_output(self->bev), "0\r\n\r\n", 5);
    finish(self);
}

void conn_stream_abort(struct conn *self)
{
    tell_gone(self);
    self->close_after = true;
    self->streaming = false;
    linger(self);
}
