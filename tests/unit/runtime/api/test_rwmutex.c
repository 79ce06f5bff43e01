#include "goroutines.h"

#include <rt/sync.h>

/* The counters at rest; goroutines meet in tests/api/test_sync.c. */

Test(rwmutex_inside, readers_are_counted_and_a_writer_shifts_them_below_zero)
{
    struct rt_rwmutex m = {0};
    rt_rwmutex_rlock(&m);
    cr_assert(rt_rwmutex_try_rlock(&m));
    cr_assert_eq(m.readers, 2);
    cr_assert_not(rt_rwmutex_try_lock(&m));
    cr_assert_eq(m.writers.locked, 0, "a failed try lets other writers in again");
    rt_rwmutex_runlock(&m);
    rt_rwmutex_runlock(&m);
    rt_rwmutex_lock(&m);
    cr_assert_lt(m.readers, 0);
    cr_assert_not(rt_rwmutex_try_rlock(&m));
    cr_assert_not(rt_rwmutex_try_lock(&m));
    rt_rwmutex_unlock(&m);
    cr_assert_eq(m.readers, 0);
    cr_assert_eq(m.readers_ahead, 0);
    cr_assert(rt_rwmutex_try_lock(&m));
}

static struct rt_rwmutex rw;
static struct rt_waitgroup left;
static int inside;

static void read_once(void *arg UNUSED)
{
    rt_rwmutex_rlock(&rw);
    inside++;
    rt_rwmutex_runlock(&rw);
    rt_waitgroup_done(&left);
}

static void readers_wait_for_a_writer(void)
{
    rw = (struct rt_rwmutex){0};
    inside = 0;
    rt_waitgroup_add(&left, 3);
    rt_rwmutex_lock(&rw);
    for (int i = 0; i < 3; i++) {
        rt_go(read_once, NULL);
        rt_yield();
    }
    EXPECT(inside == 0);
    EXPECT(rw.readers == 3 - (1 << 30));
    rt_rwmutex_unlock(&rw);
    rt_waitgroup_wait(&left);
    EXPECT(inside == 3);
    EXPECT(rw.readers == 0 && rw.reader_sema == 0 && rw.writer_sema == 0);
}

Test(rwmutex_inside, all_waiting_readers_come_in_when_the_writer_leaves)
{
    run_on(1, readers_wait_for_a_writer);
}
