#include "base/lock.h"

#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cpu.h"
#include <rt/check.h>

enum { OPEN, HELD, CONTENDED };
/* Sections are short (tens of ns), but on an oversubscribed box the holder may not be running at all: a short spin. */
enum { SPINS = 40 };

static NOINLINE void acquire_slow(struct rti_lock *lock)
{
    for (int i = 0; i < SPINS; i++) {
        uint32_t open = OPEN;
        if (load_rlx(&lock->word) == OPEN && cas_acq(&lock->word, &open, HELD)) /* pairs with xchg in release */
            return;
        rti_cpu_pause();
    }
    /* From here the word says CONTENDED whenever we hold it: the release then wakes one more than needed, never less */
    while (xchg_acq_rel(&lock->word, CONTENDED) != OPEN)
        syscall(SYS_futex, &lock->word, FUTEX_WAIT_PRIVATE, CONTENDED, NULL, NULL, 0);
}

void rti_lock_init(struct rti_lock *lock, enum rti_lockrank rank)
{
    store_rlx(&lock->word, OPEN);
    lock->rank = rank;
}

void rti_lock_acquire(struct rti_lock *lock)
{
    uint32_t open = OPEN;
    if (UNLIKELY(!cas_acq(&lock->word, &open, HELD))) /* pairs with xchg in release */
        acquire_slow(lock);
    rti_lockrank_acquired(lock->rank, lock);
}

bool rti_lock_try(struct rti_lock *lock)
{
    uint32_t open = OPEN;
    if (!cas_acq(&lock->word, &open, HELD)) /* pairs with xchg in release */
        return false;
    rti_lockrank_acquired(lock->rank, lock);
    return true;
}

void rti_lock_release(struct rti_lock *lock)
{
    rti_lockrank_released(lock->rank, lock);
    uint32_t was = xchg_acq_rel(&lock->word, OPEN); /* pairs with cas_acq in acquire */
    DCHECK(was != OPEN);
    if (UNLIKELY(was == CONTENDED))
        syscall(SYS_futex, &lock->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

bool rti_lock_is_held(struct rti_lock *lock)
{
    return load_rlx(&lock->word) != OPEN;
}
