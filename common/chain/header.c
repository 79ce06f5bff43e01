#include "common/chain/header.h"

#include <string.h>

#include "common/base/bytes.h"
#include "common/hash/sha256.h"

void header_parse(struct header *out, const uint8_t raw[HEADER_LEN])
{
    out->version = (int32_t)bytes_le32(raw);
    memcpy(out->prev, raw + 4, HEADER_HASH_LEN);
    memcpy(out->merkle, raw + HEADER_MERKLE_AT, HEADER_HASH_LEN);
    out->time = bytes_le32(raw + 68);
    out->bits = bytes_le32(raw + 72);
    out->nonce = bytes_le32(raw + HEADER_NONCE_AT);
}

void header_serialize(uint8_t raw[HEADER_LEN], const struct header *in)
{
    bytes_put_le32(raw, (uint32_t)in->version);
    memcpy(raw + 4, in->prev, HEADER_HASH_LEN);
    memcpy(raw + HEADER_MERKLE_AT, in->merkle, HEADER_HASH_LEN);
    bytes_put_le32(raw + 68, in->time);
    bytes_put_le32(raw + 72, in->bits);
    bytes_put_le32(raw + HEADER_NONCE_AT, in->nonce);
}

void header_hash(uint8_t out[HEADER_HASH_LEN], const struct header *in)
{
    uint8_t raw[HEADER_LEN];
    header_serialize(raw, in);
    sha256_double(out, raw, sizeof raw);
}

void header_hash_raw(uint8_t out[HEADER_HASH_LEN], const uint8_t raw[HEADER_LEN])
{
    sha256_double(out, raw, HEADER_LEN);
}

void header_set_nonce(uint8_t raw[HEADER_LEN], uint32_t nonce)
{
    bytes_put_le32(raw + HEADER_NONCE_AT, nonce);
}
