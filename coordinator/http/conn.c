#include "coordinator/http/conn.h"

#include <sys/queue.h> /* before the event headers */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>

#include "common/base/check.h"
#include "common/log/log.h"
#include "coordinator/http/guard.h"
#include "coordinator/http/hostguard.h"

enum { INPUT_MAX = 2 * (GUARD_HEAD_MAX + GUARD_BODY_MAX) }; /* bytes read ahead of what evhttp has parsed */

/* FRESH: accepted, evhttp's connection not known yet. RECEIVING: idle, or part of a request is there. BUSY: the handler
 * owes an answer, or goes on streaming it. WRITING: the whole answer is with evhttp. */
enum phase { FRESH, RECEIVING, BUSY, WRITING };

struct conn {
    struct conn_env *env;
    struct conn *next;
    struct bufferevent *bev; /* evhttp's; while FRESH one reference is ours */
    struct evhttp_connection *evcon;
    struct evhttp_request *request; /* while BUSY; evhttp's unless the connection ends first */
    struct event *timer;
    struct event *hangup;         /* the client's end, while evhttp does not read */
    struct evbuffer_cb_entry *in; /* tells of bytes that came */
    struct evbuffer *piece;       /* of the stream, not yet sent */
    enum phase phase;
    bool surplus;       /* there was no room for it when it came */
    bool request_clock; /* the timer runs for the request, not for idleness */
    bool streaming;
    bool closing; /* this answer is the last one */
    void (*on_gone)(void *arg);
    void *gone_arg;
    void (*on_drained)(void *arg);
    void *drained_arg;
    struct sockaddr_storage local;
};

static void start_timer(struct conn *self, int ms)
{
    const struct timeval after = {ms / 1000, ms % 1000 * 1000};
    event_add(self->timer, &after);
}

static void tell_gone(struct conn *self)
{
    void (*fn)(void *) = self->on_gone;
    self->on_gone = NULL;
    self->on_drained = NULL;
    if (fn)
        fn(self->gone_arg);
}

static void release(struct conn *self)
{
    struct conn **at = &self->env->list;
    while (*at != self)
        at = &(*at)->next;
    *at = self->next;
    self->env->count--;
    event_free(self->timer);
    if (self->hangup)
        event_free(self->hangup);
    evbuffer_free(self->piece);
    free(self);
}

/* evhttp is about to free the connection, whoever wanted that. */
static void on_close(struct evhttp_connection *evcon, void *arg)
{
    (void)evcon;
    struct conn *self = arg;
    tell_gone(self);
    /* A request that evhttp took off the connection is its handler's to free. */
    if (self->request && !evhttp_request_get_connection(self->request))
        evhttp_request_free(self->request);
    evbuffer_remove_cb_entry(bufferevent_get_input(self->bev), self->in);
    release(self);
}

/* Says it in one write past evhttp, which a socket with nothing to write always takes, and closes. */
static void say_and_close(struct conn *self, const char *status, const char *error)
{
    char text[512];
    int len = snprintf(text, sizeof text,
                       "HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
                       "Connection: close\r\n\r\n{\"error\":\"%s\"}",
                       status, strlen(error) + 12, error);
    if (evbuffer_get_length(bufferevent_get_output(self->bev)) == 0)
        (void)send(bufferevent_getfd(self->bev), text, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
    evhttp_connection_free(self->evcon);
}

static void on_input(struct evbuffer *in, const struct evbuffer_cb_info *info, void *arg)
{
    (void)in;
    struct conn *self = arg;
    if (info->n_added == 0 || self->phase != RECEIVING || self->request_clock)
        return;
    self->request_clock = true;
    start_timer(self, self->env->request_ms);
}

/* evhttp tells of a connection before it has made it, and then only of requests: the connection itself is found as the
 * argument of the callbacks that it set on our bufferevent. */
static void adopt(struct conn *self)
{
    bufferevent_data_cb on_read, on_write;
    bufferevent_event_cb on_event;
    void *evcon;
    bufferevent_getcb(self->bev, &on_read, &on_write, &on_event, &evcon);
    bool closed = !on_event; /* before we could look */
    self->phase = RECEIVING;
    if (bufferevent_decref(self->bev) || closed) {
        release(self);
        return;
    }
    CHECK(evhttp_connection_get_bufferevent(evcon) == self->bev);
    self->evcon = evcon;
    evhttp_connection_set_closecb(self->evcon, on_close, self);
    self->in = evbuffer_add_cb(bufferevent_get_input(self->bev), on_input, self);
    CHECK(self->in != NULL);
    if (self->surplus) {
        LOG_WARN("http_full", "connections=%u", self->env->max);
        say_and_close(self, "503 Service Unavailable", "too many connections");
        return;
    }
    /* evhttp's own limits are for silence only, and would cut a long answer: the timer is for reading. */
    const struct timeval write_limit = {self->env->write_ms / 1000, self->env->write_ms % 1000 * 1000};
    bufferevent_set_timeouts(self->bev, NULL, &write_limit);
    bufferevent_setwatermark(self->bev, EV_READ, 0, INPUT_MAX);
    socklen_t len = sizeof self->local;
    if (getsockname(bufferevent_getfd(self->bev), (struct sockaddr *)&self->local, &len) < 0)
        self->local.ss_family = AF_UNSPEC; /* matches no Host literal but loopback's */
    start_timer(self, self->env->idle_ms);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    struct conn *self = arg;
    if (self->phase == FRESH)
        adopt(self);
    else if (self->request_clock)
        say_and_close(self, "408 Request Timeout", "the request took too long");
    else
        evhttp_connection_free(self->evcon);
}

/* evhttp asks for the bufferevent of a new connection. */
static struct bufferevent *on_accepted(struct event_base *base, void *arg)
{
    struct conn_env *env = arg;
    struct conn *self = calloc(1, sizeof *self);
    CHECK(self != NULL);
    self->env = env;
    self->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
    self->timer = evtimer_new(base, on_timer, self);
    self->piece = evbuffer_new();
    CHECK(self->bev != NULL && self->timer != NULL && self->piece != NULL);
    self->surplus = env->count >= env->max;
    self->next = env->list;
    env->list = self;
    env->count++;
    bufferevent_incref(self->bev);
    event_active(self->timer, EV_TIMEOUT, 0);
    return self->bev;
}

/* The client is gone: evhttp, which does not read while an answer is due, would not see it. */
static void on_hangup(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what;
    evhttp_connection_free(((struct conn *)arg)->evcon);
}

static void unwatch(struct conn *self)
{
    if (self->hangup)
        event_free(TAKE(self->hangup));
}

/* The answer is written. evhttp goes on to the next request, or closes. */
static void on_complete(struct evhttp_request *req, void *arg)
{
    (void)req;
    struct conn *self = arg;
    self->phase = RECEIVING;
    if (self->closing) { /* before evhttp, which keeps CONNECT's connection whatever we say, looks at its input */
        event_active(self->timer, EV_TIMEOUT, 0);
        return;
    }
    self->request_clock = evbuffer_get_length(bufferevent_get_input(self->bev)) > 0;
    start_timer(self, self->request_clock ? self->env->request_ms : self->env->idle_ms);
}

static void set_header(struct conn *self, const char *name, const char *value)
{
    CHECK(evhttp_add_header(evhttp_request_get_output_headers(self->request), name, value) == 0);
}

static void close_after(struct conn *self)
{
    self->closing = true;
    set_header(self, "Connection", "close");
}

/* Whether the request may be handled; answers it if not. */
static bool permitted(struct conn *self)
{
    const struct evkeyvalq *fields = evhttp_request_get_input_headers(self->request);
    const char *why;
    int status = guard_check(self->request, &why);
    if (!status) {
        const char *host = evhttp_find_header(fields, "Host"), *origin = evhttp_find_header(fields, "Origin");
        if (!hostguard_host(host, &self->local, self->env->hosts)) {
            LOG_WARN("http_host_refused", "host=%s", host);
            status = 421;
            why = "the Host is not one of ours";
        } else if (origin && !hostguard_origin(origin, &self->local, self->env->hosts)) {
            LOG_WARN("http_origin_refused", "origin=%s", origin);
            status = 403;
            why = "requests of pages from elsewhere are refused";
        }
    }
    /* A method that is none of ours may be no method at all: evhttp does not say what stood there. */
    if (status || self->request->minor == 0 || !*conn_method(self))
        close_after(self);
    if (status)
        conn_fail(self, status, "%s", why);
    return !status;
}

static void on_request(struct evhttp_request *req, void *arg)
{
    struct conn_env *env = arg;
    struct conn *self = env->list;
    while (self && self->evcon != evhttp_request_get_connection(req))
        self = self->next;
    CHECK(self != NULL);
    if (self->closing)
        return; /* the timer is about to end it */
    event_del(self->timer);
    self->request_clock = false;
    self->phase = BUSY;
    self->request = req;
    evhttp_request_set_on_complete_cb(req, on_complete, self);
    self->hangup = event_new(env->base, bufferevent_getfd(self->bev), EV_CLOSED, on_hangup, self);
    CHECK(self->hangup != NULL);
    event_add(self->hangup, NULL);
    if (permitted(self))
        env->handle(self);
}

void conn_serve(struct evhttp *http, struct conn_env *env)
{
    evhttp_set_max_headers_size(http, GUARD_HEAD_MAX);
    evhttp_set_max_body_size(http, GUARD_BODY_MAX);
    evhttp_set_allowed_methods(http, UINT16_MAX); /* the routes know which, and say it */
    evhttp_set_bevcb(http, on_accepted, env);
    evhttp_set_gencb(http, on_request, env);
}

void conn_stop_all(struct conn_env *env)
{
    for (struct conn *self = env->list, *next; self; self = next) {
        next = self->next;
        if (self->phase != BUSY)
            continue;
        if (self->streaming) {
            conn_stream_abort(self);
            continue;
        }
        tell_gone(self);
        close_after(self);
        conn_fail(self, 503, "the coordinator is stopping; what was posted stays queued");
    }
}

unsigned conn_close_idle(struct conn_env *env)
{
    for (struct conn *self = env->list, *next; self; self = next) {
        next = self->next;
        if (self->phase == RECEIVING && evbuffer_get_length(bufferevent_get_output(self->bev)) == 0)
            evhttp_connection_free(self->evcon);
    }
    return env->count;
}

void conn_free_all(struct conn_env *env)
{
    for (struct conn *self = env->list, *next; self; self = next) { /* FRESH ones */
        next = self->next;
        bufferevent_decref(self->bev);
        release(self);
    }
}

const char *conn_method(const struct conn *self)
{
    switch (evhttp_request_get_command(self->request)) {
    case EVHTTP_REQ_GET:
        return "GET";
    case EVHTTP_REQ_HEAD:
        return "HEAD";
    case EVHTTP_REQ_POST:
        return "POST";
    default:
        return "";
    }
}

const char *conn_path(const struct conn *self)
{
    return evhttp_uri_get_path(evhttp_request_get_evhttp_uri(self->request));
}

const char *conn_query(const struct conn *self)
{
    return evhttp_uri_get_query(evhttp_request_get_evhttp_uri(self->request));
}

const char *conn_body(const struct conn *self, size_t *len)
{
    struct evbuffer *in = evhttp_request_get_input_buffer(self->request);
    *len = evbuffer_get_length(in);
    return *len > 0 ? (const char *)evbuffer_pullup(in, -1) : "";
}

bool conn_wants_body(const struct conn *self)
{
    return evhttp_request_get_command(self->request) != EVHTTP_REQ_HEAD;
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

/* The answer is complete for us: what follows is evhttp's. */
static struct evhttp_request *hand_over(struct conn *self)
{
    CHECK(self->phase == BUSY);
    unwatch(self);
    self->on_gone = NULL;
    self->on_drained = NULL;
    self->streaming = false;
    self->phase = WRITING;
    return TAKE(self->request);
}

/* What evhttp has no words for. */
static const char *status_text(int status)
{
    switch (status) {
    case 421:
        return "Misdirected Request";
    case 504:
        return "Gateway Timeout";
    default:
        return NULL;
    }
}

static void put_head(struct conn *self)
{
    set_header(self, "Content-Type", "application/json");
    set_header(self, "Cache-Control", "no-store");
    set_header(self, "X-Content-Type-Options", "nosniff");
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

void conn_reply(struct conn *self, int status, json_t *body, const char *allow)
{
    size_t len;
    char *text = conn_text(body, &len);
    json_decref(body);
    put_head(self);
    if (allow)
        set_header(self, "Allow", allow);
    if (conn_wants_body(self))
        evbuffer_add(self->piece, text, len);
    else { /* evhttp would send what it is given, to HEAD too */
        char digits[24];
        snprintf(digits, sizeof digits, "%zu", len);
        set_header(self, "Content-Length", digits);
    }
    free(text);
    evhttp_send_reply(hand_over(self), status, status_text(status), self->piece);
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
    unwatch(self); /* evhttp reads while it writes */
    self->streaming = true;
    put_head(self);
    evhttp_send_reply_start(self->request, status, status_text(status));
}

void conn_stream_write(struct conn *self, const char *data, size_t len)
{
    if (conn_wants_body(self))
        evbuffer_add(self->piece, data, len);
}

static void on_sent(struct evhttp_connection *evcon, void *arg)
{
    (void)evcon;
    struct conn *self = arg;
    void (*fn)(void *) = self->on_drained;
    self->on_drained = NULL;
    if (fn)
        fn(self->drained_arg);
}

void conn_stream_drained(struct conn *self, void (*fn)(void *arg), void *arg)
{
    self->on_drained = fn;
    self->drained_arg = arg;
    evhttp_send_reply_chunk_with_cb(self->request, self->piece, on_sent, self);
}

void conn_stream_end(struct conn *self)
{
    evhttp_send_reply_chunk(self->request, self->piece);
    evhttp_send_reply_end(hand_over(self));
}

void conn_stream_abort(struct conn *self)
{
    evhttp_connection_free(self->evcon);
}
