/* core.h - the coordinator as a pure state machine: (event, now) -> actions. What workers say, what the clock says,
 * what the operator asks and what the store answered go in; what to send, publish, make durable, log and print comes
 * out.
 *
 * Pure: no I/O, no clock, no threads, no randomness but the seed in its configuration, no globals. The same events at
 * the same times give the same actions, byte for byte, so a simulator can drive it (docs/DESIGN.md, "The parts").
 * Threads: one at a time per core. Memory: malloc; bounded by max_workers, the tree's bounds and the limits of
 * common/wire/message.h.
 *
 * The driver executes actions in their order. A CORE_PERSIST or CORE_RESERVE is answered by CORE_STORED or
 * CORE_RESERVED before any further message is given: a block is acknowledged only then (J3), and a failure there ends
 * the program. */
#ifndef COORDINATOR_CORE_CORE_H
#define COORDINATOR_CORE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/chain/network.h"
#include "common/wire/message.h"
#include "coordinator/core/actions.h"

struct core;

/* How the core reads what it made durable earlier; a function of the actions it has issued. */
struct core_reader {
    /* The stored block of that hash. out->body is *body_p, malloc'd for the caller. 0, ERR_NOT_FOUND, or ERR_STORE. */
    int (*block)(void *ctx, const uint8_t hash[32], struct core_block *out, uint8_t **body_p);
    void *ctx;
};

struct core_config {
    const struct network *network; /* copied; spacing and half-life as stored */
    uint64_t seed;                 /* of the hash tables */
    uint8_t cluster[16];
    uint64_t epoch; /* of this start, durable already (J4) */
    uint64_t mark;  /* the reserved mark of the store (J1) */
    uint32_t beat_ms, dead_ms, metrics_ms, lease_ms;
    double share_rate; /* shares per second of the whole cluster aimed at, above 0 */
    uint32_t max_workers;
    uint64_t blocks_wanted; /* stop after so many new blocks; 0: never */
    /* Shown by `status` and told to workers. Copied. */
    const char *tag, *version, *work_endpoint, *tip_endpoint, *http, *data_dir;
    struct core_reader reader; /* its ctx is borrowed until core_free */
};

enum core_event_kind {
    CORE_EV_MESSAGE,      /* route, message: from the work or telemetry socket */
    CORE_EV_BAD_FRAME,    /* route, message (type, wid, seq as far as readable), err: it does not decode */
    CORE_EV_UNREACHABLE,  /* route: a send failed, the peer is gone */
    CORE_EV_FLUSH,        /* the batch is drained: acknowledge it now */
    CORE_EV_TICK,         /* time has passed; at least every 100 ms */
    CORE_EV_CONTROL,      /* route, message: from the control socket */
    CORE_EV_BAD_CONTROL,  /* route, message, err: a frame there that does not decode */
    CORE_EV_CONTROL_GONE, /* route: a reply could not be sent, nobody waits there any more */
    CORE_EV_STORED,       /* err: the outcome of the oldest CORE_PERSIST not answered yet */
    CORE_EV_RESERVED,     /* mark, err: the outcome of a CORE_RESERVE */
    CORE_EV_NOT_KEPT,     /* err: a CORE_KEEP_JOB failed, and the store takes nothing any more */
    CORE_EV_STOP,         /* the operator wants an end (signal) */
};

struct core_event {
    enum core_event_kind kind;
    struct core_route route;
    const struct message *message; /* borrowed for the step */
    int err;
    uint64_t mark;
    int64_t wall_ms; /* since 1970; set in every event. For headers and records only, never for a deadline */
};

/* A core on the network's genesis. 0, or ERR_NETWORK: the network is none of Lode's. Copies config. */
int core_new(struct core **out, const struct core_config *config) MUST_CHECK;
void core_free(struct core **self_p); /* NULL-safe; leaves *self_p NULL */

/* Before core_start: one stored block, in arrival order. Everything is verified again (T1). 0, or ERR_CORRUPT: it does
 * not fit what came before, its work or its body does not hold. */
int core_load(struct core *self, const struct core_block *block) MUST_CHECK;
/* Before core_start: a job of an earlier start (a CORE_KEEP_JOB of its), oldest first; the last JOBS_KEPT count. 0 or
 * ERR_CORRUPT. */
int core_load_job(struct core *self, uint64_t id, const uint8_t *record, size_t len) MUST_CHECK;
/* Makes the first job and the welcome message. Exactly once, before the first step. */
void core_start(struct core *self, int64_t now_ns, int64_t wall_ms, struct core_actions *out);
/* One event. now_ns: monotonic, never below that of an earlier call. Appends to out. */
void core_step(struct core *self, const struct core_event *event, int64_t now_ns, struct core_actions *out);

#endif
