/* codec.h - messages to bytes and back, strictly, by the tables of grammar.c.
 * Pure. Threads: any. Memory: none; nothing is allocated, whatever the input says (W1). Decoded views borrow from the
 * frame. */
#ifndef COMMON_WIRE_CODEC_H
#define COMMON_WIRE_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/wire/cursor.h"
#include "common/wire/message.h"

/* Decodes one frame of the work, telemetry or control socket. 0, or: ERR_TRUNCATED, ERR_TYPE, ERR_RANGE, ERR_TOO_LONG,
 * ERR_DEPTH, ERR_FORMAT; ERR_TRAILING for bytes behind the array; ERR_UNKNOWN_MESSAGE. On an error the body of out is
 * not to be read, but out->type, wid and seq hold what could be read of them (zeroes else), so that an answer can name
 * them.
 */
int codec_decode(struct message *out, const uint8_t *frame, size_t len) MUST_CHECK;
/* Reads the envelope only: type, wid, seq; the rest is not looked at. Errors as above. */
int codec_peek(struct message *out, const uint8_t *frame, size_t len) MUST_CHECK;
/* Encodes m into buf. Returns the length in bytes. Errors: ERR_TOO_LONG (cap is too small, or a field is above its
 * limit), ERR_RANGE, ERR_FORMAT, ERR_TYPE for contents that the decoder would refuse, ERR_UNKNOWN_MESSAGE. A message
 * whose fields are within their limits and that is no CTL message fits MESSAGE_FRAME_MAX, but for a SCHEMA of very long
 * names. */
int codec_encode(uint8_t *buf, size_t cap, const struct message *m) MUST_CHECK;

/* The same for frames of the tip socket, which carry one topic byte before the array: 'T' for TIP and BEACON, 'C' for
 * CTRL and JOB. ERR_TYPE for a message of another kind or a topic that is not its own. */
int codec_decode_topic(struct message *out, const uint8_t *frame, size_t len) MUST_CHECK;
int codec_encode_topic(uint8_t *buf, size_t cap, const struct message *m) MUST_CHECK;

/* One number of METRICS, in order. kind: CURSOR_UINT u, CURSOR_INT i (below zero), CURSOR_FLOAT f. */
struct codec_number {
    enum cursor_type kind;
    union {
        uint64_t u;
        int64_t i;
        double f;
    };
};
/* The values of METRICS: it = cursor_over(m->values.at, m->values.len), then until it returns 0. Returns 1 with *out
 * set, 0 at the end, or an error (never for a decoded message). */
int codec_metrics_next(struct cursor *it, struct codec_number *out) MUST_CHECK;
/* The rows of SCHEMA, likewise. Views of out borrow what `it` reads. */
int codec_schema_next(struct cursor *it, struct message_schema_entry *out) MUST_CHECK;
/* Appends one row, for message_schema.entries. Errors are sticky in o. */
void codec_schema_put(struct cursor_out *o, const struct message_schema_entry *e);

/* "hello" and so on; "unknown" for a number without a message. Static storage. */
const char *codec_name(enum message_type type);

#endif
