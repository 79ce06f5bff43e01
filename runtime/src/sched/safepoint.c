#include "sched/safepoint.h"

#include <string.h>

#include "base/clock.h"

/* What the Ps of earlier worlds counted. */
static struct rti_hist kept[RTI_SAFEPOINT_COUNT];

static const uint32_t bit_of[RTI_SAFEPOINT_COUNT] = {
    [RTI_SAFEPOINT_SLICE] = RTI_PREEMPT_SLICE,
    [RTI_SAFEPOINT_TIMER] = RTI_PREEMPT_TIMER,
    [RTI_SAFEPOINT_STOP] = RTI_PREEMPT_STOP,
    [RTI_SAFEPOINT_END] = RTI_PREEMPT_END,
};

void rti_safepoint_ask_locked(struct p *p, uint32_t why)
{
    int64_t now = load_rlx(&p->m) ? rti_clock_monotonic() : 0;
    uint32_t already = load_rlx(&p->preempt);
    for (int i = 0; i < RTI_SAFEPOINT_COUNT; i++)
        if (why & ~already & bit_of[i])
            store_rlx(&p->safepoint.asked_ns[i], now);
    or_acq_rel(&p->preempt, why); /* pairs with and_acq_rel in rti_safepoint_slice */
}

void rti_safepoint_done(struct p *p, enum rti_safepoint what)
{
    int64_t asked_ns = load_rlx(&p->safepoint.asked_ns[what]);
    if (asked_ns == 0)
        return;
    store_rlx(&p->safepoint.asked_ns[what], 0);
    rti_hist_add_own(&p->safepoint.took[what], rti_clock_monotonic() - asked_ns);
}

void rti_safepoint_slice(struct p *p)
{
    const uint32_t both = RTI_PREEMPT_SLICE | RTI_PREEMPT_TIMER;
    if (!(load_rlx(&p->preempt) & both))
        return;
    uint32_t asked = and_acq_rel(&p->preempt, ~both); /* pairs with or_acq_rel in rti_safepoint_ask_locked */
    if (asked & RTI_PREEMPT_SLICE)
        rti_safepoint_done(p, RTI_SAFEPOINT_SLICE);
    if (asked & RTI_PREEMPT_TIMER)
        rti_safepoint_done(p, RTI_SAFEPOINT_TIMER);
}

void rti_safepoint_keep(struct p *p)
{
    for (int i = 0; i < RTI_SAFEPOINT_COUNT; i++)
        rti_hist_merge(&kept[i], &p->safepoint.took[i]);
}

void rti_safepoint_times(enum rti_safepoint what, struct rti_hist *out)
{
    memset(out, 0, sizeof *out);
    rti_hist_merge(out, &kept[what]);
    uint32_t ps = rti_world_ps();
    for (uint32_t i = 0; i < ps; i++)
        rti_hist_merge(out, &rti_world.allp[i]->safepoint.took[what]);
}
