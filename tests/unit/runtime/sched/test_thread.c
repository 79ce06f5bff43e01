#include "fake_world.h"

#include <pthread.h>

#include "sched/thread.h"

Test(thread, one_that_finds_the_world_stopping_ends, .init = fake_world)
{
    store_rlx(&rti_world.stopping, 1);
    rti_lock_acquire(&rti_world.lock);
    struct m *other = rti_thread_new_locked();
    rti_lock_release(&rti_world.lock);
    cr_assert_eq(rti_world.m_count, 2);
    cr_assert_eq(rti_world.all_m, other);
    cr_assert_eq(rti_thread_try_start(other), 0);
    rti_note_sleep(&other->done);
    cr_assert_eq(pthread_join(other->thread, NULL), 0);
}

Test(thread, more_than_the_limit_is_fatal, .init = fake_world, .exit_code = 2)
{
    rti_world.m_count = RTI_MAX_MS;
    rti_thread_new_locked();
}

static void *nothing(void *arg)
{
    return arg;
}

Test(thread, one_that_left_is_joined_and_its_m_used_again, .init = fake_world)
{
    cr_assert_eq(pthread_create(&m->thread, NULL, nothing, NULL), 0);
    store_rlx(&m->call, 7);
    m->ending = true;
    rti_lock_acquire(&rti_world.lock);
    rti_thread_leave_locked(m);
    rti_lock_release(&rti_world.lock);
    cr_assert_eq(rti_world.m_count, 0);
    rti_thread_reap(true);
    cr_assert_null(load_rlx(&rti_world.dead_m));
    rti_lock_acquire(&rti_world.lock);
    cr_assert_eq(rti_thread_new_locked(), m);
    rti_lock_release(&rti_world.lock);
    cr_assert(!m->ending && !m->left);
    cr_assert_eq(load_rlx(&m->call), 8, "goes on rising");
}
