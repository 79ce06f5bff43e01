#include "base/lock.h"

#include <stddef.h>
#include <time.h>

#include "base/cpu.h"
#include <rt/check.h>

enum { OPEN, HELD };
/* Sections are short (tens of ns), but on an oversubscribed box the holder may not be running at all: a short spin,
 * then naps, so that it gets a core. */
enum { SPINS = 40, FIRST_NAP_NS = 10000, LONGEST_NAP_NS = 160000 };

/* How many this thread holds or waits for. Raised before a lock is taken and lowered after it is released, so that a
 * signal handler on this thread errs on the safe side. Plain TLS: nothing here can be switched away from. */
static _Thread_local uint32_t depth;
static _Thread_local uint32_t contended; /* how often this thread found one held */

static ALWAYS_INLINE void deeper(void)
{
    depth++;
    fence_compiler(); /* the only reader that matters is a handler on this thread */
}

static ALWAYS_INLINE void shallower(void)
{
    fence_compiler();
    depth--;
}

uint32_t rti_lock_contended(void)
{
    return contended;
}

void rti_lock_count_contended(void)
{
    contended++;
}

uint32_t rti_lock_depth(void)
{
    return depth;
}

static _Atomic(uintptr_t) hook; /* written at boot and at the end, read by all; no other data hangs on it */

void rti_lock_set_hook(void (*fn)(uint32_t rank, enum rti_lock_event what))
{
    store_rlx(&hook, (uintptr_t)fn);
}

static NOINLINE void tell(uint32_t rank, enum rti_lock_event what)
{
    void (*fn)(uint32_t, enum rti_lock_event) = (void (*)(uint32_t, enum rti_lock_event))load_rlx(&hook);
    if (fn)
        fn(rank, what);
}

#define TELL(rank, what)                                                                                               \
    do {                                                                                                               \
        if (UNLIKELY(load_rlx(&hook)))                                                                                 \
            tell(rank, what);                                                                                          \
    } while (0)

static NOINLINE void acquire_slow(struct rti_lock *lock)
{
    contended++;
    for (long nap_ns = FIRST_NAP_NS;; nap_ns = nap_ns * 2 < LONGEST_NAP_NS ? nap_ns * 2 : LONGEST_NAP_NS) {
        for (int i = 0; i < SPINS; i++) {
            uint32_t open = OPEN;
            if (load_rlx(&lock->word) == OPEN && cas_acq(&lock->word, &open, HELD)) /* pairs with release */
                return;
            rti_cpu_pause();
        }
        struct timespec nap = {.tv_nsec = nap_ns};
        nanosleep(&nap, NULL);
    }
}

void rti_lock_init(struct rti_lock *lock, enum rti_lockrank rank)
{
    store_rlx(&lock->word, OPEN);
    lock->rank = rank;
}

static ALWAYS_INLINE void acquire(struct rti_lock *lock)
{
    uint32_t open = OPEN;
    deeper();
    if (UNLIKELY(!cas_acq(&lock->word, &open, HELD))) /* pairs with release */
        acquire_slow(lock);
    rti_lockrank_acquired(lock->rank, lock);
}

static NOINLINE void acquire_told(struct rti_lock *lock)
{
    tell(lock->rank, RTI_LOCK_WANTED);
    acquire(lock);
    tell(lock->rank, RTI_LOCK_TAKEN);
}

void rti_lock_acquire(struct rti_lock *lock)
{
    if (UNLIKELY(load_rlx(&hook)))
        acquire_told(lock);
    else
        acquire(lock);
}

bool rti_lock_try(struct rti_lock *lock)
{
    uint32_t open = OPEN;
    deeper();
    if (!cas_acq(&lock->word, &open, HELD)) { /* pairs with release */
        shallower();
        return false;
    }
    rti_lockrank_acquired(lock->rank, lock);
    TELL(lock->rank, RTI_LOCK_TAKEN);
    return true;
}

void rti_lock_release(struct rti_lock *lock)
{
    uint32_t rank = lock->rank;
    rti_lockrank_released(rank, lock);
    DCHECK(load_rlx(&lock->word) == HELD);
    store_rel(&lock->word, OPEN); /* the last access: its memory may be freed now. Pairs with cas_acq in acquire */
    shallower();
    TELL(rank, RTI_LOCK_RELEASED);
}

bool rti_lock_is_held(struct rti_lock *lock)
{
    return load_rlx(&lock->word) != OPEN;
}
