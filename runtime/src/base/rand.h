/* rand.h - a small fast generator (wyrand; Wang Yi, public domain): for choices, not for secrets. Threads: one per
 * generator. Memory: none. */
#ifndef RTI_RAND_H
#define RTI_RAND_H

#include <stdint.h>

struct rti_rand {
    uint64_t state;
};

static inline uint32_t rti_rand_next(struct rti_rand *r)
{
    r->state += 0xa0761d6478bd642full;
    __extension__ unsigned __int128 wide = (unsigned __int128)r->state * (r->state ^ 0xe7037ed1a0b428dbull);
    return (uint32_t)((uint64_t)(wide >> 64) ^ (uint64_t)wide);
}

/* Below n, n > 0; without the bias of a remainder worth mentioning. */
static inline uint32_t rti_rand_below(struct rti_rand *r, uint32_t n)
{
    return (uint32_t)(((uint64_t)rti_rand_next(r) * n) >> 32);
}

#endif
