#include "common/wire/codec.h"

#include <math.h>
#include <string.h>

#include "common/base/err.h"
#include "common/wire/grammar.h"

#define MAGIC "lode"

enum { ENVELOPE = 3 }; /* type, wid, seq */

/* A cursor, and how many arrays are open around it. */
struct reader {
    struct cursor c;
    unsigned level;
};

static void read_record(struct reader *r, const struct grammar *g, uint8_t *base);
static void write_record(struct cursor_out *o, const struct grammar *g, const uint8_t *base);

static uint64_t load_uint(const uint8_t *at, uint32_t width)
{
    uint64_t v8 = 0;
    uint32_t v4 = 0;
    uint16_t v2 = 0;
    switch (width) {
    case 8:
        memcpy(&v8, at, sizeof(v8));
        return v8;
    case 4:
        memcpy(&v4, at, sizeof(v4));
        return v4;
    case 2:
        memcpy(&v2, at, sizeof(v2));
        return v2;
    default:
        return *at;
    }
}

static void store_uint(uint8_t *at, uint32_t width, uint64_t v)
{
    const uint32_t v4 = (uint32_t)v;
    const uint16_t v2 = (uint16_t)v;
    switch (width) {
    case 8:
        memcpy(at, &v, sizeof(v));
        return;
    case 4:
        memcpy(at, &v4, sizeof(v4));
        return;
    case 2:
        memcpy(at, &v2, sizeof(v2));
        return;
    default:
        *at = (uint8_t)v;
    }
}

static void store_view(uint8_t *at, struct cursor_view v)
{
    memcpy(at, &v, sizeof(v));
}

static struct cursor_view load_view(const uint8_t *at)
{
    struct cursor_view v;
    memcpy(&v, at, sizeof(v));
    return v;
}

/* A flag or a count beside the member itself. */
static void store_flag(uint8_t *base, const struct grammar_field *f, bool v)
{
    memcpy(base + f->other, &v, sizeof(v));
}

static bool load_flag(const uint8_t *base, const struct grammar_field *f)
{
    return base[f->other] != 0;
}

static bool skip_nil(struct cursor *c)
{
    if (cursor_peek(c) != CURSOR_NIL)
        return false;
    cursor_nil(c);
    return true;
}

/* Reading, one function a kind. */

static void read_uint(struct reader *r, const struct grammar_field *f, uint8_t *base)
{
    const uint64_t v = cursor_u64(&r->c, f->max);
    if (v < f->min)
        cursor_fail(&r->c, ERR_RANGE);
    store_uint(base + f->at, f->width, v);
}

static void read_i64(struct reader *r, const struct grammar_field *f, uint8_t *base)
{
    store_uint(base + f->at, f->width, (uint64_t)cursor_i64(&r->c));
}

static void read_bool(struct reader *r, const struct grammar_field *f, uint8_t *base)
{
    const bool v = cursor_bool(&r->c);
    memcpy(base + f->at, &v, sizeof(v));
}

static void read_bytes(struct reader *r, const struct grammar_field *f, uint8_t *base)
{
    cursor_bin_exact(&r->c, base + f->at, f->width);
}

static void read_bytes_or_nil(struct reader *r, const struct grammar_field *f, uint8_t *base)
{
    const bool nil = skip_nil(&r->c);
    store_flag(base, f, !nil);
    if (nil)
        memset(base + f->at, 0, f->width);
    else
        read_bytes(r, f, base);
}

static void read_bin(struct reader *r, const struct grammar_field *f, uint8_t *base)
{
    store_view(base + f->at, cursor_bin(&r->c, f->max));
}

static void read_str(struct reader *r, const struct grammar_field *f, uint8_t *base)
{
    store_view(base + f->at, cursor_str(&r->c, f->max));
}

static void read_str_or_nil(struct reader *r, const struct grammar_field *f, uint8_t *base)
{
    if (skip_nil(&r->c))
        store_view(base + f->at, (struct cursor_view){0});
    else
        read_str(r, f, base);
}

static void read_magic(struct reader *r, const struct grammar_field *f, uint8_t *base)
{
    (void)f, (void)base;
    if (!cursor_view_is(cursor_str(&r->c, strlen(MAGIC)), MAGIC))
        cursor_fail(&r->c, ERR_FORMAT);
}

static void read_inner(struct reader *r, const struct grammar_field *f, uint8_t *base)
{
    read_record(r, f->sub, base + f->at);
}

static void read_inner_or_nil(struct reader *r, const struct grammar_field *f, uint8_t *base)
{
    const bool nil = skip_nil(&r->c);
    store_flag(base, f, !nil);
    if (nil)
        memset(base + f->at, 0, f->width);
    else
        read_inner(r, f, base);
}

static void read_list(struct reader *r, const struct grammar_field *f, uint8_t *base)
{
    const uint32_t n = cursor_array(&r->c, (uint32_t)f->max);
    if (n < f->min)
        cursor_fail(&r->c, ERR_RANGE);
    r->level++;
    for (uint32_t i = 0; i < n && r->c.err == 0; i++)
        read_record(r, f->sub, base + f->at + (size_t)i * f->width);
    r->level--;
    store_uint(base + f->other, sizeof(n), n);
}

/* One finite number, of any type. */
static void read_number(struct cursor *c, struct cursor_number *out)
{
    cursor_number(c, out);
    if (out->type == CURSOR_FLOAT && !isfinite(out->f))
        cursor_fail(c, ERR_RANGE);
}

/* Steps over n elements of NUMBERS or ROWS, checking each. */
static void check_elements(struct reader *r, const struct grammar_field *f, uint32_t n)
{
    struct cursor_number number;
    struct message_schema_entry row;
    for (uint32_t i = 0; i < n && r->c.err == 0; i++) {
        if (f->kind == GRAMMAR_NUMBERS)
            read_number(&r->c, &number);
        else
            read_record(r, f->sub, (uint8_t *)&row);
    }
}

static void read_raw(struct reader *r, const struct grammar_field *f, uint8_t *base)
{
    const uint32_t n = cursor_array(&r->c, (uint32_t)f->max);
    const uint8_t *from = r->c.at;
    r->level++;
    check_elements(r, f, n);
    r->level--;
    store_uint(base + f->other, sizeof(n), n);
    store_view(base + f->at, (struct cursor_view){from, (size_t)(r->c.at - from)});
}

static void read_map(struct reader *r, const struct grammar_field *f, uint8_t *base)
{
    const bool is_map = cursor_peek(&r->c) == CURSOR_MAP;
    const struct cursor_view v = cursor_skip(&r->c, MESSAGE_MAP_DEPTH_MAX);
    if (!is_map)
        cursor_fail(&r->c, ERR_TYPE);
    if (v.len > f->max)
        cursor_fail(&r->c, ERR_TOO_LONG);
    store_view(base + f->at, v);
}

static void read_setting(struct reader *r, const struct grammar_field *f, uint8_t *base)
{
    struct message_setting s = {.key = base[offsetof(struct message_setting, key)]};
    (void)f;
    s.is_binary = cursor_peek(&r->c) == CURSOR_BIN;
    if (s.is_binary)
        cursor_bin_exact(&r->c, s.bytes, sizeof(s.bytes));
    else
        s.number = cursor_u64(&r->c, UINT64_MAX);
    memcpy(base, &s, sizeof(s));
}

/* Writing, one function a kind. What the reader would refuse is an error here too. */

static void write_uint(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base)
{
    const uint64_t v = load_uint(base + f->at, f->width);
    if (v < f->min || v > f->max)
        cursor_out_fail(o, ERR_RANGE);
    cursor_put_u64(o, v);
}

static void write_i64(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base)
{
    cursor_put_i64(o, (int64_t)load_uint(base + f->at, f->width));
}

static void write_bool(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base)
{
    cursor_put_bool(o, base[f->at] != 0);
}

static void write_bytes(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base)
{
    cursor_put_bin(o, base + f->at, f->width);
}

static void write_bytes_or_nil(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base)
{
    if (load_flag(base, f))
        write_bytes(o, f, base);
    else
        cursor_put_nil(o);
}

static void write_bin(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base)
{
    const struct cursor_view v = load_view(base + f->at);
    if (v.len > f->max)
        cursor_out_fail(o, ERR_TOO_LONG);
    cursor_put_bin(o, v.at, v.len);
}

static void write_str(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base)
{
    const struct cursor_view v = load_view(base + f->at);
    if (v.len > f->max)
        cursor_out_fail(o, ERR_TOO_LONG);
    else if (!cursor_is_text(v))
        cursor_out_fail(o, ERR_FORMAT);
    cursor_put_view_str(o, v);
}

static void write_str_or_nil(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base)
{
    if (load_view(base + f->at).at)
        write_str(o, f, base);
    else
        cursor_put_nil(o);
}

static void write_magic(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base)
{
    (void)f, (void)base;
    cursor_put_str(o, MAGIC);
}

static void write_inner(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base)
{
    write_record(o, f->sub, base + f->at);
}

static void write_inner_or_nil(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base)
{
    if (load_flag(base, f))
        write_inner(o, f, base);
    else
        cursor_put_nil(o);
}

/* The count beside a list, within the list's limits; 0 and an error else. */
static uint32_t count_of(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base)
{
    const uint32_t n = (uint32_t)load_uint(base + f->other, sizeof(n));
    if (n >= f->min && n <= f->max)
        return n;
    cursor_out_fail(o, n > f->max ? ERR_TOO_LONG : ERR_RANGE);
    return 0;
}

static void write_list(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base)
{
    const uint32_t n = count_of(o, f, base);
    cursor_put_array(o, n);
    for (uint32_t i = 0; i < n; i++)
        write_record(o, f->sub, base + f->at + (size_t)i * f->width);
}

static void write_raw(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base)
{
    const uint32_t n = count_of(o, f, base);
    const struct cursor_view v = load_view(base + f->at);
    struct reader r = {.c = cursor_over(v.at, v.len), .level = 2};
    check_elements(&r, f, n);
    if (!cursor_at_end(&r.c))
        cursor_out_fail(o, r.c.err < 0 ? r.c.err : ERR_TRAILING);
    cursor_put_array(o, n);
    cursor_put_raw(o, v);
}

static void write_map(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base)
{
    const struct cursor_view v = load_view(base + f->at);
    struct reader r = {.c = cursor_over(v.at, v.len)};
    struct cursor_view again;
    const struct grammar_field whole = {.max = f->max};
    if (v.len == 0) {
        cursor_put_map(o, 0);
        return;
    }
    read_map(&r, &whole, (uint8_t *)&again);
    if (!cursor_at_end(&r.c))
        cursor_out_fail(o, r.c.err < 0 ? r.c.err : ERR_TRAILING);
    cursor_put_raw(o, v);
}

static void write_setting(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base)
{
    struct message_setting s;
    (void)f;
    memcpy(&s, base, sizeof(s));
    if (s.is_binary)
        cursor_put_bin(o, s.bytes, sizeof(s.bytes));
    else
        cursor_put_u64(o, s.number);
}

static const struct {
    void (*read)(struct reader *r, const struct grammar_field *f, uint8_t *base);
    void (*write)(struct cursor_out *o, const struct grammar_field *f, const uint8_t *base);
} kinds[GRAMMAR_KINDS] = {
    [GRAMMAR_UINT] = {read_uint, write_uint},
    [GRAMMAR_I64] = {read_i64, write_i64},
    [GRAMMAR_BOOL] = {read_bool, write_bool},
    [GRAMMAR_BYTES] = {read_bytes, write_bytes},
    [GRAMMAR_BYTES_OR_NIL] = {read_bytes_or_nil, write_bytes_or_nil},
    [GRAMMAR_BIN] = {read_bin, write_bin},
    [GRAMMAR_STR] = {read_str, write_str},
    [GRAMMAR_STR_OR_NIL] = {read_str_or_nil, write_str_or_nil},
    [GRAMMAR_MAGIC] = {read_magic, write_magic},
    [GRAMMAR_RECORD] = {read_inner, write_inner},
    [GRAMMAR_RECORD_OR_NIL] = {read_inner_or_nil, write_inner_or_nil},
    [GRAMMAR_LIST] = {read_list, write_list},
    [GRAMMAR_NUMBERS] = {read_raw, write_raw},
    [GRAMMAR_ROWS] = {read_raw, write_raw},
    [GRAMMAR_MAP] = {read_map, write_map},
    [GRAMMAR_NUMBER_OR_BYTES] = {read_setting, write_setting},
};

/* n elements of an open array: the fields there are, zero for the optional ones that are missing, and whatever a newer
 * sender put behind. */
static void read_fields(struct reader *r, const struct grammar *g, uint8_t *base, uint32_t n)
{
    if (n < g->required) {
        cursor_fail(&r->c, ERR_TRUNCATED);
        return;
    }
    for (uint32_t i = 0; i < g->count; i++) {
        const struct grammar_field *f = &g->fields[i];
        if (i < n)
            kinds[f->kind].read(r, f, base);
        else
            memset(base + f->at, 0, f->width);
    }
    for (uint32_t i = g->count; i < n && r->c.err == 0; i++)
        cursor_skip(&r->c, MESSAGE_DEPTH_MAX - r->level);
}

static void read_record(struct reader *r, const struct grammar *g, uint8_t *base)
{
    if (g->bare) {
        kinds[g->fields->kind].read(r, g->fields, base);
        return;
    }
    const uint32_t n = cursor_array(&r->c, UINT32_MAX);
    r->level++;
    read_fields(r, g, base, n);
    r->level--;
}

static void write_fields(struct cursor_out *o, const struct grammar *g, const uint8_t *base)
{
    for (uint32_t i = 0; i < g->count; i++)
        kinds[g->fields[i].kind].write(o, &g->fields[i], base);
}

static void write_record(struct cursor_out *o, const struct grammar *g, const uint8_t *base)
{
    if (!g->bare)
        cursor_put_array(o, g->count);
    write_fields(o, g, base);
}

/* Opens the frame and reads type, wid and seq. Returns the number of elements of the top array. */
static uint32_t read_envelope(struct cursor *c, struct message *out)
{
    const uint32_t n = cursor_array(c, UINT32_MAX);
    if (n < ENVELOPE)
        cursor_fail(c, ERR_TRUNCATED);
    out->type = (enum message_type)cursor_u64(c, UINT8_MAX);
    out->wid = cursor_u64(c, UINT64_MAX);
    out->seq = cursor_u64(c, UINT64_MAX);
    return n;
}

int codec_peek(struct message *out, const uint8_t *frame, size_t len)
{
    struct cursor c = cursor_over(frame, len);
    read_envelope(&c, out);
    return c.err;
}

int codec_decode(struct message *out, const uint8_t *frame, size_t len)
{
    struct reader r = {.c = cursor_over(frame, len), .level = 1};
    const uint32_t n = read_envelope(&r.c, out);
    const struct grammar *g = grammar_of(out->type);
    TRY(r.c.err);
    if (!g)
        return ERR_UNKNOWN_MESSAGE;
    read_fields(&r, g, (uint8_t *)&out->u, n - ENVELOPE);
    TRY(r.c.err);
    return r.c.at == r.c.end ? 0 : ERR_TRAILING;
}

int codec_encode(uint8_t *buf, size_t cap, const struct message *m)
{
    struct cursor_out o = cursor_out_over(buf, cap);
    const struct grammar *g = grammar_of(m->type);
    if (!g)
        return ERR_UNKNOWN_MESSAGE;
    cursor_put_array(&o, ENVELOPE + (uint32_t)g->count);
    cursor_put_u64(&o, m->type);
    cursor_put_u64(&o, m->wid);
    cursor_put_u64(&o, m->seq);
    write_fields(&o, g, (const uint8_t *)&m->u);
    return o.err < 0 ? o.err : (int)o.len;
}

/* The topic of a type on the tip socket; 0: it does not go there. */
static uint8_t topic_of(enum message_type type)
{
    if (type == MESSAGE_TIP || type == MESSAGE_BEACON)
        return 'T';
    return type == MESSAGE_CTRL || type == MESSAGE_JOB ? 'C' : 0;
}

int codec_decode_topic(struct message *out, const uint8_t *frame, size_t len)
{
    out->type = MESSAGE_NONE;
    out->wid = out->seq = 0;
    if (len == 0)
        return ERR_TRUNCATED;
    TRY(codec_decode(out, frame + 1, len - 1));
    return frame[0] == topic_of(out->type) ? 0 : ERR_TYPE;
}

int codec_encode_topic(uint8_t *buf, size_t cap, const struct message *m)
{
    if (topic_of(m->type) == 0)
        return ERR_TYPE;
    if (cap == 0)
        return ERR_TOO_LONG;
    buf[0] = topic_of(m->type);
    const int len = codec_encode(buf + 1, cap - 1, m);
    return len < 0 ? len : len + 1;
}

int codec_metrics_next(struct cursor *it, struct codec_number *out)
{
    struct cursor_number n;
    if (cursor_at_end(it))
        return 0;
    read_number(it, &n);
    *out = (struct codec_number){.kind = n.type, .u = n.u};
    return it->err < 0 ? it->err : 1;
}

int codec_schema_next(struct cursor *it, struct message_schema_entry *out)
{
    if (cursor_at_end(it))
        return 0;
    struct reader r = {.c = *it, .level = 2};
    read_record(&r, &grammar_schema_entry, (uint8_t *)out);
    *it = r.c;
    return it->err < 0 ? it->err : 1;
}

void codec_schema_put(struct cursor_out *o, const struct message_schema_entry *e)
{
    write_record(o, &grammar_schema_entry, (const uint8_t *)e);
}

const char *codec_name(enum message_type type)
{
    const struct grammar *g = grammar_of(type);
    return g ? g->name : "unknown";
}
