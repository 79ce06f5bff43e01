/* session.h - the conversation with workers: HELLO, leases, shares, blocks, telemetry, BYE; and its silences.
 * Pure. Threads: one at a time. Memory: none of its own. */
#ifndef COORDINATOR_CORE_SESSION_H
#define COORDINATOR_CORE_SESSION_H

#include "coordinator/core/state.h"

/* A decoded message from route, on the work or telemetry socket. */
void session_message(struct core *self, const struct core_route *route, const struct message *message);
/* A frame that does not decode; as much of its envelope as could be read. */
void session_bad_frame(struct core *self, const struct core_route *route, const struct message *envelope, int err);
/* The transport says that nobody is at this route any more. */
void session_unreachable(struct core *self, const struct core_route *route);
/* Sends the acknowledgements that have gathered. */
void session_flush(struct core *self);
/* Acknowledges seq to the worker wid with code, if it is still in session. */
void session_settle(struct core *self, uint64_t wid, uint64_t seq, uint8_t code);
/* The mark moved, or not: gives leases to those who wait. */
void session_reserved(struct core *self, uint64_t mark, int err);
/* Moves the mark ahead of use, once it is known that leases are wanted at all. */
void session_tick(struct core *self);

#endif
