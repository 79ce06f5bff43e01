#include "base/lockrank.h"

#include <stdbool.h>
#include <stddef.h>

#include <rt/check.h>

#if LODE_DCHECK
/* What this thread holds, in the order taken. Plain TLS: no function here can be switched away from. */
enum { HELD_MAX = 64 };
static _Thread_local struct {
    const void *lock[HELD_MAX];
    uint32_t rank[HELD_MAX];
    int n;
} held;

void rti_lockrank_acquired(uint32_t rank, const void *lock)
{
    if (rank == RTI_RANK_NONE)
        return;
    if (held.n > 0) {
        uint32_t top = held.rank[held.n - 1];
        bool pairs = rank == RTI_RANK_API || rank == RTI_RANK_TIMERS;
        bool rises = rank > top || (rank == top && pairs && held.lock[held.n - 1] < lock);
        if (!rises)
            rt_throw("lock rank %u taken while rank %u is held", rank, top);
    }
    CHECK(held.n < HELD_MAX);
    held.lock[held.n] = lock;
    held.rank[held.n++] = rank;
}

void rti_lockrank_released(uint32_t rank, const void *lock)
{
    if (rank == RTI_RANK_NONE)
        return;
    int i = held.n - 1;
    while (i >= 0 && held.lock[i] != lock)
        i--;
    if (i < 0)
        rt_throw("a lock of rank %u is released by a thread that does not hold it", rank);
    for (held.n--; i < held.n; i++) {
        held.lock[i] = held.lock[i + 1];
        held.rank[i] = held.rank[i + 1];
    }
}

int rti_lockrank_held(void)
{
    return held.n;
}
#endif
