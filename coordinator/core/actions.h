/* actions.h - what the core wants done: a list in order, and one arena for the bytes of its frames, texts and bodies.
 * Pure. Threads: one at a time. Memory: malloc, kept from step to step (actions_clear keeps the room). */
#ifndef COORDINATOR_CORE_ACTIONS_H
#define COORDINATOR_CORE_ACTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/wire/message.h"

enum { CORE_ROUTE_MAX = 15, CORE_WORKER_NAME_MAX = 64 };

/* A peer's address on a ROUTER. Unused bytes are zero, so routes compare as bytes. */
struct core_route {
    uint8_t len; /* 1 to CORE_ROUTE_MAX; 0: nobody */
    uint8_t id[CORE_ROUTE_MAX];
};

/* One block, as it is stored. */
struct core_block {
    uint8_t hash[32], prev[32];
    uint8_t header[80];
    uint64_t height;
    int64_t arrival_ms; /* wall time */
    char worker[CORE_WORKER_NAME_MAX + 1];
    const uint8_t *body; /* all behind the header; borrowed */
    size_t body_len;
};

enum core_log_level { CORE_ERROR, CORE_WARN, CORE_INFO, CORE_DEBUG };

struct core_log {
    enum core_log_level level;
    const char *event;                     /* static storage */
    char worker[CORE_WORKER_NAME_MAX + 1]; /* whom it is about; "" nobody */
    int code;                              /* of common/base/err.h; 0 none */
};

enum core_action_kind {
    CORE_SEND,     /* bytes to route, on the work socket */
    CORE_PUBLISH,  /* bytes to all, on the tip socket; bytes begin with the topic */
    CORE_GREETING, /* bytes are the tip socket's welcome message from now on */
    CORE_PERSIST,  /* block: commit it durably, then give CORE_EV_STORED */
    CORE_RESERVE,  /* mark: make it durable, then give CORE_EV_RESERVED */
    CORE_KEEP_JOB, /* job (its id), bytes: keep them for the next start, which may need them; answered only on
                       failure, by CORE_EV_NOT_KEPT */
    CORE_REPLY,    /* bytes to route, on the control socket */
    CORE_LOG,      /* log; bytes: what else is to be said */
    CORE_PROGRESS, /* bytes: one line for people, without newline */
    CORE_EXIT,     /* status: leave the loop once all before this is done */
};

struct core_action {
    enum core_action_kind kind;
    struct core_route route;
    size_t at, len; /* bytes, in the arena: actions_bytes */
    union {
        struct core_block block; /* PERSIST; its body is actions_bytes */
        uint64_t mark;           /* RESERVE */
        uint64_t job;            /* KEEP_JOB */
        int status;              /* EXIT */
        struct core_log log;
    } u;
};

struct core_actions {
    struct core_action *items;
    size_t count, cap;
    uint8_t *arena;
    size_t used, room;
};

/* All zeroes is an empty list. */
void actions_free(struct core_actions *self); /* leaves it empty */
void actions_clear(struct core_actions *self);
/* The bytes of an action, NUL-terminated beyond len; valid until the next append or clear. */
const uint8_t *actions_bytes(const struct core_actions *self, const struct core_action *action);

/* The appenders, for the core. Each copies what it is given. */
void actions_send(struct core_actions *self, const struct core_route *route, const struct message *message);
void actions_publish(struct core_actions *self, const struct message *message);  /* with its topic */
void actions_greeting(struct core_actions *self, const struct message *message); /* likewise */
void actions_reply(struct core_actions *self, const struct core_route *route, const struct message *message);
void actions_persist(struct core_actions *self, const struct core_block *block);
void actions_keep_job(struct core_actions *self, uint64_t job, const void *record, size_t len);
void actions_reserve(struct core_actions *self, uint64_t mark);
void actions_log(struct core_actions *self, const struct core_log *log, const char *fmt, ...) PRINTF_LIKE(3, 4);
void actions_progress(struct core_actions *self, const char *text);
void actions_exit(struct core_actions *self, int status);

#endif
