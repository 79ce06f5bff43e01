/* message.h - one struct per message of the protocol, one enum of types, the limits of every field.
 * Pure data. Threads: any. Memory: none is owned; a struct cursor_view in a decoded message borrows from the frame and
 * is valid while the frame lives; in a message to encode it borrows from wherever the caller points it.
 *
 * On the wire a message is one MessagePack array [type, wid, seq, fields in the order of the struct ...]; common/wire/
 * grammar.c holds the order as tables. Fields are only ever appended: receivers skip extra elements, and an optional
 * field that is missing reads as zero. Units: _ms, _us and _ns are u64/u32 durations; hashes are in wire (internal)
 * byte order; targets and work are 256-bit big-endian numbers; a monotonic time is never compared across hosts. */
#ifndef COMMON_WIRE_MESSAGE_H
#define COMMON_WIRE_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wire/cursor.h"

enum message_type {
    MESSAGE_NONE = 0,
    /* work socket; W worker, C coordinator (or relay) */
    MESSAGE_HELLO = 1,        /* W>C first message of a session */
    MESSAGE_WELCOME = 2,      /* C>W */
    MESSAGE_LEASE_REQ = 3,    /* W>C */
    MESSAGE_LEASE = 4,        /* C>W */
    MESSAGE_PROGRESS = 5,     /* W>C also the heartbeat */
    MESSAGE_LEASE_DONE = 6,   /* W>C */
    MESSAGE_LEASE_RETURN = 7, /* W>C */
    MESSAGE_SHARE = 8,        /* W>C */
    MESSAGE_BLOCK = 9,        /* W>C */
    MESSAGE_METRICS = 10,     /* W>C */
    MESSAGE_SCHEMA = 11,      /* W>C */
    MESSAGE_TIP_GET = 12,     /* W>C */
    MESSAGE_BYE = 13,         /* W>C */
    MESSAGE_LEASE_CUT = 14,   /* C>W */
    MESSAGE_CUT_ACK = 15,     /* W>C */
    MESSAGE_REVOKE = 16,      /* C>W */
    MESSAGE_ACK = 17,         /* C>W */
    MESSAGE_CONFIG = 18,      /* C>W */
    MESSAGE_GO_TO = 19,       /* C>W */
    MESSAGE_ERROR = 20,       /* both */
    /* tip socket, behind a topic byte; TIP and JOB also on the work socket, without one */
    MESSAGE_TIP = 30,
    MESSAGE_BEACON = 31,
    MESSAGE_CTRL = 32,
    MESSAGE_JOB = 33,
    /* 40 to 47 are reserved for coordinators among themselves */
    MESSAGE_PEER_FIRST = 40,
    MESSAGE_PEER_LAST = 47,
    /* control socket */
    MESSAGE_CTL_REQ = 60,
    MESSAGE_CTL_REP = 61,
};

enum {
    MESSAGE_VERSION_MIN = 1, /* protocol versions spoken here */
    MESSAGE_VERSION_MAX = 1,
    MESSAGE_DEPTH_MAX = 4,     /* nesting of every message but the maps of CTL_REQ and CTL_REP */
    MESSAGE_FRAME_MAX = 65536, /* bytes; ZMQ_MAXMSGSIZE of every listening socket */

    MESSAGE_CAPS_MAX = 16,
    MESSAGE_CAP_LEN = 32,
    MESSAGE_HOST_LEN = 64,
    MESSAGE_AGENT_LEN = 64,
    MESSAGE_HELD_MAX = 16, /* leases in HELLO, BYE, PROGRESS, and verdicts in WELCOME */
    MESSAGE_UNACKED_MAX = 128,
    MESSAGE_ENDPOINT_LEN = 256,
    MESSAGE_PEERS_MAX = 16,
    MESSAGE_LEASES_WANTED_MAX = 16,
    MESSAGE_SHARES_MAX = 64, /* at least one */
    MESSAGE_ACK_CODES_MAX = 128,
    MESSAGE_SETTINGS_MAX = 16,
    MESSAGE_TEXT_LEN = 256,
    MESSAGE_METRIC_VALUES_MAX = 512,
    MESSAGE_SCHEMA_ENTRIES_MAX = 512,
    MESSAGE_METRIC_NAME_LEN = 96,
    MESSAGE_METRIC_UNIT_LEN = 24,
    MESSAGE_COINBASE_LEN = 256, /* each half */
    MESSAGE_BRANCH_MAX = 9,     /* 256 payloads and the coinbase: 9 levels */
    MESSAGE_VERB_LEN = 32,
    MESSAGE_ARGS_LEN = 65536,     /* bytes of the args map */
    MESSAGE_RESULT_LEN = 1 << 20, /* bytes of the result map; only lodectl receives one */
    MESSAGE_MAP_DEPTH_MAX = 8,
};

/* Verdict on one lease (WELCOME), one SHARE, BLOCK or LEASE_DONE (ACK), or the reason of ERROR. Receivers treat a value
 * they do not know as MESSAGE_CODE_REFUSED. */
enum message_code {
    MESSAGE_CODE_OK = 0,
    MESSAGE_CODE_REFUSED = 1,
    MESSAGE_CODE_STALE = 2,
    MESSAGE_CODE_DUPLICATE = 3,
    MESSAGE_CODE_LOW_DIFF = 4,
    MESSAGE_CODE_BAD_RANGE = 5,
    MESSAGE_CODE_UNKNOWN_JOB = 6,
    MESSAGE_CODE_UNKNOWN_LEASE = 7,
    MESSAGE_CODE_BAD_POW = 8,        /* the header's hash is not what was claimed or above the block's target */
    MESSAGE_CODE_MALFORMED = 9,      /* the frame does not decode */
    MESSAGE_CODE_UNKNOWN = 10,       /* the message type is not known */
    MESSAGE_CODE_VERSION = 11,       /* no protocol version in common; the text names the supported span */
    MESSAGE_CODE_FULL = 12,          /* no room for another worker; the text lists other endpoints */
    MESSAGE_CODE_STATE = 13,         /* not now, for instance before HELLO: say HELLO (again) */
    MESSAGE_CODE_EPOCH = 14,         /* of another epoch */
    MESSAGE_CODE_BUSY = 15,          /* overloaded: later, with jitter */
    MESSAGE_CODE_WRONG_CLUSTER = 16, /* HELLO names another cluster */
    MESSAGE_CODE_SUPERSEDED = 17,    /* the session is over: another connection said HELLO with the same uuid */
};

enum message_reason { /* of LEASE_RETURN, BYE, REVOKE */
                      MESSAGE_REASON_STOP = 0,
                      MESSAGE_REASON_DRAIN = 1,
                      MESSAGE_REASON_ERROR = 2,
                      MESSAGE_REASON_OPERATOR = 3,
                      MESSAGE_REASON_EXPIRED = 4,
                      MESSAGE_REASON_SUPERSEDED = 5,
};

enum message_on_loss { MESSAGE_ON_LOSS_GO_ON = 0, MESSAGE_ON_LOSS_PAUSE = 1 };
enum message_want { MESSAGE_WANT_SCHEMA = 1, MESSAGE_WANT_METRICS = 2 }; /* bits of WELCOME.want */

enum message_setting_key { /* keys of CONFIG; receivers skip those they do not know */
                           MESSAGE_SETTING_METRICS_MS = 1,
                           MESSAGE_SETTING_BEAT_MS = 2,
                           MESSAGE_SETTING_LEASE_MS = 3,
                           MESSAGE_SETTING_SHARE_TARGET = 4, /* the only one that is binary */
                           MESSAGE_SETTING_LOG_LEVEL = 5,    /* enum log_level */
                           MESSAGE_SETTING_DEAD_MS = 6,
};

enum message_ctrl_verb { /* receivers skip those they do not know */
                         MESSAGE_CTRL_PAUSE = 1,
                         MESSAGE_CTRL_RESUME = 2,
                         MESSAGE_CTRL_DRAIN = 3,      /* finish what is held, then BYE */
                         MESSAGE_CTRL_REREPORT = 4,   /* send SCHEMA and METRICS again */
                         MESSAGE_CTRL_METRICS_MS = 5, /* arg: the new interval */
};

enum message_metric_kind { MESSAGE_METRIC_COUNTER = 0, MESSAGE_METRIC_GAUGE = 1, MESSAGE_METRIC_HIST = 2 };
enum message_metric_agg {
    MESSAGE_AGG_SUM = 0,
    MESSAGE_AGG_MAX = 1,
    MESSAGE_AGG_MEAN = 2,
    MESSAGE_AGG_HIST = 3,
};

/* A lease as its holder sees it: [start, pos) is searched, [pos, end) is not. */
struct message_held {
    uint64_t lease, pos, end;
};

struct message_unacked {
    uint64_t seq; /* in the old session */
    uint8_t type; /* enum message_type */
};

struct message_verdict {
    uint64_t lease;
    uint8_t code; /* enum message_code */
};

struct message_progress_entry {
    uint64_t lease, pos;
    uint64_t hashes; /* cumulative for this lease; the last report wins */
};

struct message_share_entry {
    uint64_t job, lease;
    uint64_t nonce; /* extranonce (high 32) | nonce (low 32) */
    uint8_t hash[32];
};

struct message_ack_code {
    uint64_t seq;
    uint8_t code; /* enum message_code, not MESSAGE_CODE_OK */
};

struct message_setting {
    uint8_t key;    /* enum message_setting_key */
    bool is_binary; /* bytes holds the value, else number */
    uint64_t number;
    uint8_t bytes[32];
};

struct message_hello {
    /* the magic string "lode" comes first on the wire; decoding anything else is ERR_FORMAT */
    uint8_t ver_min, ver_max;
    uint32_t cap_count;
    struct cursor_view caps[MESSAGE_CAPS_MAX];
    uint8_t uuid[16]; /* the worker's identity, kept across sessions */
    bool has_cluster; /* nil on the wire: any */
    uint8_t cluster[16];
    struct cursor_view host, agent;
    uint16_t lanes;
    uint64_t rate_hint; /* hashes per second, 0 unknown */
    uint64_t last_epoch, last_tip;
    uint32_t held_count;
    struct message_held held[MESSAGE_HELD_MAX];
    uint32_t unacked_count;
    struct message_unacked unacked[MESSAGE_UNACKED_MAX];
};

/* A job: what to hash. Standalone as type 33, and inside TIP. */
struct message_job {
    uint64_t job;       /* its id, from 1 */
    uint8_t parent[32]; /* hash of the block it builds on */
    uint32_t version;
    uint32_t version_mask;                   /* BIP 320 bits that may be rolled; 0 none */
    struct cursor_view coinbase1, coinbase2; /* the extranonce goes between them; each <= MESSAGE_COINBASE_LEN */
    uint32_t branch_count;
    uint8_t branch[MESSAGE_BRANCH_MAX][32]; /* merkle branch of the coinbase, from the leaves up */
    uint32_t ntime, bits;
    uint64_t height;
    uint8_t share_target[32];
    bool future; /* for the next height: not to be worked on before a TIP names it */
};

struct message_tip {
    uint64_t epoch, tip_seq, height;
    uint8_t hash[32];
    uint8_t work[32];
    uint16_t reorg; /* blocks rolled back, 0 for a plain extension */
    uint64_t job;   /* the job to work on now; 0 none: rest until a TIP names one */
    bool clean;     /* drop work on older jobs */
    bool has_job;   /* body holds job's description; else it was sent ahead as a future JOB */
    struct message_job body;
    uint64_t sent_us;   /* sender's monotonic clock */
    uint8_t header[80]; /* of the tip itself: the receiver checks its hash and proof of work */
};

struct message_welcome {
    uint8_t ver;
    uint32_t cap_count;
    struct cursor_view caps[MESSAGE_CAPS_MAX];
    uint8_t cluster[16];
    uint64_t epoch;
    uint64_t wid; /* the id to put into every message from now on */
    struct cursor_view tip_ep;
    struct cursor_view metrics_ep; /* at == NULL (nil on the wire): METRICS go to the work socket */
    uint32_t peer_count;
    struct cursor_view peers[MESSAGE_PEERS_MAX]; /* work endpoints of other coordinators, for fail-over */
    uint32_t metrics_ms, beat_ms, dead_ms;
    uint8_t want; /* bits of enum message_want */
    uint8_t share_target[32];
    uint8_t on_loss; /* enum message_on_loss */
    struct message_tip tip;
    uint32_t verdict_count;
    struct message_verdict verdicts[MESSAGE_HELD_MAX]; /* one for each held lease of HELLO */
};

struct message_lease_req {
    uint8_t n; /* credit: leases wanted, 1 to MESSAGE_LEASES_WANTED_MAX */
    uint64_t rate;
    uint32_t left_ms; /* work left at hand */
};

struct message_lease {
    uint64_t lease, epoch;
    uint64_t job;        /* 0: a counter range, good under any job */
    uint64_t start, end; /* [start, end) */
    uint32_t ttl_ms, want_ms;
};

struct message_progress {
    uint32_t count; /* 0: only a beat */
    struct message_progress_entry entries[MESSAGE_HELD_MAX];
};

struct message_lease_done {
    uint64_t lease, start, end, hashes;
    uint64_t busy_us, wait_us; /* time hashing, and idle before it */
};

struct message_lease_return {
    uint64_t lease, pos;
    uint8_t reason; /* enum message_reason */
};

struct message_share {
    uint32_t count;
    struct message_share_entry entries[MESSAGE_SHARES_MAX];
};

struct message_block {
    uint64_t job, lease;
    uint64_t nonce; /* extranonce (high 32) | nonce (low 32) */
    uint8_t header[80];
    uint8_t hash[32];
    uint64_t age_us; /* since it was found, by the finder's clock */
};

struct message_metrics {
    uint32_t schema; /* id of the SCHEMA that names the values */
    uint64_t t_ms;   /* sender's monotonic clock */
    uint32_t count;
    struct cursor_view values; /* count MessagePack numbers (u64, i64, finite f64) without the array header */
};

struct message_schema_entry {
    struct cursor_view name, unit;
    uint8_t kind; /* enum message_metric_kind */
    uint8_t agg;  /* enum message_metric_agg */
};

struct message_schema {
    uint32_t schema;
    uint32_t count;
    struct cursor_view entries; /* count rows of MessagePack without the array header: codec_schema_next reads them,
                                   codec_schema_put writes them */
};

struct message_tip_get {
    uint64_t have; /* tip_seq */
};

struct message_bye {
    uint8_t reason; /* enum message_reason */
    uint32_t held_count;
    struct message_held held[MESSAGE_HELD_MAX];
};

struct message_lease_cut {
    uint64_t lease, at; /* please end at `at` */
};

struct message_cut_ack {
    uint64_t lease, end; /* the end from now on; the old one: refused, nearly done */
};

struct message_revoke {
    uint64_t lease; /* 0: all */
    uint8_t reason; /* enum message_reason */
};

struct message_ack {
    uint64_t upto; /* all seq up to here are settled: OK unless listed */
    uint32_t count;
    struct message_ack_code codes[MESSAGE_ACK_CODES_MAX];
};

struct message_config {
    uint32_t count;
    struct message_setting settings[MESSAGE_SETTINGS_MAX];
};

struct message_go_to {
    uint32_t endpoint_count;
    struct cursor_view endpoints[MESSAGE_PEERS_MAX];
    uint32_t when_ms; /* spread the move over this time */
};

struct message_error {
    uint8_t code; /* enum message_code */
    struct cursor_view text;
    uint64_t ref; /* seq of the message it answers, 0 none */
};

struct message_beacon {
    uint64_t epoch, tip_seq;
    uint8_t hash8[8]; /* first 8 bytes of the tip's hash, wire order */
};

struct message_ctrl {
    uint64_t epoch, ctl_seq;
    uint8_t verb; /* enum message_ctrl_verb */
    uint64_t arg; /* optional, 0 by default */
};

struct message_ctl_req {
    uint64_t id; /* the client's, comes back in every reply */
    struct cursor_view verb;
    struct cursor_view args; /* a whole MessagePack map: cursor_map_find; empty view when encoding: the empty map */
};

struct message_ctl_rep {
    uint64_t id;
    int64_t code;              /* 0, or a negative code of common/base/err.h */
    uint8_t more;              /* 0: the last reply to id; 1: more follow */
    struct cursor_view result; /* as args */
};

/* About 4 KiB, for the shares. */
struct message {
    enum message_type type;
    uint64_t wid; /* 0 before WELCOME */
    uint64_t seq; /* per sender and session, from 1, rising by 1 */
    union {
        struct message_hello hello;
        struct message_welcome welcome;
        struct message_lease_req lease_req;
        struct message_lease lease;
        struct message_progress progress;
        struct message_lease_done lease_done;
        struct message_lease_return lease_return;
        struct message_share share;
        struct message_block block;
        struct message_metrics metrics;
        struct message_schema schema;
        struct message_tip_get tip_get;
        struct message_bye bye;
        struct message_lease_cut lease_cut;
        struct message_cut_ack cut_ack;
        struct message_revoke revoke;
        struct message_ack ack;
        struct message_config config;
        struct message_go_to go_to;
        struct message_error error;
        struct message_tip tip;
        struct message_beacon beacon;
        struct message_ctrl ctrl;
        struct message_job job;
        struct message_ctl_req ctl_req;
        struct message_ctl_rep ctl_rep;
    } u;
};

#endif
