#include "sched/deadlock.h"

#include "base/print.h"
#include "base/throw.h"
#include "proc/g.h"
#include "proc/world.h"
#include "sched/findwork.h"
#include "sched/netpoll.h"
#include "sched/sched.h"
#include "sched/symbol.h"
#include "sched/timers.h"

const char *rti_deadlock_reason(unsigned why)
{
    static const char *const words[RTI_WAIT_COUNT] = {
        [RTI_WAIT_NONE] = "waiting",
        [RTI_WAIT_CHAN_RECEIVE] = "chan receive",
        [RTI_WAIT_CHAN_SEND] = "chan send",
        [RTI_WAIT_CHAN_RECEIVE_NIL] = "chan receive (nil chan)",
        [RTI_WAIT_CHAN_SEND_NIL] = "chan send (nil chan)",
        [RTI_WAIT_SELECT] = "select",
        [RTI_WAIT_SELECT_NO_CASES] = "select (no cases)",
        [RTI_WAIT_MUTEX] = "sync.Mutex.Lock",
        [RTI_WAIT_COND] = "sync.Cond.Wait",
        [RTI_WAIT_GROUP] = "sync.WaitGroup.Wait",
        [RTI_WAIT_SLEEP] = "sleep",
        [RTI_WAIT_IO] = "IO wait",
        [RTI_WAIT_TIMER] = "timer",
    };
    return why < RTI_WAIT_COUNT && words[why] ? words[why] : "waiting";
}

static void print_one(struct g *g, void *arg)
{
    (void)arg;
    uint32_t state = rti_g_state(g);
    if (state == RTI_G_IDLE || state == RTI_G_DEAD)
        return;
    const char *what = state == RTI_G_WAITING ? rti_deadlock_reason(load_rlx(&g->wait)) : rti_g_state_name(state);
    rti_print_text("\ngoroutine %lu [%s]:", (unsigned long)g->id, what);
    if (g->name)
        rti_print_text(" %s", g->name);
    rti_print_text("\n");
    rti_symbol_print("        runs ", (void *)(uintptr_t)g->fn);
    if (g->created_at) {
        rti_print_text("created by goroutine %lu\n", (unsigned long)g->parent);
        rti_symbol_print("        at ", g->created_at);
    }
}

void rti_deadlock_dump(void)
{
    rti_g_each(print_one, NULL);
}

/* Every M sleeps (or one polls for nothing), no queue holds a G, and nothing outside can bring one. */
static bool dead_locked(void)
{
    uint32_t asleep = rti_world.idle_m_count + rti_world.m_waiting + (rti_world.polling ? 1 : 0);
    return asleep == rti_world.m_count && !rti_world.runq.len && !rti_findwork_visible() &&
           rti_timers_next() == INT64_MAX && !rti_netpoll_has_waiters() && load_rlx(&rti_world.holds) == 0 &&
           load_rlx(&rti_world.spinning) == 0 && !load_rlx(&rti_world.stopping);
}

void rti_deadlock_check(void)
{
    rti_lock_acquire(&rti_world.lock);
    bool dead = dead_locked();
    rti_lock_release(&rti_world.lock);
    if (!dead)
        return;
    rti_print_text("fatal error: all goroutines are asleep - deadlock!\n");
    rti_throw_die();
}
