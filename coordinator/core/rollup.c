#include "coordinator/core/rollup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/wire/codec.h"

struct series {
    uint16_t metric;          /* index of rollup.metrics */
    struct rollup_value last; /* as reported */
    struct rollup_value base; /* counters: what earlier runs of the process had reached */
};

struct rollup_node {
    uint32_t schema, count;
    bool live, reported;
    struct series *series;
    struct rollup_node *prev, *next;
};

static void add(struct rollup_value *to, struct rollup_value v)
{
    to->u += v.u;
    to->f += v.f;
}

static double as_double(struct rollup_value v)
{
    return (double)v.u + v.f;
}

void rollup_free(struct rollup *self)
{
    while (self->first) {
        struct rollup_node *node = self->first;
        self->first = node->next;
        free(node->series);
        free(node);
    }
    free(self->metrics);
    *self = (struct rollup){0};
}

static bool same_name(const struct rollup_metric *m, struct cursor_view name)
{
    return cursor_view_is(name, m->name);
}

/* Index of the metric called name; count if it is new. Workers of one build name them in one order, so the guess hits
 * and this is no scan. */
static size_t look_up(const struct rollup *self, struct cursor_view name, size_t guess)
{
    if (guess < self->count && same_name(&self->metrics[guess], name))
        return guess;
    for (size_t i = 0; i < self->count; i++)
        if (same_name(&self->metrics[i], name))
            return i;
    return self->count;
}

static void copy_text(char *out, size_t size, struct cursor_view text)
{
    size_t len = text.len < size ? text.len : size - 1;
    if (len > 0)
        memcpy(out, text.at, len);
    out[len] = 0;
}

static void add_metric(struct rollup *self, const struct message_schema_entry *e)
{
    if (self->count == self->cap) {
        self->cap = self->cap ? self->cap * 2 : 128;
        self->metrics = realloc(self->metrics, self->cap * sizeof *self->metrics);
        CHECK(self->metrics);
    }
    struct rollup_metric *m = &self->metrics[self->count++];
    *m = (struct rollup_metric){.kind = e->kind, .agg = e->agg};
    copy_text(m->name, sizeof m->name, e->name);
    copy_text(m->unit, sizeof m->unit, e->unit);
}

/* Fills series of a schema; names that are new are appended to the metrics. */
static int read_schema(struct rollup *self, const struct message_schema *schema, struct series *series)
{
    struct cursor it = cursor_over(schema->entries.at, schema->entries.len);
    struct message_schema_entry e;
    bool used[ROLLUP_NAMES_MAX] = {false};
    for (uint32_t n = 0; n < schema->count; n++) {
        if (codec_schema_next(&it, &e) != 1)
            return ERR_RANGE;
        size_t at = look_up(self, e.name, n);
        if (at == ROLLUP_NAMES_MAX)
            return ERR_FULL;
        if (at == self->count)
            add_metric(self, &e);
        if (used[at])
            return ERR_DUPLICATE;
        used[at] = true;
        series[n].metric = (uint16_t)at;
    }
    return 0;
}

static bool is_counter(const struct rollup *self, const struct series *s)
{
    return self->metrics[s->metric].kind != MESSAGE_METRIC_GAUGE;
}

/* What the old schema's counters had reached stays with the metrics they counted for. */
static void bank(struct rollup *self, struct rollup_node *node)
{
    for (uint32_t i = 0; i < node->count; i++) {
        const struct series *s = &node->series[i];
        if (!is_counter(self, s))
            continue;
        add(&self->metrics[s->metric].departed, s->base);
        add(&self->metrics[s->metric].departed, s->last);
    }
}

static struct rollup_node *node_new(struct rollup *self)
{
    struct rollup_node *node = calloc(1, sizeof *node);
    CHECK(node);
    node->live = true;
    node->next = self->first;
    if (self->first)
        self->first->prev = node;
    self->first = node;
    return node;
}

/* The same metrics in the same order: a reconnect, not a new program. */
static bool same_series(const struct rollup_node *node, const struct series *series, uint32_t count)
{
    if (node->count != count)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (node->series[i].metric != series[i].metric)
            return false;
    return true;
}

int rollup_schema(struct rollup *self, struct rollup_node **node_p, const struct message_schema *schema)
{
    struct series *series = calloc(schema->count ? schema->count : 1, sizeof *series);
    CHECK(series);
    size_t before = self->count;
    int err = read_schema(self, schema, series);
    if (err < 0) {
        self->count = before;
        free(series);
        return err;
    }
    if (!*node_p)
        *node_p = node_new(self);
    struct rollup_node *node = *node_p;
    node->schema = schema->schema;
    if (same_series(node, series, schema->count)) {
        free(series);
        return 0;
    }
    bank(self, node);
    free(node->series);
    node->series = series;
    node->count = schema->count;
    node->reported = false;
    return 0;
}

static struct rollup_value value_of(const struct codec_number *n)
{
    if (n->kind == CURSOR_UINT)
        return (struct rollup_value){.u = n->u};
    return (struct rollup_value){.f = n->kind == CURSOR_INT ? (double)n->i : n->f};
}

static bool fits(const struct rollup_node *node, const struct message_metrics *metrics)
{
    struct cursor it = cursor_over(metrics->values.at, metrics->values.len);
    struct codec_number n;
    uint32_t count = 0;
    while (codec_metrics_next(&it, &n) == 1) {
        if (!isfinite(as_double(value_of(&n))))
            return false;
        count++;
    }
    return count == node->count && metrics->count == count;
}

int rollup_metrics(struct rollup_node *node, const struct message_metrics *metrics)
{
    if (!node || node->schema != metrics->schema)
        return ERR_UNKNOWN_KEY;
    if (!fits(node, metrics))
        return ERR_RANGE;
    struct cursor it = cursor_over(metrics->values.at, metrics->values.len);
    for (uint32_t i = 0; i < node->count; i++) {
        struct codec_number n;
        if (codec_metrics_next(&it, &n) != 1)
            return ERR_RANGE;
        struct series *s = &node->series[i];
        struct rollup_value v = value_of(&n);
        if (as_double(v) < as_double(s->last))
            add(&s->base, s->last); /* read for counters only */
        s->last = v;
    }
    node->reported = true;
    return 0;
}

void rollup_live(struct rollup_node *node, bool live)
{
    if (node)
        node->live = live;
}

void rollup_depart(struct rollup *self, struct rollup_node **node_p)
{
    struct rollup_node *node = *node_p;
    *node_p = NULL;
    if (!node)
        return;
    bank(self, node);
    if (node->next)
        node->next->prev = node->prev;
    if (node->prev)
        node->prev->next = node->next;
    else
        self->first = node->next;
    free(node->series);
    free(node);
}

static void total_series(struct rollup *self, const struct series *s, bool live)
{
    struct rollup_metric *m = &self->metrics[s->metric];
    if (is_counter(self, s)) {
        add(&m->total, s->base);
        add(&m->total, s->last);
        m->reporters++;
        return;
    }
    if (!live)
        return;
    if (m->agg != MESSAGE_AGG_MAX)
        add(&m->total, s->last);
    else if (m->reporters == 0 || as_double(s->last) > as_double(m->total))
        m->total = s->last;
    m->reporters++;
}

void rollup_total(struct rollup *self)
{
    for (size_t i = 0; i < self->count; i++) {
        self->metrics[i].total = self->metrics[i].departed;
        self->metrics[i].reporters = 0;
    }
    for (const struct rollup_node *node = self->first; node; node = node->next)
        for (uint32_t i = 0; node->reported && i < node->count; i++)
            total_series(self, &node->series[i], node->live);
    for (size_t i = 0; i < self->count; i++) {
        struct rollup_metric *m = &self->metrics[i];
        if (m->agg == MESSAGE_AGG_MEAN && m->kind == MESSAGE_METRIC_GAUGE && m->reporters > 1)
            m->total = (struct rollup_value){.f = as_double(m->total) / m->reporters};
    }
}

const struct rollup_metric *rollup_find(const struct rollup *self, const char *name)
{
    size_t at = look_up(self, cursor_view_of(name), self->count);
    return at < self->count ? &self->metrics[at] : NULL;
}
