/* note.h - a one-shot event that blocks the thread (not the goroutine). Threads: one sleeper, any number of wakers.
 * Memory: none; a zeroed struct is a cleared note. */
#ifndef RTI_NOTE_H
#define RTI_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include <rt/attr.h>

struct rti_note {
    _Atomic(uint32_t) word; /* 0 cleared, 1 woken, 2 somebody sleeps */
};

/* Ready for the next use; only while nobody sleeps or wakes. */
void rti_note_clear(struct rti_note *note);
/* Returns once the note is woken: at once if it was. What the waker wrote before is visible. */
void rti_note_sleep(struct rti_note *note);
/* The same for at most timeout_ns (0 or less: only looks); false when the time ran out. */
bool rti_note_sleep_for(struct rti_note *note, int64_t timeout_ns);
/* Wakes the sleeper, now or when it comes. Safe in signal handlers. */
void rti_note_wake(struct rti_note *note);
/* For dumps: somebody sleeps on it right now. */
bool rti_note_has_sleeper(const struct rti_note *note);

#endif
