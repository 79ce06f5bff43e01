/* peek.h - reads words that their owner writes without an atomic: for dumps, which look at running goroutines and at
 * stacks from other threads and from signal handlers. The value is one that was there, not torn; it may be old by the
 * time it is used. Sanitizers do not see the access. Threads: any, signal handlers. Memory: the caller makes sure that
 * the address is mapped. */
#ifndef RTI_PEEK_H
#define RTI_PEEK_H

#include <stdint.h>

/* at: aligned for its size. */
uint8_t rti_peek_u8(const void *at);
uint32_t rti_peek_u32(const void *at);
uint64_t rti_peek_u64(const void *at);
void *rti_peek_pointer(const void *at);

#endif
