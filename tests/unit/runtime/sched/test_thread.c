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
