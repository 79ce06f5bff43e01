#include "coordinator/http/guard.h"

#include <sys/queue.h> /* before the event headers: else keyvalq has no fields */

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>

/* The fields that decide how a request is framed and for whom it is. */
struct fields {
    const char *host, *length, *coding, *origin;
};

static int refuse(const char **why, int status, const char *reason)
{
    *why = reason;
    return status;
}

/* RFC 9110 5.6.2 */
static bool is_token(const char *s)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    if (!*s)
        return false;
    for (; *s; s++) {
        bool word = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9');
        if (!word && !strchr(others, *s))
            return false;
    }
    return true;
}

static bool has_control(const char *s)
{
    for (; *s; s++)
        if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f)
            return true;
    return false;
}

/* RFC 3986 pchar, "/", "?" and, behind the latter, percent codes. */
static bool is_target(const char *s)
{
    const char *query = strchr(s, '?'), *code = strchr(s, '%');
    if (s[0] != '/' || (code && (!query || code < query)))
        return false;
    for (; *s; s++)
        if (*s <= ' ' || *s == 0x7f || (*s & 0x80) || strchr("\"<>\\^`{|}#", *s))
            return false;
    return true;
}

/* No empty, "." or ".." segment: nothing is ever walked, and a proxy in front cannot see another path than we do. */
static bool is_plain_path(const char *target)
{
    for (const char *at = target; *at == '/';) {
        const char *segment = ++at;
        at += strcspn(at, "/?");
        size_t len = (size_t)(at - segment);
        if ((len == 0 && *at == '/') || (len == 1 && segment[0] == '.') || (len == 2 && memcmp(segment, "..", 2) == 0))
            return false;
    }
    return true;
}

static int read_fields(const struct evhttp_request *req, struct fields *out, const char **why)
{
    const struct {
        const char *name, **value, *twice;
    } known[] = {
        {"Host", &out->host, "Host stands there twice"},
        {"Content-Length", &out->length, "Content-Length stands there twice"},
        {"Transfer-Encoding", &out->coding, "Transfer-Encoding stands there twice"},
        {"Origin", &out->origin, "Origin stands there twice"},
    };
    const struct evkeyval *field;
    TAILQ_FOREACH(field, req->input_headers, next)
    {
        if (!is_token(field->key))
            return refuse(why, 400, "a header's name is malformed");
        if (has_control(field->value))
            return refuse(why, 400, "there is a control character in a header");
        for (size_t i = 0; i < ARRAY_LEN(known); i++) {
            if (strcasecmp(field->key, known[i].name) != 0)
                continue;
            if (*known[i].value)
                return refuse(why, 400, known[i].twice);
            *known[i].value = field->value;
        }
    }
    return 0;
}

static int check_framing(const struct evhttp_request *req, const struct fields *f, const char **why)
{
    bool reads_body = req->type == EVHTTP_REQ_POST || req->type == EVHTTP_REQ_PUT || req->type == EVHTTP_REQ_PATCH;
    if (f->coding && (f->length || req->minor == 0))
        return refuse(why, 400, "Transfer-Encoding stands beside Content-Length or in HTTP/1.0");
    if (f->coding && strcasecmp(f->coding, "chunked") != 0)
        return refuse(why, 501, "the transfer coding is not known");
    if (f->length && (!*f->length || f->length[strspn(f->length, "0123456789")]))
        return refuse(why, 400, "Content-Length is not a number");
    if (!reads_body && (f->coding || (f->length && f->length[strspn(f->length, "0")])))
        return refuse(why, 400, "this method has no body");
    return 0;
}

int guard_check(struct evhttp_request *req, const char **why)
{
    struct fields fields = {0};
    const char *target = evhttp_request_get_uri(req);
    if (req->major != 1 || (req->minor != 0 && req->minor != 1))
        return refuse(why, 400, "the version is not HTTP/1.1 or HTTP/1.0");
    if (!is_target(target))
        return refuse(why, 400, "the target is not an absolute path");
    if (!is_plain_path(target))
        return refuse(why, 400, "the path is not plain");
    int status = read_fields(req, &fields, why);
    if (status)
        return status;
    if (!fields.host || !*fields.host)
        return refuse(why, 400, "there is no Host");
    return check_framing(req, &fields, why);
}
