#include "common/wire/grammar.h"

#include <rt/attr.h>

/* One line a field, in the order of the wire. S is the struct, f the member. */
#define AT(S, f)    .name = #f, .at = offsetof(struct message_##S, f)
#define WIDTH(S, f) sizeof(((struct message_##S *)0)->f)
#define LAST(S, f)                                                                                                     \
    (WIDTH(S, f) == 8 ? UINT64_MAX : WIDTH(S, f) == 4 ? UINT32_MAX : WIDTH(S, f) == 2 ? UINT16_MAX : UINT8_MAX)

#define UINT(S, f)                                                                                                     \
    {                                                                                                                  \
        AT(S, f), .kind = GRAMMAR_UINT, .width = WIDTH(S, f), .max = LAST(S, f)                                        \
    }
#define UINT_IN(S, f, low, up)                                                                                         \
    {                                                                                                                  \
        AT(S, f), .kind = GRAMMAR_UINT, .width = WIDTH(S, f), .min = (low), .max = (up)                                \
    }
#define I64(S, f)                                                                                                      \
    {                                                                                                                  \
        AT(S, f), .kind = GRAMMAR_I64, .width = WIDTH(S, f)                                                            \
    }
#define BOOL(S, f)                                                                                                     \
    {                                                                                                                  \
        AT(S, f), .kind = GRAMMAR_BOOL, .width = WIDTH(S, f)                                                           \
    }
#define BYTES(S, f)                                                                                                    \
    {                                                                                                                  \
        AT(S, f), .kind = GRAMMAR_BYTES, .width = WIDTH(S, f)                                                          \
    }
#define BYTES_OR_NIL(S, f, has)                                                                                        \
    {                                                                                                                  \
        AT(S, f), .kind = GRAMMAR_BYTES_OR_NIL, .width = WIDTH(S, f), .other = offsetof(struct message_##S, has)       \
    }
#define VIEW(S, f, kind_, max_)                                                                                        \
    {                                                                                                                  \
        AT(S, f), .kind = kind_, .width = WIDTH(S, f), .max = (max_)                                                   \
    }
#define BIN(S, f, max_)        VIEW(S, f, GRAMMAR_BIN, max_)
#define STR(S, f, max_)        VIEW(S, f, GRAMMAR_STR, max_)
#define STR_OR_NIL(S, f, max_) VIEW(S, f, GRAMMAR_STR_OR_NIL, max_)
#define MAP(S, f, max_)        VIEW(S, f, GRAMMAR_MAP, max_)
#define MAGIC()                                                                                                        \
    {                                                                                                                  \
        .name = "magic", .kind = GRAMMAR_MAGIC                                                                         \
    }
#define RECORD(S, f, sub_)                                                                                             \
    {                                                                                                                  \
        AT(S, f), .kind = GRAMMAR_RECORD, .width = WIDTH(S, f), .sub = (sub_)                                          \
    }
#define RECORD_OR_NIL(S, f, has, sub_)                                                                                 \
    {                                                                                                                  \
        AT(S, f), .kind = GRAMMAR_RECORD_OR_NIL, .width = WIDTH(S, f), .other = offsetof(struct message_##S, has),     \
                  .sub = (sub_)                                                                                        \
    }
/* LIST: as many as the array holds. */
#define LIST_FROM(S, f, counter, low, sub_)                                                                            \
    {                                                                                                                  \
        AT(S, f), .kind = GRAMMAR_LIST, .other = offsetof(struct message_##S, counter), .width = WIDTH(S, f[0]),       \
                  .min = (low), .max = WIDTH(S, f) / WIDTH(S, f[0]), .sub = (sub_)                                     \
    }
#define LIST(S, f, counter, sub_) LIST_FROM(S, f, counter, 0, sub_)
#define RAW(S, f, counter, kind_, max_, sub_)                                                                          \
    {                                                                                                                  \
        AT(S, f), .kind = kind_, .width = WIDTH(S, f), .other = offsetof(struct message_##S, counter), .max = (max_),  \
                  .sub = (sub_)                                                                                        \
    }

/* GRAMMAR(struct, required fields): fields of that struct. OPTIONAL ones are those behind `required_`. */
#define GRAMMAR_OF(table, required_)                                                                                   \
    {                                                                                                                  \
        .name = #table, .fields = table##_fields, .count = ARRAY_LEN(table##_fields), .required = (required_)          \
    }
#define GRAMMAR(table)         static const struct grammar table = GRAMMAR_OF(table, ARRAY_LEN(table##_fields))
#define GRAMMAR_FROM(table, n) static const struct grammar table = GRAMMAR_OF(table, n)
#define GRAMMAR_BARE(table)                                                                                            \
    static const struct grammar table = {                                                                              \
        .name = #table, .fields = table##_fields, .count = 1, .required = 1, .bare = true}

/* Elements that are no arrays themselves: strings, and hashes. */
static const struct grammar_field cap_fields[] = {
    {.name = "cap", .kind = GRAMMAR_STR, .width = sizeof(struct cursor_view), .max = MESSAGE_CAP_LEN}};
GRAMMAR_BARE(cap);
static const struct grammar_field address_fields[] = {
    {.name = "endpoint", .kind = GRAMMAR_STR, .width = sizeof(struct cursor_view), .max = MESSAGE_ENDPOINT_LEN}};
GRAMMAR_BARE(address);
static const struct grammar_field node_fields[] = {{.name = "hash", .kind = GRAMMAR_BYTES, .width = 32}};
GRAMMAR_BARE(node);

static const struct grammar_field held_fields[] = {UINT(held, lease), UINT(held, pos), UINT(held, end)};
GRAMMAR(held);
static const struct grammar_field unacked_fields[] = {UINT(unacked, seq), UINT(unacked, type)};
GRAMMAR(unacked);
static const struct grammar_field verdict_fields[] = {UINT(verdict, lease), UINT(verdict, code)};
GRAMMAR(verdict);
static const struct grammar_field ack_code_fields[] = {UINT(ack_code, seq), UINT(ack_code, code)};
GRAMMAR(ack_code);
static const struct grammar_field progress_entry_fields[] = {
    UINT(progress_entry, lease),
    UINT(progress_entry, pos),
    UINT(progress_entry, hashes),
};
GRAMMAR(progress_entry);
static const struct grammar_field share_entry_fields[] = {
    UINT(share_entry, job),
    UINT(share_entry, lease),
    UINT(share_entry, nonce),
    BYTES(share_entry, hash),
};
GRAMMAR(share_entry);
static const struct grammar_field setting_fields[] = {
    UINT(setting, key),
    {.name = "value", .kind = GRAMMAR_NUMBER_OR_BYTES, .width = 8},
};
GRAMMAR(setting);
static const struct grammar_field schema_entry_fields[] = {
    STR(schema_entry, name, MESSAGE_METRIC_NAME_LEN),
    STR(schema_entry, unit, MESSAGE_METRIC_UNIT_LEN),
    UINT_IN(schema_entry, kind, 0, MESSAGE_METRIC_HIST),
    UINT_IN(schema_entry, agg, 0, MESSAGE_AGG_HIST),
};
const struct grammar grammar_schema_entry = GRAMMAR_OF(schema_entry, 4);

static const struct grammar_field job_fields[] = {
    UINT(job, job),
    BYTES(job, parent),
    UINT(job, version),
    UINT(job, version_mask),
    BIN(job, coinbase1, MESSAGE_COINBASE_LEN),
    BIN(job, coinbase2, MESSAGE_COINBASE_LEN),
    LIST(job, branch, branch_count, &node),
    UINT(job, ntime),
    UINT(job, bits),
    UINT(job, height),
    BYTES(job, share_target),
    BOOL(job, future),
};
GRAMMAR(job);
static const struct grammar_field tip_fields[] = {
    UINT(tip, epoch),   UINT(tip, tip_seq), UINT(tip, height),
    BYTES(tip, hash),   BYTES(tip, work),   UINT(tip, reorg),
    UINT(tip, job),     BOOL(tip, clean),   RECORD_OR_NIL(tip, body, has_job, &job),
    UINT(tip, sent_us), BYTES(tip, header),
};
GRAMMAR(tip);

static const struct grammar_field hello_fields[] = {
    MAGIC(),
    UINT(hello, ver_min),
    UINT(hello, ver_max),
    LIST(hello, caps, cap_count, &cap),
    BYTES(hello, uuid),
    BYTES_OR_NIL(hello, cluster, has_cluster),
    STR(hello, host, MESSAGE_HOST_LEN),
    STR(hello, agent, MESSAGE_AGENT_LEN),
    UINT(hello, lanes),
    UINT(hello, rate_hint),
    UINT(hello, last_epoch),
    UINT(hello, last_tip),
    LIST(hello, held, held_count, &held),
    LIST(hello, unacked, unacked_count, &unacked),
};
GRAMMAR(hello);
static const struct grammar_field welcome_fields[] = {
    UINT(welcome, ver),
    LIST(welcome, caps, cap_count, &cap),
    BYTES(welcome, cluster),
    UINT(welcome, epoch),
    UINT(welcome, wid),
    STR(welcome, tip_ep, MESSAGE_ENDPOINT_LEN),
    STR_OR_NIL(welcome, metrics_ep, MESSAGE_ENDPOINT_LEN),
    LIST(welcome, peers, peer_count, &address),
    UINT(welcome, metrics_ms),
    UINT(welcome, beat_ms),
    UINT(welcome, dead_ms),
    UINT(welcome, want),
    BYTES(welcome, share_target),
    UINT_IN(welcome, on_loss, 0, MESSAGE_ON_LOSS_PAUSE),
    RECORD(welcome, tip, &tip),
    LIST(welcome, verdicts, verdict_count, &verdict),
};
GRAMMAR(welcome);
static const struct grammar_field lease_req_fields[] = {
    UINT_IN(lease_req, n, 1, MESSAGE_LEASES_WANTED_MAX),
    UINT(lease_req, rate),
    UINT(lease_req, left_ms),
};
GRAMMAR(lease_req);
static const struct grammar_field lease_fields[] = {
    UINT(lease, lease), UINT(lease, epoch),  UINT(lease, job),     UINT(lease, start),
    UINT(lease, end),   UINT(lease, ttl_ms), UINT(lease, want_ms),
};
GRAMMAR(lease);
static const struct grammar_field progress_fields[] = {LIST(progress, entries, count, &progress_entry)};
GRAMMAR(progress);
static const struct grammar_field lease_done_fields[] = {
    UINT(lease_done, lease),  UINT(lease_done, start),   UINT(lease_done, end),
    UINT(lease_done, hashes), UINT(lease_done, busy_us), UINT(lease_done, wait_us),
};
GRAMMAR(lease_done);
static const struct grammar_field lease_return_fields[] = {
    UINT(lease_return, lease),
    UINT(lease_return, pos),
    UINT(lease_return, reason),
};
GRAMMAR(lease_return);
static const struct grammar_field share_fields[] = {LIST_FROM(share, entries, count, 1, &share_entry)};
GRAMMAR(share);
static const struct grammar_field block_fields[] = {
    UINT(block, job),     UINT(block, lease), UINT(block, nonce),
    BYTES(block, header), BYTES(block, hash), UINT(block, age_us),
};
GRAMMAR(block);
static const struct grammar_field metrics_fields[] = {
    UINT(metrics, schema),
    UINT(metrics, t_ms),
    RAW(metrics, values, count, GRAMMAR_NUMBERS, MESSAGE_METRIC_VALUES_MAX, NULL),
};
GRAMMAR(metrics);
static const struct grammar_field schema_fields[] = {
    UINT(schema, schema),
    RAW(schema, entries, count, GRAMMAR_ROWS, MESSAGE_SCHEMA_ENTRIES_MAX, &grammar_schema_entry),
};
GRAMMAR(schema);
static const struct grammar_field tip_get_fields[] = {UINT(tip_get, have)};
GRAMMAR(tip_get);
static const struct grammar_field bye_fields[] = {UINT(bye, reason), LIST(bye, held, held_count, &held)};
GRAMMAR(bye);
static const struct grammar_field lease_cut_fields[] = {UINT(lease_cut, lease), UINT(lease_cut, at)};
GRAMMAR(lease_cut);
static const struct grammar_field cut_ack_fields[] = {UINT(cut_ack, lease), UINT(cut_ack, end)};
GRAMMAR(cut_ack);
static const struct grammar_field revoke_fields[] = {UINT(revoke, lease), UINT(revoke, reason)};
GRAMMAR(revoke);
static const struct grammar_field ack_fields[] = {UINT(ack, upto), LIST(ack, codes, count, &ack_code)};
GRAMMAR(ack);
static const struct grammar_field config_fields[] = {LIST(config, settings, count, &setting)};
GRAMMAR(config);
static const struct grammar_field go_to_fields[] = {
    LIST_FROM(go_to, endpoints, endpoint_count, 1, &address),
    UINT(go_to, when_ms),
};
GRAMMAR(go_to);
static const struct grammar_field error_fields[] = {
    UINT(error, code),
    STR(error, text, MESSAGE_TEXT_LEN),
    UINT(error, ref),
};
GRAMMAR_FROM(error, 1);
static const struct grammar_field beacon_fields[] = {
    UINT(beacon, epoch),
    UINT(beacon, tip_seq),
    BYTES(beacon, hash8),
};
GRAMMAR(beacon);
static const struct grammar_field ctrl_fields[] = {
    UINT(ctrl, epoch),
    UINT(ctrl, ctl_seq),
    UINT(ctrl, verb),
    UINT(ctrl, arg),
};
GRAMMAR_FROM(ctrl, 3);
static const struct grammar_field ctl_req_fields[] = {
    UINT(ctl_req, id),
    STR(ctl_req, verb, MESSAGE_VERB_LEN),
    MAP(ctl_req, args, MESSAGE_ARGS_LEN),
};
GRAMMAR_FROM(ctl_req, 2);
static const struct grammar_field ctl_rep_fields[] = {
    UINT(ctl_rep, id),
    I64(ctl_rep, code),
    UINT_IN(ctl_rep, more, 0, 1),
    MAP(ctl_rep, result, MESSAGE_RESULT_LEN),
};
GRAMMAR_FROM(ctl_rep, 3);

static const struct grammar *const messages[] = {
    [MESSAGE_HELLO] = &hello,
    [MESSAGE_WELCOME] = &welcome,
    [MESSAGE_LEASE_REQ] = &lease_req,
    [MESSAGE_LEASE] = &lease,
    [MESSAGE_PROGRESS] = &progress,
    [MESSAGE_LEASE_DONE] = &lease_done,
    [MESSAGE_LEASE_RETURN] = &lease_return,
    [MESSAGE_SHARE] = &share,
    [MESSAGE_BLOCK] = &block,
    [MESSAGE_METRICS] = &metrics,
    [MESSAGE_SCHEMA] = &schema,
    [MESSAGE_TIP_GET] = &tip_get,
    [MESSAGE_BYE] = &bye,
    [MESSAGE_LEASE_CUT] = &lease_cut,
    [MESSAGE_CUT_ACK] = &cut_ack,
    [MESSAGE_REVOKE] = &revoke,
    [MESSAGE_ACK] = &ack,
    [MESSAGE_CONFIG] = &config,
    [MESSAGE_GO_TO] = &go_to,
    [MESSAGE_ERROR] = &error,
    [MESSAGE_TIP] = &tip,
    [MESSAGE_BEACON] = &beacon,
    [MESSAGE_CTRL] = &ctrl,
    [MESSAGE_JOB] = &job,
    [MESSAGE_CTL_REQ] = &ctl_req,
    [MESSAGE_CTL_REP] = &ctl_rep,
};

const struct grammar *grammar_of(enum message_type type)
{
    return (size_t)type < ARRAY_LEN(messages) ? messages[type] : NULL;
}
