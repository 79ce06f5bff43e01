/* guard.h - strictness over what evhttp parsed: what two parsers could understand in two ways is refused (RFC 9110 and
 * 9112), with status 400 unless another is said. The caller has to close the connection behind a refusal, for its
 * framing is not known. Pure. Threads: the event base's. Memory: none.
 *
 * Refused: Content-Length twice, even if equal, or not plain digits, or beside Transfer-Encoding; Transfer-Encoding
 * twice, or in HTTP/1.0; any coding but "chunked" (501); a body on what is not POST, PUT or PATCH (evhttp does not read
 * it, so it would be the next request); a name that is no token (evhttp keeps a blank before the colon); a control
 * character in a value; no Host, two, or an empty one; two Origins; a target that is not an absolute path, or whose
 * path has a percent code, a "." or ".." segment or "//"; a version that is not 1.0 or 1.1.
 *
 * Not visible behind evhttp 2.1, so NOT refused: a chunk size as "0x5" or "+5", trailers; lines that end with a bare
 * LF; a NUL in a value, which ends it; a folded line, which evhttp unfolds; blanks behind the version; and evhttp keeps
 * the connection behind a malformed CONNECT. All of them matter only where a proxy in front reads them otherwise and
 * shares a connection between clients: hence docs/OPERATIONS.md, "HTTP". */
#ifndef COORDINATOR_HTTP_GUARD_H
#define COORDINATOR_HTTP_GUARD_H

#include <rt/attr.h>

struct evhttp_request;

enum {
    GUARD_HEAD_MAX = 8192,  /* bytes of request line and fields, without their line ends; evhttp's to enforce (400) */
    GUARD_BODY_MAX = 65536, /* bytes, decoded; evhttp's to enforce (413) */
};

/* 0, or the status of the refusal and *why (static storage). req is a whole request, fresh from evhttp. */
int guard_check(struct evhttp_request *req, const char **why) MUST_CHECK;

#endif
