#include "fake_world.h"

#include "sched/wake.h"

static struct m *helper;
static struct p *idle;

/* One P idles, one M sleeps (on paper). */
static void up(void)
{
    fake_world();
    helper = rti_m_new(1);
    idle = rti_p_new(1, 1);
    rti_world.m_count = 2;
    rti_world.allp[1] = idle;
    store_rlx(&rti_world.procs, 2);
    store_rlx(&rti_world.ps, 2);
    rti_lock_acquire(&rti_world.lock);
    rti_world_put_idle_m_locked(helper);
    rti_world_put_idle_p_locked(idle);
    rti_lock_release(&rti_world.lock);
}

static bool woken(void)
{
    return rti_note_sleep_for(&helper->note, 0);
}

Test(wake, an_idle_p_and_nobody_spinning_wakes_one_who_spins, .init = up)
{
    rti_wake_maybe();
    cr_assert(woken());
    cr_assert_eq(helper->p, idle);
    cr_assert(helper->spinning);
    cr_assert_eq(load_rlx(&rti_world.spinning), 1);
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 0);
}

Test(wake, while_somebody_spins_nobody_is_woken, .init = up)
{
    rti_wake_spin(m);
    rti_wake_maybe();
    rti_wake_one();
    cr_assert_not(woken());
    cr_assert_eq(load_rlx(&rti_world.spinning), 1);
}

Test(wake, without_an_idle_p_the_count_of_spinners_is_put_back, .init = up)
{
    rti_lock_acquire(&rti_world.lock);
    rti_world_take_idle_p_locked();
    rti_lock_release(&rti_world.lock);
    rti_wake_one();
    cr_assert_not(woken());
    cr_assert_eq(load_rlx(&rti_world.spinning), 0);
}

Test(wake, a_spinner_that_found_work_applies_the_rule_again, .init = up)
{
    rti_wake_spin(m);
    rti_wake_unspin(m, true);
    cr_assert(woken());
}

Test(wake, a_spinner_that_found_nothing_just_stops, .init = up)
{
    rti_wake_spin(m);
    rti_wake_unspin(m, false);
    rti_wake_unspin(m, false);
    cr_assert_not(woken());
    cr_assert_eq(load_rlx(&rti_world.spinning), 0);
}

Test(wake, while_the_world_stops_no_p_is_given_out, .init = up)
{
    store_rlx(&rti_world.stopping, 1);
    rti_wake_one();
    cr_assert_not(woken());
    cr_assert_eq(load_rlx(&rti_world.idle_ps), 1);
}

Test(wake, all_means_all_that_sleep, .init = up)
{
    rti_wake_all();
    cr_assert(woken());
    cr_assert_null(helper->p);
    cr_assert_eq(rti_world.idle_m_count, 0);
}

/* How sysmon sleeps, on paper: until when, and was it woken for a timer at when_ns? */
static bool watched(int64_t until_ns, int64_t when_ns)
{
    store_rlx(&rti_world.sysmon_until, until_ns);
    rti_wake_watch(when_ns);
    bool told = rti_note_sleep_for(&rti_world.sysmon_note, 0);
    rti_note_clear(&rti_world.sysmon_note);
    return told;
}

enum { MS = 1000000 };
Test(wake, a_timer_that_sysmon_would_sleep_past_wakes_it, .init = up)
{
    cr_assert(watched(10 * MS, 1 * MS));
    cr_assert(watched(10 * MS, -1 * MS)); /* due already */
}

Test(wake, a_timer_that_sysmon_will_see_in_time_does_not_wake_it, .init = up)
{
    cr_assert_not(watched(10 * MS, 10 * MS - RTI_WAKE_LATE_NS));
    cr_assert_not(watched(10 * MS, 20 * MS));
    cr_assert_not(watched(10 * MS, INT64_MAX));
}

Test(wake, sysmon_is_not_woken_while_it_is_up, .init = up)
{
    cr_assert_not(watched(0, 1 * MS));
}
