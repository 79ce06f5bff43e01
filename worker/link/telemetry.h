/* telemetry.h - what a worker reports of itself: the SCHEMA once per session, METRICS each interval. One table names
 * every value; counters are cumulative since the start, so a lost report loses resolution and never counts.
 * Threads: one at a time; telemetry_process from a goroutine. Memory: one allocation; messages borrow from it. */
#ifndef WORKER_LINK_TELEMETRY_H
#define WORKER_LINK_TELEMETRY_H

#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/wire/message.h"

/* X(field, type, "name", "unit", KIND, AGG). Go's names where Go has one, ours below /lode. */
#define TELEMETRY_TABLE(X)                                                                                             \
    X(hashes, u64, "/lode/worker/hashes:hashes", "hashes", COUNTER, SUM)                                               \
    X(hashrate, f64, "/lode/worker/hashrate:hashes-per-second", "hashes/s", GAUGE, SUM)                                \
    X(hashrate_1m, f64, "/lode/worker/hashrate/1m:hashes-per-second", "hashes/s", GAUGE, SUM)                          \
    X(hashrate_5m, f64, "/lode/worker/hashrate/5m:hashes-per-second", "hashes/s", GAUGE, SUM)                          \
    X(hashrate_15m, f64, "/lode/worker/hashrate/15m:hashes-per-second", "hashes/s", GAUGE, SUM)                        \
    X(slices, u64, "/lode/worker/slices:slices", "slices", COUNTER, SUM)                                               \
    X(busy_us, u64, "/lode/worker/busy:microseconds", "us", COUNTER, SUM)                                              \
    X(wait_us, u64, "/lode/worker/wait:microseconds", "us", COUNTER, SUM)                                              \
    X(leases_done, u64, "/lode/worker/leases/done:leases", "leases", COUNTER, SUM)                                     \
    X(leases_held, u64, "/lode/worker/leases/held:leases", "leases", GAUGE, SUM)                                       \
    X(shares_found, u64, "/lode/worker/shares/found:shares", "shares", COUNTER, SUM)                                   \
    X(shares_ok, u64, "/lode/worker/shares/accepted:shares", "shares", COUNTER, SUM)                                   \
    X(shares_bad, u64, "/lode/worker/shares/rejected:shares", "shares", COUNTER, SUM)                                  \
    X(shares_dropped, u64, "/lode/worker/shares/dropped:shares", "shares", COUNTER, SUM)                               \
    X(blocks_found, u64, "/lode/worker/blocks/found:blocks", "blocks", COUNTER, SUM)                                   \
    X(blocks_ok, u64, "/lode/worker/blocks/accepted:blocks", "blocks", COUNTER, SUM)                                   \
    X(blocks_bad, u64, "/lode/worker/blocks/rejected:blocks", "blocks", COUNTER, SUM)                                  \
    X(tip_height, u64, "/lode/worker/tip/height:blocks", "blocks", GAUGE, MAX)                                         \
    X(tips_taken, u64, "/lode/worker/tips/taken:tips", "tips", COUNTER, SUM)                                           \
    X(tips_refused, u64, "/lode/worker/tips/refused:tips", "tips", COUNTER, SUM)                                       \
    X(tip_us, u64, "/lode/worker/tip/switch:microseconds", "us", GAUGE, MAX)                                           \
    X(sessions, u64, "/lode/worker/sessions:sessions", "sessions", COUNTER, SUM)                                       \
    X(redials, u64, "/lode/worker/redials:redials", "redials", COUNTER, SUM)                                           \
    X(bad_frames, u64, "/lode/worker/bad-frames:frames", "frames", COUNTER, SUM)                                       \
    X(missed_edges, u64, "/lode/zmq/missed-edges:events", "events", COUNTER, SUM)                                      \
    X(rss_bytes, u64, "/lode/process/rss:bytes", "bytes", GAUGE, SUM)                                                  \
    X(goroutines, u64, "/sched/goroutines:goroutines", "goroutines", GAUGE, SUM)                                       \
    X(safepoint_slice_us, u64, "/lode/sched/safepoint/slice/p99:microseconds", "us", GAUGE, MAX)                       \
    X(safepoint_timer_us, u64, "/lode/sched/safepoint/timer/p99:microseconds", "us", GAUGE, MAX)                       \
    X(safepoint_stop_us, u64, "/lode/sched/safepoint/stop/p99:microseconds", "us", GAUGE, MAX)                         \
    X(threads, u64, "/sched/threads/total:threads", "threads", GAUGE, SUM)                                             \
    X(procs, u64, "/sched/gomaxprocs:threads", "threads", GAUGE, SUM)

typedef uint64_t telemetry_u64;
typedef double telemetry_f64;

/* One report's values. */
struct telemetry_values {
#define TELEMETRY_FIELD(field, type, name, unit, kind, agg) telemetry_##type field;
    TELEMETRY_TABLE(TELEMETRY_FIELD)
#undef TELEMETRY_FIELD
};

struct telemetry;

struct telemetry *telemetry_new(void); /* never NULL; caller owns */
void telemetry_free(struct telemetry **self_p);
/* Fills m as the SCHEMA of the table (id TELEMETRY_SCHEMA); its rows are borrowed until telemetry_free. */
enum { TELEMETRY_SCHEMA = 1 };
void telemetry_schema(const struct telemetry *self, struct message *m);
/* Fills m as METRICS at now_ns; its values are borrowed until the next call. A rate that is not finite reads as 0. */
void telemetry_metrics(struct telemetry *self, const struct telemetry_values *v, int64_t now_ns, struct message *m);
/* Fills rss_bytes and threads from /proc/self, through the blocking gate; leaves them as they are if it cannot. */
void telemetry_process(struct telemetry_values *v);

#endif
