#include "rig.h"

#include "coordinator/core/ctl_status.h"

Test(ctl_status, status_has_every_field_of_the_protocol)
{
    static const char *const fields[] = {
        "version",          "network",     "height",      "tip",      "work",      "bits",
        "difficulty",       "median_time", "epoch",       "tip_seq",  "uptime_ms", "started_ms",
        "workers",          "hashrate",    "hashes",      "blocks",   "shares",    "shares_stale",
        "shares_rejected",  "reorgs",      "side_blocks", "orphans",  "leases",    "counter_next",
        "counter_reserved", "pending",     "http",        "data_dir", "genesis",   "spacing_s",
        "half_life_s",
    };
    struct rig *r = rig_new();
    rig_control(r, 1, "status", NULL);
    const struct message_ctl_rep *rep = rig_reply(r, 0);
    cr_assert_eq(rep->code, 0);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct cursor c = cursor_map_find(rep->result, fields[i]);
        cr_assert_eq(c.err, 0, "%s", fields[i]);
    }
    struct cursor whole = cursor_over(rep->result.at, rep->result.len);
    cr_assert_eq(cursor_map(&whole, 100), ARRAY_LEN(fields));
    rig_free(r);
}

Test(ctl_status, status_counts_what_happened)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 2);
    rig_find(r, w, 1);
    r->now_ns += INT64_C(5000000000);
    rig_control(r, 1, "status", NULL);
    const struct message_ctl_rep *rep = rig_reply(r, 0);
    cr_assert_eq(rig_reply_u64(rep, "height"), 1);
    cr_assert_eq(rig_reply_u64(rep, "workers"), 1);
    cr_assert_eq(rig_reply_u64(rep, "leases"), 2);
    cr_assert_eq(rig_reply_u64(rep, "blocks"), 1);
    cr_assert_eq(rig_reply_u64(rep, "shares"), 1);
    cr_assert_eq(rig_reply_u64(rep, "counter_next"), 5 * LEASES_FIRST_SIZE); /* the second is four times the first */
    cr_assert_eq(rig_reply_u64(rep, "counter_reserved"), r->mark);
    cr_assert_eq(rig_reply_u64(rep, "uptime_ms"), 5000);
    cr_assert_eq(rig_reply_u64(rep, "bits"), 0x207fffff);
    cr_assert_eq(rig_reply_u64(rep, "spacing_s"), r->core->network.spacing_s);
    cr_assert_eq(rig_reply_u64(rep, "half_life_s"), r->core->network.half_life_s);
    struct cursor work = cursor_map_find(rep->result, "work");
    cr_assert(cursor_view_is(cursor_str(&work, 64), "4")); /* two blocks of two hashes each */
    rig_free(r);
}

static uint32_t rows(const struct message_ctl_rep *rep)
{
    struct cursor c = cursor_map_find(rep->result, "workers");
    return cursor_array(&c, 100000);
}

Test(ctl_status, workers_lists_all_rows_in_as_many_replies_as_it_takes)
{
    struct rig *r = calloc(1, sizeof *r);
    struct core_config config = rig_config(r);
    config.max_workers = 4000;
    rig_begin(r, &config);
    rig_control(r, 1, "workers", NULL);
    cr_assert_eq(rows(rig_reply(r, 0)), 0);
    cr_assert_eq(rig_reply(r, 0)->more, 0);
    for (uint32_t i = 0; i < 3500; i++) {
        uint8_t uuid[16] = {(uint8_t)i, (uint8_t)(i >> 8), 1};
        struct worker *w = fleet_add(&r->core->fleet, uuid, r->now_ns);
        memset(w->name, 'n', 64);
        memset(w->agent, 'a', 64);
        memset(w->kernel, 'k', 32);
        w->counts = (struct worker_counts){UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, 1};
    }
    rig_control(r, 1, "workers", NULL);
    uint32_t sum = 0;
    int replies = 0;
    const struct message_ctl_rep *rep;
    while ((rep = rig_reply(r, replies))) {
        sum += rows(rep);
        cr_assert_eq(rep->more, rig_reply(r, replies + 1) != NULL);
        replies++;
    }
    cr_assert_eq(sum, 3500);
    cr_assert_gt(replies, 1);
    rig_free(r);
}

Test(ctl_status, stats_gives_cluster_sums)
{
    struct rig *r = rig_new();
    for (uint8_t n = 1; n <= 2; n++) {
        struct worker *w = rig_hello(r, n);
        uint8_t entries[64], values[16];
        struct cursor_out o = cursor_out_over(entries, sizeof entries);
        codec_schema_put(&o, &(struct message_schema_entry){cursor_view_of("/x:n"), cursor_view_of("n"),
                                                            MESSAGE_METRIC_COUNTER, MESSAGE_AGG_SUM});
        struct message schema = {.type = MESSAGE_SCHEMA, .wid = w->wid, .seq = 2};
        schema.u.schema = (struct message_schema){.schema = 1, .count = 1, .entries = cursor_out_view(&o)};
        rig_say(r, n, &schema);
        struct cursor_out v = cursor_out_over(values, sizeof values);
        cursor_put_u64(&v, 20 + n);
        struct message metrics = {.type = MESSAGE_METRICS, .wid = w->wid, .seq = 3};
        metrics.u.metrics = (struct message_metrics){.schema = 1, .count = 1, .values = cursor_out_view(&v)};
        rig_say(r, n, &metrics);
        cr_assert_null(rig_got(r, MESSAGE_ERROR));
    }
    rig_control(r, 1, "stats", NULL);
    struct cursor c = cursor_map_find(rig_reply(r, 0)->result, "metrics");
    struct cursor_view map = cursor_skip(&c, 4);
    struct cursor x = cursor_map_find(map, "/x:n");
    cr_assert_eq(cursor_u64(&x, UINT64_MAX), 43);
    rig_free(r);
}
