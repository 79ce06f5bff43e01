#include "common/chain/block.h"

#include <string.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/chain/merkle.h"
#include "common/hash/sha256.h"

enum { RECORD_VERSION = 1, EXTRANONCE_AT = 9, TAG_LEN_AT = 13, LEAVES_MAX = 1 + BLOCK_PAYLOADS_MAX };

/* SHA-256("Lode/payload"); the test derives it. */
static const uint8_t payload_tag[SHA256_LEN] = {0x3c, 0xa3, 0x46, 0x40, 0xbb, 0x24, 0xaa, 0x9e, 0x28, 0xce, 0xb8,
                                                0xc7, 0xae, 0xe1, 0x18, 0x69, 0x8b, 0xb1, 0x84, 0xfa, 0x37, 0xbc,
                                                0xfa, 0xe8, 0xb2, 0x78, 0x7e, 0xdf, 0xc4, 0xe3, 0xb4, 0xce};

static void put_le16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

int block_coinbase_write(uint8_t out[BLOCK_COINBASE_MAX], const struct block_coinbase *in)
{
    if (in->tag_len > BLOCK_TAG_MAX)
        return ERR_TOO_LONG;
    out[0] = RECORD_VERSION;
    bytes_put_le64(out + 1, in->height);
    bytes_put_be32(out + EXTRANONCE_AT, in->extranonce);
    out[TAG_LEN_AT] = in->tag_len;
    memcpy(out + BLOCK_COINBASE_MIN, in->tag, in->tag_len);
    return BLOCK_COINBASE_MIN + in->tag_len;
}

int block_coinbase_parse(struct block_coinbase *out, const uint8_t *bytes, size_t len)
{
    if (len < BLOCK_COINBASE_MIN)
        return ERR_TRUNCATED;
    if (bytes[0] != RECORD_VERSION)
        return ERR_VERSION;
    uint8_t tag_len = bytes[TAG_LEN_AT];
    if (tag_len > BLOCK_TAG_MAX)
        return ERR_TOO_LONG;
    if (len < (size_t)BLOCK_COINBASE_MIN + tag_len)
        return ERR_TRUNCATED;
    if (len > (size_t)BLOCK_COINBASE_MIN + tag_len)
        return ERR_TRAILING;
    *out = (struct block_coinbase){
        .height = bytes_le64(bytes + 1),
        .extranonce = bytes_be32(bytes + EXTRANONCE_AT),
        .tag_len = tag_len,
    };
    memcpy(out->tag, bytes + BLOCK_COINBASE_MIN, tag_len);
    return 0;
}

void block_coinbase_leaf(uint8_t out[32], const uint8_t coinbase1[BLOCK_COINBASE1_LEN], uint32_t extranonce,
                         const uint8_t *coinbase2, size_t coinbase2_len)
{
    uint8_t middle[4];
    struct sha256 s;
    bytes_put_be32(middle, extranonce);
    sha256_start(&s);
    sha256_update(&s, coinbase1, BLOCK_COINBASE1_LEN);
    sha256_update(&s, middle, sizeof middle);
    sha256_update(&s, coinbase2, coinbase2_len);
    sha256_finish(&s, out);
    sha256_once(out, out, SHA256_LEN);
}

void block_payload_leaf(uint8_t out[32], const uint8_t *bytes, size_t len)
{
    struct sha256 s;
    sha256_start(&s);
    sha256_update(&s, payload_tag, sizeof payload_tag);
    sha256_update(&s, payload_tag, sizeof payload_tag);
    sha256_update(&s, bytes, len);
    sha256_finish(&s, out);
    sha256_once(out, out, SHA256_LEN);
}

int64_t block_size(const struct block *in)
{
    if (in->coinbase.tag_len > BLOCK_TAG_MAX || in->payload_count > BLOCK_PAYLOADS_MAX)
        return ERR_TOO_LONG;
    int64_t body = 2 + BLOCK_COINBASE_MIN + in->coinbase.tag_len + 2;
    for (unsigned i = 0; i < in->payload_count; i++) {
        if (in->payloads[i].len < 1)
            return ERR_RANGE;
        if (in->payloads[i].len > BLOCK_PAYLOAD_MAX)
            return ERR_TOO_LONG;
        body += 4 + in->payloads[i].len;
    }
    return body > BLOCK_BODY_MAX ? ERR_TOO_LONG : HEADER_LEN + body;
}

/* The leaves of the payloads from the second place on; the first stays for the coinbase. */
static int payload_leaves(uint8_t leaves[LEAVES_MAX * SHA256_LEN], const struct block *in)
{
    int64_t size = block_size(in);
    if (size < 0)
        return (int)size;
    for (unsigned i = 0; i < in->payload_count; i++)
        block_payload_leaf(leaves + (1 + i) * SHA256_LEN, in->payloads[i].bytes, in->payloads[i].len);
    return 1 + in->payload_count;
}

int block_branch(uint8_t branch[BLOCK_BRANCH_MAX * 32], const struct block *in)
{
    uint8_t leaves[LEAVES_MAX * SHA256_LEN];
    memset(leaves, 0, SHA256_LEN);
    int count = payload_leaves(leaves, in);
    TRY(count);
    return merkle_branch(branch, leaves, (size_t)count);
}

int block_root(uint8_t root[32], const struct block *in)
{
    uint8_t leaves[LEAVES_MAX * SHA256_LEN], record[BLOCK_COINBASE_MAX];
    int count = payload_leaves(leaves, in);
    TRY(count);
    int len = block_coinbase_write(record, &in->coinbase);
    TRY(len);
    sha256_double(leaves, record, (size_t)len);
    return merkle_root(root, leaves, (size_t)count);
}

int64_t block_serialize(uint8_t *out, size_t cap, const struct block *in)
{
    int64_t size = block_size(in);
    if (size < 0)
        return size;
    if ((size_t)size > cap)
        return ERR_FULL;
    header_serialize(out, &in->header);
    uint8_t *p = out + HEADER_LEN;
    int len = block_coinbase_write(p + 2, &in->coinbase);
    TRY(len);
    put_le16(p, (unsigned)len);
    p += 2 + len;
    put_le16(p, in->payload_count);
    p += 2;
    for (unsigned i = 0; i < in->payload_count; i++) {
        bytes_put_le32(p, in->payloads[i].len);
        memcpy(p + 4, in->payloads[i].bytes, in->payloads[i].len);
        p += 4 + in->payloads[i].len;
    }
    return size;
}

static int parse_payloads(struct block *out, const uint8_t *p, const uint8_t *end)
{
    for (unsigned i = 0; i < out->payload_count; i++) {
        if (end - p < 4)
            return ERR_TRUNCATED;
        uint32_t len = bytes_le32(p);
        p += 4;
        if (len < 1)
            return ERR_RANGE;
        if (len > BLOCK_PAYLOAD_MAX)
            return ERR_TOO_LONG;
        if ((size_t)(end - p) < len)
            return ERR_TRUNCATED;
        out->payloads[i] = (struct block_payload){.bytes = p, .len = len};
        p += len;
    }
    return p == end ? 0 : ERR_TRAILING;
}

int block_parse(struct block *out, const uint8_t *bytes, size_t len)
{
    if (len < BLOCK_MIN)
        return ERR_TRUNCATED;
    if (len > BLOCK_MAX)
        return ERR_TOO_LONG;
    const uint8_t *p = bytes + HEADER_LEN, *end = bytes + len;
    header_parse(&out->header, bytes);
    size_t record = bytes_le16(p);
    p += 2;
    if (record > BLOCK_COINBASE_MAX)
        return ERR_TOO_LONG;
    if ((size_t)(end - p) < record + 2)
        return ERR_TRUNCATED;
    TRY(block_coinbase_parse(&out->coinbase, p, record));
    p += record;
    out->payload_count = bytes_le16(p);
    if (out->payload_count > BLOCK_PAYLOADS_MAX)
        return ERR_TOO_LONG;
    return parse_payloads(out, p + 2, end);
}

int block_check(const struct block *in, uint64_t height)
{
    uint8_t root[SHA256_LEN];
    TRY(block_root(root, in));
    if (memcmp(root, in->header.merkle, SHA256_LEN) != 0)
        return ERR_MERKLE;
    return in->coinbase.height == height ? 0 : ERR_RANGE;
}
