/* lock.h - the runtime's lock: spins a little, then naps. For short sections only; no parking, no blocking call, no
 * user code inside (S5). Threads: any, with or without a goroutine. Memory: none; a zeroed struct is an open lock of
 * rank NONE.
 *
 * One read-modify-write to take it, a plain store to release it. A futex would need a second one, or a look at a count
 * of sleepers after the store, when the lock's memory may be gone. The price: who waits for a holder that the kernel
 * has put aside finds the lock open up to 160 us late. */
#ifndef RTI_LOCK_H
#define RTI_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/lockrank.h"
#include <rt/attr.h>

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
void rti_lock_acquire(struct rti_lock *lock);
/* False at once when somebody holds it. */
bool rti_lock_try(struct rti_lock *lock) MUST_CHECK;
/* Any thread may release what another acquired only through the scheduler (park_unlock); same thread otherwise. */
void rti_lock_release(struct rti_lock *lock);
/* How many locks this thread holds or is about to. For signal handlers: 0 means that it holds none. */
uint32_t rti_lock_depth(void);
/* How often this thread has found a lock held by somebody else, wrapping around. count: it found one that is not this
 * kind of lock. */
uint32_t rti_lock_contended(void);
void rti_lock_count_contended(void);
/* For DCHECKs: somebody holds it. */
bool rti_lock_is_held(struct rti_lock *lock);

#endif
