/* rollup.h - telemetry of all workers into cluster totals, by each metric's own rule (sum, max, mean). Counters of
 * departed workers stay in the sums; gauges vanish with their worker. A counter that falls (its process began anew) is
 * taken as a new run: what it had reached is kept.
 * Pure. Threads: one at a time. Memory: malloc: ROLLUP_NAMES_MAX names, and per worker at most
 * MESSAGE_METRIC_VALUES_MAX values. */
#ifndef COORDINATOR_CORE_ROLLUP_H
#define COORDINATOR_CORE_ROLLUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/wire/message.h"

enum { ROLLUP_NAMES_MAX = 1024 };

/* A number that is exact while it is an integer: u for counts of 0 and more, f for all others. */
struct rollup_value {
    uint64_t u;
    double f;
};

struct rollup_metric {
    char name[MESSAGE_METRIC_NAME_LEN + 1];
    char unit[MESSAGE_METRIC_UNIT_LEN + 1];
    uint8_t kind, agg;            /* of the first worker that named it */
    struct rollup_value departed; /* counters only */
    struct rollup_value total;    /* as of the last rollup_total */
    uint32_t reporters;           /* likewise */
};

struct rollup_node; /* one worker's */

struct rollup {
    struct rollup_metric *metrics;
    size_t count, cap;
    struct rollup_node *first;
};

void rollup_free(struct rollup *self); /* all zeroes is an empty one; nodes are freed, too */

/* A worker's SCHEMA: makes *node_p if it is NULL. 0; ERR_FULL: more names than there is room for (nothing changed);
 * ERR_DUPLICATE: a name twice. */
int rollup_schema(struct rollup *self, struct rollup_node **node_p, const struct message_schema *schema) MUST_CHECK;
/* A worker's METRICS. 0; ERR_UNKNOWN_KEY: no such schema from it (ask for it); ERR_RANGE: another count of values than
 * the schema's, or a value that is not finite. On an error nothing changed. node may be NULL. */
int rollup_metrics(struct rollup_node *node, const struct message_metrics *metrics) MUST_CHECK;
/* Whether the worker is in session: gauges count only then. NULL-safe. */
void rollup_live(struct rollup_node *node, bool live);
/* The worker is forgotten: its counters go to the departed. NULL-safe; leaves *node_p NULL. */
void rollup_depart(struct rollup *self, struct rollup_node **node_p);
/* Brings the totals of all metrics up to date. O(workers x metrics). */
void rollup_total(struct rollup *self);
/* The metric of that name, NULL if nobody ever reported it. */
const struct rollup_metric *rollup_find(const struct rollup *self, const char *name);

#endif
