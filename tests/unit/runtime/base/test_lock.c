#include "test.h"

#include <pthread.h>
#include <time.h>

#include "base/lock.h"

enum { ROUNDS = 20000, THREADS = 4 };
static struct rti_lock lock;
static long plain; /* guarded by lock: TSan and the sum both tell if it is not */

static void *add(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        rti_lock_acquire(&lock);
        plain++;
        rti_lock_release(&lock);
    }
    return arg;
}

Test(lock, threads_that_fight_for_it_lose_no_update)
{
    pthread_t t[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, add, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    cr_assert_eq(plain, (long)ROUNDS * THREADS);
    cr_assert_not(rti_lock_is_held(&lock));
}

Test(lock, try_fails_while_it_is_held_and_takes_it_when_open)
{
    rti_lock_acquire(&lock);
    cr_assert_not(rti_lock_try(&lock));
    cr_assert(rti_lock_is_held(&lock));
    rti_lock_release(&lock);
    cr_assert(rti_lock_try(&lock));
    rti_lock_release(&lock);
}

static _Atomic(int) tried;

static void *hold(void *arg)
{
    atomic_store(&tried, rti_lock_try(&lock) ? 1 : 2);
    rti_lock_acquire(&lock);
    rti_lock_release(&lock);
    return arg;
}

Test(lock, one_that_waits_longer_than_it_spins_gets_it_in_the_end)
{
    struct timespec long_hold = {.tv_nsec = 2000000};
    pthread_t t;
    rti_lock_acquire(&lock);
    pthread_create(&t, NULL, hold, NULL);
    while (atomic_load(&tried) == 0)
        ;
    cr_assert_eq(atomic_load(&tried), 2);
    nanosleep(&long_hold, NULL); /* not to wait for anything: so that the other one naps */
    rti_lock_release(&lock);
    pthread_join(t, NULL);
    cr_assert_not(rti_lock_is_held(&lock));
}

Test(lock, a_thread_knows_how_many_it_holds)
{
    static struct rti_lock a, b;
    cr_assert_eq(rti_lock_depth(), 0);
    rti_lock_acquire(&a);
    cr_assert_eq(rti_lock_depth(), 1);
    cr_assert(rti_lock_try(&b));
    cr_assert_eq(rti_lock_depth(), 2);
    cr_assert_not(rti_lock_try(&b));
    cr_assert_eq(rti_lock_depth(), 2);
    rti_lock_release(&a);
    rti_lock_release(&b);
    cr_assert_eq(rti_lock_depth(), 0);
}

static char told[16];
static void tell(uint32_t rank, enum rti_lock_event what)
{
    size_t n = strlen(told);
    cr_assert_eq(rank, RTI_RANK_NONE);
    cr_assert_eq(rti_lock_is_held(&lock), what == RTI_LOCK_TAKEN);
    if (n < sizeof told - 1)
        told[n] = "wtr"[what];
}

Test(lock, a_hook_sees_every_step_until_it_is_taken_away)
{
    rti_lock_set_hook(tell);
    rti_lock_acquire(&lock);
    rti_lock_release(&lock);
    cr_assert(rti_lock_try(&lock));
    rti_lock_release(&lock);
    rti_lock_set_hook(NULL);
    rti_lock_acquire(&lock);
    rti_lock_release(&lock);
    cr_assert_str_eq(told, "wtrtr");
}
