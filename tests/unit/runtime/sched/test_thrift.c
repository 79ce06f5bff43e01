#include "fake_world.h"

#include "base/clock.h"
#include "sched/round.h"
#include "sched/thrift.h"
#include "sched/wake.h"

static struct m *helper;
static struct p *idle, *third;

/* Our P runs, one idles, and one M sleeps (on paper). A third P is there to be stolen from. */
static void up(void)
{
    fake_world();
    rti_thrift_reset();
    helper = rti_m_new(1);
    idle = rti_p_new(1, 1);
    third = rti_p_new(2, 1);
    rti_world.m_count = 2;
    rti_world.allp[1] = idle;
    rti_world.allp[2] = third;
    store_rlx(&rti_world.procs, 3);
    store_rlx(&rti_world.ps, 3);
    rti_lock_acquire(&rti_world.lock);
    rti_world_put_idle_m_locked(helper);
    rti_world_put_idle_p_locked(idle);
    rti_lock_release(&rti_world.lock);
}

static bool woken(void)
{
    return rti_note_sleep_for(&helper->note, 0);
}

static void put(void)
{
    struct rti_gqueue none = {0};
    cr_assert(rti_runq_put(&p->runq, &fake_g(RTI_G_RUNNABLE)->link, &none));
}

/* p steals from the third P, and comes out of it after so long as far as one can tell from the stamps. */
static bool steal_for(int64_t gain_ns)
{
    rti_thrift_stole(p, third);
    store_rlx(&third->theft.dry_ns, p->theft.since_ns + gain_ns);
    return rti_thrift_refuses(p);
}

static void steal_in_vain(void)
{
    for (int i = 0; i < 100; i++)
        (void)steal_for(1);
    cr_assert(load_rlx(&rti_world.thrift));
}

/* Work became ready: left to sysmon? */
static void defer(void)
{
    put();
    rti_wake_maybe();
    cr_assert_not(woken());
    cr_assert_eq(load_rlx(&rti_world.watching), 1);
    cr_assert_eq(load_rlx(&rti_world.spinning), 1);
}

Test(thrift, thefts_that_pay_are_not_refused, .init = up)
{
    for (int i = 0; i < 100; i++)
        cr_assert_not(steal_for(1000000));
    cr_assert_not(load_rlx(&rti_world.thrift));
}

Test(thrift, after_a_row_of_thefts_in_vain_they_are_refused, .init = up)
{
    int n = 1;
    while (!steal_for(1))
        n++;
    cr_assert(n > 8 && n < 100, "%d", n);
    cr_assert(rti_thrift_spares());
    cr_assert_not(rti_thrift_refuses(p)); /* once: it has not stolen again */
}

Test(thrift, a_lost_race_for_a_lock_counts_against_a_theft, .init = up)
{
    for (int i = 0; i < 100; i++) {
        rti_thrift_stole(p, third);
        store_rlx(&third->theft.dry_ns, p->theft.since_ns + 100000);
        for (int j = 0; j < 25; j++)
            rti_lock_count_contended();
        (void)rti_thrift_refuses(p);
    }
    cr_assert(load_rlx(&rti_world.thrift));
}

Test(thrift, one_theft_that_pays_does_not_end_it_and_a_row_does, .init = up)
{
    steal_in_vain();
    cr_assert(steal_for(1000000));
    int n = 1;
    while (steal_for(1000000))
        n++;
    cr_assert(n < 10, "%d", n);
}

Test(thrift, without_it_a_ready_goroutine_wakes_at_once, .init = up)
{
    put();
    rti_wake_maybe();
    cr_assert(woken());
    cr_assert_eq(load_rlx(&rti_world.watching), 0);
}

Test(thrift, with_it_the_duty_to_look_is_sysmons, .init = up)
{
    steal_in_vain();
    defer();
    cr_assert_eq(rti_thrift_spinners(), 0);
}

Test(thrift, a_sysmon_that_sleeps_for_long_is_woken_for_it, .init = up)
{
    steal_in_vain();
    store_rlx(&rti_world.sysmon_until, rti_clock_monotonic() + 3600ll * 1000000000);
    defer();
    cr_assert(rti_note_sleep_for(&rti_world.sysmon_note, 0));
}

Test(thrift, when_nobody_runs_somebody_is_woken_all_the_same, .init = up)
{
    steal_in_vain();
    store_rlx(&p->state, RTI_P_IDLE);
    put();
    rti_wake_maybe();
    cr_assert(woken());
}

/* Who was woken found nothing and rests, and something became ready. */
static void rest(void)
{
    rti_note_clear(&helper->note);
    rti_lock_acquire(&rti_world.lock);
    rti_world_unbind_locked(helper);
    rti_world_put_idle_p_locked(idle);
    rti_world_put_idle_m_locked(helper);
    rti_lock_release(&rti_world.lock);
    store_rlx(&rti_world.watching, 1);
}

/* A look after which p had that many switches. True if it woke somebody, who rests again. */
static bool look(int64_t now, uint64_t switches)
{
    store_rlx(&p->count.switches, load_rlx(&p->count.switches) + switches);
    (void)rti_thrift_look(now);
    bool was = woken();
    if (was)
        rest();
    return was;
}

/* The bound, in looks: the one that sees the last change, and the one after it. */
Test(thrift, a_goroutine_behind_one_that_computes_gets_the_idle_p_at_the_second_look, .init = up)
{
    steal_in_vain();
    defer();
    int64_t now = rti_clock_monotonic();
    cr_assert(look(now, 1000)); /* a try; the next is due in 200 us */
    cr_assert_not(look(now + 50000, 1000));
    store_rlx(&p->count.switches, load_rlx(&p->count.switches) + 1);
    cr_assert_eq(rti_thrift_look(now + 100000), RTI_THRIFT_LOOK_NS);
    cr_assert_not(woken());
    (void)rti_thrift_look(now + 100000 + RTI_THRIFT_LOOK_NS);
    cr_assert(woken());
    cr_assert_eq(helper->p, idle);
    cr_assert(helper->spinning); /* the count went along */
    cr_assert_eq(load_rlx(&rti_world.spinning), 1);
    cr_assert_eq(load_rlx(&rti_world.watching), 0);
}

Test(thrift, while_goroutines_are_short_sysmon_looks_less_often, .init = up)
{
    steal_in_vain();
    defer();
    int64_t now = rti_clock_monotonic();
    for (int i = 0; i < 10; i++)
        (void)look(now, 1000);
    store_rlx(&p->count.switches, load_rlx(&p->count.switches) + 1000);
    cr_assert_eq(rti_thrift_look(now), RTI_THRIFT_CALM_NS);
    store_rlx(&p->count.switches, load_rlx(&p->count.switches) + 1);
    cr_assert_eq(rti_thrift_look(now), RTI_THRIFT_LOOK_NS);
}

static int tries(int64_t now, int64_t for_ns)
{
    int n = 0;
    for (int64_t end = now + for_ns; now < end; now += 100000)
        n += look(now, 1000);
    return n;
}

Test(thrift, it_is_tried_again_and_ever_more_seldom, .init = up)
{
    steal_in_vain();
    defer();
    int64_t now = rti_clock_monotonic();
    cr_assert_geq(tries(now, 10000000), 5);
    int later = tries(now + 100000000, 100000000);
    cr_assert(later >= 5 && later <= 10, "%d", later);
}

Test(thrift, when_nothing_waits_for_long_the_duty_ends, .init = up)
{
    steal_in_vain();
    defer();
    cr_assert_not_null(rti_runq_get(&p->runq));
    int64_t now = rti_clock_monotonic();
    for (int i = 0; i < 50; i++)
        (void)rti_thrift_look(now += RTI_THRIFT_LOOK_NS);
    cr_assert_eq(load_rlx(&rti_world.watching), 0);
    cr_assert_eq(load_rlx(&rti_world.spinning), 0);
    for (int i = 0; i < 50; i++)
        (void)rti_thrift_look(now += RTI_THRIFT_LOOK_NS);
    cr_assert_eq(rti_thrift_look(now), INT64_MAX);
}

/* Whoever gives the duty up looks once more; and now nobody else runs who could be left to it. */
Test(thrift, what_waits_when_the_last_p_has_gone_idle_wakes_somebody, .init = up)
{
    steal_in_vain();
    defer();
    store_rlx(&p->state, RTI_P_IDLE);
    (void)rti_thrift_look(rti_clock_monotonic());
    cr_assert(woken());
    cr_assert_eq(load_rlx(&rti_world.watching), 0);
    cr_assert_eq(load_rlx(&rti_world.spinning), 1);
}

static bool fight(int locks)
{
    for (int i = 0; i < locks; i++)
        rti_lock_count_contended();
    return rti_thrift_is_vain();
}

Test(thrift, who_was_stolen_to_fight_for_locks_is_told, .init = up)
{
    cr_assert_not(fight(1000)); /* not stolen */
    rti_thrift_stole(p, third);
    cr_assert_not(fight(15)); /* too few to tell */
    cr_assert(fight(1000000));
    p->theft.since_ns -= 3600ll * 1000000000; /* few for so long a time */
    cr_assert_not(fight(1));
}

/* The other side of the bound: where the woken only fight for what the one that computes holds. */
Test(thrift, thefts_that_end_at_a_held_lock_make_sysmon_patient, .init = up)
{
    for (int i = 0; i < 100; i++) {
        rti_thrift_stole(p, third);
        (void)fight(30);
        (void)rti_thrift_refuses(p);
    }
    defer();
    int64_t now = rti_clock_monotonic();
    for (int i = 0; i < 10; i++)
        (void)look(now += 20000000, 1000); /* tries, until the next is 13 ms away */
    cr_assert_not(look(now + 1, 1));
    cr_assert_not(look(now + 1000000, 0));
    cr_assert(look(now + 2000000, 0));
}
