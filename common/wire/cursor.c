#include "common/wire/cursor.h"

#include <msgpack/pack.h>

#include <rt/attr.h>

#include "common/base/check.h"
#include "common/base/err.h"

/* One value without its body: what the first byte and the length or number behind it say. */
struct head {
    enum cursor_type type;
    uint64_t n;  /* UINT: the value; BOOL: 0 or 1; STR, BIN: bytes of the body; ARRAY, MAP: elements, pairs */
    int64_t i;   /* INT: the value, below zero */
    double f;    /* FLOAT: the value */
    size_t size; /* bytes of the head itself */
};

/* The first bytes c0 to df: type, and how many bytes of length or number follow. Zero rows (END) are refused. */
static const struct {
    uint8_t type, width;
} wide[32] = {
    [0x00] = {CURSOR_NIL, 0},   [0x02] = {CURSOR_BOOL, 0},  [0x03] = {CURSOR_BOOL, 0},  [0x04] = {CURSOR_BIN, 1},
    [0x05] = {CURSOR_BIN, 2},   [0x06] = {CURSOR_BIN, 4},   [0x07] = {CURSOR_EXT, 0},   [0x08] = {CURSOR_EXT, 0},
    [0x09] = {CURSOR_EXT, 0},   [0x0a] = {CURSOR_FLOAT, 4}, [0x0b] = {CURSOR_FLOAT, 8}, [0x0c] = {CURSOR_UINT, 1},
    [0x0d] = {CURSOR_UINT, 2},  [0x0e] = {CURSOR_UINT, 4},  [0x0f] = {CURSOR_UINT, 8},  [0x10] = {CURSOR_INT, 1},
    [0x11] = {CURSOR_INT, 2},   [0x12] = {CURSOR_INT, 4},   [0x13] = {CURSOR_INT, 8},   [0x14] = {CURSOR_EXT, 0},
    [0x15] = {CURSOR_EXT, 0},   [0x16] = {CURSOR_EXT, 0},   [0x17] = {CURSOR_EXT, 0},   [0x18] = {CURSOR_EXT, 0},
    [0x19] = {CURSOR_STR, 1},   [0x1a] = {CURSOR_STR, 2},   [0x1b] = {CURSOR_STR, 4},   [0x1c] = {CURSOR_ARRAY, 2},
    [0x1d] = {CURSOR_ARRAY, 4}, [0x1e] = {CURSOR_MAP, 2},   [0x1f] = {CURSOR_MAP, 4},
};

static void set_int(struct head *h, int64_t v)
{
    h->type = v < 0 ? CURSOR_INT : CURSOR_UINT;
    h->n = (uint64_t)v;
    h->i = v;
}

static double float_of(uint64_t bits, unsigned width)
{
    double wide_value;
    float narrow_value;
    const uint32_t narrow_bits = (uint32_t)bits;
    if (width == 4) {
        memcpy(&narrow_value, &narrow_bits, sizeof(narrow_value));
        return (double)narrow_value;
    }
    memcpy(&wide_value, &bits, sizeof(wide_value));
    return wide_value;
}

/* A head of type c0 to df, at[0] being that byte. */
static int parse_wide(struct head *h, const uint8_t *at, size_t left)
{
    const unsigned row = at[0] - 0xc0u, width = wide[row].width;
    uint64_t n = 0;
    if (left < 1 + width)
        return ERR_TRUNCATED;
    for (unsigned i = 1; i <= width; i++)
        n = n << 8 | at[i];
    h->type = (enum cursor_type)wide[row].type;
    h->size = 1 + width;
    h->n = n;
    DCHECK(h->type != CURSOR_INT || width > 0); /* W1: so says the table */
    if (h->type == CURSOR_INT)
        set_int(h, (int64_t)(n << (64 - 8 * width)) >> (64 - 8 * width));
    else if (h->type == CURSOR_FLOAT)
        h->f = float_of(n, width);
    else if (h->type == CURSOR_BOOL)
        h->n = at[0] == 0xc3;
    return h->type == CURSOR_END ? ERR_TYPE : 0;
}

static int parse(struct head *h, const uint8_t *at, size_t left)
{
    *h = (struct head){.size = 1};
    if (left == 0)
        return ERR_TRUNCATED;
    const uint8_t tag = at[0];
    if (tag >= 0xe0) {
        set_int(h, (int8_t)tag);
    } else if (tag >= 0xc0) {
        return parse_wide(h, at, left);
    } else if (tag >= 0xa0) {
        h->type = CURSOR_STR;
        h->n = tag & 0x1f;
    } else if (tag >= 0x80) {
        h->type = tag >= 0x90 ? CURSOR_ARRAY : CURSOR_MAP;
        h->n = tag & 0x0f;
    } else {
        h->type = CURSOR_UINT;
        h->n = tag;
    }
    return 0;
}

/* Reads the next head without consuming it. False, with the error set, when there is none. */
static bool look(struct cursor *c, struct head *h)
{
    if (c->err < 0)
        return false;
    const int err = parse(h, c->at, (size_t)(c->end - c->at));
    if (err < 0)
        c->err = err;
    return err == 0;
}

/* Consumes the head of a value of the type wanted. False, with the error set, for another or none. */
static bool take(struct cursor *c, struct head *h, enum cursor_type want)
{
    if (!look(c, h))
        return false;
    if (h->type != want) {
        c->err = ERR_TYPE;
        return false;
    }
    c->at += h->size;
    return true;
}

struct cursor cursor_over(const void *data, size_t len)
{
    /* An empty input may be NULL, and NULL + 0 is not C. */
    static const uint8_t nothing[1];
    const uint8_t *at = len ? data : nothing;
    return (struct cursor){.at = at, .end = at + len};
}

void cursor_fail(struct cursor *c, int err)
{
    if (c->err == 0)
        c->err = err;
}

enum cursor_type cursor_peek(const struct cursor *c)
{
    struct head h;
    if (c->err < 0 || parse(&h, c->at, (size_t)(c->end - c->at)) < 0)
        return CURSOR_END;
    return h.type;
}

bool cursor_at_end(const struct cursor *c)
{
    return c->err == 0 && c->at == c->end;
}

uint64_t cursor_u64(struct cursor *c, uint64_t max)
{
    struct head h;
    if (!look(c, &h))
        return 0;
    if (h.type != CURSOR_UINT || h.n > max) {
        c->err = h.type == CURSOR_UINT || h.type == CURSOR_INT ? ERR_RANGE : ERR_TYPE;
        return 0;
    }
    c->at += h.size;
    return h.n;
}

int64_t cursor_i64(struct cursor *c)
{
    struct head h;
    if (!look(c, &h))
        return 0;
    if (h.type != CURSOR_INT && (h.type != CURSOR_UINT || h.n > INT64_MAX)) {
        c->err = h.type == CURSOR_UINT ? ERR_RANGE : ERR_TYPE;
        return 0;
    }
    c->at += h.size;
    return h.type == CURSOR_INT ? h.i : (int64_t)h.n;
}

bool cursor_bool(struct cursor *c)
{
    struct head h;
    return take(c, &h, CURSOR_BOOL) && h.n != 0;
}

double cursor_f64(struct cursor *c)
{
    struct head h;
    return take(c, &h, CURSOR_FLOAT) ? h.f : 0;
}

void cursor_number(struct cursor *c, struct cursor_number *out)
{
    struct head h;
    *out = (struct cursor_number){.type = CURSOR_END};
    if (!look(c, &h))
        return;
    if (h.type == CURSOR_FLOAT)
        out->f = h.f;
    else if (h.type == CURSOR_INT)
        out->i = h.i;
    else if (h.type == CURSOR_UINT)
        out->u = h.n;
    else {
        c->err = ERR_TYPE;
        return;
    }
    out->type = h.type;
    c->at += h.size;
}

void cursor_nil(struct cursor *c)
{
    struct head h;
    (void)take(c, &h, CURSOR_NIL);
}

/* A string or binary: its body, whatever it holds. */
static struct cursor_view body(struct cursor *c, enum cursor_type type, size_t max)
{
    struct head h;
    if (!take(c, &h, type))
        return (struct cursor_view){0};
    if (h.n > max || h.n > (size_t)(c->end - c->at)) {
        cursor_fail(c, h.n > max ? ERR_TOO_LONG : ERR_TRUNCATED);
        return (struct cursor_view){0};
    }
    const struct cursor_view v = {c->at, (size_t)h.n};
    c->at += h.n;
    return v;
}

struct cursor_view cursor_str(struct cursor *c, size_t max)
{
    const struct cursor_view v = body(c, CURSOR_STR, max);
    if (cursor_is_text(v))
        return v;
    cursor_fail(c, ERR_FORMAT);
    return (struct cursor_view){0};
}

struct cursor_view cursor_bin(struct cursor *c, size_t max)
{
    return body(c, CURSOR_BIN, max);
}

void cursor_bin_exact(struct cursor *c, uint8_t *out, size_t len)
{
    const struct cursor_view v = body(c, CURSOR_BIN, SIZE_MAX);
    if (v.at && v.len == len) {
        memcpy(out, v.at, len);
        return;
    }
    cursor_fail(c, ERR_RANGE);
    memset(out, 0, len);
}

/* Every element takes a byte at least, a pair two. */
static uint32_t count(struct cursor *c, enum cursor_type type, uint32_t max)
{
    struct head h;
    const uint64_t bytes_each = type == CURSOR_MAP ? 2 : 1;
    if (!take(c, &h, type))
        return 0;
    if (h.n <= max && h.n * bytes_each <= (uint64_t)(c->end - c->at))
        return (uint32_t)h.n;
    cursor_fail(c, h.n > max ? ERR_TOO_LONG : ERR_TRUNCATED);
    return 0;
}

uint32_t cursor_array(struct cursor *c, uint32_t max)
{
    return count(c, CURSOR_ARRAY, max);
}

uint32_t cursor_map(struct cursor *c, uint32_t max)
{
    return count(c, CURSOR_MAP, max);
}

/* Steps over one head, and over its body if it is a scalar. Returns the number of values that now follow inside it, or
 * -1 for a scalar. */
static int64_t step(struct cursor *c)
{
    struct head h;
    switch (cursor_peek(c)) {
    case CURSOR_STR:
    case CURSOR_BIN:
        body(c, cursor_peek(c), SIZE_MAX);
        return -1;
    case CURSOR_ARRAY:
        return cursor_array(c, UINT32_MAX);
    case CURSOR_MAP:
        return 2 * (int64_t)cursor_map(c, UINT32_MAX);
    case CURSOR_EXT:
        cursor_fail(c, ERR_TYPE);
        return -1;
    default:
        take(c, &h, cursor_peek(c)); /* a scalar; of END, the true error */
        return -1;
    }
}

struct cursor_view cursor_skip(struct cursor *c, unsigned depth)
{
    const uint8_t *from = c->at;
    int64_t left[CURSOR_DEPTH_MAX + 1] = {1};
    unsigned level = 0;
    CHECK(depth <= CURSOR_DEPTH_MAX); /* W1 */
    while (c->err == 0) {
        if (left[level] == 0) {
            if (level == 0)
                return (struct cursor_view){from, (size_t)(c->at - from)};
            level--;
            continue;
        }
        left[level]--;
        const int64_t inside = step(c);
        if (inside < 0)
            continue;
        if (level == depth)
            cursor_fail(c, ERR_DEPTH);
        else
            left[++level] = inside;
    }
    return (struct cursor_view){0};
}

struct cursor cursor_map_find(struct cursor_view map, const char *key)
{
    struct cursor c = cursor_over(map.at, map.len);
    const uint32_t n = map.len ? cursor_map(&c, UINT32_MAX) : 0;
    for (uint32_t i = 0; i < n && c.err == 0; i++) {
        bool found = false;
        if (cursor_peek(&c) == CURSOR_STR)
            found = cursor_view_is(body(&c, CURSOR_STR, SIZE_MAX), key);
        else
            cursor_skip(&c, CURSOR_DEPTH_MAX);
        const struct cursor_view value = cursor_skip(&c, CURSOR_DEPTH_MAX);
        if (found && c.err == 0)
            return cursor_over(value.at, value.len);
    }
    cursor_fail(&c, ERR_NOT_FOUND);
    return c;
}

/* RFC 3629; the second byte's limits are table 3-7 of the Unicode standard. */
size_t cursor_sequence(const uint8_t *at, size_t left)
{
    if (at[0] < 0x80)
        return at[0] != 0;
    if (at[0] < 0xc2 || at[0] > 0xf4)
        return 0;
    const size_t n = at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    const uint8_t low = at[0] == 0xe0 ? 0xa0 : at[0] == 0xf0 ? 0x90 : 0x80;
    const uint8_t high = at[0] == 0xed ? 0x9f : at[0] == 0xf4 ? 0x8f : 0xbf;
    if (left < n || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

bool cursor_is_text(struct cursor_view v)
{
    for (size_t i = 0, n; i < v.len; i += n) {
        n = cursor_sequence(v.at + i, v.len - i);
        if (n == 0)
            return false;
    }
    return true;
}

/* msgpack-c's write callback. Its return value is not looked at: the error is sticky in o. */
static int append(void *data, const char *bytes, size_t len)
{
    struct cursor_out *o = data;
    if (o->err < 0)
        return -1;
    if (len > o->cap - o->len) {
        o->err = ERR_TOO_LONG;
        return -1;
    }
    if (len)
        memcpy(o->buf + o->len, bytes, len);
    o->len += len;
    return 0;
}

static msgpack_packer packer(struct cursor_out *o)
{
    return (msgpack_packer){.data = o, .callback = append};
}

struct cursor_out cursor_out_over(void *buf, size_t cap)
{
    return (struct cursor_out){.buf = buf, .cap = cap};
}

void cursor_out_fail(struct cursor_out *o, int err)
{
    if (o->err == 0)
        o->err = err;
}

void cursor_put_u64(struct cursor_out *o, uint64_t v)
{
    msgpack_packer pk = packer(o);
    msgpack_pack_uint64(&pk, v);
}

void cursor_put_i64(struct cursor_out *o, int64_t v)
{
    msgpack_packer pk = packer(o);
    msgpack_pack_int64(&pk, v);
}

void cursor_put_bool(struct cursor_out *o, bool v)
{
    msgpack_packer pk = packer(o);
    if (v)
        msgpack_pack_true(&pk);
    else
        msgpack_pack_false(&pk);
}

void cursor_put_f64(struct cursor_out *o, double v)
{
    msgpack_packer pk = packer(o);
    msgpack_pack_double(&pk, v);
}

void cursor_put_nil(struct cursor_out *o)
{
    msgpack_packer pk = packer(o);
    msgpack_pack_nil(&pk);
}

void cursor_put_str(struct cursor_out *o, const char *s)
{
    cursor_put_view_str(o, cursor_view_of(s));
}

void cursor_put_view_str(struct cursor_out *o, struct cursor_view s)
{
    msgpack_packer pk = packer(o);
    msgpack_pack_str_with_body(&pk, s.at, s.len);
}

void cursor_put_bin(struct cursor_out *o, const void *data, size_t len)
{
    msgpack_packer pk = packer(o);
    msgpack_pack_bin_with_body(&pk, data, len);
}

void cursor_put_array(struct cursor_out *o, uint32_t n)
{
    msgpack_packer pk = packer(o);
    msgpack_pack_array(&pk, n);
}

void cursor_put_map(struct cursor_out *o, uint32_t n)
{
    msgpack_packer pk = packer(o);
    msgpack_pack_map(&pk, n);
}

void cursor_put_raw(struct cursor_out *o, struct cursor_view msgpack)
{
    append(o, (const char *)msgpack.at, msgpack.len);
}

struct cursor_view cursor_out_view(const struct cursor_out *o)
{
    return (struct cursor_view){o->buf, o->len};
}
