#include "sched/preempt.h"

#include "base/atomic.h"
#include "proc/m.h"
#include "proc/p.h"

void rti_preempt_ask_locked(struct p *p, enum rti_preempt why)
{
    struct m *m = load_rlx(&p->m);
    or_rlx(&p->preempt, (uint32_t)why);
    if (m)
        store_rlx(&m->taken, 1);
}
