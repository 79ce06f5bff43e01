#include "sched/deadlock.h"

#include "base/print.h"
#include "base/throw.h"
#include "proc/world.h"
#include "sched/findwork.h"
#include "sched/netpoll.h"
#include "sched/sched.h"
#include "sched/thrift.h"
#include "sched/timers.h"

const char *const rti_deadlock_words[RTI_WAIT_COUNT] = {
    [RTI_WAIT_NONE] = "waiting",
    [RTI_WAIT_CHAN_RECEIVE] = "chan receive",
    [RTI_WAIT_CHAN_SEND] = "chan send",
    [RTI_WAIT_CHAN_RECEIVE_NIL] = "chan receive (nil chan)",
    [RTI_WAIT_CHAN_SEND_NIL] = "chan send (nil chan)",
    [RTI_WAIT_SELECT] = "select",
    [RTI_WAIT_SELECT_NO_CASES] = "select (no cases)",
    [RTI_WAIT_MUTEX] = "sync.Mutex.Lock",
    [RTI_WAIT_RLOCK] = "sync.RWMutex.RLock",
    [RTI_WAIT_WLOCK] = "sync.RWMutex.Lock",
    [RTI_WAIT_SEMA] = "semacquire",
    [RTI_WAIT_COND] = "sync.Cond.Wait",
    [RTI_WAIT_GROUP] = "sync.WaitGroup.Wait",
    [RTI_WAIT_SLEEP] = "sleep",
    [RTI_WAIT_IO] = "IO wait",
    [RTI_WAIT_TIMER] = "timer",
};

const char *rti_deadlock_reason(unsigned why)
{
    return why < RTI_WAIT_COUNT && rti_deadlock_words[why] ? rti_deadlock_words[why] : "waiting";
}

/* Every M sleeps (or one polls for nothing), no queue holds a G, and nothing outside can bring one. */
static bool dead_locked(void)
{
    uint32_t asleep = rti_world.idle_m_count + rti_world.m_waiting + (rti_world.polling ? 1 : 0);
    return rti_world.m_count > 0 && asleep == rti_world.m_count && !rti_world.runq.len && !rti_findwork_visible() &&
           rti_timers_next() == INT64_MAX && !rti_netpoll_has_waiters() && load_rlx(&rti_world.holds) == 0 &&
           rti_thrift_spinners() == 0 && !load_rlx(&rti_world.stopping);
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
