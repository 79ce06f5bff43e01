#include "base/lock.h"

#include <sched.h>
#include <stddef.h>
#include <time.h>

#include "base/cpu.h"
#include <rt/check.h>

enum { OPEN = RTI_LOCK_OPEN, HELD = RTI_LOCK_HELD };
/* Sections are short (tens of ns), but on an oversubscribed box the holder may not be running at all: a short spin,
 * then the core to whoever wants it. A yield costs less than a nap, whose timer interrupts somebody again: of 1000
 * threads that wait for the same lock each would nap many times before the holder runs. Where yields do not help (the
 * holder has a lower priority), naps do. */
enum { SPINS = 40, YIELDS = 16, FIRST_NAP_NS = 10000, LONGEST_NAP_NS = 160000 };

_Thread_local uint32_t rti_lock_mine;
uintptr_t _Atomic rti_lock_hook;
static _Thread_local uint32_t contended; /* how often this thread found one held */

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
    return rti_lock_mine;
}

void rti_lock_set_hook(void (*fn)(uint32_t rank, enum rti_lock_event what))
{
    store_rlx(&rti_lock_hook, (uintptr_t)fn);
}

static NOINLINE void tell(uint32_t rank, enum rti_lock_event what)
{
    void (*fn)(uint32_t, enum rti_lock_event) = (void (*)(uint32_t, enum rti_lock_event))load_rlx(&rti_lock_hook);
    if (fn)
        fn(rank, what);
}

static _Atomic(uint32_t) orphans; /* set in the child of a fork, which has one thread */

void rti_lock_orphan(struct rti_lock *lock)
{
    store_rlx(&lock->word, HELD);
    store_rlx(&orphans, 1);
}

bool rti_lock_orphans(void)
{
    return load_rlx(&orphans);
}

static bool spin(struct rti_lock *lock)
{
    for (int i = 0; i < SPINS; i++) {
        uint32_t open = OPEN;
        if (load_rlx(&lock->word) == OPEN && cas_acq(&lock->word, &open, HELD)) /* pairs with release */
            return true;
        rti_cpu_pause();
    }
    return false;
}

void rti_lock_wait(struct rti_lock *lock)
{
    int yields = 0;
    contended++;
    if (load_rlx(&orphans)) /* who holds it stayed behind */
        rt_throw("the runtime is used in a forked child, where only exec or _exit may follow");
    for (long nap_ns = FIRST_NAP_NS; !spin(lock);) {
        if (yields++ < YIELDS) {
            sched_yield();
            continue;
        }
        struct timespec nap = {.tv_nsec = nap_ns};
        nanosleep(&nap, NULL);
        nap_ns = nap_ns * 2 < LONGEST_NAP_NS ? nap_ns * 2 : LONGEST_NAP_NS;
    }
}

void rti_lock_init(struct rti_lock *lock, enum rti_lockrank rank)
{
    store_rlx(&lock->word, OPEN);
    lock->rank = rank;
}

void rti_lock_acquire_told(struct rti_lock *lock)
{
    uint32_t open = OPEN;
    tell(lock->rank, RTI_LOCK_WANTED);
    rti_lock_count_up();
    if (!cas_acq(&lock->word, &open, HELD)) /* pairs with release */
        rti_lock_wait(lock);
    rti_lockrank_acquired(lock->rank, lock);
    tell(lock->rank, RTI_LOCK_TAKEN);
}

void rti_lock_release_told(uint32_t rank)
{
    tell(rank, RTI_LOCK_RELEASED);
}

bool rti_lock_try(struct rti_lock *lock)
{
    uint32_t open = OPEN;
    rti_lock_count_up();
    if (!cas_acq(&lock->word, &open, HELD)) { /* pairs with release */
        rti_lock_count_down();
        return false;
    }
    rti_lockrank_acquired(lock->rank, lock);
    tell(lock->rank, RTI_LOCK_TAKEN);
    return true;
}

bool rti_lock_is_held(struct rti_lock *lock)
{
    return load_rlx(&lock->word) != OPEN;
}
