#include "common/wire/plain.h"

#include <rt/attr.h>

#include "common/wire/cursor.h"

uint32_t plain_code_point(const uint8_t *at, size_t len)
{
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    uint32_t c = at[0] & masks[len];
    for (size_t i = 1; i < len; i++)
        c = c << 6 | (at[i] & 0x3f);
    return c;
}

size_t plain_sequence(const uint8_t *at, size_t left)
{
    static const struct {
        uint32_t first, last;
    } refused[] = {{0, 0x1f},        {0x7f, 0x9f},     {0x61c, 0x61c},  {0x200e, 0x200f},
                   {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}};
    const size_t len = cursor_sequence(at, left);
    const uint32_t c = plain_code_point(at, len);
    for (size_t i = 0; len && i < ARRAY_LEN(refused); i++)
        if (c >= refused[i].first && c <= refused[i].last)
            return 0;
    return len;
}
