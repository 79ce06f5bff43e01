#include "ctl/client.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <czmq.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/base/tsan.h"
#include "common/wire/codec.h"
#include "common/wire/endpoint.h"

enum { REPLY_BYTES_MAX = MESSAGE_RESULT_LEN + 128, FRAME_CAP = MESSAGE_ARGS_LEN + 128, REPLIES_MAX = 1024 };
enum { HEARTBEAT_MS = 5000, HEARTBEAT_TIMEOUT_MS = 15000 };

/* czmq: a cold path, a question at a time. */
struct client {
    zsock_t *socket;
    zpoller_t *poller;
    zframe_t *frame; /* the last reply, which its view borrows from */
    int timeout_ms;
    uint64_t last, question, ping; /* ids: the last one given, those waited for; 0 none */
    uint8_t out[FRAME_CAP];
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

/* Connects fd within the time: 0, ERR_UNREACHABLE, -EACCES. */
static int probe_socket(int fd, const struct sockaddr *to, socklen_t len, int timeout_ms)
{
    int err = 0;
    socklen_t size = sizeof err;
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    if (connect(fd, to, len) < 0)
        err = errno;
    if (err == EINPROGRESS) {
        err = ETIMEDOUT;
        if (poll(&wait, 1, timeout_ms) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) < 0)
            err = errno;
    }
    if (err == EAGAIN) /* an ipc backlog that is full: somebody is there */
        return 0;
    return err == 0 ? 0 : err == EACCES || err == EPERM ? -EACCES : ERR_UNREACHABLE;
}

static int probe(int family, const struct sockaddr *to, socklen_t len, int timeout_ms)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    int err = probe_socket(fd, to, len, timeout_ms);
    close(fd);
    return err;
}

static int probe_ipc(const struct endpoint *at, int timeout_ms)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = strlen(at->host);
    if (len >= sizeof to.sun_path)
        return ERR_FORMAT;
    memcpy(to.sun_path, at->host, len);
    return probe(AF_UNIX, (struct sockaddr *)&to, sizeof to, timeout_ms);
}

static int probe_tcp(const struct endpoint *at, int timeout_ms)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list;
    char port[8];
    int err = ERR_UNREACHABLE;
    snprintf(port, sizeof port, "%u", at->port);
    if (getaddrinfo(at->host, port, &hints, &list) != 0)
        return ERR_UNREACHABLE;
    for (const struct addrinfo *a = list; a && err < 0; a = a->ai_next)
        err = probe(a->ai_family, a->ai_addr, a->ai_addrlen, timeout_ms);
    freeaddrinfo(list);
    return err;
}

static int parse_endpoint(struct endpoint *out, const char *endpoint)
{
    TRY(endpoint_parse(out, endpoint, strlen(endpoint)));
    const bool tcp = out->transport == ENDPOINT_TCP && out->port != 0 && strcmp(out->host, "*") != 0;
    return tcp || out->transport == ENDPOINT_IPC ? 0 : ERR_FORMAT;
}

int client_check(const char *endpoint, char *why, size_t cap)
{
    struct endpoint ignored;
    if (parse_endpoint(&ignored, endpoint) >= 0)
        return 0;
    snprintf(why, cap, "expected tcp://HOST:PORT or ipc://PATH, not '%.120s%s'", endpoint,
             strlen(endpoint) > 120 ? "..." : "");
    return ERR_FORMAT;
}

static int find_listener(const char *endpoint, int timeout_ms)
{
    struct endpoint at;
    TRY(parse_endpoint(&at, endpoint));
    return at.transport == ENDPOINT_IPC ? probe_ipc(&at, timeout_ms) : probe_tcp(&at, timeout_ms);
}

static int open_socket(struct client *self, const char *endpoint)
{
    zsys_handler_set(NULL); /* first of all: czmq would take SIGINT and SIGTERM */
    self->socket = zsock_new(ZMQ_DEALER);
    CHECK(self->socket != NULL);
    zsock_set_linger(self->socket, 0);
    zsock_set_rcvhwm(self->socket, REPLIES_MAX);
    zsock_set_maxmsgsize(self->socket, REPLY_BYTES_MAX);
    zsock_set_immediate(self->socket, 1);               /* a question is sent when there is a connection, ... */
    zsock_set_sndtimeo(self->socket, self->timeout_ms); /* ... or not at all */
    zsock_set_ipv6(self->socket, 1);
    zsock_set_heartbeat_ivl(self->socket, HEARTBEAT_MS);
    zsock_set_heartbeat_timeout(self->socket, HEARTBEAT_TIMEOUT_MS);
    if (zsock_connect(self->socket, "%s", endpoint) < 0)
        return errno ? -errno : ERR_UNREACHABLE;
    self->poller = zpoller_new(self->socket, NULL);
    CHECK(self->poller != NULL);
    return 0;
}

int client_open(struct client **out, const char *endpoint, int timeout_ms)
{
    TRY(find_listener(endpoint, timeout_ms));
    struct client *self = calloc(1, sizeof *self);
    CHECK(self != NULL);
    self->timeout_ms = timeout_ms;
    int err = open_socket(self, endpoint);
    if (err < 0)
        client_free(&self);
    else
        *out = self;
    return err;
}

void client_free(struct client **self_p)
{
    struct client *self = *self_p;
    if (!self)
        return;
    zframe_destroy(&self->frame);
    zpoller_destroy(&self->poller);
    zsock_destroy(&self->socket);
    free(TAKE(*self_p));
}

static int send_question(struct client *self, const char *verb, struct cursor_view args, uint64_t *id)
{
    struct message m = {.type = MESSAGE_CTL_REQ, .seq = ++self->last};
    m.u.ctl_req.id = self->last;
    m.u.ctl_req.verb = cursor_view_of(verb);
    m.u.ctl_req.args = args;
    int len = codec_encode(self->out, sizeof self->out, &m);
    TRY(len);
    zframe_t *frame = zframe_new(self->out, (size_t)len);
    tsan_message_sent();
    if (zframe_send(&frame, self->socket, 0) < 0) {
        int err = errno;
        zframe_destroy(&frame);
        return err == EAGAIN ? ERR_TIMEOUT : -err;
    }
    *id = self->last;
    return 0;
}

int client_ask(struct client *self, const char *verb, struct cursor_view args)
{
    self->ping = 0;
    return send_question(self, verb, args, &self->question);
}

/* The next message into self->frame: ERR_TRAILING when it has several frames, which are drained. */
static int receive(struct client *self)
{
    zframe_destroy(&self->frame);
    self->frame = zframe_recv(self->socket);
    if (!self->frame)
        return errno == EINTR ? 0 : -errno;
    tsan_message_received();
    bool several = zframe_more(self->frame);
    while (self->frame && zframe_more(self->frame)) {
        zframe_destroy(&self->frame);
        self->frame = zframe_recv(self->socket);
    }
    return several ? ERR_TRAILING : 1;
}

/* 1: the reply to the question; 0: something else, or nothing, was taken. */
static int take_frame(struct client *self, struct client_reply *out)
{
    struct message m;
    int got = receive(self);
    if (got <= 0)
        return got;
    TRY(codec_decode(&m, zframe_data(self->frame), zframe_size(self->frame)));
    if (m.type != MESSAGE_CTL_REP)
        return ERR_TYPE;
    if (m.u.ctl_rep.id == self->ping)
        self->ping = 0;
    if (m.u.ctl_rep.id != self->question)
        return 0;
    const int64_t code = m.u.ctl_rep.code;
    *out = (struct client_reply){.code = code >= 0        ? 0
                                         : code < INT_MIN ? ERR_RANGE
                                                          : (int)code,
                                 .more = m.u.ctl_rep.more != 0,
                                 .result = m.u.ctl_rep.result};
    return 1;
}

/* The time is over. Patience goes on while the coordinator answers pings. */
static int ask_for_life(struct client *self, bool patient)
{
    if (!patient || self->ping)
        return ERR_TIMEOUT;
    return send_question(self, "health", (struct cursor_view){0}, &self->ping);
}

int client_next(struct client *self, struct client_reply *out, bool patient)
{
    int64_t until = now_ms() + self->timeout_ms;
    for (;;) {
        int64_t left = until - now_ms();
        if (left <= 0 || !zpoller_wait(self->poller, (int)left)) {
            if (left > 0 && zpoller_terminated(self->poller)) /* interrupted */
                continue;
            TRY(ask_for_life(self, patient));
            until = now_ms() + self->timeout_ms;
            continue;
        }
        int got = take_frame(self, out);
        TRY(got);
        if (got == 1)
            return 0;
    }
}
