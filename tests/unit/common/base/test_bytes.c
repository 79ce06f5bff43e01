#include "test.h"

#include "common/base/bytes.h"
#include "common/base/err.h"

Test(bytes, loads_and_stores_agree_in_both_orders)
{
    uint8_t b[8];
    bytes_put_le64(b, 0x0102030405060708ull);
    cr_assert_eq(b[0], 8);
    cr_assert_eq(bytes_le64(b), 0x0102030405060708ull);
    cr_assert_eq(bytes_be64(b), 0x0807060504030201ull);
    cr_assert_eq(bytes_le32(b), 0x05060708u);
    cr_assert_eq(bytes_le16(b), 0x0708u);
    bytes_put_be64(b, 0x0102030405060708ull);
    cr_assert_eq(bytes_be32(b), 0x01020304u);
    bytes_put_be32(b, 0xfffefdfcu);
    bytes_put_le32(b + 4, 0xfffefdfcu);
    cr_assert_eq(bytes_be32(b), 0xfffefdfcu);
    cr_assert_eq(b[4], 0xfc);
}

Test(bytes, hex_goes_there_and_back)
{
    const uint8_t in[3] = {0x00, 0xab, 0xff};
    char text[7];
    uint8_t out[3];
    bytes_to_hex(text, in, 3);
    cr_assert_str_eq(text, "00abff");
    cr_assert_eq(bytes_from_hex(out, 3, "00ABff", 6), 0);
    cr_assert_arr_eq(out, in, 3);
    bytes_to_hex_reversed(text, in, 3);
    cr_assert_str_eq(text, "ffab00");
    cr_assert_eq(bytes_from_hex_reversed(out, 3, "ffab00", 6), 0);
    cr_assert_arr_eq(out, in, 3);
}

Test(bytes, hex_of_a_wrong_length_or_digit_is_refused)
{
    uint8_t out[3];
    cr_assert_eq(bytes_from_hex(out, 3, "00abf", 5), ERR_FORMAT);
    cr_assert_eq(bytes_from_hex(out, 3, "00abfff", 7), ERR_FORMAT);
    cr_assert_eq(bytes_from_hex(out, 3, "00abfg", 6), ERR_FORMAT);
    cr_assert_eq(bytes_from_hex(out, 3, "00 bff", 6), ERR_FORMAT);
}
