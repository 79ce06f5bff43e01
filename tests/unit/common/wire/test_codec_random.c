/* Properties of the codec, on random messages of every type drawn from the grammar. */
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

Test(codec_random, a_random_message_of_every_type_comes_back_equal_and_encodes_to_the_same_bytes)
{
    for_each_message(ROUNDS, comes_back);
}

static void prefixes_fail(const struct message *m, const uint8_t *frame, size_t len)
{
    struct message again;
    const size_t step = len > 600 ? 13 : 1; /* the long ones by samples */
    for (size_t n = 0; n < len; n += step) {
        uint8_t *prefix = malloc(n ? n : 1);
        memcpy(prefix, frame, n);
        const int err = codec_decode(&again, prefix, n);
        free(prefix);
        cr_assert_lt(err, 0, "%s cut at %zu of %zu", codec_name(m->type), n, len);
    }
}

Test(codec_random, every_prefix_is_refused)
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

Test(codec_random, a_buffer_that_is_too_small_is_never_overrun)
{
    for_each_message(3, small_buffers_fail);
}

static void flips_are_refused_or_stable(const struct message *m, const uint8_t *frame, size_t len)
{
    uint8_t *flipped = malloc(len), *second = malloc(ARENA);
    struct message again;
    (void)m;
    memcpy(flipped, frame, len);
    const size_t step = len > 300 ? 61 : 1; /* the long ones by samples */
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

Test(codec_random, a_flipped_bit_is_refused_or_gives_a_message_that_encodes)
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

Test(codec_random, bytes_behind_the_array_are_refused)
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

Test(codec_random, elements_that_a_newer_sender_appends_are_skipped)
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

Test(codec_random, a_message_without_one_of_its_required_fields_is_refused)
{
    for_each_message(2, too_few_elements_are_refused);
}

Test(codec_random, every_message_at_its_limits_fits_a_frame)
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
