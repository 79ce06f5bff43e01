/* client.h - lodectl's end of the control socket: one question at a time, its replies in order. Threads: main.
 * Memory: malloc. */
#ifndef CTL_CLIENT_H
#define CTL_CLIENT_H

#include <stdbool.h>

#include <rt/attr.h>

#include "common/wire/cursor.h"

struct client;

struct client_reply {
    int code;                  /* 0, or the coordinator's negative code of common/base/err.h */
    bool more;                 /* more replies follow */
    struct cursor_view result; /* a MessagePack map; valid until the next call */
};

/* Whether endpoint is one that client_open can connect to: tcp with a host and a port, or ipc. 0; or ERR_FORMAT, and
 * why[cap] says what was expected. */
int client_check(const char *endpoint, char *why, size_t cap) MUST_CHECK;
/* Looks first whether anybody listens at endpoint (tcp or ipc), so that a missing coordinator is known at once and not
 * only when time_out_ms has passed. 0 and *out, the caller's; ERR_FORMAT: no such kind of endpoint; ERR_UNREACHABLE:
 * nobody listens there; -EACCES: the ipc socket is another user's; -errno. */
int client_open(struct client **out, const char *endpoint, int timeout_ms) MUST_CHECK;
void client_free(struct client **self_p); /* NULL-safe */

/* Sends a question; args is a map, or empty. Replies to an earlier one are no longer waited for. 0, ERR_TIMEOUT when
 * the listener does not speak our protocol, ERR_TOO_LONG for args above the protocol's limit, -errno. */
int client_ask(struct client *self, const char *verb, struct cursor_view args) MUST_CHECK;
/* Waits for the next reply to the last question. With patient the answer itself may take any time (mining does), as
 * long as the coordinator says that it lives: "health" is asked each time the time-out passes. 0 and *out; ERR_TIMEOUT;
 * -errno; for a frame that is no reply, the error of its decoding. */
int client_next(struct client *self, struct client_reply *out, bool patient) MUST_CHECK;

#endif
