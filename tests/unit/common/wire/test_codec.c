#include "test.h"

#include "common/base/err.h"
#include "common/wire/codec.h"
#include "common/wire/grammar.h"

enum { ROUNDS = 60, ARENA = 1 << 17 };

/* Random messages, drawn by walking the grammar. */
struct draw {
    uint64_t state;
    uint8_t *arena;
    size_t used;
    bool large; /* fill every list and string to its limit */
};

static uint64_t rnd(struct draw *d)
{
    uint64_t z = (d->state += 0x9e3779b97f4a7c15ull);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

/* Small and huge numbers alike, so that every width of encoding comes up. */
static uint64_t rnd_up_to(struct draw *d, uint64_t max)
{
    const uint64_t v = rnd(d) >> (rnd(d) % 64);
    return max == UINT64_MAX ? v : v % (max + 1);
}

static uint64_t rnd_length(struct draw *d, uint64_t max)
{
    return d->large ? max : rnd(d) % (max + 1);
}

static struct cursor_view rnd_bytes(struct draw *d, size_t len, bool text)
{
    uint8_t *at = d->arena + d->used;
    cr_assert_leq(d->used + len, ARENA);
    for (size_t i = 0; i < len; i++)
        at[i] = text ? (uint8_t)(' ' + rnd(d) % 95) : (uint8_t)rnd(d);
    d->used += len;
    return (struct cursor_view){at, len};
}

static struct cursor_out rest_of_arena(struct draw *d)
{
    return cursor_out_over(d->arena + d->used, ARENA - d->used);
}

static struct cursor_view keep(struct draw *d, const struct cursor_out *o)
{
    cr_assert_eq(o->err, 0);
    d->used += o->len;
    return cursor_out_view(o);
}

static struct cursor_view rnd_numbers(struct draw *d, uint32_t n)
{
    struct cursor_out o = rest_of_arena(d);
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t v = rnd_up_to(d, UINT64_MAX);
        if (rnd(d) % 3 == 0)
            cursor_put_f64(&o, (double)v / 3);
        else if (rnd(d) % 2)
            cursor_put_i64(&o, (int64_t)v);
        else
            cursor_put_u64(&o, v);
    }
    return keep(d, &o);
}

static struct cursor_view rnd_rows(struct draw *d, uint32_t n)
{
    uint8_t *texts = malloc(MESSAGE_METRIC_NAME_LEN);
    struct cursor_out o = rest_of_arena(d);
    memset(texts, 'x', MESSAGE_METRIC_NAME_LEN);
    for (uint32_t i = 0; i < n; i++) {
        const struct message_schema_entry e = {.name = {texts, rnd(d) % (MESSAGE_METRIC_NAME_LEN + 1)},
                                               .unit = {texts, rnd(d) % (MESSAGE_METRIC_UNIT_LEN + 1)},
                                               .kind = rnd(d) % 3,
                                               .agg = rnd(d) % 4};
        codec_schema_put(&o, &e);
    }
    free(texts);
    return keep(d, &o);
}

static struct cursor_view rnd_map(struct draw *d)
{
    struct cursor_out o = rest_of_arena(d);
    cursor_put_map(&o, 2);
    cursor_put_str(&o, "n");
    cursor_put_u64(&o, rnd(d));
    cursor_put_str(&o, "list");
    cursor_put_array(&o, 1);
    cursor_put_map(&o, 0);
    return keep(d, &o);
}

static void fill_record(struct draw *d, const struct grammar *g, uint8_t *base);

static void fill_list(struct draw *d, const struct grammar_field *f, uint8_t *base)
{
    uint32_t n = (uint32_t)rnd_length(d, f->max);
    n = n < f->min ? (uint32_t)f->min : n;
    memcpy(base + f->other, &n, sizeof(n));
    for (uint32_t i = 0; i < n; i++)
        fill_record(d, f->sub, base + f->at + (size_t)i * f->width);
}

static void fill_raw(struct draw *d, const struct grammar_field *f, uint8_t *base)
{
    const uint32_t n = (uint32_t)rnd_length(d, f->max);
    const struct cursor_view v = f->kind == GRAMMAR_NUMBERS ? rnd_numbers(d, n) : rnd_rows(d, n);
    memcpy(base + f->other, &n, sizeof(n));
    memcpy(base + f->at, &v, sizeof(v));
}

static void fill_view(struct draw *d, const struct grammar_field *f, uint8_t *base)
{
    struct cursor_view v = {0};
    if (f->kind == GRAMMAR_MAP)
        v = rnd_map(d);
    else if (f->kind != GRAMMAR_STR_OR_NIL || d->large || rnd(d) % 2)
        v = rnd_bytes(d, rnd_length(d, f->max), f->kind != GRAMMAR_BIN);
    memcpy(base + f->at, &v, sizeof(v));
}

static void fill_scalar(struct draw *d, const struct grammar_field *f, uint8_t *base)
{
    const uint64_t v = f->kind == GRAMMAR_UINT ? f->min + rnd_up_to(d, f->max - f->min) : rnd_up_to(d, UINT64_MAX);
    const uint8_t v1 = (uint8_t)v;
    const uint16_t v2 = (uint16_t)v;
    const uint32_t v4 = (uint32_t)v;
    const void *from = f->width == 8 ? (const void *)&v : f->width == 4 ? &v4 : f->width == 2 ? &v2 : (const void *)&v1;
    memcpy(base + f->at, from, f->width);
}

static void fill_bytes(struct draw *d, const struct grammar_field *f, uint8_t *base)
{
    for (uint32_t i = 0; i < f->width; i++)
        base[f->at + i] = (uint8_t)rnd(d);
}

static void fill_setting(struct draw *d, uint8_t *base)
{
    struct message_setting s = {.key = base[0], .is_binary = rnd(d) % 2};
    if (s.is_binary)
        memset(s.bytes, (int)(rnd(d) % 256), sizeof(s.bytes));
    else
        s.number = rnd_up_to(d, UINT64_MAX);
    memcpy(base, &s, sizeof(s));
}

static void fill_field(struct draw *d, const struct grammar_field *f, uint8_t *base)
{
    const bool present = d->large || rnd(d) % 2;
    switch (f->kind) {
    case GRAMMAR_UINT:
    case GRAMMAR_I64:
        fill_scalar(d, f, base);
        break;
    case GRAMMAR_BOOL:
        base[f->at] = present;
        break;
    case GRAMMAR_BYTES_OR_NIL:
        base[f->other] = present;
        if (!present)
            break;
        __attribute__((fallthrough));
    case GRAMMAR_BYTES:
        fill_bytes(d, f, base);
        break;
    case GRAMMAR_RECORD_OR_NIL:
        base[f->other] = present;
        if (!present)
            break;
        __attribute__((fallthrough));
    case GRAMMAR_RECORD:
        fill_record(d, f->sub, base + f->at);
        break;
    case GRAMMAR_LIST:
        fill_list(d, f, base);
        break;
    case GRAMMAR_NUMBERS:
    case GRAMMAR_ROWS:
        fill_raw(d, f, base);
        break;
    case GRAMMAR_NUMBER_OR_BYTES:
        fill_setting(d, base);
        break;
    case GRAMMAR_MAGIC:
        break;
    default:
        fill_view(d, f, base);
    }
}

static void fill_record(struct draw *d, const struct grammar *g, uint8_t *base)
{
    for (unsigned i = 0; i < g->count; i++)
        fill_field(d, &g->fields[i], base);
}

static void fill(struct draw *d, struct message *m, enum message_type type)
{
    memset(m, 0, sizeof(*m));
    m->type = type;
    m->wid = rnd_up_to(d, UINT64_MAX);
    m->seq = rnd_up_to(d, UINT64_MAX);
    d->used = 0;
    fill_record(d, grammar_of(type), (uint8_t *)&m->u);
}

/* Member by member, and views by their contents. */
static bool same_record(const struct grammar *g, const uint8_t *a, const uint8_t *b);

static bool same_view(const uint8_t *a, const uint8_t *b)
{
    struct cursor_view x, y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x.len == y.len && !x.at == !y.at && (x.len == 0 || memcmp(x.at, y.at, x.len) == 0);
}

static bool same_list(const struct grammar_field *f, const uint8_t *a, const uint8_t *b)
{
    uint32_t n;
    memcpy(&n, a + f->other, sizeof(n));
    bool same = memcmp(a + f->other, b + f->other, sizeof(n)) == 0;
    for (uint32_t i = 0; i < n && same; i++)
        same = same_record(f->sub, a + f->at + (size_t)i * f->width, b + f->at + (size_t)i * f->width);
    return same;
}

static bool same_field(const struct grammar_field *f, const uint8_t *a, const uint8_t *b)
{
    switch (f->kind) {
    case GRAMMAR_BIN:
    case GRAMMAR_STR:
    case GRAMMAR_STR_OR_NIL:
    case GRAMMAR_MAP:
        return same_view(a + f->at, b + f->at);
    case GRAMMAR_NUMBERS:
    case GRAMMAR_ROWS:
        return same_view(a + f->at, b + f->at) && memcmp(a + f->other, b + f->other, sizeof(uint32_t)) == 0;
    case GRAMMAR_LIST:
        return same_list(f, a, b);
    case GRAMMAR_RECORD:
        return same_record(f->sub, a + f->at, b + f->at);
    case GRAMMAR_RECORD_OR_NIL:
        return a[f->other] == b[f->other] && (!a[f->other] || same_record(f->sub, a + f->at, b + f->at));
    case GRAMMAR_BYTES_OR_NIL:
        return a[f->other] == b[f->other] && memcmp(a + f->at, b + f->at, f->width) == 0;
    case GRAMMAR_NUMBER_OR_BYTES:
        return memcmp(a, b, sizeof(struct message_setting)) == 0;
    default:
        return memcmp(a + f->at, b + f->at, f->width) == 0;
    }
}

static bool same_record(const struct grammar *g, const uint8_t *a, const uint8_t *b)
{
    for (unsigned i = 0; i < g->count; i++)
        if (!same_field(&g->fields[i], a, b))
            return false;
    return true;
}

static bool same_message(const struct message *a, const struct message *b)
{
    return a->type == b->type && a->wid == b->wid && a->seq == b->seq &&
           same_record(grammar_of(a->type), (const uint8_t *)&a->u, (const uint8_t *)&b->u);
}

/* Calls with(random message, its frame, length) for each type. */
static void for_each_message(int rounds, void (*with)(const struct message *, const uint8_t *, size_t))
{
    struct draw d = {.state = 20261124, .arena = malloc(ARENA)};
    uint8_t *buf = malloc(ARENA);
    for (int t = 1; t < 256; t++)
        for (int i = 0; grammar_of((enum message_type)t) && i < rounds; i++) {
            struct message m;
            d.large = i == 0;
            fill(&d, &m, (enum message_type)t);
            const int len = codec_encode(buf, ARENA, &m);
            cr_assert_gt(len, 0, "type %d: %s", t, err_code(len));
            uint8_t *frame = malloc((size_t)len); /* exact, so that a sanitizer sees one byte too far */
            memcpy(frame, buf, (size_t)len);
            with(&m, frame, (size_t)len);
            free(frame);
        }
    free(buf);
    free(d.arena);
}

static void comes_back(const struct message *m, const uint8_t *frame, size_t len)
{
    struct message again;
    memset(&again, 0xa5, sizeof(again)); /* nothing may be left as it was */
    cr_assert_eq(codec_decode(&again, frame, len), 0, "%s", codec_name(m->type));
    cr_assert(same_message(m, &again), "%s", codec_name(m->type));
    uint8_t *second = malloc(len);
    cr_assert_eq(codec_encode(second, len, &again), (int)len);
    cr_assert_arr_eq(second, frame, len);
    free(second);
}

Test(codec, a_random_message_of_every_type_comes_back_equal_and_encodes_to_the_same_bytes)
{
    for_each_message(ROUNDS, comes_back);
}

static void prefixes_fail(const struct message *m, const uint8_t *frame, size_t len)
{
    struct message again;
    const size_t step = len > 2000 ? 37 : 1; /* the long ones by samples */
    for (size_t n = 0; n < len; n += step) {
        uint8_t *prefix = malloc(n ? n : 1);
        memcpy(prefix, frame, n);
        const int err = codec_decode(&again, prefix, n);
        free(prefix);
        cr_assert_lt(err, 0, "%s cut at %zu of %zu", codec_name(m->type), n, len);
    }
}

Test(codec, every_prefix_is_refused)
{
    for_each_message(4, prefixes_fail);
}

static void small_buffers_fail(const struct message *m, const uint8_t *frame, size_t len)
{
    (void)frame;
    const size_t step = len > 2000 ? 997 : 7;
    for (size_t cap = 0; cap < len; cap += step) {
        uint8_t *buf = malloc(cap ? cap : 1);
        cr_assert_eq(codec_encode(buf, cap, m), ERR_TOO_LONG, "%s into %zu", codec_name(m->type), cap);
        free(buf);
    }
}

Test(codec, a_buffer_that_is_too_small_is_never_overrun)
{
    for_each_message(3, small_buffers_fail);
}

static void flips_are_refused_or_stable(const struct message *m, const uint8_t *frame, size_t len)
{
    uint8_t *flipped = malloc(len), *second = malloc(ARENA);
    struct message again;
    (void)m;
    memcpy(flipped, frame, len);
    const size_t step = len > 2000 ? 61 : 1;
    for (size_t bit = 0; bit < len * 8; bit += step) {
        flipped[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (codec_decode(&again, flipped, len) == 0) {
            struct message third;
            const int n = codec_encode(second, ARENA, &again);
            cr_assert_gt(n, 0);
            cr_assert_eq(codec_decode(&third, second, (size_t)n), 0);
            cr_assert(same_message(&again, &third));
        }
        flipped[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free(flipped);
    free(second);
}

Test(codec, a_flipped_bit_is_refused_or_gives_a_message_that_encodes)
{
    for_each_message(3, flips_are_refused_or_stable);
}

static void bytes_behind_are_refused(const struct message *m, const uint8_t *frame, size_t len)
{
    uint8_t *longer = malloc(len + 1);
    struct message again;
    memcpy(longer, frame, len);
    longer[len] = 0xc0;
    cr_assert_eq(codec_decode(&again, longer, len + 1), ERR_TRAILING, "%s", codec_name(m->type));
    free(longer);
}

Test(codec, bytes_behind_the_array_are_refused)
{
    for_each_message(2, bytes_behind_are_refused);
}

/* The top array gets one element more or less. */
static void open_envelope(struct cursor *c, struct cursor_out *o, int change)
{
    cursor_put_array(o, (uint32_t)((int)cursor_array(c, 100) + change));
    cursor_put_raw(o, (struct cursor_view){c->at, (size_t)(c->end - c->at)});
}

static void extra_elements_are_skipped(const struct message *m, const uint8_t *frame, size_t len)
{
    uint8_t *longer = malloc(len + 16);
    struct message again;
    struct cursor c = cursor_over(frame, len);
    struct cursor_out o = cursor_out_over(longer, len + 16);
    open_envelope(&c, &o, 1);
    cursor_put_array(&o, 1);
    cursor_put_nil(&o);
    cr_assert_eq(o.err, 0);
    cr_assert_eq(codec_decode(&again, longer, o.len), 0, "%s", codec_name(m->type));
    cr_assert(same_message(m, &again));
    free(longer);
}

Test(codec, elements_that_a_newer_sender_appends_are_skipped)
{
    for_each_message(2, extra_elements_are_skipped);
}

static void too_few_elements_are_refused(const struct message *m, const uint8_t *frame, size_t len)
{
    const struct grammar *g = grammar_of(m->type);
    uint8_t *shorter = malloc(len + 8);
    struct message again;
    struct cursor c = cursor_over(frame, len);
    cursor_array(&c, 100);
    const uint8_t *body = c.at;
    for (unsigned i = 0; i < 3u + g->required - 1; i++)
        cursor_skip(&c, CURSOR_DEPTH_MAX);
    struct cursor_out o = cursor_out_over(shorter, len + 8);
    cursor_put_array(&o, 3u + g->required - 1);
    cursor_put_raw(&o, (struct cursor_view){body, (size_t)(c.at - body)});
    cr_assert_eq(codec_decode(&again, shorter, o.len), ERR_TRUNCATED, "%s", codec_name(m->type));
    free(shorter);
}

Test(codec, a_message_without_one_of_its_required_fields_is_refused)
{
    for_each_message(2, too_few_elements_are_refused);
}

static int decode_hex_like(struct message *out, const struct cursor_out *o)
{
    cr_assert_eq(o->err, 0);
    return codec_decode(out, o->buf, o->len);
}

static struct cursor_out envelope(uint8_t *buf, size_t cap, uint32_t fields, enum message_type type)
{
    struct cursor_out o = cursor_out_over(buf, cap);
    cursor_put_array(&o, 3 + fields);
    cursor_put_u64(&o, type);
    cursor_put_u64(&o, 7);
    cursor_put_u64(&o, 9);
    return o;
}

Test(codec, missing_optional_fields_read_as_zero)
{
    uint8_t b[64];
    struct message m;
    memset(&m, 0xff, sizeof(m));
    struct cursor_out o = envelope(b, sizeof(b), 3, MESSAGE_CTRL);
    cursor_put_u64(&o, 1);
    cursor_put_u64(&o, 2);
    cursor_put_u64(&o, MESSAGE_CTRL_PAUSE);
    cr_assert_eq(decode_hex_like(&m, &o), 0);
    cr_assert_eq(m.u.ctrl.arg, 0);
    memset(&m, 0xff, sizeof(m));
    o = envelope(b, sizeof(b), 1, MESSAGE_ERROR);
    cursor_put_u64(&o, MESSAGE_CODE_FULL);
    cr_assert_eq(decode_hex_like(&m, &o), 0);
    cr_assert_eq(m.u.error.text.len, 0);
    cr_assert_eq(m.u.error.ref, 0);
    memset(&m, 0xff, sizeof(m));
    o = envelope(b, sizeof(b), 2, MESSAGE_CTL_REQ);
    cursor_put_u64(&o, 1);
    cursor_put_str(&o, "status");
    cr_assert_eq(decode_hex_like(&m, &o), 0);
    cr_assert_eq(cursor_map_find(m.u.ctl_req.args, "x").err, ERR_NOT_FOUND);
}

Test(codec, an_unknown_type_is_said_with_its_wid_and_seq)
{
    uint8_t b[64];
    struct message m;
    static const int unknown[] = {0, 21, 29, 34, 40, 47, 59, 62, 255};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
        struct cursor_out o = envelope(b, sizeof(b), 1, (enum message_type)unknown[i]);
        cursor_put_nil(&o);
        cr_assert_eq(decode_hex_like(&m, &o), ERR_UNKNOWN_MESSAGE);
        cr_assert_eq(m.wid, 7);
        cr_assert_eq(m.seq, 9);
        m.type = (enum message_type)unknown[i];
        cr_assert_eq(codec_encode(b, sizeof(b), &m), ERR_UNKNOWN_MESSAGE);
    }
    cr_assert_str_eq(codec_name(MESSAGE_LEASE_DONE), "lease_done");
    cr_assert_str_eq(codec_name((enum message_type)40), "unknown");
}

Test(codec, the_envelope_can_be_read_without_the_body)
{
    uint8_t b[64];
    struct message m;
    struct cursor_out o = envelope(b, sizeof(b), 1, MESSAGE_METRICS);
    cursor_put_nil(&o); /* no body of METRICS */
    cr_assert_eq(codec_peek(&m, b, o.len), 0);
    cr_assert_eq(m.type, MESSAGE_METRICS);
    cr_assert_eq(m.wid, 7);
    cr_assert_eq(codec_peek(&m, b, 2), ERR_TRUNCATED);
    cr_assert_eq(codec_peek(&m, (const uint8_t *)"\x92\x01\x00", 3), ERR_TRUNCATED);
    cr_assert_eq(codec_peek(&m, (const uint8_t *)"\x80", 1), ERR_TYPE);
    cr_assert_eq(codec_decode(&m, NULL, 0), ERR_TRUNCATED);
}

/* The catalogue, by hand: what other implementations must see. */
Test(codec, a_lease_has_these_bytes)
{
    const struct message m = {
        .type = MESSAGE_LEASE,
        .wid = 0x0102030405,
        .seq = 300,
        .u.lease =
            {.lease = 5, .epoch = 2, .job = 0, .start = 1ull << 32, .end = 3ull << 32, .ttl_ms = 70000, .want_ms = 200},
    };
    static const uint8_t want[] = {0x9a, 4, 0xcf, 0,    0, 0, 1, 2,    3, 4, 5,    0xcd, 1,    44,
                                   5,    2, 0,    0xcf, 0, 0, 0, 1,    0, 0, 0,    0,    0xcf, 0,
                                   0,    0, 3,    0,    0, 0, 0, 0xce, 0, 1, 0x11, 0x70, 0xcc, 200};
    uint8_t b[64];
    cr_assert_eq(codec_encode(b, sizeof(b), &m), (int)sizeof(want));
    cr_assert_arr_eq(b, want, sizeof(want));
}

static void put_fill(struct cursor_out *o, int byte, size_t len)
{
    uint8_t bytes[80];
    memset(bytes, byte, sizeof(bytes));
    cursor_put_bin(o, bytes, len);
}

static struct message_job sample_job(void)
{
    struct message_job j = {.job = 40,
                            .version = 0x20000000,
                            .version_mask = 0x1fffe000,
                            .branch_count = 1,
                            .ntime = 1,
                            .bits = 0x1d00ffff,
                            .height = 12,
                            .future = true};
    memset(j.parent, 1, 32);
    memset(j.branch[0], 2, 32);
    memset(j.share_target, 3, 32);
    j.coinbase1 = cursor_view_of("ab");
    j.coinbase2 = cursor_view_of("cd");
    return j;
}

static void put_sample_job(struct cursor_out *o)
{
    cursor_put_u64(o, 40);
    put_fill(o, 1, 32);
    cursor_put_u64(o, 0x20000000);
    cursor_put_u64(o, 0x1fffe000);
    cursor_put_bin(o, "ab", 2);
    cursor_put_bin(o, "cd", 2);
    cursor_put_array(o, 1);
    put_fill(o, 2, 32);
    cursor_put_u64(o, 1);
    cursor_put_u64(o, 0x1d00ffff);
    cursor_put_u64(o, 12);
    put_fill(o, 3, 32);
    cursor_put_bool(o, true);
}

static struct message_tip sample_tip(void)
{
    struct message_tip t = {.epoch = 3,
                            .tip_seq = 4,
                            .height = 11,
                            .reorg = 1,
                            .job = 40,
                            .clean = true,
                            .has_job = true,
                            .body = sample_job(),
                            .sent_us = 99};
    memset(t.hash, 4, 32);
    memset(t.work, 5, 32);
    memset(t.header, 6, 80);
    return t;
}

static void put_sample_tip(struct cursor_out *o)
{
    cursor_put_u64(o, 3);
    cursor_put_u64(o, 4);
    cursor_put_u64(o, 11);
    put_fill(o, 4, 32);
    put_fill(o, 5, 32);
    cursor_put_u64(o, 1);
    cursor_put_u64(o, 40);
    cursor_put_bool(o, true);
    cursor_put_array(o, 12);
    put_sample_job(o);
    cursor_put_u64(o, 99);
    put_fill(o, 6, 80);
}

static void expect_bytes(const struct message *m, const struct cursor_out *want)
{
    static uint8_t got[MESSAGE_FRAME_MAX];
    cr_assert_eq(want->err, 0);
    const int len = codec_encode(got, sizeof(got), m);
    cr_assert_eq(len, (int)want->len, "%s: %d bytes", codec_name(m->type), len);
    cr_assert_arr_eq(got, want->buf, want->len);
}

Test(codec, a_job_and_a_tip_are_written_in_the_order_of_the_catalogue)
{
    uint8_t b[1024];
    struct message m = {.type = MESSAGE_JOB, .wid = 7, .seq = 9, .u.job = sample_job()};
    struct cursor_out o = envelope(b, sizeof(b), 12, MESSAGE_JOB);
    put_sample_job(&o);
    expect_bytes(&m, &o);
    m = (struct message){.type = MESSAGE_TIP, .wid = 7, .seq = 9, .u.tip = sample_tip()};
    o = envelope(b, sizeof(b), 11, MESSAGE_TIP);
    put_sample_tip(&o);
    expect_bytes(&m, &o);
}

Test(codec, a_hello_is_written_in_the_order_of_the_catalogue)
{
    uint8_t b[1024];
    struct message m = {.type = MESSAGE_HELLO, .wid = 7, .seq = 9};
    m.u.hello = (struct message_hello){.ver_min = 1,
                                       .ver_max = 2,
                                       .cap_count = 1,
                                       .lanes = 8,
                                       .rate_hint = 10,
                                       .last_epoch = 11,
                                       .last_tip = 12,
                                       .held_count = 1,
                                       .unacked_count = 1};
    m.u.hello.caps[0] = cursor_view_of("roll");
    m.u.hello.host = cursor_view_of("h");
    m.u.hello.agent = cursor_view_of("lode/1");
    m.u.hello.held[0] = (struct message_held){20, 21, 22};
    m.u.hello.unacked[0] = (struct message_unacked){30, MESSAGE_SHARE};
    struct cursor_out o = envelope(b, sizeof(b), 14, MESSAGE_HELLO);
    cursor_put_str(&o, "lode");
    cursor_put_u64(&o, 1);
    cursor_put_u64(&o, 2);
    cursor_put_array(&o, 1);
    cursor_put_str(&o, "roll");
    put_fill(&o, 0, 16);
    cursor_put_nil(&o);
    cursor_put_str(&o, "h");
    cursor_put_str(&o, "lode/1");
    for (uint64_t v = 8; v <= 12; v += v == 8 ? 2 : 1)
        cursor_put_u64(&o, v);
    cursor_put_raw(&o, (struct cursor_view){(const uint8_t *)"\x91\x93\x14\x15\x16\x91\x92\x1e\x08", 9});
    expect_bytes(&m, &o);
}

Test(codec, a_welcome_is_written_in_the_order_of_the_catalogue)
{
    uint8_t b[1024];
    struct message m = {.type = MESSAGE_WELCOME, .wid = 7, .seq = 9};
    m.u.welcome = (struct message_welcome){.ver = 1,
                                           .epoch = 2,
                                           .wid = 3,
                                           .peer_count = 1,
                                           .metrics_ms = 4,
                                           .beat_ms = 5,
                                           .dead_ms = 6,
                                           .want = 3,
                                           .on_loss = 1,
                                           .tip = sample_tip(),
                                           .verdict_count = 1};
    m.u.welcome.tip_ep = cursor_view_of("t");
    m.u.welcome.peers[0] = cursor_view_of("p");
    m.u.welcome.verdicts[0] = (struct message_verdict){20, MESSAGE_CODE_STALE};
    struct cursor_out o = envelope(b, sizeof(b), 16, MESSAGE_WELCOME);
    cursor_put_u64(&o, 1);
    cursor_put_array(&o, 0);
    put_fill(&o, 0, 16);
    cursor_put_u64(&o, 2);
    cursor_put_u64(&o, 3);
    cursor_put_str(&o, "t");
    cursor_put_nil(&o);
    cursor_put_array(&o, 1);
    cursor_put_str(&o, "p");
    for (uint64_t v = 4; v <= 6; v++)
        cursor_put_u64(&o, v);
    cursor_put_u64(&o, 3);
    put_fill(&o, 0, 32);
    cursor_put_u64(&o, 1);
    cursor_put_array(&o, 11);
    put_sample_tip(&o);
    cursor_put_raw(&o, (struct cursor_view){(const uint8_t *)"\x91\x92\x14\x02", 4});
    expect_bytes(&m, &o);
}

static int decode_body(struct message *m, enum message_type type, uint32_t fields, const char *body, size_t len)
{
    uint8_t b[256];
    struct cursor_out o = envelope(b, sizeof(b), fields, type);
    cursor_put_raw(&o, (struct cursor_view){(const uint8_t *)body, len});
    return decode_hex_like(m, &o);
}

#define BODY(type, fields, bytes) decode_body(&m, type, fields, bytes, sizeof(bytes) - 1)

Test(codec, fields_outside_their_limits_are_refused)
{
    struct message m;
    cr_assert_eq(BODY(MESSAGE_LEASE_REQ, 3, "\x00\x01\x01"), ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_LEASE_REQ, 3, "\x11\x01\x01"), ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_LEASE_REQ, 3, "\x10\x01\x01"), 0);
    cr_assert_eq(BODY(MESSAGE_LEASE_REQ, 3, "\x01\x01\xcf\x00\x00\x00\x01\x00\x00\x00\x00"), ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_LEASE_REQ, 3, "\x01\xff\x01"), ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_LEASE_REQ, 3, "\x01\xa1x\x01"), ERR_TYPE);
    cr_assert_eq(BODY(MESSAGE_TIP_GET, 1, "\xc0"), ERR_TYPE);
    cr_assert_eq(BODY(MESSAGE_SHARE, 1, "\x90"), ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_SHARE, 1, "\xdc\x00\x41"), ERR_TOO_LONG);
    cr_assert_eq(BODY(MESSAGE_BEACON, 3,
                      "\x01\x01\xc4\x07"
                      "1234567"),
                 ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_CTL_REP, 4, "\x01\x00\x02\x80"), ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_CTL_REP, 4, "\x01\xd1\xfc\x18\x01\x80"), 0);
    cr_assert_eq(m.u.ctl_rep.code, -1000);
}

Test(codec, a_hello_without_the_magic_is_refused)
{
    uint8_t b[1024];
    struct message m = {.type = MESSAGE_HELLO};
    const int len = codec_encode(b, sizeof(b), &m);
    cr_assert_gt(len, 0);
    uint8_t *magic = memmem(b, (size_t)len, "lode", 4);
    cr_assert_not_null(magic);
    magic[0] = 'L';
    cr_assert_eq(codec_decode(&m, b, (size_t)len), ERR_FORMAT);
}

Test(codec, metrics_take_finite_numbers_only_and_hand_them_out_in_order)
{
    struct message m;
    struct codec_number n;
    cr_assert_eq(BODY(MESSAGE_METRICS, 3, "\x01\x02\x91\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_METRICS, 3, "\x01\x02\x91\xca\x7f\x80\x00\x00"), ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_METRICS, 3, "\x01\x02\x91\xc0"), ERR_TYPE);
    cr_assert_eq(BODY(MESSAGE_METRICS, 3, "\x01\x02\xdc\x02\x01"), ERR_TOO_LONG);
    uint8_t b[64];
    struct cursor_out o = cursor_out_over(b, sizeof(b));
    cursor_put_u64(&o, 5);
    cursor_put_i64(&o, -6);
    cursor_put_f64(&o, 0.5);
    struct cursor it = cursor_over(b, o.len);
    cr_assert_eq(codec_metrics_next(&it, &n), 1);
    cr_assert(n.kind == CURSOR_UINT && n.u == 5);
    cr_assert_eq(codec_metrics_next(&it, &n), 1);
    cr_assert(n.kind == CURSOR_INT && n.i == -6);
    cr_assert_eq(codec_metrics_next(&it, &n), 1);
    cr_assert(n.kind == CURSOR_FLOAT && n.f == 0.5);
    cr_assert_eq(codec_metrics_next(&it, &n), 0);
    it = cursor_over("\xc2", 1);
    cr_assert_eq(codec_metrics_next(&it, &n), ERR_TYPE);
    cr_assert_eq(codec_metrics_next(&it, &n), ERR_TYPE);
}

Test(codec, a_schema_hands_out_its_rows)
{
    uint8_t rows[256], b[512];
    struct cursor_out o = cursor_out_over(rows, sizeof(rows));
    struct message_schema_entry e = {cursor_view_of("/sched/gomaxprocs:threads"), cursor_view_of("threads"),
                                     MESSAGE_METRIC_GAUGE, MESSAGE_AGG_SUM};
    codec_schema_put(&o, &e);
    e.name = cursor_view_of("x");
    e.kind = MESSAGE_METRIC_HIST;
    codec_schema_put(&o, &e);
    struct message m = {.type = MESSAGE_SCHEMA, .u.schema = {.schema = 1, .count = 2, .entries = cursor_out_view(&o)}};
    const int len = codec_encode(b, sizeof(b), &m);
    cr_assert_eq(codec_decode(&m, b, len > 0 ? (size_t)len : 0), 0);
    cr_assert_eq(m.u.schema.count, 2);
    struct cursor it = cursor_over(m.u.schema.entries.at, m.u.schema.entries.len);
    cr_assert_eq(codec_schema_next(&it, &e), 1);
    cr_assert(cursor_view_is(e.name, "/sched/gomaxprocs:threads"));
    cr_assert_eq(codec_schema_next(&it, &e), 1);
    cr_assert(cursor_view_is(e.name, "x"));
    cr_assert_eq(e.kind, MESSAGE_METRIC_HIST);
    cr_assert_eq(codec_schema_next(&it, &e), 0);
    it = cursor_over("\x91\x01", 2);
    cr_assert_eq(codec_schema_next(&it, &e), ERR_TRUNCATED);
}

static int encode_only(struct message *m)
{
    static uint8_t b[1 << 21];
    return codec_encode(b, sizeof(b), m);
}

Test(codec, what_the_decoder_would_refuse_is_not_encoded)
{
    struct message m = {.type = MESSAGE_METRICS, .u.metrics = {.count = 2, .values = cursor_view_of("\1")}};
    cr_assert_eq(encode_only(&m), ERR_TRUNCATED);
    m.u.metrics.count = 0;
    cr_assert_eq(encode_only(&m), ERR_TRAILING);
    m.u.metrics = (struct message_metrics){.count = 1, .values = cursor_view_of("\xc3")};
    cr_assert_eq(encode_only(&m), ERR_TYPE);
    m = (struct message){.type = MESSAGE_SHARE};
    cr_assert_eq(encode_only(&m), ERR_RANGE);
    m.u.share.count = MESSAGE_SHARES_MAX + 1;
    cr_assert_eq(encode_only(&m), ERR_TOO_LONG);
    m = (struct message){.type = MESSAGE_LEASE_REQ};
    cr_assert_eq(encode_only(&m), ERR_RANGE);
    m = (struct message){.type = MESSAGE_ERROR, .u.error.text = cursor_view_of("\xff")};
    cr_assert_eq(encode_only(&m), ERR_FORMAT);
    char text[MESSAGE_TEXT_LEN + 2];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = 0;
    m.u.error.text = cursor_view_of(text);
    cr_assert_eq(encode_only(&m), ERR_TOO_LONG);
    m = (struct message){.type = MESSAGE_JOB, .u.job.coinbase1 = {(const uint8_t *)text, sizeof(text)}};
    cr_assert_eq(encode_only(&m), ERR_TOO_LONG);
}

Test(codec, the_maps_of_the_control_socket_are_checked_both_ways)
{
    struct message m = {.type = MESSAGE_CTL_REQ, .u.ctl_req.verb = cursor_view_of("mine")};
    cr_assert_gt(encode_only(&m), 0);
    m.u.ctl_req.args = cursor_view_of("\x91\x01");
    cr_assert_eq(encode_only(&m), ERR_TYPE);
    m.u.ctl_req.args = cursor_view_of("\x81\x01");
    cr_assert_eq(encode_only(&m), ERR_TRUNCATED);
    m.u.ctl_req.args = cursor_view_of("\x81\x01\x02\x03");
    cr_assert_eq(encode_only(&m), ERR_TRAILING);
    cr_assert_eq(BODY(MESSAGE_CTL_REQ, 3, "\x01\xa1x\x90"), ERR_TYPE);
    cr_assert_eq(BODY(MESSAGE_CTL_REQ, 3, "\x01\xa1x\x81\x01\x91\x91\x91\x91\x91\x91\x91\x01"), 0);
    cr_assert_eq(BODY(MESSAGE_CTL_REQ, 3, "\x01\xa1x\x81\x01\x91\x91\x91\x91\x91\x91\x91\x91\x01"), ERR_DEPTH);
    cr_assert_eq(BODY(MESSAGE_CTL_REQ, 3, "\x01\xa1x\x81\x01\xc7\x01\x02\x03"), ERR_TYPE);
    uint8_t *big = malloc(MESSAGE_ARGS_LEN + 64);
    struct cursor_out o = cursor_out_over(big, MESSAGE_ARGS_LEN + 64);
    cursor_put_map(&o, 1);
    cursor_put_str(&o, "x");
    uint8_t *bin = calloc(1, MESSAGE_ARGS_LEN);
    cursor_put_bin(&o, bin, MESSAGE_ARGS_LEN);
    m = (struct message){.type = MESSAGE_CTL_REQ, .u.ctl_req.args = cursor_out_view(&o)};
    cr_assert_eq(encode_only(&m), ERR_TOO_LONG);
    free(bin);
    free(big);
}

Test(codec, the_topic_of_a_tip_frame_must_be_its_own)
{
    uint8_t b[1024];
    struct message m = {.type = MESSAGE_TIP, .u.tip = sample_tip()}, again;
    const int len = codec_encode_topic(b, sizeof(b), &m);
    cr_assert_gt(len, 0);
    cr_assert_eq(b[0], 'T');
    cr_assert_eq(codec_decode_topic(&again, b, (size_t)len), 0);
    cr_assert(same_message(&m, &again));
    b[0] = 'C';
    cr_assert_eq(codec_decode_topic(&again, b, (size_t)len), ERR_TYPE);
    m = (struct message){.type = MESSAGE_CTRL};
    cr_assert_gt(codec_encode_topic(b, sizeof(b), &m), 0);
    cr_assert_eq(b[0], 'C');
    m.type = MESSAGE_LEASE;
    cr_assert_eq(codec_encode_topic(b, sizeof(b), &m), ERR_TYPE);
    m.type = MESSAGE_BEACON;
    cr_assert_eq(codec_encode_topic(b, 0, &m), ERR_TOO_LONG);
    cr_assert_eq(codec_decode_topic(&again, b, 0), ERR_TRUNCATED);
    b[0] = 'T';
    m.type = MESSAGE_TIP_GET;
    const int plain = codec_encode(b + 1, sizeof(b) - 1, &m);
    cr_assert_eq(codec_decode_topic(&again, b, 1 + (size_t)plain), ERR_TYPE);
}

Test(codec, every_message_at_its_limits_fits_a_frame)
{
    struct draw d = {.state = 1, .arena = malloc(ARENA), .large = true};
    uint8_t *buf = malloc(MESSAGE_FRAME_MAX);
    for (int t = 1; t < 60; t++)
        if (grammar_of((enum message_type)t) && t != MESSAGE_SCHEMA) {
            struct message m;
            fill(&d, &m, (enum message_type)t);
            cr_assert_gt(codec_encode(buf, MESSAGE_FRAME_MAX, &m), 0, "type %d", t);
        }
    free(buf);
    free(d.arena);
}
