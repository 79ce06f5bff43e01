#include <test.h>

#include <math.h>

#include "common/wire/codec.h"
#include "worker/link/telemetry.h"

static struct message message;
static uint8_t frame[MESSAGE_FRAME_MAX];

/* The frame as the coordinator gets it, decoded again. */
static void through_the_wire(struct message *m)
{
    m->wid = 1;
    m->seq = 1;
    int len = codec_encode(frame, sizeof frame, m);
    cr_assert_gt(len, 0);
    cr_assert_eq(codec_decode(m, frame, (size_t)len), 0);
}

Test(telemetry, the_schema_names_every_value_once_and_survives_the_wire)
{
    AUTO(telemetry_free) struct telemetry *t = telemetry_new();
    telemetry_schema(t, &message);
    through_the_wire(&message);
    struct cursor it = cursor_over(message.u.schema.entries.at, message.u.schema.entries.len);
    struct message_schema_entry e, all[MESSAGE_SCHEMA_ENTRIES_MAX];
    uint32_t n = 0;
    bool edges = false;
    while (codec_schema_next(&it, &e) == 1) {
        for (uint32_t i = 0; i < n; i++)
            cr_assert(all[i].name.len != e.name.len || memcmp(all[i].name.at, e.name.at, e.name.len) != 0);
        edges |= cursor_view_is(e.name, "/lode/zmq/missed-edges:events");
        all[n++] = e;
    }
    cr_assert_eq(n, message.u.schema.count);
    cr_assert(edges);
}

Test(telemetry, values_come_in_the_order_of_the_schema)
{
    AUTO(telemetry_free) struct telemetry *t = telemetry_new();
    struct telemetry_values v = {.hashes = 123456789012, .hashrate = 1.5, .procs = 7};
    telemetry_metrics(t, &v, 5000000, &message);
    through_the_wire(&message);
    cr_assert_eq(message.u.metrics.schema, TELEMETRY_SCHEMA);
    cr_assert_eq(message.u.metrics.t_ms, 5);
    struct cursor it = cursor_over(message.u.metrics.values.at, message.u.metrics.values.len);
    struct codec_number first, second, n, last_one = {0};
    cr_assert_eq(codec_metrics_next(&it, &first), 1);
    cr_assert_eq(codec_metrics_next(&it, &second), 1);
    uint32_t count = 2;
    for (; codec_metrics_next(&it, &n) == 1; count++)
        last_one = n;
    cr_assert_eq(count, message.u.metrics.count);
    cr_assert_eq(first.u, 123456789012);
    cr_assert(second.kind == CURSOR_FLOAT && second.f == 1.5);
    cr_assert_eq(last_one.u, 7);
}

Test(telemetry, a_rate_that_is_not_finite_is_sent_as_zero)
{
    AUTO(telemetry_free) struct telemetry *t = telemetry_new();
    struct telemetry_values v = {.hashrate = NAN, .hashrate_1m = INFINITY};
    telemetry_metrics(t, &v, 0, &message);
    through_the_wire(&message);
}

Test(telemetry, the_largest_values_fit)
{
    AUTO(telemetry_free) struct telemetry *t = telemetry_new();
    struct telemetry_values v;
    memset(&v, 0xff, sizeof v);
    telemetry_metrics(t, &v, INT64_MAX, &message);
    through_the_wire(&message);
}

Test(telemetry, the_process_reports_its_memory_and_threads)
{
    struct telemetry_values v = {0};
    telemetry_process(&v);
    cr_assert_gt(v.rss_bytes, 100000);
    cr_assert_geq(v.threads, 1);
}
