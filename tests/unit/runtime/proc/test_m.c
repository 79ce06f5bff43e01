#include "test.h"

#include <pthread.h>

#include "proc/m.h"

static void *without(void *arg)
{
    *(struct m **)arg = rti_m_self();
    return NULL;
}

Test(m, each_thread_sees_its_own)
{
    struct m *m = rti_m_new(3), *other = m;
    cr_assert_null(rti_m_self());
    rti_m_current = m;
    cr_assert_eq(rti_m_self(), m);
    pthread_t t;
    pthread_create(&t, NULL, without, &other);
    pthread_join(t, NULL);
    cr_assert_null(other);
    cr_assert_eq(m->id, 3);
    cr_assert_eq((uintptr_t)m % 64, 0);
}

Test(m, one_whose_thread_was_joined_is_as_new_but_its_calls_go_on_counting)
{
    struct m *m = rti_m_new(3);
    m->spinning = true;
    store_rlx(&m->call, 5);
    rti_m_reset(m, 7);
    cr_assert_eq(m->id, 7);
    cr_assert_not(m->spinning);
    cr_assert_eq(load_rlx(&m->call), 6);
}
