/* session.h - the conversation with the coordinator: what to say, when, and what to make of silence. Pure: fed with
 * messages, times, random numbers and the crew's state; speaks through one function. The state machine (worker_fsm.h)
 * decides when which of these is called.
 * Threads: one at a time. Memory: one allocation; owns its outbox; borrows the identity's strings until session_free.
 *
 * seq rises by one per message for the life of the process, not only of a session: so a result that is resent after a
 * reconnect keeps its old seq, is below everything said in the new session, and an ACK's `upto` means what it says. */
#ifndef WORKER_SESSION_H
#define WORKER_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/wire/message.h"
#include "worker/holdings.h"
#include "worker/outbox.h"

enum {
    SESSION_ENDPOINTS_MAX = 16,
    SESSION_BEAT_MS = 1000, /* until WELCOME names them */
    SESSION_DEAD_MS = 5000,
    SESSION_LEASE_MS = 30000,
    SESSION_BACKOFF_MS = 250, /* doubles up to the next line, with jitter of half to one and a half */
    SESSION_BACKOFF_MAX_MS = 10000,
    SESSION_TIP_GET_MS = 200, /* jitter before TIP_GET */
};

struct session_identity {
    uint8_t uuid[16];
    const char *name;       /* HELLO.host */
    const char *agent;      /* "lode-worker/0.1.0 kernel=avx2" */
    const char *capability; /* "kernel=avx2": HELLO's caps; NULL none */
    uint16_t lanes;         /* mining goroutines */
};

/* The way out. send: 0, or negative when the message was not taken (not connected, queue full): then it was not said.
 */
struct session_port {
    int (*send)(void *ctx, const struct message *m);
    void *ctx;
};

/* The crew, as the session sees it. */
struct session_crew {
    size_t held_count; /* HOLDINGS_MAX at most */
    struct holding_state held[HOLDINGS_MAX];
    uint64_t left; /* counters of all of them that no miner has taken yet */
    double rate;   /* counters per second; 0 unknown */
};

struct session_counts {
    uint64_t welcomes, hellos, redials;
    uint64_t shares_sent, shares_ok, shares_bad, shares_dropped;
    uint64_t blocks_sent, blocks_ok, blocks_bad, blocks_dropped;
    uint64_t resent; /* results said again after a reconnect */
};

struct session;

/* Never NULL; caller owns. Endpoints: count (1 to SESSION_ENDPOINTS_MAX) work endpoints in order of preference, copied.
 */
struct session *session_new(const struct session_identity *identity, const struct session_port *port,
                            const char *const *endpoints, size_t count);
void session_free(struct session **self_p);

/* The endpoint whose turn it is; valid until session_next or session_welcome. */
const char *session_endpoint(const struct session *self);
/* On to the next endpoint. Returns how long to wait before dialling it, ns: exponential since the last WELCOME, with
 * jitter from random (any 32 bits). */
int64_t session_next(struct session *self, uint32_t random);

/* New sockets: nothing said so far counts as said. */
void session_dialled(struct session *self, int64_t now_ns);
/* Says HELLO with held leases and unacknowledged results; said again by session_tick each second until WELCOME. */
void session_greet(struct session *self, int64_t now_ns, const struct session_crew *crew);
/* WELCOME: takes ids, intervals and peers; resends what is not acknowledged (old seq). The verdicts and the tip are the
 * caller's to apply. */
void session_welcome(struct session *self, int64_t now_ns, const struct message_welcome *welcome);
/* False before WELCOME and after session_dialled or session_greet. */
bool session_live(const struct session *self);

/* Another identity from the next HELLO on. */
void session_rename(struct session *self, const uint8_t uuid[16]);

/* Anything at all was heard. */
void session_heard(struct session *self, int64_t now_ns);
/* What the clock asks for: HELLO again, a beat, a lease request by the prefetch rule, TIP_GET, results not sent yet.
 * True when the coordinator was silent for too long, did not welcome us in that time, or a GO_TO is due: leave it. */
bool session_tick(struct session *self, int64_t now_ns, const struct session_crew *crew) MUST_CHECK;
/* The prefetch rule alone, for the moment a lease ended: LEASE_REQ when less than max(T/2, 4 round trips) is left. */
void session_prefetch(struct session *self, int64_t now_ns, const struct session_crew *crew);

/* No LEASE_REQ from now on: the crew has stopped. */
void session_stop_asking(struct session *self);

/* Results: kept until acknowledged, said at once when live. 0; ERR_FULL: dropped and counted. found_ns: when found. */
int session_share(struct session *self, int64_t now_ns, const struct message_share_entry *share) MUST_CHECK;
int session_block(struct session *self, int64_t now_ns, const struct message_block *block, int64_t found_ns) MUST_CHECK;
int session_done(struct session *self, int64_t now_ns, const struct message_lease_done *done) MUST_CHECK;
/* ACK. refused (may be NULL) is called for every block that was settled with another code than ok or duplicate. */
void session_ack(struct session *self, const struct message_ack *ack,
                 void (*refused)(void *ctx, const struct outbox_entry *block, uint8_t code), void *ctx);
/* Results that are not acknowledged. */
size_t session_unacked(const struct session *self);
size_t session_unacked_blocks(const struct session *self);

/* A LEASE came: credit and round trip are settled. */
void session_leased(struct session *self, int64_t now_ns, const struct message_lease *lease);
/* Said once; lost with the connection, after which HELLO's held list says the same. */
void session_return(struct session *self, uint64_t lease, uint64_t pos, enum message_reason reason);
void session_cut_ack(struct session *self, uint64_t lease, uint64_t end);
void session_bye(struct session *self, const struct session_crew *crew, enum message_reason reason);
/* A beacon is ahead of us: TIP_GET after a jitter, unless session_tip comes first. */
void session_want_tip(struct session *self, int64_t now_ns, uint32_t random);
/* The newest tip that was taken; told in the next HELLO and TIP_GET. */
void session_tip(struct session *self, uint64_t epoch, uint64_t tip_seq);
/* GO_TO: its endpoints come next, left for within when_ms. ERR_FORMAT when none of them is an endpoint. */
int session_go_to(struct session *self, int64_t now_ns, const struct message_go_to *go_to, uint32_t random) MUST_CHECK;
/* CONFIG: intervals; other keys are the caller's. */
void session_config(struct session *self, const struct message_config *config);

/* METRICS and SCHEMA: seq and wid are put in. 0, ERR_STATE when not live, or the port's error. */
int session_say(struct session *self, struct message *m) MUST_CHECK;

uint32_t session_metrics_ms(const struct session *self);
void session_set_metrics_ms(struct session *self, uint32_t ms);
void session_counts(const struct session *self, struct session_counts *out);

#endif
