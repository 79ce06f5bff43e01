#include "test.h"

#include <pthread.h>

#include "common/base/tsan.h"

static int plain;
static char passage;

/* Only TSan can see that nothing orders this read but the pair. */
static void *reader(void *arg)
{
    while (!__atomic_load_n((int *)arg, __ATOMIC_RELAXED))
        ;
    tsan_acquire(&passage);
    plain++;
    return NULL;
}

Test(tsan, the_pair_orders_what_a_relaxed_flag_does_not)
{
    pthread_t thread;
    int flag = 0;
    cr_assert_eq(pthread_create(&thread, NULL, reader, &flag), 0);
    plain = 1;
    tsan_release(&passage);
    __atomic_store_n(&flag, 1, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    cr_assert_eq(plain, 2);
}
