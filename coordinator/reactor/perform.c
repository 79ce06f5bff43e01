#include "coordinator/reactor/perform.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/err.h"
#include "common/log/log.h"

static int64_t clock_ns(clockid_t which)
{
    struct timespec t;
    clock_gettime(which, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t perform_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

/* Two control sockets have ids of their own, which may be equal: the first byte says whose it is. */
bool perform_route(struct core_route *out, enum sockets_which which, const struct frame_peer *peer)
{
    *out = (struct core_route){0};
    size_t tag = which == SOCKETS_WORK ? 0 : 1;
    if (peer->len == 0 || peer->len + tag > CORE_ROUTE_MAX)
        return false;
    out->len = (uint8_t)(peer->len + tag);
    if (tag)
        out->id[0] = (uint8_t)which;
    memcpy(out->id + tag, peer->id, peer->len);
    return true;
}

static void step(struct perform *self, struct core_event *event)
{
    event->wall_ms = clock_ns(CLOCK_REALTIME) / 1000000;
    core_step(self->core, event, perform_now_ns(), &self->actions);
}

static int send(struct perform *self, const struct core_action *a)
{
    enum sockets_which which = a->kind == CORE_REPLY ? (enum sockets_which)a->route.id[0] : SOCKETS_WORK;
    size_t tag = a->kind == CORE_REPLY ? 1 : 0;
    struct frame_peer peer = {.len = (uint8_t)(a->route.len - tag)};
    memcpy(peer.id, a->route.id + tag, peer.len);
    return frame_send(self->sockets->at[which], &peer, actions_bytes(&self->actions, a), a->len);
}

/* A peer that is gone, or does not read what it is sent, has lost its session: it says HELLO again and both know where
 * they stand. Nothing is queued here for anybody. */
static void deliver(struct perform *self, const struct core_action *a)
{
    int err = send(self, a);
    if (err == 0)
        return;
    struct core_event gone = {.kind = a->kind == CORE_REPLY ? CORE_EV_CONTROL_GONE : CORE_EV_UNREACHABLE,
                              .route = a->route};
    if (err != -EHOSTUNREACH)
        LOG_WARN("send_failed", "code=%s bytes=%zu", err_code(err), a->len);
    step(self, &gone);
}

static void persist(struct perform *self, const struct core_action *a)
{
    struct core_block block = a->u.block;
    block.body = actions_bytes(&self->actions, a);
    block.body_len = a->len;
    struct core_event stored = {.kind = CORE_EV_STORED, .err = store_append(self->store, &block)};
    if (stored.err < 0)
        LOG_ERROR("store_append", "height=%llu code=%s why=%s", (unsigned long long)block.height, err_code(stored.err),
                  store_why(self->store));
    step(self, &stored);
}

static void reserve(struct perform *self, const struct core_action *a)
{
    struct core_event reserved = {.kind = CORE_EV_RESERVED, .mark = a->u.mark};
    reserved.err = store_reserve(self->store, a->u.mark);
    if (reserved.err < 0)
        LOG_ERROR("store_reserve", "code=%s why=%s", err_code(reserved.err), store_why(self->store));
    step(self, &reserved);
}

static void keep_job(struct perform *self, const struct core_action *a)
{
    int err = store_keep_job(self->store, a->u.job, actions_bytes(&self->actions, a), a->len);
    if (err == 0)
        return;
    LOG_ERROR("store_keep_job", "code=%s why=%s", err_code(err), store_why(self->store));
    struct core_event not_kept = {.kind = CORE_EV_NOT_KEPT, .err = err};
    step(self, &not_kept);
}

static void log_action(const struct core_log *log, const char *text)
{
    const char *worker = log->worker[0] ? log->worker : "-";
    const char *code = log->code ? err_code(log->code) : "-";
    switch (log->level) {
    case CORE_ERROR:
        LOG_ERROR(log->event, "worker=%s code=%s detail=%s", worker, code, text);
        return;
    case CORE_WARN:
        LOG_WARN(log->event, "worker=%s code=%s detail=%s", worker, code, text);
        return;
    case CORE_INFO:
        LOG_INFO(log->event, "worker=%s code=%s detail=%s", worker, code, text);
        return;
    case CORE_DEBUG:
        LOG_DEBUG(log->event, "worker=%s code=%s detail=%s", worker, code, text);
        return;
    }
}

static void publish(struct perform *self, const struct core_action *a)
{
    int err = frame_send(self->sockets->at[SOCKETS_TIPS], NULL, actions_bytes(&self->actions, a), a->len);
    if (err < 0)
        LOG_WARN("publish_failed", "code=%s", err_code(err));
}

static void greeting(struct perform *self, const struct core_action *a)
{
    int err = frame_set_welcome(self->sockets->at[SOCKETS_TIPS], actions_bytes(&self->actions, a), a->len);
    if (err < 0)
        LOG_ERROR("welcome_failed", "code=%s", err_code(err));
}

static void perform_one(struct perform *self, const struct core_action *a)
{
    switch (a->kind) {
    case CORE_SEND:
    case CORE_REPLY:
        deliver(self, a);
        return;
    case CORE_PUBLISH:
        publish(self, a);
        return;
    case CORE_GREETING:
        greeting(self, a);
        return;
    case CORE_PERSIST:
        persist(self, a);
        return;
    case CORE_RESERVE:
        reserve(self, a);
        return;
    case CORE_KEEP_JOB:
        keep_job(self, a);
        return;
    case CORE_LOG:
        log_action(&a->u.log, (const char *)actions_bytes(&self->actions, a));
        return;
    case CORE_PROGRESS:
        if (self->progress)
            (void)printf("%s\n", (const char *)actions_bytes(&self->actions, a));
        return;
    case CORE_EXIT:
        if (!self->done)
            self->status = a->u.status;
        self->done = true;
        return;
    }
}

/* The list grows while it is worked off: an outcome's own actions come behind those that were there. */
static void drain(struct perform *self)
{
    for (size_t i = 0; i < self->actions.count; i++) {
        struct core_action a = self->actions.items[i];
        perform_one(self, &a);
        if (self->done && self->status != 0)
            break; /* F2: nothing more leaves after a failure of the store */
    }
    actions_clear(&self->actions);
}

void perform_start(struct perform *self)
{
    core_start(self->core, perform_now_ns(), clock_ns(CLOCK_REALTIME) / 1000000, &self->actions);
    drain(self);
}

void perform_event(struct perform *self, struct core_event *event)
{
    if (self->done)
        return;
    step(self, event);
    drain(self);
}

void perform_free(struct perform *self)
{
    actions_free(&self->actions);
}
