/* cursor.h - bounded reading and writing of MessagePack; the only file that knows msgpack-c.
 * Pure. Threads: any, one at a time per cursor. Memory: none; views borrow from the bytes that are read.
 *
 * Both directions have a sticky error: after the first failure reads give zeroes and writes do nothing, so a message is
 * read or written as one straight list and `err` is looked at once, at its end. No read goes past `end` (W1). */
#ifndef COMMON_WIRE_CURSOR_H
#define COMMON_WIRE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    CURSOR_DEPTH_MAX = 8, /* levels of nesting that cursor_skip follows; an array of numbers is one level */
};

/* Borrowed bytes: a string (not NUL-terminated), binary data or a piece of MessagePack. at may be NULL if len is 0. */
struct cursor_view {
    const uint8_t *at;
    size_t len;
};

/* What comes next. UINT and INT are told apart by the sign of the value, not by its encoding: d0 05 is a UINT. */
enum cursor_type {
    CURSOR_END, /* no byte left, or a value cut short, or the reserved byte c1; also after an error */
    CURSOR_NIL,
    CURSOR_BOOL,
    CURSOR_UINT,
    CURSOR_INT,
    CURSOR_FLOAT,
    CURSOR_STR,
    CURSOR_BIN,
    CURSOR_ARRAY,
    CURSOR_MAP,
    CURSOR_EXT, /* refused by every read, cursor_skip included */
};

/* A reader. */
struct cursor {
    const uint8_t *at;  /* next byte */
    const uint8_t *end; /* one past the last */
    int err;            /* 0, or the first error */
};

struct cursor_number {
    enum cursor_type type;
    union {
        uint64_t u;
        int64_t i;
        double f;
    };
};

/* A writer into the caller's buffer. */
struct cursor_out {
    uint8_t *buf;
    size_t cap;
    size_t len; /* bytes written so far; never above cap */
    int err;    /* 0, or the first error: ERR_TOO_LONG when the buffer was full */
};

/* Reads data[0..len); borrows it until the cursor and every view taken from it are done with. data may be NULL if len
 * is 0. */
struct cursor cursor_over(const void *data, size_t len);
/* Remembers err (negative) unless an error is there already. For callers with rules of their own. */
void cursor_fail(struct cursor *c, int err);
/* The type of the next value; nothing is consumed and no error is set. */
enum cursor_type cursor_peek(const struct cursor *c);
/* True when every byte is consumed and no error happened. */
bool cursor_at_end(const struct cursor *c);

/* Typed reads. Any width of encoding is taken, canonical or not. Errors: ERR_TRUNCATED, ERR_TYPE, ERR_RANGE (number
 * outside the limits), ERR_TOO_LONG (string, binary or count above its limit), ERR_FORMAT (string is not UTF-8, or
 * holds a NUL). */
uint64_t cursor_u64(struct cursor *c, uint64_t max);
int64_t cursor_i64(struct cursor *c);
bool cursor_bool(struct cursor *c);
double cursor_f64(struct cursor *c); /* float 32 or 64, not an integer; NaN and infinities are handed on */
/* Any number; type CURSOR_UINT u, CURSOR_INT i (below zero), CURSOR_FLOAT f, CURSOR_END after an error. */
void cursor_number(struct cursor *c, struct cursor_number *out);
void cursor_nil(struct cursor *c);
struct cursor_view cursor_str(struct cursor *c, size_t max);
struct cursor_view cursor_bin(struct cursor *c, size_t max);
/* Binary data of exactly len bytes, copied to out; ERR_RANGE for another length. out is zeroed on error. */
void cursor_bin_exact(struct cursor *c, uint8_t *out, size_t len);
/* Number of elements (array) or pairs (map) that follow. A count that the bytes left cannot hold is ERR_TRUNCATED, even
 * if it is within max: a loop over the result is bounded by the size of the input. */
uint32_t cursor_array(struct cursor *c, uint32_t max);
uint32_t cursor_map(struct cursor *c, uint32_t max);
/* Steps over one whole value of at most depth (<= CURSOR_DEPTH_MAX) levels without recursion and returns its bytes;
 * depth 0 takes only scalars. ERR_DEPTH beyond it, ERR_TYPE for an extension type. */
struct cursor_view cursor_skip(struct cursor *c, unsigned depth);

/* Finds key in the map that `map` holds (as CTL args and results do) and returns a cursor on its value. err of the
 * result is ERR_NOT_FOUND without the key; the first of two equal keys counts. Keys that are not strings are stepped
 * over. */
struct cursor cursor_map_find(struct cursor_view map, const char *key);

/* Writes into buf[0..cap); borrows it. */
struct cursor_out cursor_out_over(void *buf, size_t cap);
void cursor_out_fail(struct cursor_out *o, int err);
/* Typed writes, each in the shortest encoding. */
void cursor_put_u64(struct cursor_out *o, uint64_t v);
void cursor_put_i64(struct cursor_out *o, int64_t v);
void cursor_put_bool(struct cursor_out *o, bool v);
void cursor_put_f64(struct cursor_out *o, double v);
void cursor_put_nil(struct cursor_out *o);
void cursor_put_str(struct cursor_out *o, const char *s);
void cursor_put_view_str(struct cursor_out *o, struct cursor_view s);
void cursor_put_bin(struct cursor_out *o, const void *data, size_t len);
void cursor_put_array(struct cursor_out *o, uint32_t n); /* the caller then writes n values */
void cursor_put_map(struct cursor_out *o, uint32_t n);   /* the caller then writes n keys, each with its value */
void cursor_put_raw(struct cursor_out *o, struct cursor_view msgpack); /* bytes that are MessagePack already */
/* What was written: a view of buf. */
struct cursor_view cursor_out_view(const struct cursor_out *o);

/* The view of a C string, without its NUL; of NULL: the empty view. */
static inline struct cursor_view cursor_view_of(const char *s)
{
    return (struct cursor_view){(const uint8_t *)s, s ? strlen(s) : 0};
}

static inline bool cursor_view_is(struct cursor_view v, const char *s)
{
    return v.len == strlen(s) && (v.len == 0 || memcmp(v.at, s, v.len) == 0);
}

/* True for UTF-8 as RFC 3629 has it (no overlong form, no surrogate, nothing above U+10FFFF) without a NUL. */
bool cursor_is_text(struct cursor_view v);
/* Bytes of the one UTF-8 sequence at at[0..left), left > 0; 0 for none, and for NUL. Async-signal-safe. */
size_t cursor_sequence(const uint8_t *at, size_t left);

#endif
