/* worker_messages.h - what a worker makes of each message of its coordinator. Whatever arrives, the worker lives: a
 * frame that does not decode is counted and dropped, a tip or job that does not hold is refused.
 * Threads: the link's goroutine. Memory: none. */
#ifndef WORKER_WORKER_MESSAGES_H
#define WORKER_WORKER_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire/message.h"

struct worker;

/* One frame of the work socket, or (topic) of the tip socket. */
void worker_messages_frame(struct worker *w, const uint8_t *data, size_t len, bool topic);
/* A tip, from wherever it came: judged, and worked on if it holds. */
void worker_messages_tip(struct worker *w, const struct message_tip *tip);

#endif
