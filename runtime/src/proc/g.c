#include "proc/g.h"

#include "base/slab.h"

static struct rti_slab slab = RTI_SLAB_INIT(sizeof(struct g));
struct g *_Atomic rti_g_all;     /* written once (rel), read by dumps (acq) */
static _Atomic(struct g *) last; /* exchanged by makers only */
static _Atomic(uint32_t) made;

struct g *rti_g_new(void)
{
    struct g *g = rti_slab_take(&slab);
    /* Between the two steps g and what is made after it cannot be reached yet: a dump misses the very newest. */
    struct g *before = xchg_acq_rel(&last, g);             /* pairs with itself: before is zeroed and ours to link */
    store_rel(before ? &before->all_next : &rti_g_all, g); /* pairs with load_acq in each */
    add_rlx(&made, 1);
    return g;
}

struct g *rti_g_first(void)
{
    return load_acq(&rti_g_all); /* pairs with store_rel in new */
}

uint32_t rti_g_made(void)
{
    return load_rlx(&made);
}

void rti_g_each(void (*visit)(struct g *g, void *arg), void *arg)
{
    for (struct g *g = load_acq(&rti_g_all); g; g = load_acq(&g->all_next)) /* both pair with store_rel in new */
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
