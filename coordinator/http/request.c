#include "coordinator/http/request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/check.h"
#include "common/base/err.h"

enum state { HEAD, BODY, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, LAST_END, DONE, REFUSED };

struct request {
    enum state state;
    const char *reason;
    char head[REQUEST_HEAD_MAX + 1]; /* the head as it came; the parsed strings below point into it */
    size_t head_len;
    size_t line_at; /* where the line being read begins */
    const char *method, *query, *host, *origin;
    char path[REQUEST_HEAD_MAX];
    bool http10, has_length, chunked, close, continue_asked;
    uint64_t length; /* Content-Length */
    char *body;
    size_t body_len, body_cap;
    size_t left;        /* bytes of the body or of the chunk still to come */
    char size_line[10]; /* the chunk size line: at most 8 digits and CR */
    size_t size_len;
};

struct request *request_new(void)
{
    struct request *self = calloc(1, sizeof *self);
    CHECK(self != NULL);
    request_reset(self);
    return self;
}

void request_free(struct request **self_p)
{
    if (!*self_p)
        return;
    free((*self_p)->body);
    free(TAKE(*self_p));
}

void request_reset(struct request *self)
{
    free(self->body);
    *self = (struct request){.state = HEAD, .reason = ""};
}

static int refuse(struct request *self, int status, const char *reason)
{
    self->state = REFUSED;
    self->reason = reason;
    return status;
}

const char *request_reason(const struct request *self)
{
    return self->reason;
}

/* RFC 9110 5.6.2 */
static bool is_token(const char *s, size_t len)
{
    static const char others[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < len; i++) {
        char c = s[i];
        bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!word && (c == '\0' || !strchr(others, c)))
            return false;
    }
    return len > 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* RFC 3986 pchar, "/" and "?"; "%" is looked at by whoever decodes. */
static bool is_target(const char *s)
{
    for (; *s; s++)
        if (*s <= ' ' || *s == 0x7f || (*s & 0x80) || strchr("\"<>\\^`{|}#", *s))
            return false;
    return true;
}

/* Decodes %XX of the path. Nothing that would change where its segments are, or end a string, may come out. */
static bool decode_path(char *out, const char *in)
{
    for (; *in; in++) {
        char c = *in;
        if (c == '%') {
            int high = hex_digit(in[1]), low = high < 0 ? -1 : hex_digit(in[2]);
            if (low < 0)
                return false;
            c = (char)(high << 4 | low);
            if (c == '/' || c == '\\' || (unsigned char)c < ' ' || c == 0x7f)
                return false;
            in += 2;
        }
        *out++ = c;
    }
    *out = '\0';
    return true;
}

/* No empty, "." or ".." segment: nothing is ever walked, and a proxy in front cannot see another path than we do. */
static bool is_plain_path(const char *path)
{
    for (const char *at = path; *at == '/';) {
        const char *segment = ++at;
        at += strcspn(at, "/");
        size_t len = (size_t)(at - segment);
        if ((len == 0 && *at) || (len == 1 && segment[0] == '.') || (len == 2 && memcmp(segment, "..", 2) == 0))
            return false;
    }
    return true;
}

static int read_request_line(struct request *self, char *line)
{
    char *target = strchr(line, ' ');
    if (!target)
        return refuse(self, 400, "the request line has no target");
    *target++ = '\0';
    char *version = strchr(target, ' ');
    if (!version)
        return refuse(self, 400, "the request line has no version");
    *version++ = '\0';
    self->http10 = strcmp(version, "HTTP/1.0") == 0;
    if (!self->http10 && strcmp(version, "HTTP/1.1") != 0)
        return refuse(self, 400, "the version is not HTTP/1.1 or HTTP/1.0");
    if (!is_token(line, strlen(line)) || strlen(line) > REQUEST_METHOD_MAX)
        return refuse(self, 400, "the method is malformed");
    if (target[0] != '/' || !is_target(target))
        return refuse(self, 400, "the target is not an absolute path");
    char *query = strchr(target, '?');
    if (query)
        *query++ = '\0';
    if (!decode_path(self->path, target) || !is_plain_path(self->path))
        return refuse(self, 400, "the path is not plain");
    self->method = line;
    self->query = query ? query : "";
    return 0;
}

static int read_length(struct request *self, const char *value)
{
    if (self->has_length)
        return refuse(self, 400, "Content-Length stands there twice");
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || value[digits])
        return refuse(self, 400, "Content-Length is not a number");
    if (digits > 18)
        return refuse(self, 413, "the body is too large");
    self->has_length = true;
    self->length = strtoull(value, NULL, 10);
    return 0;
}

static int read_coding(struct request *self, const char *value)
{
    if (self->chunked)
        return refuse(self, 400, "Transfer-Encoding stands there twice");
    if (strcasecmp(value, "chunked") != 0)
        return refuse(self, 501, "the transfer coding is not known");
    self->chunked = true;
    return 0;
}

static int read_host(struct request *self, const char *value)
{
    if (self->host)
        return refuse(self, 400, "Host stands there twice");
    if (!*value)
        return refuse(self, 400, "Host is empty");
    self->host = value;
    return 0;
}

static int read_expect(struct request *self, const char *value)
{
    if (strcasecmp(value, "100-continue") != 0)
        return refuse(self, 417, "the expectation is not known");
    self->continue_asked = !self->http10;
    return 0;
}

/* Only "close" matters: persistence is the default of HTTP/1.1 and is not offered to HTTP/1.0. */
static int read_connection(struct request *self, const char *value)
{
    for (const char *at = value; *at; at += strspn(at, ", \t")) {
        size_t len = strcspn(at, ", \t");
        if (len == 5 && strncasecmp(at, "close", 5) == 0)
            self->close = true;
        at += len;
    }
    return 0;
}

static int read_origin(struct request *self, const char *value)
{
    if (self->origin)
        return refuse(self, 400, "Origin stands there twice");
    self->origin = value;
    return 0;
}

static int read_field(struct request *self, char *line)
{
    static const struct {
        const char *name;
        int (*read)(struct request *, const char *);
    } known[] = {
        {"Host", read_host},     {"Content-Length", read_length}, {"Transfer-Encoding", read_coding},
        {"Expect", read_expect}, {"Connection", read_connection}, {"Origin", read_origin},
    };
    if (line[0] == ' ' || line[0] == '\t')
        return refuse(self, 400, "a header is folded");
    char *colon = strchr(line, ':');
    if (!colon)
        return refuse(self, 400, "a header has no colon");
    if (!is_token(line, (size_t)(colon - line)))
        return refuse(self, 400, "a header's name is malformed");
    *colon = '\0';
    char *value = colon + 1 + strspn(colon + 1, " \t");
    for (char *end = value + strlen(value); end > value && (end[-1] == ' ' || end[-1] == '\t');)
        *--end = '\0';
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcasecmp(line, known[i].name) == 0)
            return known[i].read(self, value);
    return 0;
}

/* The head is whole: what kind of body follows. */
static int end_head(struct request *self)
{
    if (!self->method)
        return refuse(self, 400, "the request line is empty");
    if (!self->host)
        return refuse(self, 400, "there is no Host");
    if (self->chunked && (self->has_length || self->http10))
        return refuse(self, 400, "Transfer-Encoding stands beside Content-Length or in HTTP/1.0");
    bool reads = strcmp(self->method, "GET") == 0 || strcmp(self->method, "HEAD") == 0;
    if (reads && (self->chunked || self->length > 0))
        return refuse(self, 400, "GET and HEAD have no body");
    if (self->length > REQUEST_BODY_MAX)
        return refuse(self, 413, "the body is too large");
    self->left = (size_t)self->length;
    self->state = self->chunked ? CHUNK_SIZE : self->left > 0 ? BODY : DONE;
    if (self->state == DONE)
        self->continue_asked = false;
    return 0;
}

/* One byte of the head, already stored; acts at each line's end. */
static int head_byte(struct request *self, unsigned char c)
{
    char *line = self->head + self->line_at;
    size_t len = self->head_len - self->line_at; /* with c */
    bool after_cr = len >= 2 && line[len - 2] == '\r';
    if (c == '\n') {
        if (!after_cr)
            return refuse(self, 400, "a line does not end with CR LF");
        line[len - 2] = '\0';
        bool first = self->line_at == 0;
        self->line_at = self->head_len;
        if (len == 2)
            return end_head(self);
        return first ? read_request_line(self, line) : read_field(self, line);
    }
    if (after_cr || (c < ' ' && c != '\t' && c != '\r') || c == 0x7f)
        return refuse(self, 400, "there is a control character in the head");
    return 0;
}

static int feed_head(struct request *self, const char *data, size_t len, size_t *used)
{
    while (*used < len && self->state == HEAD) {
        if (self->head_len == REQUEST_HEAD_MAX)
            return refuse(self, 431, "the head is too large");
        char c = data[(*used)++];
        self->head[self->head_len++] = c;
        int status = head_byte(self, (unsigned char)c);
        if (status)
            return status;
    }
    return 0;
}

static void keep(struct request *self, const char *data, size_t n)
{
    if (self->body_len + n > self->body_cap) {
        size_t cap = self->body_cap ? self->body_cap : 1024;
        while (cap < self->body_len + n)
            cap *= 2;
        self->body = realloc(self->body, cap);
        CHECK(self->body != NULL);
        self->body_cap = cap;
    }
    memcpy(self->body + self->body_len, data, n);
    self->body_len += n;
}

/* Bytes of the body or of a chunk; next is the state when they are all there. */
static int feed_bytes(struct request *self, const char *data, size_t len, size_t *used)
{
    size_t n = len - *used < self->left ? len - *used : self->left;
    keep(self, data + *used, n);
    *used += n;
    self->left -= n;
    if (self->left == 0)
        self->state = self->state == BODY ? DONE : CHUNK_END;
    return 0;
}

static int end_size_line(struct request *self)
{
    size_t digits = self->size_len - 2, size = 0;
    if (digits == 0 || self->size_line[digits] != '\r')
        return refuse(self, 400, "a chunk's size is malformed");
    for (size_t i = 0; i < digits; i++) {
        int digit = hex_digit(self->size_line[i]);
        if (digit < 0)
            return refuse(self, 400, "a chunk's size is malformed");
        size = size << 4 | (size_t)digit;
    }
    if (size > REQUEST_BODY_MAX - self->body_len)
        return refuse(self, 413, "the body is too large");
    self->size_len = 0;
    self->left = size;
    self->state = size > 0 ? CHUNK_DATA : LAST_END;
    return 0;
}

static int feed_size(struct request *self, const char *data, size_t len, size_t *used)
{
    while (*used < len && self->state == CHUNK_SIZE) {
        if (self->size_len == sizeof self->size_line)
            return refuse(self, 400, "a chunk's size is malformed");
        char c = data[(*used)++];
        self->size_line[self->size_len++] = c;
        if (c == '\n' && self->size_len < 2)
            return refuse(self, 400, "a chunk's size is malformed");
        int status = c == '\n' ? end_size_line(self) : 0;
        if (status)
            return status;
    }
    return 0;
}

/* The CR LF behind a chunk (CHUNK_END) or behind the last one (LAST_END), where a trailer would stand otherwise. */
static int feed_line_end(struct request *self, const char *data, size_t len, size_t *used)
{
    while (*used < len && self->size_len < 2)
        if (data[(*used)++] != "\r\n"[self->size_len++])
            return refuse(self, 400, "a chunk does not end where it said, or a trailer follows");
    if (self->size_len == 2) {
        self->size_len = 0;
        self->state = self->state == CHUNK_END ? CHUNK_SIZE : DONE;
    }
    return 0;
}

int request_feed(struct request *self, const char *data, size_t len, size_t *used)
{
    static int (*const feed[])(struct request *, const char *, size_t, size_t *) = {
        [HEAD] = feed_head,        [BODY] = feed_bytes,         [CHUNK_SIZE] = feed_size,
        [CHUNK_DATA] = feed_bytes, [CHUNK_END] = feed_line_end, [LAST_END] = feed_line_end,
    };
    *used = 0;
    CHECK(self->state != REFUSED);
    while (*used < len && self->state != DONE) {
        int status = feed[self->state](self, data, len, used);
        if (status)
            return status;
    }
    return self->state == DONE;
}

bool request_wants_continue(struct request *self)
{
    bool wants = self->continue_asked && self->body_len == 0 && self->state != HEAD && self->state != DONE;
    if (wants)
        self->continue_asked = false;
    return wants;
}

bool request_begun(const struct request *self)
{
    return self->head_len > 0 && self->state != DONE;
}

const char *request_method(const struct request *self)
{
    return self->method;
}

const char *request_path(const struct request *self)
{
    return self->path;
}

const char *request_query(const struct request *self)
{
    return self->query;
}

const char *request_host(const struct request *self)
{
    return self->host;
}

const char *request_origin(const struct request *self)
{
    return self->origin;
}

const char *request_body(const struct request *self, size_t *len)
{
    *len = self->body_len;
    return self->body ? self->body : "";
}

bool request_keep_alive(const struct request *self)
{
    return !self->close && !self->http10;
}

/* Steps over one key=value of the query. False at its end. */
static bool next_pair(const char **at, const char **key, size_t *key_len, const char **value, size_t *value_len)
{
    *at += strspn(*at, "&");
    if (!**at)
        return false;
    size_t len = strcspn(*at, "&");
    const char *equals = memchr(*at, '=', len);
    *key = *at;
    *key_len = equals ? (size_t)(equals - *at) : len;
    *value = equals ? equals + 1 : "";
    *value_len = equals ? len - *key_len - 1 : 0;
    *at += len;
    return true;
}

int request_query_number(const struct request *self, const char *key, long long *out)
{
    const char *at = self->query, *name, *value;
    size_t name_len, value_len;
    int found = 0;
    while (next_pair(&at, &name, &name_len, &value, &value_len)) {
        if (name_len != strlen(key) || memcmp(name, key, name_len) != 0)
            continue;
        if (found || value_len == 0 || value_len > 18 || strspn(value, "0123456789") < value_len)
            return ERR_FORMAT;
        *out = strtoll(value, NULL, 10);
        found = 1;
    }
    return found;
}

int request_query_known(const struct request *self, const char *const *keys, char *out, size_t cap)
{
    const char *at = self->query, *name, *value;
    size_t name_len, value_len;
    while (next_pair(&at, &name, &name_len, &value, &value_len)) {
        bool known = false;
        for (const char *const *key = keys; *key; key++)
            known |= name_len == strlen(*key) && memcmp(name, *key, name_len) == 0;
        if (known)
            continue;
        size_t n = name_len < cap - 1 ? name_len : cap - 1;
        memcpy(out, name, n);
        out[n] = '\0';
        return ERR_UNKNOWN_KEY;
    }
    return 0;
}

bool request_is_http11(const struct request *self)
{
    return !self->http10;
}
