#include "test.h"

#include "base/lock.h"

static struct rti_lock inner = RTI_LOCK_INIT(RTI_RANK_SCHED), outer = RTI_LOCK_INIT(RTI_RANK_TIMERS);
static struct rti_lock api[2] = {RTI_LOCK_INIT(RTI_RANK_API), RTI_LOCK_INIT(RTI_RANK_API)};

Test(lockrank, rising_ranks_may_be_released_in_any_order)
{
    rti_lock_acquire(&outer);
    rti_lock_acquire(&inner);
    cr_assert_eq(rti_lockrank_held(), LODE_DCHECK ? 2 : 0);
    rti_lock_release(&outer);
    rti_lock_release(&inner);
    cr_assert_eq(rti_lockrank_held(), 0);
}

Test(lockrank, api_locks_are_taken_in_order_of_address)
{
    rti_lock_acquire(&api[0]);
    rti_lock_acquire(&api[1]);
    rti_lock_release(&api[0]);
    rti_lock_release(&api[1]);
    cr_assert_eq(rti_lockrank_held(), 0);
}

#if LODE_DCHECK
Test(lockrank, a_falling_rank_is_fatal, .exit_code = 2)
{
    rti_lock_acquire(&inner);
    rti_lock_acquire(&outer);
}

Test(lockrank, the_same_rank_twice_is_fatal, .exit_code = 2)
{
    struct rti_lock other = RTI_LOCK_INIT(RTI_RANK_SCHED);
    rti_lock_acquire(&inner);
    rti_lock_acquire(&other);
}

Test(lockrank, api_locks_against_the_order_are_fatal, .exit_code = 2)
{
    rti_lock_acquire(&api[1]);
    rti_lock_acquire(&api[0]);
}

Test(lockrank, releasing_what_this_thread_does_not_hold_is_fatal, .exit_code = 2)
{
    rti_lock_release(&inner);
}
#endif
