#include "goroutines.h"

#include "api/sema.h"

/* The queues of a bucket need no scheduler. Words that share a bucket are found by trying. */
static uint32_t words[8192];

static uint32_t *neighbour_of(uint32_t *word, int nth)
{
    struct rti_sema_bucket *b = rti_sema_lock(word);
    rti_lock_release(&b->lock);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        struct rti_sema_bucket *other = rti_sema_lock(&words[i]);
        rti_lock_release(&other->lock);
        if (other == b && &words[i] != word && nth-- == 0)
            return &words[i];
    }
    return NULL;
}

Test(sema_inside, waiters_of_one_word_are_first_in_first_out_but_for_one_put_in_front)
{
    struct rti_sema_waiter w[4];
    struct rti_sema_bucket *b = rti_sema_lock(&words[0]);
    for (int i = 0; i < 3; i++)
        rti_sema_link_locked(b, &words[0], &w[i], false);
    rti_sema_link_locked(b, &words[0], &w[3], true);
    cr_assert_eq(rti_sema_first_locked(b, &words[0]), &w[3]);
    cr_assert_eq(rti_sema_unlink_locked(b, &words[0]), &w[3]);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(rti_sema_unlink_locked(b, &words[0]), &w[i]);
    cr_assert_null(rti_sema_unlink_locked(b, &words[0]));
    cr_assert_null(b->first);
    rti_lock_release(&b->lock);
}

Test(sema_inside, words_that_share_a_bucket_do_not_mix)
{
    uint32_t *at[3] = {&words[0], neighbour_of(&words[0], 0), neighbour_of(&words[0], 1)};
    struct rti_sema_waiter w[3][3];
    cr_assert_not_null(at[2]);
    struct rti_sema_bucket *b = rti_sema_lock(at[0]);
    for (int i = 0; i < 3; i++)
        for (int word = 0; word < 3; word++)
            rti_sema_link_locked(b, at[word], &w[word][i], false);
    for (int i = 0; i < 3; i++) { /* the middle one first, then the ends */
        cr_assert_eq(rti_sema_unlink_locked(b, at[1]), &w[1][i]);
        cr_assert_eq(rti_sema_first_locked(b, at[0]), &w[0][0]);
    }
    cr_assert_null(rti_sema_first_locked(b, at[1]));
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(rti_sema_unlink_locked(b, at[2]), &w[2][i]);
        cr_assert_eq(rti_sema_unlink_locked(b, at[0]), &w[0][i]);
    }
    cr_assert_null(b->first);
    rti_lock_release(&b->lock);
}

Test(sema_inside, who_is_woken_before_it_parked_is_not_made_ready)
{
    struct rti_sema_waiter w;
    struct rti_sema_bucket *b = rti_sema_lock(&words[0]);
    rti_sema_link_locked(b, &words[0], &w, false);
    cr_assert_eq(rti_sema_unlink_locked(b, &words[0]), &w);
    rti_lock_release(&b->lock);
    cr_assert_null(rti_sema_take(&w));
    cr_assert_eq(w.state, RTI_SEMA_WOKEN);
}

Test(sema_inside, permits_without_waiters_are_counted)
{
    _Atomic(uint32_t) permits = 0;
    cr_assert_not(rti_sema_try_acquire(&permits));
    rti_sema_release(&permits);
    rti_sema_release(&permits);
    cr_assert_eq(permits, 2);
    cr_assert(rti_sema_try_acquire(&permits));
    rti_sema_acquire(&permits, false, RTI_WAIT_MUTEX);
    cr_assert_eq(permits, 0);
}
