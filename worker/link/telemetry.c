#include "worker/link/telemetry.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rt/blocking.h>

#include "common/base/check.h"
#include "common/wire/codec.h"
#include "common/wire/cursor.h"

#define COUNT_ONE(field, type, name, unit, kind, agg) +1
enum { VALUES = 0 TELEMETRY_TABLE(COUNT_ONE) };

struct telemetry {
    size_t rows_len;
    uint8_t rows[VALUES * 96];
    uint8_t values[VALUES * 9]; /* the longest encoding of a number */
};

static const struct row {
    const char *name, *unit;
    enum message_metric_kind kind;
    enum message_metric_agg agg;
} rows[VALUES] = {
#define ROW(field, type, name, unit, kind, agg) {name, unit, MESSAGE_METRIC_##kind, MESSAGE_AGG_##agg},
    TELEMETRY_TABLE(ROW)};

struct telemetry *telemetry_new(void)
{
    struct telemetry *self = calloc(1, sizeof *self);
    CHECK(self);
    struct cursor_out out = cursor_out_over(self->rows, sizeof self->rows);
    for (size_t i = 0; i < VALUES; i++) {
        struct message_schema_entry e = {
            .name = cursor_view_of(rows[i].name),
            .unit = cursor_view_of(rows[i].unit),
            .kind = (uint8_t)rows[i].kind,
            .agg = (uint8_t)rows[i].agg,
        };
        codec_schema_put(&out, &e);
    }
    CHECK(out.err == 0);
    self->rows_len = out.len;
    return self;
}

void telemetry_free(struct telemetry **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

void telemetry_schema(const struct telemetry *self, struct message *m)
{
    memset(m, 0, sizeof *m);
    m->type = MESSAGE_SCHEMA;
    m->u.schema =
        (struct message_schema){.schema = TELEMETRY_SCHEMA, .count = VALUES, .entries = {self->rows, self->rows_len}};
}

static void put_u64(struct cursor_out *out, uint64_t v)
{
    cursor_put_u64(out, v);
}

static void put_f64(struct cursor_out *out, double v)
{
    cursor_put_f64(out, isfinite(v) ? v : 0); /* the decoder takes finite numbers only */
}

void telemetry_metrics(struct telemetry *self, const struct telemetry_values *v, int64_t now_ns, struct message *m)
{
    struct cursor_out out = cursor_out_over(self->values, sizeof self->values);
#define PUT(field, type, name, unit, kind, agg) put_##type(&out, v->field);
    TELEMETRY_TABLE(PUT)
    CHECK(out.err == 0);
    memset(m, 0, sizeof *m);
    m->type = MESSAGE_METRICS;
    m->u.metrics = (struct message_metrics){.schema = TELEMETRY_SCHEMA,
                                            .t_ms = (uint64_t)now_ns / 1000000,
                                            .count = VALUES,
                                            .values = cursor_out_view(&out)};
}

/* Up to len - 1 bytes of a small file of /proc, NUL-terminated; empty if it cannot be read. */
static void read_small(const char *path, char *text, size_t len)
{
    rt_enter_blocking();
    ssize_t got = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        got = read(fd, text, len - 1);
        close(fd);
    }
    rt_exit_blocking();
    text[got > 0 ? got : 0] = '\0';
}

void telemetry_process(struct telemetry_values *v)
{
    char text[512];
    unsigned long long pages, threads;
    read_small("/proc/self/statm", text, sizeof text);
    if (sscanf(text, "%*u %llu", &pages) == 1)
        v->rss_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
    read_small("/proc/self/stat", text, sizeof text);
    /* fields are counted behind the last ')': the program's name may hold anything. The 18th of stat(5) is threads. */
    const char *tail = strrchr(text, ')');
    if (tail &&
        sscanf(tail + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %llu", &threads) == 1)
        v->threads = threads;
}
