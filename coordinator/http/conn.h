/* conn.h - one HTTP connection: bytes in, requests out to a handler, answers back; deadlines, keep-alive, closing.
 * Threads: the one that runs the event base. Memory: malloc; a connection frees itself when it ends and tells its
 * owner.
 *
 * One request at a time: the handler is called with a whole request and answers now or later by exactly one of
 * conn_reply, conn_fail, or conn_stream_begin ... conn_stream_end. Pipelined requests wait in the input buffer. */
#ifndef COORDINATOR_HTTP_CONN_H
#define COORDINATOR_HTTP_CONN_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <rt/attr.h>

#include "coordinator/http/request.h"

struct conn;
struct event_base;
struct upstream;

struct conn_env {
    struct event_base *base;
    struct upstream *upstream;               /* for handlers */
    const char *hosts;                       /* hostguard_host; may be NULL */
    void (*handle)(struct conn *c);          /* a whole, permitted request is there */
    void (*gone)(void *arg, struct conn *c); /* the connection ends: do not use c any more */
    void *gone_arg;
    int idle_ms;    /* between requests */
    int request_ms; /* from the first byte of a request to its last */
    int write_ms;   /* without progress of an answer */
    int linger_ms;  /* after the last answer, for the client to read it */
};

/* Takes the connected, non-blocking socket fd. Never NULL. env is borrowed for the life of the connection. */
struct conn *conn_new(const struct conn_env *env, int fd);
/* Ends it at once: the pending answer's owner is told by conn_on_gone's function, then env->gone is called. */
void conn_close(struct conn *self);
/* The program stops: a request in flight is answered 503, then the connection is closed as soon as that is written. */
void conn_stop(struct conn *self);
/* True while an answer is on its way out. */
bool conn_is_writing(const struct conn *self);

/* For handlers. */
const struct request *conn_request(const struct conn *self);
struct upstream *conn_upstream(const struct conn *self);
/* fn(arg) is called once if the client goes away or the program stops before the answer is complete; the handler then
 * cancels its questions and frees what it holds. It must not answer any more. */
void conn_on_gone(struct conn *self, void (*fn)(void *arg), void *arg);
/* Answers with status and body (stolen); extra is further header lines, each with its CR LF, or NULL. */
void conn_reply(struct conn *self, int status, json_t *body, const char *extra);
/* Answers {"error": "..."}; the connection is kept. */
PRINTF_LIKE(3, 4) void conn_fail(struct conn *self, int status, const char *format, ...);
/* An answer of unknown length, in pieces. conn_stream_abort leaves it visibly incomplete and closes. drained(arg) is
 * called once, when what was written so far is on its way. */
void conn_stream_begin(struct conn *self, int status);
void conn_stream_write(struct conn *self, const char *data, size_t len);
void conn_stream_drained(struct conn *self, void (*fn)(void *arg), void *arg);
void conn_stream_end(struct conn *self);
void conn_stream_abort(struct conn *self);
/* body as text with a newline; < > & are written as \u003c \u003e \u0026, so that no browser sees markup in it. The
 * caller frees it. */
char *conn_text(const json_t *body, size_t *len);

#endif
