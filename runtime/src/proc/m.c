#include "proc/m.h"

#include "base/slab.h"

static struct rti_slab slab = RTI_SLAB_INIT(sizeof(struct m));
_Thread_local struct m *rti_m_current;

struct m *rti_m_new(uint32_t id)
{
    struct m *m = rti_slab_take(&slab);
    m->id = id;
    return m;
}
