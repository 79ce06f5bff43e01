#include "test.h"

#include <rt/rt.h>

#include "proc/g.h"
#include "sched/park.h"

/* Inside a running world: a hand-made semaphore on the wait protocol. */
static struct rti_lock lock = RTI_LOCK_INIT(RTI_RANK_API);
static struct g *waiter[64];
static int waiting;
static _Atomic(int) woken, ended;

static void wait_once(void)
{
    rti_lock_acquire(&lock);
    waiter[waiting++] = rti_sched_self();
    rti_sched_park_unlock(&lock, RTI_WAIT_COND);
    add_seq(&woken, 1);
}

static struct g *pop(void)
{
    rti_lock_acquire(&lock);
    struct g *g = waiting > 0 ? waiter[--waiting] : NULL;
    rti_lock_release(&lock);
    return g;
}

enum { SLEEPERS = 8, NAPS = 2000 };
static void sleeper(void *arg)
{
    (void)arg;
    for (int i = 0; i < NAPS; i++)
        wait_once();
    add_seq(&ended, 1);
}

static int ring_the_bell(void *arg)
{
    (void)arg;
    for (int i = 0; i < SLEEPERS; i++)
        rt_go(sleeper, NULL);
    while (load_seq(&ended) < SLEEPERS) {
        struct g *g = pop();
        if (g)
            rti_sched_ready(g);
        else
            rt_yield();
    }
    return load_seq(&woken) == SLEEPERS * NAPS ? 0 : 1;
}

static int run(int procs, int (*app)(void *), const char *godebug)
{
    struct rt_config config = {.procs = procs, .godebug = godebug};
    woken = ended = 0;
    return rt_main(&config, app, NULL);
}

Test(park, every_ready_ends_exactly_one_park)
{
    cr_assert_eq(run(1, ring_the_bell, NULL), 0);
    cr_assert_eq(run(2, ring_the_bell, NULL), 0);
    cr_assert_eq(run(4, ring_the_bell, "alwaysmigrate=1"), 0);
}

static int refusals;
static bool refuse(struct g *g, void *arg)
{
    refusals += rti_g_state(g) == RTI_G_WAITING && arg == &refusals;
    return false;
}

static int change_minds(void *arg)
{
    (void)arg;
    for (int i = 0; i < 100; i++)
        rti_sched_park(refuse, &refusals, RTI_WAIT_IO);
    return refusals == 100 ? 0 : 1;
}

Test(park, a_commit_that_says_no_lets_the_goroutine_go_on)
{
    cr_assert_eq(run(1, change_minds, NULL), 0);
}

static int wake_all(void *arg)
{
    (void)arg;
    for (int i = 0; i < SLEEPERS; i++)
        rt_go(sleeper, NULL);
    for (int round = 0; round < NAPS; round++) {
        while (true) {
            rti_lock_acquire(&lock);
            if (waiting == SLEEPERS)
                break;
            rti_lock_release(&lock);
            rt_yield();
        }
        for (int i = 0; i < SLEEPERS; i++)
            *rti_sched_link(waiter[i]) = i + 1 < SLEEPERS ? waiter[i + 1] : NULL;
        struct g *head = waiter[0];
        waiting = 0;
        rti_lock_release(&lock);
        rti_sched_ready_list(head);
    }
    while (load_seq(&ended) < SLEEPERS)
        rt_yield();
    return 0;
}

Test(park, a_list_is_woken_as_a_whole)
{
    cr_assert_eq(run(1, wake_all, NULL), 0);
    cr_assert_eq(run(3, wake_all, NULL), 0);
}

Test(park, parking_outside_a_goroutine_is_fatal, .exit_code = 2)
{
    rti_sched_park(NULL, NULL, RTI_WAIT_IO);
}

static bool park_inside(struct g *g, void *arg)
{
    (void)g;
    rti_sched_park(NULL, arg, RTI_WAIT_IO);
    return true;
}

static int park_in_commit(void *arg)
{
    rti_sched_park(park_inside, arg, RTI_WAIT_IO);
    return 0;
}

Test(park, parking_in_a_commit_is_fatal, .exit_code = 2)
{
    run(1, park_in_commit, NULL);
}
