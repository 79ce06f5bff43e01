#include "sched/preempt.h"

#include "base/atomic.h"
#include "proc/m.h"
#include "proc/p.h"

void rti_preempt_ask_locked(struct p *p)
{
    struct m *m = load_rlx(&p->m);
    or_rlx(&p->preempt, RTI_PREEMPT_SLICE);
    if (m)
        store_rlx(&m->taken, 1);
}
