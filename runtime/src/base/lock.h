/* lock.h - the runtime's lock: spins a little, then yields, then naps. For short sections only; no parking, no blocking
 * call, no user code inside (S5). Threads: any, with or without a goroutine. Memory: none; a zeroed struct is an open
 * lock of rank NONE.
 *
 * One read-modify-write to take it, a plain store to release it. A futex would need a second one, or a look at a count
 * of sleepers after the store, when the lock's memory may be gone. The price: who waits for a holder that the kernel
 * has put aside finds the lock open up to 160 us late. */
#ifndef RTI_LOCK_H
#define RTI_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/self.h"
#include "base/atomic.h"
#include "base/lockrank.h"
#include <rt/attr.h>
#include <rt/check.h>

enum { RTI_LOCK_OPEN, RTI_LOCK_HELD };

struct rti_lock {
    _Atomic(uint32_t) word; /* 0 open, 1 held */
    uint32_t rank;          /* enum rti_lockrank */
};

#define RTI_LOCK_INIT(rank_)                                                                                           \
    {                                                                                                                  \
        .rank = (rank_)                                                                                                \
    }

/* What a thread is about to do with a lock, or has done. */
enum rti_lock_event { RTI_LOCK_WANTED, RTI_LOCK_TAKEN, RTI_LOCK_RELEASED };
/* Calls hook at every use of every lock from now on; NULL: no more. For the modes that look for races on purpose
 * (sched/points.h); set while one thread runs. The lock itself may be gone when RELEASED is told. */
void rti_lock_set_hook(void (*hook)(uint32_t rank, enum rti_lock_event what));

void rti_lock_init(struct rti_lock *lock, enum rti_lockrank rank);

/* How many this thread holds or waits for. Raised before a lock is taken and lowered after it is released, so that a
 * signal handler on this thread errs on the safe side. Reached through base/self.h, since a lock may be taken before a
 * switch and released after it. */
extern _Thread_local uint32_t rti_lock_mine;
extern uintptr_t _Atomic rti_lock_hook; /* written at boot and at the end, read by all; no other data hangs on it */

static ALWAYS_INLINE void rti_lock_count_up(void)
{
    RTI_SELF_ADD(rti_lock_mine, 1);
}

static ALWAYS_INLINE void rti_lock_count_down(void)
{
    RTI_SELF_ADD(rti_lock_mine, -1);
}

/* The slow ways of the two below. */
void rti_lock_wait(struct rti_lock *lock);
void rti_lock_acquire_told(struct rti_lock *lock);
void rti_lock_release_told(uint32_t rank);

static ALWAYS_INLINE void rti_lock_acquire(struct rti_lock *lock)
{
    uint32_t open = RTI_LOCK_OPEN;
    if (UNLIKELY(load_rlx(&rti_lock_hook))) {
        rti_lock_acquire_told(lock);
        return;
    }
    rti_lock_count_up();
    if (UNLIKELY(!cas_acq(&lock->word, &open, RTI_LOCK_HELD))) /* pairs with release */
        rti_lock_wait(lock);
    rti_lockrank_acquired(lock->rank, lock);
}

/* Any thread may release what another acquired only through the scheduler (park_unlock); same thread otherwise. */
static ALWAYS_INLINE void rti_lock_release(struct rti_lock *lock)
{
    uint32_t rank = lock->rank;
    rti_lockrank_released(rank, lock);
    DCHECK(load_rlx(&lock->word) == RTI_LOCK_HELD);
    store_rel(&lock->word, RTI_LOCK_OPEN); /* the last access: its memory may be freed now. Pairs with cas in acquire */
    rti_lock_count_down();
    if (UNLIKELY(load_rlx(&rti_lock_hook)))
        rti_lock_release_told(rank);
}

/* False at once when somebody holds it. */
bool rti_lock_try(struct rti_lock *lock) MUST_CHECK;
/* How many locks this thread holds or is about to. For signal handlers: 0 means that it holds none. */
uint32_t rti_lock_depth(void);
/* How often this thread has found a lock held by somebody else, wrapping around. count: it found one that is not this
 * kind of lock. */
uint32_t rti_lock_contended(void);
void rti_lock_count_contended(void);
/* For DCHECKs: somebody holds it. */
bool rti_lock_is_held(struct rti_lock *lock);
/* In the child of a fork: lock counts as held for ever, and who waits for any lock from now on gets a fatal error, as
 * its holder is not in this process. */
void rti_lock_orphan(struct rti_lock *lock);
/* That was called. Async-signal-safe. */
bool rti_lock_orphans(void);

#endif
