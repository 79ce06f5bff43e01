/* conn.h - one connection of evhttp's: counted, clocked, guarded; its request goes to a handler and its answer back.
 * Threads: the one that runs the event base. Memory: malloc; evhttp owns the connection, and ours ends with it.
 *
 * One request at a time: the handler is called with a whole, permitted request and answers now or later by exactly one
 * of conn_reply, conn_fail, or conn_stream_begin ... conn_stream_end. Pipelined requests wait in evhttp. */
#ifndef COORDINATOR_HTTP_CONN_H
#define COORDINATOR_HTTP_CONN_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <rt/attr.h>

struct bufferevent;
struct conn;
struct event_base;
struct evhttp;
struct evhttp_request;
struct upstream;

/* What the connections of one server share. */
struct conn_env {
    struct event_base *base;
    struct upstream *upstream;     /* for handlers */
    const char *hosts;             /* hostguard_host; may be NULL */
    void (*handle)(struct conn *); /* a whole, permitted request is there */
    unsigned max;                  /* connections; more are answered 503 and closed */
    int idle_ms;                   /* between requests */
    int request_ms;                /* from the first byte of a request to its last */
    int write_ms;                  /* without progress of an answer */
    /* conn.c's */
    struct conn *list;
    unsigned count;
};

/* Makes http's connections conns: sets its callbacks and limits. env is borrowed until conn_free_all. */
void conn_serve(struct evhttp *http, struct conn_env *env);
/* The program stops: requests in flight are answered 503, streams are cut. */
void conn_stop_all(struct conn_env *env);
/* Closes those with nothing left to write; returns how many are left. */
unsigned conn_close_idle(struct conn_env *env);
/* After evhttp_free: frees what evhttp never told the end of. */
void conn_free_all(struct conn_env *env);

/* For handlers. The strings are valid until the answer. */
const char *conn_method(const struct conn *self); /* GET, HEAD, POST; "" for any other */
const char *conn_path(const struct conn *self);
const char *conn_query(const struct conn *self); /* behind "?", not decoded; NULL when there is none */
const char *conn_body(const struct conn *self, size_t *len);
/* False for HEAD, which is answered as GET is, without the body. */
bool conn_wants_body(const struct conn *self);
struct upstream *conn_upstream(const struct conn *self);
/* fn(arg) is called once if the client goes away or the program stops before the answer is complete; the handler then
 * cancels its questions and frees what it holds. It must not answer any more. */
void conn_on_gone(struct conn *self, void (*fn)(void *arg), void *arg);
/* Answers with status and body (stolen); allow is the value of an Allow header, or NULL. */
void conn_reply(struct conn *self, int status, json_t *body, const char *allow);
/* Answers {"error": "..."}; the connection is kept. */
PRINTF_LIKE(3, 4) void conn_fail(struct conn *self, int status, const char *format, ...);
/* An answer of unknown length, in pieces. conn_stream_drained sends what was written so far; drained(arg) is called
 * once, when that is on its way (never when the client does not want a body). conn_stream_abort leaves the answer
 * visibly incomplete and closes: self is gone, and so is what conn_on_gone frees. */
void conn_stream_begin(struct conn *self, int status);
void conn_stream_write(struct conn *self, const char *data, size_t len);
void conn_stream_drained(struct conn *self, void (*fn)(void *arg), void *arg);
void conn_stream_end(struct conn *self);
void conn_stream_abort(struct conn *self);
/* body as text with a newline; < > & are written as \u003c \u003e \u0026, so that no browser sees markup in it. The
 * caller frees it. */
char *conn_text(const json_t *body, size_t *len);

#endif
