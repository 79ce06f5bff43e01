#include "parts/stackcode.h"

#include <stdint.h>

#include "arch/stackhints.h"

enum tag { ZERO, STACK, PROGRAM, RAW };

static uint32_t upper(const void *at)
{
    return (uint32_t)((uintptr_t)at >> 32);
}

static uint32_t program(void)
{
    return upper((const void *)(uintptr_t)rti_stackcode_pack);
}

static size_t tag_bytes(size_t words)
{
    return (words + 15) / 16 * 4;
}

RTI_NO_SANITIZE size_t rti_stackcode_pack(void *out, const void *from, size_t bytes)
{
    const volatile uint64_t *word = from;
    size_t words = bytes / sizeof *word;
    uint8_t *tags = out;
    uint32_t *part = (uint32_t *)(void *)(tags + tag_bytes(words));
    uint32_t stack = upper(from), text = program();
    for (size_t i = 0; i < tag_bytes(words); i++)
        tags[i] = 0;
    for (size_t i = 0; i < words; i++) {
        uint64_t w = word[i];
        uint32_t high = (uint32_t)(w >> 32);
        if (w == 0)
            continue;
        enum tag tag = high == stack ? STACK : high == text ? PROGRAM : RAW;
        tags[i / 4] = (uint8_t)(tags[i / 4] | tag << i % 4 * 2);
        *part++ = (uint32_t)w;
        if (tag == RAW)
            *part++ = high;
    }
    return (size_t)((char *)part - (char *)out);
}

RTI_NO_SANITIZE void rti_stackcode_unpack(void *to, const void *at, size_t bytes, const void *packed)
{
    volatile uint64_t *word = to;
    size_t words = bytes / sizeof *word;
    const uint8_t *tags = packed;
    const uint32_t *part = (const uint32_t *)(const void *)(tags + tag_bytes(words));
    for (size_t i = 0; i < words; i++) {
        enum tag tag = (enum tag)(tags[i / 4] >> i % 4 * 2 & 3);
        uint64_t low = tag == ZERO ? 0 : *part++;
        uint64_t high = tag == RAW ? *part++ : tag == STACK ? upper(at) : tag == PROGRAM ? program() : 0;
        word[i] = high << 32 | low;
    }
}
