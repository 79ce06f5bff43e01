#include "sched/callsite.h"

uint8_t _Atomic rti_callsite_table[RTI_CALLSITES];

void rti_callsite_learn(const void *pc, bool was_long)
{
    _Atomic(uint8_t) *at = &rti_callsite_table[rti_callsite_slot(pc)];
    uint8_t was = load_rlx(at);
    if (was_long && was < RTI_CALLSITE_MAX)
        store_rlx(at, (uint8_t)(was + 1));
    else if (!was_long && was > 0)
        store_rlx(at, (uint8_t)(was - 1));
}
