#include "coordinator/core/actions.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/wire/codec.h"

enum { LOG_MAX = 1024 };

void actions_free(struct core_actions *self)
{
    free(self->items);
    free(self->arena);
    *self = (struct core_actions){0};
}

void actions_clear(struct core_actions *self)
{
    self->count = 0;
    self->used = 0;
}

const uint8_t *actions_bytes(const struct core_actions *self, const struct core_action *action)
{
    return self->arena + action->at;
}

static void need(struct core_actions *self, size_t len)
{
    if (self->room - self->used >= len)
        return;
    while (self->room - self->used < len)
        self->room = self->room ? self->room * 2 : 4096;
    self->arena = realloc(self->arena, self->room);
    CHECK(self->arena);
}

static struct core_action *append(struct core_actions *self, enum core_action_kind kind)
{
    if (self->count == self->cap) {
        self->cap = self->cap ? self->cap * 2 : 16;
        self->items = realloc(self->items, self->cap * sizeof *self->items);
        CHECK(self->items);
    }
    struct core_action *a = &self->items[self->count++];
    memset(a, 0, sizeof *a);
    a->kind = kind;
    a->at = self->used;
    return a;
}

static void put(struct core_actions *self, struct core_action *a, const void *bytes, size_t len)
{
    need(self, len + 1);
    if (len > 0)
        memcpy(self->arena + self->used, bytes, len);
    self->arena[self->used + len] = 0;
    a->len = len;
    self->used += len + 1;
}

/* Encodes straight into the arena. What the core sends is within the limits by construction. */
static void encode(struct core_actions *self, struct core_action *a, const struct message *message, bool topic)
{
    size_t cap = MESSAGE_FRAME_MAX;
    if (message->type == MESSAGE_CTL_REP)
        cap += message->u.ctl_rep.result.len;
    need(self, cap + 1);
    int len = topic ? codec_encode_topic(self->arena + self->used, cap, message)
                    : codec_encode(self->arena + self->used, cap, message);
    CHECK(len > 0);
    a->len = (size_t)len;
    self->arena[self->used + a->len] = 0;
    self->used += a->len + 1;
}

void actions_send(struct core_actions *self, const struct core_route *route, const struct message *message)
{
    struct core_action *a = append(self, CORE_SEND);
    a->route = *route;
    encode(self, a, message, false);
}

void actions_publish(struct core_actions *self, const struct message *message)
{
    encode(self, append(self, CORE_PUBLISH), message, true);
}

void actions_greeting(struct core_actions *self, const struct message *message)
{
    encode(self, append(self, CORE_GREETING), message, true);
}

void actions_reply(struct core_actions *self, const struct core_route *route, const struct message *message)
{
    struct core_action *a = append(self, CORE_REPLY);
    a->route = *route;
    encode(self, a, message, false);
}

void actions_persist(struct core_actions *self, const struct core_block *block)
{
    struct core_action *a = append(self, CORE_PERSIST);
    a->u.block = *block;
    a->u.block.body = NULL;
    put(self, a, block->body, block->body_len);
}

void actions_keep_job(struct core_actions *self, uint64_t job, const void *record, size_t len)
{
    struct core_action *a = append(self, CORE_KEEP_JOB);
    a->u.job = job;
    put(self, a, record, len);
}

void actions_reserve(struct core_actions *self, uint64_t mark)
{
    append(self, CORE_RESERVE)->u.mark = mark;
}

void actions_log(struct core_actions *self, const struct core_log *log, const char *fmt, ...)
{
    char text[LOG_MAX];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (len < 0)
        return;
    struct core_action *a = append(self, CORE_LOG);
    a->u.log = *log;
    put(self, a, text, (size_t)len < sizeof text ? (size_t)len : sizeof text - 1);
}

void actions_progress(struct core_actions *self, const char *text)
{
    put(self, append(self, CORE_PROGRESS), text, strlen(text));
}

void actions_exit(struct core_actions *self, int status)
{
    append(self, CORE_EXIT)->u.status = status;
}
