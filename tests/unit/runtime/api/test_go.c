/* The behaviour of <rt/go.h> is in tests/api/test_go.c; here is what only the inside can see. */
#include "test.h"

#include <errno.h>

#include <rt/rt.h>

#include "proc/g.h"
#include "proc/p.h"
#include "proc/world.h"
#include "sched/sched.h"

static int checks(void *arg)
{
    struct p *p = rti_world.allp[0];
    uint64_t before = load_rlx(&p->count.yields);
    (void)arg;
    rt_checkpoint();
    if (load_rlx(&p->count.yields) != before)
        return 1;
    store_rlx(&p->preempt, RTI_PREEMPT_SLICE);
    rt_checkpoint();
    if (load_rlx(&p->count.yields) != before + 1)
        return 2;
    rt_set_name("other");
    if (strcmp(rti_sched_self()->name, "other") != 0)
        return 3;
    rt_external_hold();
    rt_external_hold();
    rt_external_release();
    int held = (int)load_rlx(&rti_world.holds);
    rt_external_release();
    return held == 1 && load_rlx(&rti_world.holds) == 0 ? 0 : 4;
}

Test(go, a_checkpoint_yields_only_when_asked)
{
    struct rt_config config = {.procs = 1};
    cr_assert_eq(rt_main(&config, checks, NULL), 0);
}

static void nothing(void *arg)
{
    (void)arg;
}

static int creation(void *arg)
{
    struct rt_go_attr attr = {.name = "n", .stack = RT_STACK_16K};
    uint64_t id = rt_go_attr(&attr, nothing, NULL);
    struct g *g = (struct g *)load_rlx(&rti_world.allp[0]->runq.next);
    (void)arg;
    return g->id == id && g->parent == 1 && g->stack_class == RT_STACK_16K && g->created_at ? 0 : 1;
}

Test(go, a_new_goroutine_knows_who_made_it_and_where)
{
    struct rt_config config = {.procs = 1};
    cr_assert_eq(rt_main(&config, creation, NULL), 0);
}

Test(go, errno_is_read_from_the_running_thread)
{
    errno = EDOM;
    cr_assert_eq(rt_errno(), EDOM);
}
