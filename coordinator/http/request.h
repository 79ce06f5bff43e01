/* request.h - one HTTP/1.1 request off the wire, read strictly: what two parsers could understand in two ways is
 * refused (RFC 9110 and 9112; the lenient cases that servers are attacked with are listed in the tests). Pure. Threads:
 * any, one at a time per request. Memory: malloc; the body grows with what has arrived, not with what was announced.
 *
 * Refused beyond the RFCs' "MUST": bare LF, a NUL or control character anywhere in the head, obsolete line folding, an
 * absolute or authority-form target, chunk extensions and trailers, a body on GET or HEAD, Content-Length twice even if
 * equal, HTTP/1.0 without Host. */
#ifndef COORDINATOR_HTTP_REQUEST_H
#define COORDINATOR_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include <rt/attr.h>

enum {
    REQUEST_HEAD_MAX = 8192,  /* bytes of request line and fields, with their line ends */
    REQUEST_BODY_MAX = 65536, /* bytes, decoded */
    REQUEST_METHOD_MAX = 16,
};

struct request;

struct request *request_new(void); /* never NULL; caller owns */
void request_free(struct request **self_p);
/* Forgets everything: ready for the next request of the connection. */
void request_reset(struct request *self);

/* Takes bytes of the connection. *used is how many belong to this request; those behind are the next one's.
 * 0: all used, more are needed. 1: the request is whole. An HTTP status of 400 or more: refused (400 malformed, 413
 * body too large, 417 unknown expectation, 431 head too large, 501 unknown transfer coding); request_reason then says
 * why, nothing more may be fed and the connection has to be closed, for its framing is not known. */
int request_feed(struct request *self, const char *data, size_t len, size_t *used) MUST_CHECK;
const char *request_reason(const struct request *self); /* static storage */

/* True once, when the head is whole and the client waits for "100 Continue" before it sends the body. */
bool request_wants_continue(struct request *self);
/* True when a byte of the request has arrived and it is not whole yet: the slow-request clock runs. */
bool request_begun(const struct request *self);

/* Of a whole request; strings and body are owned by the request and valid until reset or free. */
const char *request_method(const struct request *self); /* as sent: "GET" */
const char *request_path(const struct request *self);   /* percent-decoded; no "." or ".." segment, no "//", no NUL */
const char *request_query(const struct request *self);  /* behind "?", not decoded; "" when there is none */
const char *request_host(const struct request *self);   /* as sent, not empty */
const char *request_origin(const struct request *self); /* NULL when there is none */
const char *request_body(const struct request *self, size_t *len);
bool request_keep_alive(const struct request *self);
bool request_is_http11(const struct request *self); /* the client reads chunks */

/* The value of key in the query, as a number of 1 to 18 decimal digits. 1 found, 0 absent; ERR_FORMAT: no such number,
 * or the key stands there twice. */
int request_query_number(const struct request *self, const char *key, long long *out) MUST_CHECK;
/* 0 when every key of the query is one of keys (NULL-terminated), else ERR_UNKNOWN_KEY with the offender copied to
 * out[cap]. */
int request_query_known(const struct request *self, const char *const *keys, char *out, size_t cap) MUST_CHECK;

#endif
