#include "test.h"

#include <pthread.h>

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

static void *hold(void *arg)
{
    rti_lock_acquire(&lock);
    (void)arg;
    rti_lock_release(&lock);
    return NULL;
}

Test(lock, a_sleeper_is_woken_by_the_release)
{
    pthread_t t;
    rti_lock_acquire(&lock);
    pthread_create(&t, NULL, hold, NULL);
    while (atomic_load(&lock.word) != 2) /* it has given up spinning and said so */
        ;
    rti_lock_release(&lock);
    pthread_join(t, NULL);
    cr_assert_not(rti_lock_is_held(&lock));
}
