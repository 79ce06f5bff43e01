#include "test.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/note.h"

static struct rti_note there, back;
static int plain; /* handed over by the notes */

static void *answer(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        rti_note_sleep(&there);
        rti_note_clear(&there);
        plain++;
        rti_note_wake(&back);
    }
    return arg;
}

Test(note, every_wake_reaches_its_sleeper_with_what_was_written_before)
{
    pthread_t t;
    pthread_create(&t, NULL, answer, NULL);
    for (int i = 0; i < 1000; i++) {
        plain++;
        rti_note_wake(&there);
        rti_note_sleep(&back);
        rti_note_clear(&back);
        cr_assert_eq(plain, 2 * (i + 1));
    }
    pthread_join(t, NULL);
}

Test(note, a_wake_before_the_sleep_is_not_lost)
{
    rti_note_wake(&there);
    rti_note_wake(&there);
    rti_note_sleep(&there);
    cr_assert(rti_note_sleep_for(&there, 0));
}

static void *sleep_there(void *arg)
{
    rti_note_sleep(&there);
    return arg;
}

Test(note, tells_whether_somebody_sleeps)
{
    pthread_t t;
    cr_assert_not(rti_note_has_sleeper(&there));
    pthread_create(&t, NULL, sleep_there, NULL);
    while (!rti_note_has_sleeper(&there))
        ;
    rti_note_wake(&there);
    cr_assert_not(rti_note_has_sleeper(&there));
    pthread_join(t, NULL);
}

Test(note, a_sleep_for_ends_after_its_time)
{
    int64_t before = rti_clock_monotonic();
    cr_assert_not(rti_note_sleep_for(&there, 2000000));
    cr_assert(rti_clock_monotonic() - before >= 2000000);
    cr_assert_not(rti_note_sleep_for(&there, 0));
    cr_assert_not(rti_note_sleep_for(&there, -5));
    rti_note_wake(&there); /* still usable */
    cr_assert(rti_note_sleep_for(&there, 1000000000));
}
