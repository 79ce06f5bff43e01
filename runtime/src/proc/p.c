#include "proc/p.h"

#include <string.h>

#include "base/slab.h"

static struct rti_slab slab = RTI_SLAB_INIT(sizeof(struct p));

/* From one rt_main to the next; only while no M runs. */
static struct p *pool;

void rti_p_retire(struct p *p)
{
    p->idle_next = pool;
    pool = p;
}

struct p *rti_p_new(uint32_t id, uint64_t seed)
{
    struct p *p = pool;
    if (p) {
        pool = p->idle_next;
        struct rt_timer *timers = p->timer_free;
        uint32_t count = p->timer_free_count;
        memset(p, 0, sizeof *p);
        p->timer_free = timers;
        p->timer_free_count = count;
    } else {
        p = rti_slab_take(&slab);
    }
    p->id = id;
    rti_lock_init(&p->timer_lock, RTI_RANK_TIMERS);
    rti_timerheap_init(&p->timers);
    store_rlx(&p->timer_next, INT64_MAX);
    p->until_look = p->look_span = p->until_timers = 8;
    p->until_global = 61;
    p->rand.state = seed + id * 0x9e3779b97f4a7c15ull;
    return p;
}
