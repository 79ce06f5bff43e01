#include "proc/g.h"

#include "base/slab.h"

static struct rti_slab slab = RTI_SLAB_INIT(sizeof(struct g));
static _Atomic(struct g *) all; /* push-only; written by CAS (rel), read by dumps (acq) */
static _Atomic(uint32_t) made;

struct g *rti_g_new(void)
{
    struct g *g = rti_slab_take(&slab);
    g->all_next = load_rlx(&all);
    while (!cas_rel(&all, &g->all_next, g)) /* pairs with load_acq in each */
        ;
    add_rlx(&made, 1);
    return g;
}

struct g *rti_g_newest(void)
{
    return load_acq(&all); /* pairs with cas_rel in new */
}

uint32_t rti_g_made(void)
{
    return load_rlx(&made);
}

void rti_g_each(void (*visit)(struct g *g, void *arg), void *arg)
{
    for (struct g *g = load_acq(&all); g; g = g->all_next) /* pairs with cas_rel in new */
        visit(g, arg);
}

const char *rti_g_state_name(uint32_t state)
{
    static const char *const names[RTI_G_STATES] = {
        [RTI_G_IDLE] = "idle",       [RTI_G_RUNNABLE] = "runnable", [RTI_G_RUNNING] = "running",
        [RTI_G_WAITING] = "waiting", [RTI_G_BLOCKING] = "syscall",  [RTI_G_DEAD] = "dead"};
    state &= RTI_G_STATE_MASK;
    return state < RTI_G_STATES ? names[state] : "?";
}

bool rti_g_legal(enum rti_g_state from, enum rti_g_state to)
{
    static const uint8_t legal[RTI_G_STATES] = {
        [RTI_G_IDLE] = 1 << RTI_G_RUNNABLE,
        [RTI_G_RUNNABLE] = 1 << RTI_G_RUNNING,
        [RTI_G_RUNNING] = 1 << RTI_G_RUNNABLE | 1 << RTI_G_WAITING | 1 << RTI_G_BLOCKING | 1 << RTI_G_DEAD,
        [RTI_G_WAITING] = 1 << RTI_G_RUNNABLE,
        [RTI_G_BLOCKING] = 1 << RTI_G_RUNNING | 1 << RTI_G_RUNNABLE,
        [RTI_G_DEAD] = 1 << RTI_G_IDLE,
    };
    return legal[from] >> to & 1;
}
