#include "proc/m.h"

#include <string.h>

#include "base/slab.h"

static struct rti_slab slab = RTI_SLAB_INIT(sizeof(struct m));
_Thread_local struct m *rti_m_current;

struct m *rti_m_new(uint32_t id)
{
    struct m *m = rti_slab_take(&slab);
    m->id = id;
    m->points.rand.state = id;
    return m;
}

void rti_m_reset(struct m *m, uint32_t id)
{
    uint32_t call = load_rlx(&m->call);
    memset(m, 0, sizeof *m);
    m->id = id;
    m->points.rand.state = id;
    store_rlx(&m->call, (call + 2) & ~1u);
}
