/* callsite.h - which places in the program make blocking calls that last: a guess, as a branch predictor makes it, from
 * what the calls made there lately did. Threads: any, without a lock; a lost update costs one wrong guess. Memory:
 * static. */
#ifndef RTI_CALLSITE_H
#define RTI_CALLSITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include <rt/attr.h>

/* Places share a counter when their addresses fall together. From LONG on a call is taken for a long one: two long ones
 * in a row make it so, and from MAX two short ones unmake it. */
enum { RTI_CALLSITE_BITS = 8, RTI_CALLSITES = 1 << RTI_CALLSITE_BITS, RTI_CALLSITE_LONG = 2, RTI_CALLSITE_MAX = 3 };
extern _Atomic(uint8_t) rti_callsite_table[RTI_CALLSITES]; /* relaxed: no other data hangs on it */

static ALWAYS_INLINE uint32_t rti_callsite_slot(const void *pc)
{
    return (uint32_t)(uintptr_t)pc * UINT32_C(2654435761) >> (32 - RTI_CALLSITE_BITS);
}

/* A blocking call that returns to pc will probably last. A load. */
static ALWAYS_INLINE bool rti_callsite_is_long(const void *pc)
{
    return load_rlx(&rti_callsite_table[rti_callsite_slot(pc)]) >= RTI_CALLSITE_LONG;
}

/* What the call did. Short ones of a place that is not taken for long need not be told. */
void rti_callsite_learn(const void *pc, bool was_long);

#endif
