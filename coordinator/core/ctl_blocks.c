#include "coordinator/core/ctl_blocks.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

enum { BLOCKS_DEFAULT = 100, BLOCKS_MAX = 500, HEADERS_MAX = 2000, ROOM_MIN = 1024 };

struct described {
    struct core_block stored;
    struct block block; /* borrows from raw */
    uint8_t *raw;
};

static int read_stored(struct core *self, const struct tree_node *node, struct described *out)
{
    uint8_t *body = NULL;
    TRY(self->config.reader.block(self->config.reader.ctx, node->hash, &out->stored, &body));
    size_t len = HEADER_LEN + out->stored.body_len;
    out->raw = malloc(len);
    CHECK(out->raw);
    memcpy(out->raw, out->stored.header, HEADER_LEN);
    memcpy(out->raw + HEADER_LEN, body, out->stored.body_len);
    free(body);
    return block_parse(&out->block, out->raw, len);
}

/* The genesis is the network's own and in no store. */
static int describe(struct core *self, const struct tree_node *node, struct described *out)
{
    if (node->parent)
        return read_stored(self, node, out);
    return network_genesis(&self->network, &out->block);
}

static void put(const struct tree_node *node, const struct described *d, struct cursor_out *o)
{
    cursor_put_map(o, 11);
    ctl_put_u64(o, "height", node->height);
    ctl_put_hash(o, "hash", node->hash);
    ctl_put_hash(o, "previous_hash", d->block.header.prev);
    ctl_put_hash(o, "merkle_root", node->merkle);
    ctl_put_u64(o, "time", node->time);
    ctl_put_u64(o, "bits", node->bits);
    ctl_put_u64(o, "nonce", node->nonce);
    ctl_put_u64(o, "extranonce", d->block.coinbase.extranonce);
    ctl_put_str(o, "worker", d->stored.worker);
    ctl_put_u64(o, "arrival_ms", (uint64_t)d->stored.arrival_ms);
    cursor_put_str(o, "data");
    cursor_put_array(o, d->block.payload_count);
    for (uint16_t i = 0; i < d->block.payload_count; i++)
        cursor_put_bin(o, d->block.payloads[i].bytes, d->block.payloads[i].len);
}

int ctl_blocks_put(struct core *self, struct cursor_out *o, const struct tree_node *node)
{
    struct described *d = calloc(1, sizeof *d);
    CHECK(d);
    int err = describe(self, node, d);
    if (err == 0 && o->cap - o->len < d->stored.body_len + ROOM_MIN)
        err = ERR_FULL;
    if (err == 0)
        put(node, d, o);
    free(d->raw);
    free(d);
    return err;
}

struct range {
    uint64_t from, limit;
    bool reverse;
};

static int read_range(struct core *self, const struct ctl_call *call, struct range *r, const char **key)
{
    uint64_t tip = tree_tip(self->tree)->height;
    *key = "reverse";
    TRY(ctl_arg_bool(call, *key, &r->reverse));
    *key = "limit";
    TRY(ctl_arg_u64(call, *key, UINT64_MAX, &r->limit));
    if (r->limit == 0)
        return ERR_RANGE;
    *key = "from";
    r->from = r->reverse ? tip : 0;
    TRY(ctl_arg_u64(call, *key, UINT64_MAX, &r->from));
    if (r->reverse && r->from > tip)
        r->from = tip;
    return 0;
}

/* As many blocks as fit; the array's count is patched in afterwards: array 16 has it in its last two bytes. */
static int put_range(struct core *self, const struct range *r, struct cursor_out *o, uint64_t *next, bool *more)
{
    static const uint8_t array16[3] = {0xdc, 0, 0};
    size_t at = o->len;
    cursor_put_raw(o, (struct cursor_view){array16, sizeof array16});
    uint16_t count = 0;
    uint64_t height = r->from;
    const struct tree_node *node = tree_at(self->tree, height);
    int err = 0;
    while (node && count < r->limit && (err = ctl_blocks_put(self, o, node)) == 0) {
        count++;
        height += r->reverse ? UINT64_MAX : 1; /* below 0 there is no node */
        node = tree_at(self->tree, height);
    }
    if (err < 0 && !(err == ERR_FULL && count > 0))
        return err;
    o->buf[at + 1] = (uint8_t)(count >> 8);
    o->buf[at + 2] = (uint8_t)count;
    *more = node != NULL;
    *next = height;
    return 0;
}

void ctl_blocks_blocks(struct core *self, const struct ctl_call *call)
{
    struct range r = {.limit = BLOCKS_DEFAULT};
    const char *key;
    int err = read_range(self, call, &r, &key);
    if (err < 0) {
        ctl_error(self, call, err, key);
        return;
    }
    if (r.limit > BLOCKS_MAX)
        r.limit = BLOCKS_MAX;
    struct cursor_out o = ctl_begin(self);
    cursor_put_map(&o, 2);
    cursor_put_str(&o, "blocks");
    uint64_t next = 0;
    bool more = false;
    err = put_range(self, &r, &o, &next, &more);
    if (err < 0) {
        ctl_error(self, call, err, NULL);
        return;
    }
    cursor_put_str(&o, "next");
    if (more)
        cursor_put_u64(&o, next);
    else
        cursor_put_nil(&o);
    ctl_reply(self, call, &o, false);
}

static size_t copy_headers(const struct core *self, uint64_t from, uint64_t limit, uint8_t *out)
{
    size_t count = 0;
    const struct tree_node *node;
    while (count < limit && (node = tree_at(self->tree, from + count))) {
        struct header header;
        tree_header(self->tree, node, &header);
        header_serialize(out + count * HEADER_LEN, &header);
        count++;
    }
    return count;
}

void ctl_blocks_headers(struct core *self, const struct ctl_call *call)
{
    uint64_t from = 0, limit = HEADERS_MAX;
    const char *key = "from";
    int err = ctl_arg_u64(call, key, UINT64_MAX - HEADERS_MAX, &from);
    if (err == 0) {
        key = "limit";
        err = ctl_arg_u64(call, key, UINT64_MAX, &limit);
    }
    if (err == 0 && limit == 0)
        err = ERR_RANGE;
    if (err < 0) {
        ctl_error(self, call, err, key);
        return;
    }
    uint8_t *headers = malloc((size_t)HEADERS_MAX * HEADER_LEN);
    CHECK(headers);
    size_t count = copy_headers(self, from, limit < HEADERS_MAX ? limit : HEADERS_MAX, headers);
    struct cursor_out o = ctl_begin(self);
    cursor_put_map(&o, 3);
    ctl_put_u64(&o, "from", from);
    cursor_put_str(&o, "headers");
    cursor_put_bin(&o, headers, count * HEADER_LEN);
    ctl_put_u64(&o, "height", tree_tip(self->tree)->height);
    free(headers);
    ctl_reply(self, call, &o, false);
}
