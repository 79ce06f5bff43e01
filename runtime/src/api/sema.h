/* sema.h - where goroutines sleep that wait for a word: mutexes, conditions, wait groups, semaphores.
 * One table for the process, hashed by the address of the word, so that the objects themselves stay a few bytes (after
 * Go's runtime/sema.go). Threads: any. Memory: a waiter is in the wait box of the goroutine that sleeps
 * (proc/waitbox.h). */
#ifndef RTI_SEMA_H
#define RTI_SEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"
#include "proc/waitbox.h"
#include "sched/sched.h"

/* Who may leave a state: LINKED -> PARKED the sleeper, off its stack; both -> WOKEN whoever unlinked it. */
enum rti_sema_state { RTI_SEMA_LINKED, RTI_SEMA_PARKED, RTI_SEMA_WOKEN };

struct rti_sema_bucket {
    struct rti_lock lock; /* rank API; guards the list */
    struct rti_sema_waiter *first;
} CACHE_ALIGNED;

/* The bucket of an address, locked. */
struct rti_sema_bucket *rti_sema_lock(const void *addr);
/* Links w (addr and g set by this) at the end, or in front of its address. */
void rti_sema_link_locked(struct rti_sema_bucket *b, const void *addr, struct rti_sema_waiter *w, bool in_front);
/* Unlinks the first waiter of addr; NULL: none. The caller wakes it. */
struct rti_sema_waiter *rti_sema_unlink_locked(struct rti_sema_bucket *b, const void *addr);
struct rti_sema_waiter *rti_sema_first_locked(struct rti_sema_bucket *b, const void *addr);
/* Sleeps until woken; b's lock is released once the goroutine is off its stack. */
void rti_sema_sleep_unlock(struct rti_sema_bucket *b, struct rti_sema_waiter *w, enum rti_wait why);
/* The same for a w that was linked earlier: returns at once if it was woken since. */
void rti_sema_sleep(struct rti_sema_waiter *w, enum rti_wait why);
/* Wakes an unlinked waiter, which is gone when this returns. With or without the lock. */
void rti_sema_wake(struct rti_sema_waiter *w);
/* The same, but for making it ready: the G that the caller readies, or NULL when it was not parked yet. */
struct g *rti_sema_take(struct rti_sema_waiter *w) MUST_CHECK;

/* The semaphore itself. Takes one of *permits, or sleeps until a release hands one over (in order, but in_front). */
void rti_sema_acquire(_Atomic(uint32_t) *permits, bool in_front, enum rti_wait why);
bool rti_sema_try_acquire(_Atomic(uint32_t) *permits);
void rti_sema_release(_Atomic(uint32_t) *permits);

#endif
