#include "fake_world.h"

#include "base/clock.h"
#include "parts/pollset.h"
#include "parts/timerheap.h"
#include "sched/netpoll.h"
#include "sched/timers.h"

static struct g *never(void *arg, uint64_t seq)
{
    (void)arg, (void)seq;
    return NULL;
}

static bool claim(void)
{
    rti_lock_acquire(&rti_world.lock);
    bool got = rti_netpoll_claim_locked();
    rti_lock_release(&rti_world.lock);
    return got;
}

Test(netpoll, nobody_polls_without_a_reason, .init = fake_world)
{
    cr_assert_not(claim());
    cr_assert_not(rti_netpoll_has_waiters());
    cr_assert_null(rti_netpoll_look(m));
}

Test(netpoll, one_polls_for_a_timer_and_only_one, .init = fake_world)
{
    struct rti_timer t = {.fn = never};
    rti_timers_set(&t, INT64_MAX - 1);
    cr_assert(claim());
    cr_assert_not(claim());
}

Test(netpoll, the_set_is_made_once, .init = fake_world)
{
    cr_assert_eq(rti_netpoll_set(), rti_netpoll_set());
    rti_netpoll_free();
    cr_assert_null(load_rlx(&rti_world.pollset));
}

Test(netpoll, a_due_timer_ends_the_wait_with_a_p, .init = fake_world)
{
    struct rti_timer t = {.fn = never};
    rti_timers_set(&t, rti_clock_monotonic() + 1000000);
    rti_lock_acquire(&rti_world.lock);
    rti_world_unbind_locked(m);
    rti_world_put_idle_p_locked(p);
    cr_assert(rti_netpoll_claim_locked());
    rti_lock_release(&rti_world.lock);
    cr_assert_null(rti_netpoll_wait(m));
    cr_assert(rti_clock_monotonic() >= t.when_ns);
    cr_assert_eq(m->p, p);
    cr_assert_not(rti_world.polling);
}

Test(netpoll, a_sooner_timer_breaks_the_wait_of_whoever_waits_longer, .init = fake_world)
{
    struct g *ready[RTI_POLLSET_READY_MAX];
    rti_netpoll_set();
    store_rlx(&rti_world.poll_until, 100);
    rti_netpoll_hurry(200);
    store_rlx(&rti_world.poll_until, 300);
    rti_netpoll_hurry(200);
    cr_assert_eq(rti_pollset_wait(rti_netpoll_set(), -1, ready), 0); /* would never return without the break */
}

/* Its sleep is longer than the timer's deadline, and nobody else will be there for it. */
static bool sysmon_was_told(void)
{
    bool told = rti_note_sleep_for(&rti_world.sysmon_note, 0);
    rti_note_clear(&rti_world.sysmon_note);
    return told;
}

Test(netpoll, a_timer_that_nobody_polls_for_is_sysmons_to_watch, .init = fake_world)
{
    struct rti_timer t = {.fn = never};
    store_rlx(&rti_world.sysmon_until, 1000000000);
    store_rlx(&rti_world.poll_until, 1);
    (void)rti_timers_set(&t, 1);
    cr_assert_not(sysmon_was_told()); /* somebody polls until then */
    rti_netpoll_left();
    cr_assert(sysmon_was_told());
    store_rlx(&rti_world.poll_until, 0);
    rti_netpoll_hurry(1);
    cr_assert(sysmon_was_told());
}
