/* lockrank.h - the order of the runtime's locks. A thread takes locks of rising rank only; checked in debug builds.
 * Threads: any (the state is per thread). Memory: none. */
#ifndef RTI_LOCKRANK_H
#define RTI_LOCKRANK_H

#include <stdint.h>

/* From the outside in. */
enum rti_lockrank {
    RTI_RANK_NONE,      /* not checked: a test's own lock */
    RTI_RANK_API,       /* channels, mutexes ...: equal rank may be held together, in order of address (select) */
    RTI_RANK_POLLDESC,  /* one descriptor's waiters */
    RTI_RANK_POLLSET,   /* the table of descriptors */
    RTI_RANK_TIMERS,    /* one P's timer heap; timer functions run with it released; two together as API (resize) */
    RTI_RANK_ALLGS,     /* the list of all Gs */
    RTI_RANK_HIBERNATE, /* stacks being taken from parked goroutines; a switch waits for it with API locks held */
    RTI_RANK_SCHED,     /* world: idle lists, global queue; taken by ready() under any of the above */
    RTI_RANK_GFREE,     /* shared pool of dead Gs */
    RTI_RANK_STACKS,    /* shared pool of stacks */
    RTI_RANK_SLAB,      /* fixed-size objects */
    RTI_RANK_COUNT
};

/* Records that this thread takes (leaves) a lock of that rank; dies on a fall of rank. Called by rti_lock_*. */
#if LODE_DCHECK
void rti_lockrank_acquired(uint32_t rank, const void *lock);
void rti_lockrank_released(uint32_t rank, const void *lock);
/* How many ranked locks this thread holds: 0 in builds without DCHECK. */
int rti_lockrank_held(void);
#else
static inline void rti_lockrank_acquired(uint32_t rank, const void *lock)
{
    (void)rank, (void)lock;
}
static inline void rti_lockrank_released(uint32_t rank, const void *lock)
{
    (void)rank, (void)lock;
}
static inline int rti_lockrank_held(void)
{
    return 0;
}
#endif

#endif
