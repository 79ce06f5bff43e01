#include "proc/m.h"

#include <string.h>

#include "base/slab.h"

static struct rti_slab slab = RTI_SLAB_INIT(sizeof(struct m));
_Thread_local struct m *rti_m_current;

/* From one rt_main to the next. Filled while no M runs, taken from under the lock of whoever makes Ms. */
static struct m *pool;

void rti_m_retire(struct m *m)
{
    m->idle_next = pool;
    pool = m;
}

static struct m *reuse(void)
{
    struct m *m = pool;
    pool = m->idle_next;
    memset(m, 0, sizeof *m);
    return m;
}

struct m *rti_m_new(uint32_t id)
{
    struct m *m = pool ? reuse() : rti_slab_take(&slab);
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
