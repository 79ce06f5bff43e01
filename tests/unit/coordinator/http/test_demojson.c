#include "test.h"

#include <math.h>

#include "coordinator/http/demojson.h"

Test(demojson, durations_read_as_in_go)
{
    static const struct {
        int64_t ns;
        const char *text;
    } cases[] = {
        {0, "0s"},
        {1, "1ns"},
        {999, "999ns"},
        {1500, "1.5µs"},
        {307310817, "307.310817ms"},
        {1000000, "1ms"},
        {1000000000, "1s"},
        {1234500000, "1.2345s"},
        {62500000000, "1m2.5s"},
        {10800000000000, "3h0m0s"},
        {-1500000, "-1.5ms"},
    };
    char text[DEMOJSON_DURATION_CAP];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        demojson_duration(text, cases[i].ns);
        cr_assert_str_eq(text, cases[i].text);
    }
    demojson_duration(text, INT64_MIN);
    cr_assert_eq(text[0], '-');
}

Test(demojson, times_are_rfc_3339)
{
    char text[DEMOJSON_TIME_CAP];
    demojson_time(text, 0);
    cr_assert_str_eq(text, "1970-01-01T00:00:00Z");
    demojson_time(text, 1500000000123000000);
    cr_assert_str_eq(text, "2017-07-14T02:40:00.123Z");
    demojson_time(text, -1);
    cr_assert_str_eq(text, "1969-12-31T23:59:59.999999999Z");
}

Test(demojson, a_block_has_the_demos_fields_and_ours)
{
    json_t *in = json_pack("{s:i, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:s, s:[s]}", "height", 7, "hash", "aa",
                           "previous_hash", "bb", "merkle_root", "cc", "time", 1500000000, "bits", 99, "nonce", 5,
                           "extranonce", 6, "worker", "w1", "data", "hello");
    json_t *out = demojson_block(in);
    json_t *expected =
        json_pack("{s:i, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:i, s:s, s:[s]}", "index", 7, "timestamp",
                  "2017-07-14T02:40:00Z", "data", "hello", "previous_hash", "bb", "hash", "aa", "nonce", 5, "bits", 99,
                  "merkle_root", "cc", "extranonce", 6, "worker", "w1", "payloads", "hello");
    cr_assert(json_equal(out, expected));
    json_decref(in);
    json_decref(out);
    json_decref(expected);
}

Test(demojson, payloads_are_joined_and_missing_ones_are_empty)
{
    json_t *in = json_pack("{s:[s,s]}", "data", "a", "b");
    json_t *out = demojson_block(in);
    cr_assert_str_eq(json_string_value(json_object_get(out, "data")), "a\nb");
    json_decref(in);
    json_decref(out);
    in = json_object();
    out = demojson_block(in);
    cr_assert_str_eq(json_string_value(json_object_get(out, "data")), "");
    cr_assert(json_is_null(json_object_get(out, "worker")));
    json_decref(in);
    json_decref(out);
}

static json_t *metrics(double heap, double cycles, double pause)
{
    return json_pack("{s:i, s:{s:f, s:f, s:f, s:f, s:f, s:f, s:i}}", "workers", 2, "metrics",
                     "/memory/classes/heap/objects:bytes", heap, "/gc/cycles/total:gc-cycles", cycles,
                     "/cpu/classes/gc/pause:cpu-seconds", pause, "/sched/gomaxprocs:threads", 4.0,
                     "/cpu/classes/gc/total:cpu-seconds", pause * 2, "/cpu/classes/total:cpu-seconds", pause * 8,
                     "/sched/goroutines:goroutines", 11);
}

static double real_at(const json_t *tree, const char *key)
{
    const json_t *value = json_object_get(tree, key);
    cr_assert(json_is_number(value), "%s is no number", key);
    return json_number_value(value);
}

Test(demojson, the_cost_is_what_changed)
{
    json_t *before = metrics(3 << 20, 10, 1), *after = metrics(2 << 20, 15, 1.5), *out = json_object();
    demojson_cost(out, before, after);
    cr_assert_eq(real_at(out, "gc_runs"), 5);
    cr_assert_lt(fabs(real_at(out, "gc_pause_ms") - 250), 1e-6);
    cr_assert_eq(real_at(out, "heap_delta_mb"), -1);
    cr_assert_lt(fabs(real_at(out, "gc_cpu_fraction") - 0.25), 1e-9);
    demojson_cost(out, after, before); /* a worker left: its counters went with it */
    cr_assert_eq(real_at(out, "gc_runs"), 0);
    cr_assert_eq(real_at(out, "gc_pause_ms"), 0);
    cr_assert_eq(real_at(out, "gc_cpu_fraction"), 0);
    json_decref(before);
    json_decref(after);
    json_decref(out);
}

Test(demojson, stats_have_every_field_of_the_demo)
{
    static const char *const paths[][2] = {
        {"memory_stats", "alloc_mb"},     {"memory_stats", "total_alloc_mb"},    {"memory_stats", "sys_mb"},
        {"memory_stats", "num_gc"},       {"memory_stats", "heap_alloc_mb"},     {"memory_stats", "heap_objects"},
        {"memory_stats", "heap_idle_mb"}, {"memory_stats", "heap_in_use_mb"},    {"memory_stats", "heap_released_mb"},
        {"gc_stats", "next_gc_mb"},       {"gc_stats", "num_forced_gc"},         {"gc_stats", "gc_cpu_fraction"},
        {"scheduler_stats", "num_procs"}, {"scheduler_stats", "num_goroutines"}, {"scheduler_stats", "num_cgo_call"},
    };
    json_t *status = json_pack("{s:i, s:s}", "height", 3, "tip", "ff"), *stats = metrics(5 << 20, 7, 1);
    json_t *out = demojson_stats(status, stats, 1500000000000000000);
    cr_assert_eq(real_at(out, "num_goroutine"), 11);
    cr_assert_eq(real_at(out, "num_cpu"), 4);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        real_at(json_object_get(out, paths[i][0]), paths[i][1]);
    const json_t *gc = json_object_get(out, "gc_stats"), *memory = json_object_get(out, "memory_stats");
    cr_assert_str_eq(json_string_value(json_object_get(gc, "last_gc")), "1970-01-01T00:00:00Z");
    cr_assert_str_eq(json_string_value(json_object_get(gc, "pause_total")), "500ms");
    cr_assert_eq(real_at(memory, "alloc_mb"), 5);
    cr_assert_eq(real_at(memory, "alloc_bytes"), 5 << 20);
    cr_assert_eq(real_at(memory, "num_gc"), 7);
    cr_assert_str_eq(json_string_value(json_object_get(out, "timestamp")), "2017-07-14T02:40:00Z");
    cr_assert_eq(real_at(json_object_get(out, "cluster"), "height"), 3);
    json_decref(status);
    json_decref(stats);
    json_decref(out);
}

Test(demojson, without_any_metric_the_numbers_are_zero)
{
    json_t *nothing = json_object(), *out = demojson_stats(nothing, nothing, 0);
    cr_assert_eq(real_at(out, "num_goroutine"), 0);
    cr_assert_eq(real_at(json_object_get(out, "gc_stats"), "gc_cpu_fraction"), 0);
    cr_assert_str_eq(json_string_value(json_object_get(json_object_get(out, "gc_stats"), "pause_total")), "0s");
    json_decref(nothing);
    json_decref(out);
}
