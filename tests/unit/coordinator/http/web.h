/* web.h - a server with a fake coordinator behind it, and a client that writes raw bytes and reads what comes. */
#ifndef TESTS_UNIT_COORDINATOR_HTTP_WEB_H
#define TESTS_UNIT_COORDINATOR_HTTP_WEB_H

#include "test.h"

#include <arpa/inet.h>
#include <jansson.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "coordinator/http/server.h"
#include "fake_control.h"

struct web {
    struct frame_context *ctx;
    struct fake_control *fake;
    struct server *server;
};

static inline struct web web_start(int blocks)
{
    struct web w = {.ctx = frame_context_new(1, 0)};
    w.fake = fake_control_start("inproc://control", w.ctx, blocks);
    const struct server_config config = {
        .bind = "127.0.0.1:0", .hosts = "lode.example", .zmq = w.ctx, .control = "inproc://control"};
    cr_assert_eq(server_start(&w.server, &config), 0);
    return w;
}

static inline void web_stop(struct web *w)
{
    server_free(&w->server);
    fake_control_stop(w->fake);
    frame_context_free(&w->ctx);
}

/* Waits until the fake was handed n payloads; a test that waits in vain fails. */
static inline void web_wait_mined(const struct web *w, int n)
{
    cr_assert(fake_control_wait(w->fake, &w->fake->mined, n), "nothing was handed in");
}

/* A connection; reading from it fails after 20 s, so that a hang is a failure and not a hang. */
static inline int web_connect(const struct web *w)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    at.sin_port = htons((uint16_t)strtol(strrchr(server_address(w->server), ':') + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval limit = {20, 0};
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static inline void web_send(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0)
            return; /* closed on us: the answer says why */
        data += n;
        len -= (size_t)n;
    }
}

struct answer {
    int status; /* 0: closed without one */
    char head[2048];
    char *body; /* NUL-terminated; free it */
    size_t len;
    bool closed; /* the connection was at its end behind it */
};

static inline bool web_byte(int fd, char *c)
{
    ssize_t n = recv(fd, c, 1, 0);
    cr_assert(n >= 0 || errno == ECONNRESET, "the server does not answer");
    return n == 1;
}

static inline bool web_line(int fd, char *line, size_t cap)
{
    size_t n = 0;
    char c;
    while (web_byte(fd, &c)) {
        if (c == '\n') {
            line[n > 0 && line[n - 1] == '\r' ? n - 1 : n] = '\0';
            return true;
        }
        if (n + 1 < cap)
            line[n++] = c;
    }
    return false;
}

static inline void web_more(struct answer *a, int fd, size_t len)
{
    a->body = realloc(a->body, a->len + len + 1);
    for (size_t i = 0; i < len; i++)
        if (!web_byte(fd, a->body + a->len + i)) {
            a->closed = true;
            len = i;
        }
    a->len += len;
    a->body[a->len] = '\0';
}

static inline void web_chunks(struct answer *a, int fd)
{
    char line[64];
    for (;;) {
        if (!web_line(fd, line, sizeof line)) {
            a->closed = true;
            return;
        }
        size_t len = strtoul(line, NULL, 16);
        if (len > 0)
            web_more(a, fd, len);
        web_line(fd, line, sizeof line);
        if (len == 0)
            return;
    }
}

/* Reads one answer. body false: the request was HEAD. */
static inline struct answer web_read(int fd, bool body)
{
    struct answer a = {.body = calloc(1, 1)};
    char line[1024];
    long length = 0;
    bool chunked = false;
    if (!web_line(fd, line, sizeof line)) {
        a.closed = true;
        return a;
    }
    a.status = (int)strtol(line + strcspn(line, " "), NULL, 10);
    while (web_line(fd, line, sizeof line) && line[0]) {
        size_t n = strlen(a.head);
        snprintf(a.head + n, sizeof a.head - n, "%s\n", line);
        if (strncmp(line, "Content-Length: ", 16) == 0)
            length = strtol(line + 16, NULL, 10);
        chunked |= strcmp(line, "Transfer-Encoding: chunked") == 0;
        a.closed |= strcmp(line, "Connection: close") == 0;
    }
    if (body && chunked)
        web_chunks(&a, fd);
    else if (body)
        web_more(&a, fd, (size_t)length);
    return a;
}

/* Reads to the connection's end, which has to come; false when there was another answer on the way. */
static inline bool web_ends(int fd)
{
    char line[1024];
    bool none = true;
    while (web_line(fd, line, sizeof line)) {
        const char *at = strstr(line, "HTTP/1.1 ");
        none &= !at || at[9] < '0' || at[9] > '9';
    }
    return none;
}

/* Sends one request on a connection of its own. */
static inline struct answer web_ask_bytes(const struct web *w, const char *data, size_t len)
{
    int fd = web_connect(w);
    web_send(fd, data, len);
    struct answer a = web_read(fd, strncmp(data, "HEAD", 4) != 0);
    close(fd);
    return a;
}

static inline struct answer web_get(const struct web *w, const char *target)
{
    char text[512];
    int n = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", target);
    return web_ask_bytes(w, text, (size_t)n);
}

static inline struct answer web_post(const struct web *w, const char *target, const char *body, size_t len)
{
    char *text = malloc(len + 512);
    int n = snprintf(text, 512, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n", target, len);
    memcpy(text + n, body, len);
    struct answer a = web_ask_bytes(w, text, (size_t)n + len);
    free(text);
    return a;
}

/* The body as JSON; frees the answer. */
static inline json_t *web_json(struct answer *a)
{
    json_error_t at;
    json_t *tree = json_loadb(a->body, a->len, JSON_REJECT_DUPLICATES, &at);
    cr_assert_not_null(tree, "'%s': %s", a->body, at.text);
    cr_assert_not_null(strstr(a->head, "Content-Type: application/json"));
    free(a->body);
    return tree;
}

static inline const char *web_text(const json_t *tree, const char *key)
{
    const char *value = json_string_value(json_object_get(tree, key));
    cr_assert_not_null(value, "%s is missing", key);
    return value;
}

static inline json_int_t web_number(const json_t *tree, const char *key)
{
    const json_t *value = json_object_get(tree, key);
    cr_assert(json_is_number(value), "%s is no number", key);
    return (json_int_t)json_number_value(value);
}

#endif
