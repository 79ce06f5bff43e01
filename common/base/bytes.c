#include "common/base/bytes.h"

#include "common/base/err.h"

static const char digits[] = "0123456789abcdef";

void bytes_to_hex(char *out, const uint8_t *in, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    out[2 * len] = '\0';
}

void bytes_to_hex_reversed(char *out, const uint8_t *in, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[in[len - 1 - i] >> 4];
        out[2 * i + 1] = digits[in[len - 1 - i] & 15];
    }
    out[2 * len] = '\0';
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return ERR_FORMAT;
}

int bytes_from_hex(uint8_t *out, size_t len, const char *text, size_t text_len)
{
    if (text_len != 2 * len)
        return ERR_FORMAT;
    for (size_t i = 0; i < len; i++) {
        int high = digit_value(text[2 * i]);
        TRY(high);
        int low = digit_value(text[2 * i + 1]);
        TRY(low);
        out[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

int bytes_from_hex_reversed(uint8_t *out, size_t len, const char *text, size_t text_len)
{
    TRY(bytes_from_hex(out, len, text, text_len));
    for (size_t i = 0; i < len / 2; i++) {
        uint8_t swap = out[i];
        out[i] = out[len - 1 - i];
        out[len - 1 - i] = swap;
    }
    return 0;
}
