/* fuzz_codec.c - any bytes through the decoder. What it accepts must be one whole MessagePack value in msgpack-c's eyes
 * (the oracle), and must encode to a frame that decodes to the same frame again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <msgpack/unpack.h>

#include "common/wire/codec.h"

enum { FRAME_MAX = 1 << 18 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* One array of as many elements as the frame said, whose first three are type, wid and seq. */
static void ask_oracle(const struct message *m, const uint8_t *frame, size_t len)
{
    msgpack_unpacked value;
    size_t used = 0;
    msgpack_unpacked_init(&value);
    require(msgpack_unpack_next(&value, (const char *)frame, len, &used) == MSGPACK_UNPACK_SUCCESS);
    require(used == len);
    require(value.data.type == MSGPACK_OBJECT_ARRAY && value.data.via.array.size >= 3);
    const msgpack_object *item = value.data.via.array.ptr;
    require(item[0].type == MSGPACK_OBJECT_POSITIVE_INTEGER && item[0].via.u64 == (uint64_t)m->type);
    require(item[1].type == MSGPACK_OBJECT_POSITIVE_INTEGER && item[1].via.u64 == m->wid);
    require(item[2].type == MSGPACK_OBJECT_POSITIVE_INTEGER && item[2].via.u64 == m->seq);
    msgpack_unpacked_destroy(&value);
}

static void check_stable(const struct message *m)
{
    static uint8_t first[FRAME_MAX], second[FRAME_MAX];
    struct message again;
    const int len = codec_encode(first, sizeof(first), m);
    require(len > 0);
    require(codec_decode(&again, first, (size_t)len) == 0);
    require(codec_encode(second, sizeof(second), &again) == len);
    require(memcmp(first, second, (size_t)len) == 0);
}

static void walk_values(const struct message *m)
{
    struct codec_number number;
    struct message_schema_entry row;
    uint32_t n = 0;
    struct cursor it;
    if (m->type == MESSAGE_METRICS) {
        it = cursor_over(m->u.metrics.values.at, m->u.metrics.values.len);
        while (codec_metrics_next(&it, &number) == 1)
            n++;
        require(n == m->u.metrics.count && it.err == 0);
    } else if (m->type == MESSAGE_SCHEMA) {
        it = cursor_over(m->u.schema.entries.at, m->u.schema.entries.len);
        while (codec_schema_next(&it, &row) == 1)
            n++;
        require(n == m->u.schema.count && it.err == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct message m, peeked;
    (void)!codec_decode_topic(&m, data, size);
    const int err = codec_decode(&m, data, size);
    const int peek = codec_peek(&peeked, data, size);
    if (err < 0)
        return 0;
    require(peek == 0 && peeked.type == m.type && peeked.wid == m.wid && peeked.seq == m.seq);
    ask_oracle(&m, data, size);
    check_stable(&m);
    walk_values(&m);
    if (m.type == MESSAGE_CTL_REQ)
        (void)cursor_map_find(m.u.ctl_req.args, "id");
    return 0;
}
