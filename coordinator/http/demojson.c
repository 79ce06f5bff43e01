#include "coordinator/http/demojson.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rt/attr.h>

#include "common/base/check.h"

static const int64_t SECOND_NS = 1000000000;
static const double MIB = 1024.0 * 1024.0;

/* Takes zeroes off the end of digits below a point, and the point if nothing is left behind it. */
static void trim(char *text)
{
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == '0')
        len--;
    if (len > 0 && text[len - 1] == '.')
        len--;
    text[len] = '\0';
}

void demojson_time(char out[DEMOJSON_TIME_CAP], int64_t unix_ns)
{
    int64_t below = unix_ns % SECOND_NS;
    if (below < 0)
        below += SECOND_NS;
    time_t seconds = (unix_ns - below) / SECOND_NS;
    struct tm utc;
    char date[24], fraction[16];
    gmtime_r(&seconds, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(fraction, sizeof fraction, ".%09" PRId64, below);
    trim(fraction);
    snprintf(out, DEMOJSON_TIME_CAP, "%s%sZ", date, fraction);
}

/* ns / unit with all its decimals, without zeroes at the end. */
static void put_decimal(char *out, size_t cap, int64_t ns, int64_t unit, int decimals)
{
    snprintf(out, cap, "%" PRId64 ".%0*" PRId64, ns / unit, decimals, ns % unit);
    trim(out);
}

void demojson_duration(char out[DEMOJSON_DURATION_CAP], int64_t ns)
{
    char number[32];
    const char *sign = ns < 0 ? "-" : "";
    int64_t n = ns == INT64_MIN ? INT64_MAX : llabs(ns);
    if (n == 0) {
        snprintf(out, DEMOJSON_DURATION_CAP, "0s");
    } else if (n < SECOND_NS) {
        static const struct {
            int64_t unit;
            int decimals;
            const char *name;
        } units[] = {{1000000, 6, "ms"}, {1000, 3, "µs"}, {1, 0, "ns"}};
        size_t i = n >= 1000000 ? 0 : n >= 1000 ? 1 : 2;
        put_decimal(number, sizeof number, n, units[i].unit, units[i].decimals);
        if (i == 2)
            snprintf(number, sizeof number, "%" PRId64, n);
        snprintf(out, DEMOJSON_DURATION_CAP, "%s%s%s", sign, number, units[i].name);
    } else {
        int64_t minutes = n / (60 * SECOND_NS), hours = minutes / 60;
        put_decimal(number, sizeof number, n % (60 * SECOND_NS), SECOND_NS, 9);
        if (hours)
            snprintf(out, DEMOJSON_DURATION_CAP, "%s%" PRId64 "h%" PRId64 "m%ss", sign, hours, minutes % 60, number);
        else if (minutes)
            snprintf(out, DEMOJSON_DURATION_CAP, "%s%" PRId64 "m%ss", sign, minutes, number);
        else
            snprintf(out, DEMOJSON_DURATION_CAP, "%s%ss", sign, number);
    }
}

/* The payloads as one text, as the demo's one data field. */
static json_t *join(const json_t *payloads)
{
    size_t index, len = 0, at = 0;
    json_t *payload;
    json_array_foreach((json_t *)(uintptr_t)payloads, index, payload) len += json_string_length(payload) + 1;
    char *text = malloc(len + 1);
    CHECK(text != NULL);
    json_array_foreach((json_t *)(uintptr_t)payloads, index, payload)
    {
        if (index > 0)
            text[at++] = '\n';
        memcpy(text + at, json_string_value(payload), json_string_length(payload));
        at += json_string_length(payload);
    }
    json_t *out = json_stringn(text, at);
    free(text);
    return out;
}

static void copy(json_t *out, const char *name, const json_t *from, const char *key, json_t *otherwise)
{
    json_t *value = json_object_get(from, key);
    if (value)
        json_object_set(out, name, value);
    else
        json_object_set(out, name, otherwise);
    json_decref(otherwise);
}

json_t *demojson_block(const json_t *block)
{
    char timestamp[DEMOJSON_TIME_CAP];
    json_t *out = json_object(), *payloads = json_object_get(block, "data");
    demojson_time(timestamp, json_integer_value(json_object_get(block, "time")) * SECOND_NS);
    copy(out, "index", block, "height", json_integer(0));
    json_object_set_new(out, "timestamp", json_string(timestamp));
    json_object_set_new(out, "data", join(payloads));
    copy(out, "previous_hash", block, "previous_hash", json_string(""));
    copy(out, "hash", block, "hash", json_string(""));
    copy(out, "nonce", block, "nonce", json_integer(0));
    copy(out, "bits", block, "bits", json_integer(0));
    copy(out, "merkle_root", block, "merkle_root", json_string(""));
    copy(out, "extranonce", block, "extranonce", json_integer(0));
    copy(out, "worker", block, "worker", json_null());
    copy(out, "payloads", block, "data", json_array());
    return out;
}

double demojson_metric(const json_t *stats, const char *name)
{
    return json_number_value(json_object_get(json_object_get(stats, "metrics"), name));
}

static json_t *whole(double value)
{
    return json_integer(value < 0 ? 0 : value >= 9e18 ? INT64_MAX : (json_int_t)value);
}

static double ratio(double part, double all)
{
    return all > 0 ? part / all : 0;
}

/* Wall time of all pauses, in seconds. The metric is CPU time (pause × procs), so a worker's mean number of procs is
 * taken out again. */
static double pause_seconds(const json_t *stats)
{
    double workers = json_number_value(json_object_get(stats, "workers"));
    return demojson_metric(stats, "/cpu/classes/gc/pause:cpu-seconds") *
           ratio(workers, demojson_metric(stats, "/sched/gomaxprocs:threads"));
}

static json_t *memory_stats(const json_t *stats)
{
    double heap = demojson_metric(stats, "/memory/classes/heap/objects:bytes");
    double released = demojson_metric(stats, "/memory/classes/heap/released:bytes");
    const struct {
        const char *name;
        double bytes;
    } rows[] = {
        {"alloc", heap},
        {"total_alloc", demojson_metric(stats, "/gc/heap/allocs:bytes")},
        {"sys", demojson_metric(stats, "/memory/classes/total:bytes")},
        {"heap_alloc", heap},
        {"heap_idle", demojson_metric(stats, "/memory/classes/heap/free:bytes") + released},
        {"heap_in_use", heap + demojson_metric(stats, "/memory/classes/heap/unused:bytes")},
        {"heap_released", released},
    };
    json_t *out = json_object();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char name[40];
        snprintf(name, sizeof name, "%s_mb", rows[i].name);
        json_object_set_new(out, name, whole(rows[i].bytes / MIB));
        snprintf(name, sizeof name, "%s_bytes", rows[i].name);
        json_object_set_new(out, name, whole(rows[i].bytes));
    }
    json_object_set_new(out, "num_gc", whole(demojson_metric(stats, "/gc/cycles/total:gc-cycles")));
    json_object_set_new(out, "heap_objects", whole(demojson_metric(stats, "/gc/heap/objects:objects")));
    return out;
}

static json_t *gc_stats(const json_t *stats)
{
    char last[DEMOJSON_TIME_CAP], pause[DEMOJSON_DURATION_CAP];
    double goal = demojson_metric(stats, "/gc/heap/goal:bytes");
    demojson_time(last, (int64_t)demojson_metric(stats, "/lode/gc/last:unix-seconds") * SECOND_NS);
    demojson_duration(pause, (int64_t)(pause_seconds(stats) * 1e9));
    return json_pack("{s:s, s:o, s:o, s:s, s:o, s:f}", "last_gc", last, "next_gc_mb", whole(goal / MIB),
                     "next_gc_bytes", whole(goal), "pause_total", pause, "num_forced_gc",
                     whole(demojson_metric(stats, "/gc/cycles/forced:gc-cycles")), "gc_cpu_fraction",
                     ratio(demojson_metric(stats, "/cpu/classes/gc/total:cpu-seconds"),
                           demojson_metric(stats, "/cpu/classes/total:cpu-seconds")));
}

static json_t *cluster(const json_t *status)
{
    static const char *const names[] = {
        "network", "height", "tip",    "work",         "difficulty", "epoch",           "workers", "hashrate",
        "hashes",  "blocks", "shares", "shares_stale", "reorgs",     "shares_rejected", "pending", "uptime_ms"};
    json_t *out = json_object();
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        copy(out, names[i], status, names[i], json_null());
    return out;
}

json_t *demojson_stats(const json_t *status, const json_t *stats, int64_t now_ns)
{
    char now[DEMOJSON_TIME_CAP];
    double goroutines = demojson_metric(stats, "/sched/goroutines:goroutines");
    double procs = demojson_metric(stats, "/sched/gomaxprocs:threads");
    demojson_time(now, now_ns);
    return json_pack("{s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o}, s:s, s:o}", "num_goroutine", whole(goroutines), "num_cpu",
                     whole(procs), "memory_stats", memory_stats(stats), "gc_stats", gc_stats(stats), "scheduler_stats",
                     "num_procs", whole(procs), "num_goroutines", whole(goroutines), "num_cgo_call",
                     whole(demojson_metric(stats, "/cgo/go-to-c-calls:calls")), "timestamp", now, "cluster",
                     cluster(status));
}

static double grown(const json_t *before, const json_t *after, const char *name)
{
    double by = demojson_metric(after, name) - demojson_metric(before, name);
    return by > 0 ? by : 0; /* a counter falls only when a worker has left the sums */
}

void demojson_cost(json_t *out, const json_t *before, const json_t *after)
{
    double pause = pause_seconds(after) - pause_seconds(before);
    double heap = demojson_metric(after, "/memory/classes/heap/objects:bytes") -
                  demojson_metric(before, "/memory/classes/heap/objects:bytes");
    json_object_set_new(out, "gc_runs", whole(grown(before, after, "/gc/cycles/total:gc-cycles")));
    json_object_set_new(out, "gc_pause_ms", json_real(pause > 0 ? pause * 1e3 : 0));
    json_object_set_new(out, "heap_delta_mb", json_real(heap / MIB));
    json_object_set_new(out, "gc_cpu_fraction",
                        json_real(ratio(grown(before, after, "/cpu/classes/gc/total:cpu-seconds"),
                                        grown(before, after, "/cpu/classes/total:cpu-seconds"))));
}
