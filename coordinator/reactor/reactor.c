#include "coordinator/reactor/reactor.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "common/base/err.h"
#include "common/log/log.h"
#include "common/wire/codec.h"
#include "coordinator/reactor/perform.h"

enum {
    ROUND_MAX = 500, /* messages of one socket before the others get their turn */
    TICK_MS = 50,
    STOP_SLOT = SOCKETS_COUNT, /* of pollfds */
    SLOTS,
};

struct reactor {
    struct perform perform;
    struct sockets *sockets;
    int stop_fd;
    int64_t tick_ns;
    struct message message; /* several KiB: not on the stack of each round */
};

static void hand_in(struct reactor *self, enum sockets_which which, const struct frame_peer *peer, struct frame *frame)
{
    struct core_event event = {.kind = which == SOCKETS_WORK ? CORE_EV_MESSAGE : CORE_EV_CONTROL};
    if (!perform_route(&event.route, which, peer))
        return;
    event.message = &self->message;
    event.err = codec_decode(&self->message, frame_data(frame), frame_size(frame));
    if (event.err < 0)
        event.kind = which == SOCKETS_WORK ? CORE_EV_BAD_FRAME : CORE_EV_BAD_CONTROL;
    perform_event(&self->perform, &event);
}

/* A message of several frames, or of none, counts as one that does not decode. */
static void refuse(struct reactor *self, enum sockets_which which, const struct frame_peer *peer, int err)
{
    struct core_event event = {.kind = which == SOCKETS_WORK ? CORE_EV_BAD_FRAME : CORE_EV_BAD_CONTROL, .err = err};
    if (which == SOCKETS_TIPS || !perform_route(&event.route, which, peer))
        return;
    self->message = (struct message){0};
    event.message = &self->message;
    perform_event(&self->perform, &event);
}

static bool is_refusal(int err)
{
    return err == ERR_TRAILING || err == ERR_TRUNCATED || err == ERR_TOO_LONG;
}

/* Up to a round's worth. 0 or more, or the socket's error. */
static int drain(struct reactor *self, enum sockets_which which)
{
    struct frame_socket *socket = self->sockets->at[which];
    for (int n = 0; n < ROUND_MAX && !self->perform.done; n++) {
        struct frame frame;
        struct frame_peer peer = {0};
        int got = frame_recv(socket, &peer, &frame);
        if (got == 0)
            return n;
        if (got < 0 && !is_refusal(got))
            return got;
        if (got < 0) {
            refuse(self, which, &peer, got);
            continue;
        }
        if (which != SOCKETS_TIPS) /* there: a subscription, which concerns libzmq alone */
            hand_in(self, which, &peer, &frame);
        frame_release(&frame);
    }
    return ROUND_MAX;
}

static int drain_all(struct reactor *self)
{
    for (int i = 0; i < SOCKETS_COUNT; i++)
        if (self->sockets->at[i])
            TRY(drain(self, (enum sockets_which)i));
    perform_event(&self->perform, &(struct core_event){.kind = CORE_EV_FLUSH});
    return 0;
}

/* ZMQ_FD tells of changes only: what was there before must be asked for. */
static int anything_waits(const struct reactor *self)
{
    for (int i = 0; i < SOCKETS_COUNT; i++) {
        if (!self->sockets->at[i])
            continue;
        int events = frame_events(self->sockets->at[i]);
        if (events < 0 || events & FRAME_IN)
            return events;
    }
    return 0;
}

static int wait_ms(const struct reactor *self)
{
    int64_t left = self->tick_ns + TICK_MS * INT64_C(1000000) - perform_now_ns();
    return left <= 0 ? 0 : (int)(left / 1000000) + 1;
}

static int wait(struct reactor *self)
{
    struct pollfd fds[SLOTS];
    for (int i = 0; i < SOCKETS_COUNT; i++)
        fds[i] = (struct pollfd){.fd = self->sockets->at[i] ? frame_fd(self->sockets->at[i]) : -1, .events = POLLIN};
    fds[STOP_SLOT] = (struct pollfd){.fd = self->stop_fd, .events = POLLIN};
    int waits = anything_waits(self);
    if (waits < 0)
        return waits;
    if (poll(fds, SLOTS, waits ? 0 : wait_ms(self)) < 0 && errno != EINTR)
        return -errno;
    if (fds[STOP_SLOT].revents != 0) {
        char what[256];
        ssize_t got = read(self->stop_fd, what, sizeof what);
        if (got <= 0)
            self->stop_fd = -1; /* its other end is closed: say it once */
        perform_event(&self->perform, &(struct core_event){.kind = CORE_EV_STOP});
    }
    return 0;
}

static void tick(struct reactor *self)
{
    if (wait_ms(self) > 0)
        return;
    self->tick_ns = perform_now_ns();
    perform_event(&self->perform, &(struct core_event){.kind = CORE_EV_TICK});
}

static int loop(struct reactor *self)
{
    while (!self->perform.done) {
        TRY(wait(self));
        TRY(drain_all(self));
        tick(self);
    }
    return 0;
}

int reactor_run(const struct reactor_config *config)
{
    struct reactor self = {
        .perform = {.core = config->core,
                    .store = config->store,
                    .sockets = config->sockets,
                    .progress = config->progress},
        .sockets = config->sockets,
        .stop_fd = config->stop_fd,
    };
    perform_start(&self.perform);
    self.tick_ns = perform_now_ns();
    if (config->ready)
        config->ready(config->ctx);
    int err = loop(&self);
    if (err < 0)
        LOG_ERROR("reactor_failed", "code=%s", err_code(err));
    perform_free(&self.perform);
    return err < 0 ? 1 : self.perform.status;
}
