#include "base/peek.h"

#define UNSEEN __attribute__((no_sanitize("address", "thread", "undefined")))

UNSEEN uint8_t rti_peek_u8(const void *at)
{
    return *(const volatile uint8_t *)at;
}

UNSEEN uint32_t rti_peek_u32(const void *at)
{
    return *(const volatile uint32_t *)at;
}

UNSEEN uint64_t rti_peek_u64(const void *at)
{
    return *(const volatile uint64_t *)at;
}

UNSEEN void *rti_peek_pointer(const void *at)
{
    return *(void *const volatile *)at;
}
