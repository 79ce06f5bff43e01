#include "ctl/client.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/net/frame.h"
#include "common/wire/codec.h"
#include "common/wire/endpoint.h"

enum { REPLY_BYTES_MAX = MESSAGE_RESULT_LEN + 128, FRAME_CAP = MESSAGE_ARGS_LEN + 128 };

struct client {
    struct frame_context *zmq;
    struct frame_socket *socket;
    struct frame frame; /* the last reply, which its view borrows from */
    bool has_frame;
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

static int find_listener(const char *endpoint, int timeout_ms)
{
    struct endpoint at;
    TRY(endpoint_parse(&at, endpoint, strlen(endpoint)));
    if (at.transport == ENDPOINT_IPC)
        return probe_ipc(&at, timeout_ms);
    if (at.transport == ENDPOINT_TCP && at.port != 0)
        return probe_tcp(&at, timeout_ms);
    return ERR_FORMAT;
}

int client_open(struct client **out, const char *endpoint, int timeout_ms)
{
    TRY(find_listener(endpoint, timeout_ms));
    AUTO(client_free) struct client *self = calloc(1, sizeof *self);
    CHECK(self != NULL);
    self->timeout_ms = timeout_ms;
    self->zmq = frame_context_new(1, 0);
    const struct frame_options options = {
        .kind = FRAME_DEALER, .rcvhwm = 1024, .max_bytes = REPLY_BYTES_MAX, .heartbeat = true};
    TRY(frame_connect(&self->socket, self->zmq, &options, endpoint));
    *out = TAKE(self);
    return 0;
}

static void drop_frame(struct client *self)
{
    if (self->has_frame)
        frame_release(&self->frame);
    self->has_frame = false;
}

void client_free(struct client **self_p)
{
    struct client *self = *self_p;
    if (!self)
        return;
    drop_frame(self);
    frame_close(&self->socket);
    frame_context_free(&self->zmq);
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
    int err = frame_send(self->socket, NULL, self->out, (size_t)len);
    if (err == -EAGAIN) { /* no connection yet: sent when there is one, or never */
        int events = frame_wait(self->socket, FRAME_OUT, self->timeout_ms);
        TRY(events);
        err = events ? frame_send(self->socket, NULL, self->out, (size_t)len) : ERR_TIMEOUT;
    }
    TRY(err);
    *id = self->last;
    return 0;
}

int client_ask(struct client *self, const char *verb, struct cursor_view args)
{
    self->ping = 0;
    return send_question(self, verb, args, &self->question);
}

/* 1: the reply to the question; 0: something else, or nothing, was taken. */
static int take_frame(struct client *self, struct client_reply *out)
{
    struct message m;
    drop_frame(self);
    int got = frame_recv(self->socket, NULL, &self->frame);
    if (got <= 0)
        return got;
    self->has_frame = true;
    TRY(codec_decode(&m, frame_data(&self->frame), frame_size(&self->frame)));
    if (m.type != MESSAGE_CTL_REP)
        return ERR_TYPE;
    if (m.u.ctl_rep.id == self->ping)
        self->ping = 0;
    if (m.u.ctl_rep.id != self->question)
        return 0;
    *out = (struct client_reply){.code = m.u.ctl_rep.code < 0 ? (int)m.u.ctl_rep.code : 0,
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
        int events = left > 0 ? frame_wait(self->socket, FRAME_IN, (int)left) : 0;
        if (events == -EINTR)
            continue;
        TRY(events);
        if (events == 0) {
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
