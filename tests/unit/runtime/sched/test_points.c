#include "fake_world.h"

#include "base/debugvars.h"
#include "sched/points.h"
#include "sched/seeded.h"

/* A goroutine that seems to run on the test's thread. Where a point is not legal nothing may happen: a switch would
 * jump to a stack that is not there. */
static void up(void)
{
    fake_world();
    m->curg = fake_g(RTI_G_RUNNING);
    rti_debugvars.seed = 1;
    rti_seeded_begin(1);
    rti_points_arm();
}

static struct rti_lock lock = RTI_LOCK_INIT(RTI_RANK_API), other = RTI_LOCK_INIT(RTI_RANK_SCHED);

/* The hash moves with every choice: so it tells whether a point asked. */
static bool asks(void (*fn)(void))
{
    uint64_t before = rti_seeded_hash();
    fn();
    return rti_seeded_hash() != before;
}

Test(points, nobody_is_asked_off_a_goroutine_in_a_call_or_in_the_middle_of_a_switch, .init = up)
{
    struct g *g = m->curg;
    m->curg = NULL;
    cr_assert_not(asks(rti_points_here));
    m->curg = g;
    store_rlx(&m->call, 1);
    cr_assert_not(asks(rti_points_here));
    store_rlx(&m->call, 2);
    m->finish = RTI_FINISH_PARK;
    cr_assert_not(asks(rti_points_here));
    m->finish = RTI_FINISH_NONE;
    store_rlx(&rti_world.stopping, 1);
    cr_assert_not(asks(rti_points_here));
    store_rlx(&rti_world.stopping, 0);
    m->p = NULL;
    cr_assert_not(asks(rti_points_here));
    rti_m_current = NULL;
    cr_assert_not(asks(rti_points_here));
}

static void lock_and_unlock_inside(void)
{
    rti_lock_acquire(&other);
    rti_lock_release(&other);
    rti_points_here();
}

Test(points, nobody_is_asked_while_he_holds_a_lock, .init = up)
{
    m->curg = NULL;
    rti_lock_acquire(&lock); /* asks nobody: not a goroutine here */
    m->curg = fake_g(RTI_G_RUNNING);
    cr_assert_eq(m->points.locks, 1);
    cr_assert_not(asks(lock_and_unlock_inside));
    m->curg = NULL;
    rti_lock_release(&lock);
    cr_assert_eq(m->points.locks, 0);
}

static void lock_and_unlock_other(void)
{
    rti_lock_acquire(&other);
    rti_lock_release(&other);
}

Test(points, locks_of_the_scheduler_are_none, .init = up)
{
    cr_assert_not(asks(lock_and_unlock_other));
}

Test(points, disarmed_locks_are_not_counted, .init = up)
{
    rti_points_disarm();
    cr_assert_not(rti_points_armed);
    rti_lock_acquire(&lock);
    cr_assert_eq(m->points.locks, 0);
    rti_lock_release(&lock);
}
