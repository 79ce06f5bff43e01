#include "base/note.h"

#include "base/clock.h"
#include "base/futex.h"
#include "base/peek.h"
#include <rt/check.h>

enum { CLEARED, WOKEN, SLEEPING };

void rti_note_clear(struct rti_note *note)
{
    store_rlx(&note->word, CLEARED);
}

void rti_note_sleep(struct rti_note *note)
{
    uint32_t cleared = CLEARED;
    if (!cas_acq_rel(&note->word, &cleared, SLEEPING)) { /* pairs with xchg in wake */
        DCHECK(cleared == WOKEN);
        return;
    }
    while (load_acq(&note->word) == SLEEPING) /* pairs with xchg in wake */
        rti_futex_wait(&note->word, SLEEPING, -1);
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
            rti_futex_wait(&note->word, SLEEPING, left);
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
        rti_futex_wake(&note->word, 1);
}
