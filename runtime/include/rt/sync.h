/* sync.h - mutex, readers-writer mutex, condition, wait group, once, semaphore. They park the goroutine, not the
 * thread. Threads: every function is called from a goroutine. Memory: plain structs, embedded wherever the caller
 * likes; all zero is the ready, unlocked, empty state (as in Go). They hold no resources and need no destructor; they
 * must not be moved or copied after first use, nor freed while somebody is inside a call on them. Mind that an unlock
 * may still be under way (it looks for waiters) when another goroutine has the mutex already: "lock, last one out,
 * unlock, free" needs something else to know that the others have returned, a wait group say. A wait group may be freed
 * once wait has returned. The fields are private. Semantics and happens-before are those of Go's package sync; misuse
 * is fatal as there. */
#ifndef RT_SYNC_H
#define RT_SYNC_H

#include <stdbool.h>
#include <stdint.h>

#include <rt/attr.h>

RT_DECLS_BEGIN

/* --- mutual exclusion. Not recursive; may be unlocked by another goroutine than the one that locked it. Fair in the
 * end: a waiter that has waited over 1 ms gets the lock handed over directly (starvation mode, the rule
 * of Go's sync/mutex.go). Uncontended: one atomic read-modify-write to lock. --- */
struct rt_mutex {
    RT_ATOMIC(uint32_t) locked;
    RT_ATOMIC(uint32_t) waiters;
    uint32_t calm; /* guarded by the lock itself */
};
void rt_mutex_lock(struct rt_mutex *self);
bool rt_mutex_try_lock(struct rt_mutex *self) MUST_CHECK; /* true: locked; never waits */
void rt_mutex_unlock(struct rt_mutex *self);              /* not locked: fatal, "unlock of unlocked mutex" */

/* --- any number of readers or one writer. A waiting writer keeps new readers out, so a reader must not read-lock
 * again while it holds the lock. --- */
struct rt_rwmutex {
    struct rt_mutex writers;
    RT_ATOMIC(uint32_t) writer_sema;
    RT_ATOMIC(uint32_t) reader_sema;
    RT_ATOMIC(int32_t) readers;       /* minus 2^30 while a writer holds or waits */
    RT_ATOMIC(int32_t) readers_ahead; /* readers the waiting writer waits for */
};
void rt_rwmutex_rlock(struct rt_rwmutex *self);
bool rt_rwmutex_try_rlock(struct rt_rwmutex *self) MUST_CHECK;
void rt_rwmutex_runlock(struct rt_rwmutex *self); /* not read-locked: fatal, "RUnlock of unlocked RWMutex" */
void rt_rwmutex_lock(struct rt_rwmutex *self);
bool rt_rwmutex_try_lock(struct rt_rwmutex *self) MUST_CHECK;
void rt_rwmutex_unlock(struct rt_rwmutex *self); /* not locked: fatal, "Unlock of unlocked RWMutex" */

/* --- condition variable. wait() gives the mutex back, sleeps until a signal or broadcast that comes after, and locks
 * the mutex again; it never wakes without one, but the condition may have changed by then: call it in a loop. Waiters
 * are woken first in, first out. Signal and broadcast may be called with or without the mutex. --- */
struct rt_cond {
    RT_ATOMIC(uint32_t) waiters; /* how many are linked: the fast path of signal */
};
void rt_cond_wait(struct rt_cond *self, struct rt_mutex *mutex); /* the caller holds mutex */
void rt_cond_signal(struct rt_cond *self);                       /* wakes one, if any */
void rt_cond_broadcast(struct rt_cond *self);                    /* wakes all that wait now */

/* --- wait for a number of goroutines. add() before they start, done() by each, wait() by whoever collects them.
 * Reusable: a new round of add() only after all wait() of the round before returned. --- */
struct rt_waitgroup {
    RT_ATOMIC(uint64_t) state; /* counter in the high half, waiters in the low one */
    RT_ATOMIC(uint32_t) sema;
};
/* Adds delta, which may be negative. Counter below 0: fatal, "negative WaitGroup counter". An add from 0 that races
 * with a wait: fatal, "WaitGroup misuse: Add called concurrently with Wait". */
void rt_waitgroup_add(struct rt_waitgroup *self, int delta);
void rt_waitgroup_done(struct rt_waitgroup *self); /* add(-1) */
/* Until the counter is 0. Reused before it returned: fatal, "WaitGroup is reused before previous Wait has returned". */
void rt_waitgroup_wait(struct rt_waitgroup *self);

/* --- once: fn(arg) runs in the first call; every call returns after it has run. fn must not call it again on the same
 * rt_once (it would wait for itself). --- */
struct rt_once {
    RT_ATOMIC(uint32_t) done;
    struct rt_mutex mutex;
};
void rt_once_do(struct rt_once *self, void (*fn)(void *arg), void *arg);

/* --- counting semaphore, first come, first served among waiters that sleep. All zero has no permits. --- */
struct rt_sema {
    RT_ATOMIC(uint32_t) permits;
};
void rt_sema_acquire(struct rt_sema *self);                /* takes one permit; waits for it */
bool rt_sema_try_acquire(struct rt_sema *self) MUST_CHECK; /* true: taken; never waits */
void rt_sema_release(struct rt_sema *self);                /* gives one; any thread */

RT_DECLS_END

#endif
