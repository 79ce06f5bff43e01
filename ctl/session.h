/* session.h - what a command of lodectl works with: its streams, the form of its output, its connection; and how a
 * failure is said. Threads: main. Memory: malloc for the client. */
#ifndef CTL_SESSION_H
#define CTL_SESSION_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

#include <rt/attr.h>

#include "common/wire/cursor.h"
#include "ctl/client.h"

struct session {
    FILE *out, *err; /* borrowed: data, and all else */
    bool json, color;
    const char *endpoint, *endpoint_from; /* borrowed: where to, and who said so ("LODE_ENDPOINT") */
    int timeout_ms;
    struct client *client; /* owned; NULL until the first question */
};

/* The exit status that stands for a negative code (ctl/args.h). */
int session_status(int code);
/* Says a failure on err, as text or as a JSON object {error, code, exit}, and returns its exit status. format: what
 * failed, in words; characters that are not plain are shown as '?', so that a coordinator's words cannot drive the
 * terminal. */
PRINTF_LIKE(3, 4) int session_fail(struct session *s, int code, const char *format, ...);
/* Says wrong usage; returns ARGS_USAGE. */
PRINTF_LIKE(2, 3) int session_usage(struct session *s, const char *format, ...);

/* Connects when that is still to be done, and asks. 0, or the negative code, which has been said by session_fail. */
int session_ask(struct session *s, const char *verb, struct cursor_view args) MUST_CHECK;
/* Waits for the next reply (client_next). 0 with *out set; a negative code otherwise, also the coordinator's, which has
 * been said. */
int session_next(struct session *s, struct client_reply *out, bool patient) MUST_CHECK;
/* The next reply as a tree; *out is the caller's. */
int session_next_tree(struct session *s, json_t **out, bool *more, bool patient) MUST_CHECK;
/* Asks a verb that has one reply. */
int session_get(struct session *s, json_t **out, const char *verb, struct cursor_view args) MUST_CHECK;
/* Asks a verb without arguments whose list under key may come in several replies, and joins them in the first one;
 * ERR_TOO_LONG above SESSION_ROWS_MAX rows. */
int session_get_list(struct session *s, json_t **out, const char *verb, const char *key) MUST_CHECK;
enum { SESSION_ROWS_MAX = 1 << 20 };

#endif
