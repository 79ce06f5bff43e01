#include "base/note.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/peek.h"
#include <rt/check.h>

enum { CLEARED, WOKEN, SLEEPING };

void rti_note_clear(struct rti_note *note)
{
    store_rlx(&note->word, CLEARED);
}

static void wait_on(struct rti_note *note, int64_t for_ns)
{
    struct timespec ts = {.tv_sec = for_ns / 1000000000, .tv_nsec = for_ns % 1000000000};
    syscall(SYS_futex, &note->word, FUTEX_WAIT_PRIVATE, SLEEPING, for_ns >= 0 ? &ts : NULL, NULL, 0);
}

void rti_note_sleep(struct rti_note *note)
{
    uint32_t cleared = CLEARED;
    if (!cas_acq_rel(&note->word, &cleared, SLEEPING)) { /* pairs with xchg in wake */
        DCHECK(cleared == WOKEN);
        return;
    }
    while (load_acq(&note->word) == SLEEPING) /* pairs with xchg in wake */
        wait_on(note, -1);
}

bool rti_note_sleep_for(struct rti_note *note, int64_t timeout_ns)
{
    uint32_t word = CLEARED;
    if (!cas_acq_rel(&note->word, &word, SLEEPING)) /* pairs with xchg in wake */
        return true;
    int64_t end = rti_clock_monotonic() + timeout_ns;
    while (load_acq(&note->word) == SLEEPING) { /* pairs with xchg in wake */
        int64_t left = end - rti_clock_monotonic();
        if (left > 0) {
            wait_on(note, left);
            continue;
        }
        word = SLEEPING;
        if (cas_acq_rel(&note->word, &word, CLEARED)) /* pairs with xchg in wake */
            return false;
    }
    return true;
}

bool rti_note_has_sleeper(const struct rti_note *note)
{
    return rti_peek_u32(&note->word) == SLEEPING;
}

void rti_note_wake(struct rti_note *note)
{
    /* pairs with cas and load_acq in the sleeper */
    if (xchg_acq_rel(&note->word, WOKEN) == SLEEPING)
        syscall(SYS_futex, &note->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
