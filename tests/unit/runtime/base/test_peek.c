#include "test.h"

#include "base/peek.h"

Test(peek, reads_what_is_there)
{
    uint8_t b = 0x81;
    uint32_t w = 0x81828384u;
    uint64_t d = 0x8182838485868788u;
    void *p = &d;
    cr_assert_eq(rti_peek_u8(&b), b);
    cr_assert_eq(rti_peek_u32(&w), w);
    cr_assert_eq(rti_peek_u64(&d), d);
    cr_assert_eq(rti_peek_pointer(&p), p);
}
