/* demojson.h - results of the control verbs in the shapes and under the field names of the original demo's routes.
 * Pure. Threads: any. Memory: malloc, by jansson; arguments are borrowed, results are the caller's.
 *
 * A value that the control result lacks (a metric nobody collects yet) reads as zero. */
#ifndef COORDINATOR_HTTP_DEMOJSON_H
#define COORDINATOR_HTTP_DEMOJSON_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum { DEMOJSON_TIME_CAP = 40, DEMOJSON_DURATION_CAP = 64 };

/* One block of the verb "blocks" or "mine": index, timestamp, data (the payloads, joined by line feeds where there are
 * several), previous_hash, hash, nonce; and ours: payloads, bits, merkle_root, extranonce, worker. */
json_t *demojson_block(const json_t *block);
/* GET /stats: status and stats are the results of those verbs, now_ns the wall clock (Unix nanoseconds). Beside the
 * demo's whole MiB stand exact *_bytes, and the block "cluster". */
json_t *demojson_stats(const json_t *status, const json_t *stats, int64_t now_ns);
/* Sets gc_runs, gc_pause_ms, heap_delta_mb and gc_cpu_fraction in out: what the cluster's runtimes did between two
 * results of the verb "stats". gc_cpu_fraction is the share of that span, not since the start. */
void demojson_cost(json_t *out, const json_t *before, const json_t *after);
/* A cluster sum of the verb "stats" by its runtime/metrics name. */
double demojson_metric(const json_t *stats, const char *name);

/* RFC 3339 in UTC with as many digits below the second as it takes, as Go's RFC3339Nano. */
void demojson_time(char out[DEMOJSON_TIME_CAP], int64_t unix_ns);
/* Go's text of a duration: "0s", "1.5µs", "307.310817ms", "1m2.5s", "3h0m0s". */
void demojson_duration(char out[DEMOJSON_DURATION_CAP], int64_t ns);

#endif
