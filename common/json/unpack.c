#include "common/json/unpack.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/err.h"

struct decoding {
    struct cursor in;
    unsigned nodes;
};

static json_t *decode(struct decoding *self, unsigned depth, bool as_hex);

void unpack_free(json_t **p)
{
    json_decref(*p);
    *p = NULL;
}

static json_t *hex_string(struct cursor_view v)
{
    char *hex = malloc(2 * v.len + 1);
    CHECK(hex != NULL);
    bytes_to_hex(hex, v.at, v.len);
    json_t *out = json_stringn(hex, 2 * v.len);
    free(hex);
    return out;
}

static json_t *decode_bytes(struct decoding *self, bool as_hex)
{
    struct cursor_view v = cursor_bin(&self->in, (size_t)(self->in.end - self->in.at));
    if (self->in.err)
        return NULL;
    if (v.len == 0)
        return json_string("");
    return as_hex || !cursor_is_text(v) ? hex_string(v) : json_stringn((const char *)v.at, v.len);
}

static json_t *decode_uint(struct decoding *self)
{
    uint64_t v = cursor_u64(&self->in, UINT64_MAX);
    char digits[24];
    if (v <= INT64_MAX)
        return json_integer((json_int_t)v);
    snprintf(digits, sizeof digits, "%" PRIu64, v);
    return json_string(digits);
}

static json_t *decode_array(struct decoding *self, unsigned depth, bool as_hex)
{
    uint32_t n = cursor_array(&self->in, UINT32_MAX);
    json_t *array = json_array();
    for (uint32_t i = 0; i < n && !self->in.err; i++)
        json_array_append_new(array, decode(self, depth, as_hex));
    return array;
}

static bool is_hex_key(struct cursor_view key)
{
    return cursor_view_is(key, "headers") || cursor_view_is(key, "header") || cursor_view_is(key, "uuid");
}

static json_t *decode_map(struct decoding *self, unsigned depth)
{
    uint32_t n = cursor_map(&self->in, UINT32_MAX);
    json_t *object = json_object();
    for (uint32_t i = 0; i < n && !self->in.err; i++) {
        struct cursor_view name = cursor_str(&self->in, 256);
        json_t *value = decode(self, depth, is_hex_key(name));
        char key[257];
        snprintf(key, sizeof key, "%.*s", (int)name.len, name.len ? (const char *)name.at : "");
        if (json_object_get(object, key))
            json_decref(value);
        else
            json_object_set_new(object, key, value);
    }
    return object;
}

static json_t *decode_scalar(struct decoding *self, bool as_hex)
{
    struct cursor *in = &self->in;
    struct cursor_view text;
    double real;
    switch (cursor_peek(in)) {
    case CURSOR_NIL:
        cursor_nil(in);
        return json_null();
    case CURSOR_BOOL:
        return json_boolean(cursor_bool(in));
    case CURSOR_UINT:
        return decode_uint(self);
    case CURSOR_INT:
        return json_integer(cursor_i64(in));
    case CURSOR_FLOAT:
        real = cursor_f64(in);
        return isfinite(real) ? json_real(real) : json_null();
    case CURSOR_STR:
        text = cursor_str(in, (size_t)(in->end - in->at));
        return in->err ? NULL : json_stringn(text.len ? (const char *)text.at : "", text.len);
    case CURSOR_BIN:
        return decode_bytes(self, as_hex);
    case CURSOR_END:
        cursor_fail(in, ERR_TRUNCATED);
        return NULL;
    default:
        cursor_fail(in, ERR_TYPE);
        return NULL;
    }
}

/* NULL once self->in.err is set; jansson takes a NULL child and refuses it, which is fine then. */
static json_t *decode(struct decoding *self, unsigned depth, bool as_hex)
{
    enum cursor_type type = cursor_peek(&self->in);
    if (++self->nodes > UNPACK_NODES_MAX)
        cursor_fail(&self->in, ERR_TOO_LONG);
    if (type != CURSOR_ARRAY && type != CURSOR_MAP)
        return decode_scalar(self, as_hex);
    if (depth == 0) {
        cursor_fail(&self->in, ERR_DEPTH);
        return NULL;
    }
    return type == CURSOR_ARRAY ? decode_array(self, depth - 1, as_hex) : decode_map(self, depth - 1);
}

int unpack_json(json_t **out, struct cursor_view msgpack)
{
    struct decoding self = {.in = cursor_over(msgpack.at, msgpack.len)};
    AUTO(unpack_free) json_t *tree = decode(&self, CURSOR_DEPTH_MAX, false);
    if (!self.in.err && !cursor_at_end(&self.in))
        cursor_fail(&self.in, ERR_TRAILING);
    if (!self.in.err && !tree)
        cursor_fail(&self.in, ERR_FORMAT);
    TRY(self.in.err);
    *out = TAKE(tree);
    return 0;
}
