#include "test.h"

#include <math.h>

#include "common/base/err.h"
#include "common/wire/codec.h"
#include "coordinator/core/rollup.h"

struct named {
    const char *name;
    uint8_t kind, agg;
};

static int schema_of(struct rollup *r, struct rollup_node **node, uint32_t id, const struct named *names, uint32_t n)
{
    static uint8_t buf[60000];
    struct cursor_out o = cursor_out_over(buf, sizeof buf);
    for (uint32_t i = 0; i < n; i++) {
        struct message_schema_entry e = {cursor_view_of(names[i].name), cursor_view_of("u"), names[i].kind,
                                         names[i].agg};
        codec_schema_put(&o, &e);
    }
    struct message_schema schema = {.schema = id, .count = n, .entries = cursor_out_view(&o)};
    return rollup_schema(r, node, &schema);
}

static int report(struct rollup_node *node, uint32_t id, const double *values, uint32_t n)
{
    uint8_t buf[4096];
    struct cursor_out o = cursor_out_over(buf, sizeof buf);
    for (uint32_t i = 0; i < n; i++)
        if (isfinite(values[i]) && values[i] >= 0 && values[i] == floor(values[i]))
            cursor_put_u64(&o, (uint64_t)values[i]);
        else
            cursor_put_f64(&o, values[i]);
    struct message_metrics m = {.schema = id, .count = n, .values = cursor_out_view(&o)};
    return rollup_metrics(node, &m);
}

static const struct named three[] = {
    {"count", MESSAGE_METRIC_COUNTER, MESSAGE_AGG_SUM},
    {"peak", MESSAGE_METRIC_GAUGE, MESSAGE_AGG_MAX},
    {"load", MESSAGE_METRIC_GAUGE, MESSAGE_AGG_MEAN},
};

static double total(struct rollup *r, const char *name)
{
    rollup_total(r);
    const struct rollup_metric *m = rollup_find(r, name);
    cr_assert_not_null(m);
    return (double)m->total.u + m->total.f;
}

Test(rollup, each_metric_is_put_together_by_its_own_rule)
{
    struct rollup r = {0};
    struct rollup_node *a = NULL, *b = NULL;
    cr_assert_eq(schema_of(&r, &a, 1, three, 3), 0);
    cr_assert_eq(schema_of(&r, &b, 9, three, 3), 0);
    cr_assert_eq(report(a, 1, (const double[]){10, 5, 0.5}, 3), 0);
    cr_assert_eq(report(b, 9, (const double[]){7, 8, 1.5}, 3), 0);
    cr_assert_eq(total(&r, "count"), 17);
    cr_assert_eq(total(&r, "peak"), 8);
    cr_assert_eq(total(&r, "load"), 1);
    cr_assert_null(rollup_find(&r, "other"));
    rollup_free(&r);
}

Test(rollup, counters_stay_when_a_worker_goes_and_gauges_vanish)
{
    struct rollup r = {0};
    struct rollup_node *a = NULL, *b = NULL;
    cr_assert_eq(schema_of(&r, &a, 1, three, 3), 0);
    cr_assert_eq(schema_of(&r, &b, 1, three, 3), 0);
    cr_assert_eq(report(a, 1, (const double[]){10, 50, 3}, 3), 0);
    cr_assert_eq(report(b, 1, (const double[]){1, 5, 1}, 3), 0);
    rollup_live(a, false);
    cr_assert_eq(total(&r, "count"), 11);
    cr_assert_eq(total(&r, "peak"), 5);
    rollup_depart(&r, &a);
    cr_assert_null(a);
    cr_assert_eq(total(&r, "count"), 11);
    cr_assert_eq(total(&r, "load"), 1);
    rollup_free(&r);
}

Test(rollup, a_counter_that_falls_has_begun_anew)
{
    struct rollup r = {0};
    struct rollup_node *a = NULL;
    cr_assert_eq(schema_of(&r, &a, 1, three, 3), 0);
    cr_assert_eq(report(a, 1, (const double[]){100, 9, 0}, 3), 0);
    cr_assert_eq(schema_of(&r, &a, 2, three, 3), 0); /* the process began anew, too */
    cr_assert_eq(report(a, 2, (const double[]){3, 1, 0}, 3), 0);
    cr_assert_eq(total(&r, "count"), 103);
    cr_assert_eq(total(&r, "peak"), 1);
    rollup_free(&r);
}

Test(rollup, another_schema_keeps_what_the_old_one_had_counted)
{
    struct rollup r = {0};
    struct rollup_node *a = NULL;
    cr_assert_eq(schema_of(&r, &a, 1, three, 3), 0);
    cr_assert_eq(report(a, 1, (const double[]){100, 9, 0}, 3), 0);
    cr_assert_eq(schema_of(&r, &a, 2, three, 1), 0);
    cr_assert_eq(report(a, 1, (const double[]){1}, 1), ERR_UNKNOWN_KEY);
    cr_assert_eq(report(a, 2, (const double[]){5}, 1), 0);
    cr_assert_eq(total(&r, "count"), 105);
    rollup_free(&r);
}

Test(rollup, counts_above_two_to_the_53_are_exact)
{
    struct rollup r = {0};
    struct rollup_node *a = NULL, *b = NULL;
    cr_assert_eq(schema_of(&r, &a, 1, three, 1), 0);
    cr_assert_eq(schema_of(&r, &b, 1, three, 1), 0);
    uint8_t buf[32];
    struct cursor_out o = cursor_out_over(buf, sizeof buf);
    cursor_put_u64(&o, (UINT64_C(1) << 60) + 1);
    struct message_metrics m = {.schema = 1, .count = 1, .values = cursor_out_view(&o)};
    cr_assert_eq(rollup_metrics(a, &m), 0);
    cr_assert_eq(report(b, 1, (const double[]){1}, 1), 0);
    rollup_total(&r);
    cr_assert_eq(rollup_find(&r, "count")->total.u, (UINT64_C(1) << 60) + 2);
    rollup_free(&r);
}

Test(rollup, bad_reports_change_nothing)
{
    struct rollup r = {0};
    struct rollup_node *a = NULL;
    cr_assert_eq(report(NULL, 1, (const double[]){1}, 1), ERR_UNKNOWN_KEY);
    cr_assert_eq(schema_of(&r, &a, 1, three, 3), 0);
    cr_assert_eq(report(a, 1, (const double[]){10, 5, 1}, 3), 0);
    cr_assert_eq(report(a, 1, (const double[]){11, 5}, 2), ERR_RANGE);
    cr_assert_eq(report(a, 1, (const double[]){11, 5, 1, 1}, 4), ERR_RANGE);
    cr_assert_lt(report(a, 1, (const double[]){11, 5, (double)NAN}, 3), 0);
    cr_assert_lt(report(a, 1, (const double[]){11, (double)INFINITY, 1}, 3), 0);
    cr_assert_eq(report(a, 2, (const double[]){11, 5, 1}, 3), ERR_UNKNOWN_KEY);
    cr_assert_eq(total(&r, "count"), 10);
    rollup_free(&r);
}

Test(rollup, a_name_twice_is_refused)
{
    struct rollup r = {0};
    struct rollup_node *a = NULL;
    const struct named twice[] = {three[0], three[0]};
    cr_assert_eq(schema_of(&r, &a, 1, twice, 2), ERR_DUPLICATE);
    cr_assert_null(a);
    cr_assert_eq(r.count, 0);
    rollup_free(&r);
}

Test(rollup, names_are_bounded)
{
    struct rollup r = {0};
    struct named *names = calloc(MESSAGE_SCHEMA_ENTRIES_MAX, sizeof *names);
    char(*texts)[16] = calloc(MESSAGE_SCHEMA_ENTRIES_MAX, 32);
    int err = 0;
    int rounds = 0;
    while (err == 0 && rounds < 10) {
        for (int i = 0; i < MESSAGE_SCHEMA_ENTRIES_MAX; i++) {
            (void)snprintf(texts[i], 32, "m%d.%d", rounds, i);
            names[i] = (struct named){texts[i], MESSAGE_METRIC_COUNTER, MESSAGE_AGG_SUM};
        }
        struct rollup_node *node = NULL;
        err = schema_of(&r, &node, 1, names, MESSAGE_SCHEMA_ENTRIES_MAX);
        rounds++;
    }
    cr_assert_eq(err, ERR_FULL);
    cr_assert_eq(rounds, 3);
    cr_assert_eq(r.count, ROLLUP_NAMES_MAX);
    free(texts);
    free(names);
    rollup_free(&r);
}
