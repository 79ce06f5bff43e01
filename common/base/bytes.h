/* bytes.h - loads and stores of little and big endian, and hex. Pure. Threads: any. Memory: none. */
#ifndef COMMON_BASE_BYTES_H
#define COMMON_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <rt/attr.h>

static inline uint16_t bytes_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t bytes_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t bytes_le64(const uint8_t *p)
{
    return (uint64_t)bytes_le32(p) | (uint64_t)bytes_le32(p + 4) << 32;
}

static inline uint32_t bytes_be32(const uint8_t *p)
{
    return (uint32_t)p[3] | (uint32_t)p[2] << 8 | (uint32_t)p[1] << 16 | (uint32_t)p[0] << 24;
}

static inline uint64_t bytes_be64(const uint8_t *p)
{
    return (uint64_t)bytes_be32(p + 4) | (uint64_t)bytes_be32(p) << 32;
}

static inline void bytes_put_le32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static inline void bytes_put_le64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static inline void bytes_put_be32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static inline void bytes_put_be64(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* Lower-case hex of len bytes into out, which holds 2 * len + 1 chars. */
void bytes_to_hex(char *out, const uint8_t *in, size_t len);
/* The same from the last byte to the first: how hashes are shown. */
void bytes_to_hex_reversed(char *out, const uint8_t *in, size_t len);
/* Reads exactly 2 * len hex digits of text (length text_len) into out. ERR_FORMAT otherwise; out is then undefined. */
int bytes_from_hex(uint8_t *out, size_t len, const char *text, size_t text_len) MUST_CHECK;
int bytes_from_hex_reversed(uint8_t *out, size_t len, const char *text, size_t text_len) MUST_CHECK;

#endif
