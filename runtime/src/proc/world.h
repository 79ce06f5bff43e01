/* world.h - the runtime's one global: all Ms and Ps, the idle lists, the global queue, the scheduler lock. Threads:
 * each field says. Memory: static. */
#ifndef RTI_WORLD_H
#define RTI_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/lock.h"
#include "base/note.h"
#include "parts/gqueue.h"
#include "parts/stackpool.h"
#include <rt/attr.h>

struct g;
struct m;
struct p;
struct rti_pollset;

/* END: `stopping` is set. STOP: all Ps are to stand still (sched/stopworld.h); changed under the lock. */
enum { RTI_ATTENTION_END = 1, RTI_ATTENTION_STOP = 2 };
enum { RTI_MAX_PROCS = 1024, RTI_MAX_MS = 10000 };

struct world {
    /* Read on every round, written rarely. */
    _Atomic(uint32_t) stopping; /* 1: every M leaves at its next scheduling point; written once, by the stopper */
    /* Not 0: every scheduling point goes through the system stack, which looks why. RTI_ATTENTION_* bits. */
    _Atomic(uint32_t) attention;
    _Atomic(uint32_t) procs;      /* number of Ps; 0 while the runtime does not run */
    _Atomic(uint32_t) ps;         /* how many of allp to look at; written under the lock (rel), after they are there */
    _Atomic(uint32_t) procs_auto; /* procs follows what the system grants us; set at boot, cleared by rt_set_procs */
    _Atomic(uint32_t) now_s;      /* seconds of the monotonic clock, about; written by sysmon and who wakes it */
    bool odd;                     /* a switch changes the order in which goroutines run (sched/seeded.h); set at boot */
    bool membarrier;              /* asymmetric fences may be used; set at boot */
    struct p *allp[RTI_MAX_PROCS];

    /* The two-sided check (S3). idle_ps: written under the lock, read by submitters. spinning: Ms that look for work
     * and have none, changed by read-modify-write. */
    _Atomic(uint32_t) idle_ps CACHE_ALIGNED;
    _Atomic(uint32_t) spinning;
    _Atomic(uint32_t)
        watching; /* 1: one of `spinning` is sysmon (sched/thrift.h); set by who counts, cleared by sysmon */
    _Atomic(uint32_t) thrift;   /* 1: thieves gain little of late (sched/thrift.h); a hint, written by thieves */
    _Atomic(uint32_t) runq_len; /* of runq; written under the lock, read as a hint without */

    struct rti_lock lock CACHE_ALIGNED; /* rank SCHED; guards what follows */
    struct rti_gqueue runq;             /* the global queue */
    struct p *idle_p;
    struct m *idle_m;
    uint32_t idle_m_count;
    uint32_t idle_m_low; /* the fewest there were since sched/thread.c last looked */
    uint32_t m_count;    /* Ms that have a thread */
    uint32_t m_made;     /* Ms ever made: the next id */
    uint32_t m_waiting;  /* Ms that wait for their locked goroutine */
    struct m *all_m;
    struct m *free_m;           /* joined, to be used again */
    _Atomic(struct m *) dead_m; /* threads that end or have, to be joined; read as a hint without the lock */
    bool polling;               /* an M blocks in the netpoller */
    bool helper_starved;        /* an M that was woken to help found no idle P (sched/handoff.c) */
    bool sysmon_waiting;        /* sysmon sleeps on its note */
    struct rti_note sysmon_note;
    _Atomic(int64_t) sysmon_until; /* when sysmon wakes by itself; 0: it is up, or in its deep sleep; written by it */
    int main_result;

    _Atomic(uint32_t) stop_left CACHE_ALIGNED; /* Ps that the stopper waits for; written under the lock, read by it */
    _Atomic(uint32_t) stop_epoch;              /* times the world was started; written under the lock, slept on */

    struct rti_lock gfree_lock; /* rank GFREE; guards gfree */
    struct g *gfree;

    _Atomic(uint64_t) id_next;             /* next batch of goroutine ids */
    _Atomic(int64_t) holds;                /* rt_external_hold */
    _Atomic(int64_t) poll_until;           /* when the M that polls wakes by itself; 0: nobody polls; written by it */
    _Atomic(int64_t) last_poll;            /* when somebody last waited in the netpoller, or looked because it was long
                                            * ago, ns; the look of who has nothing else to run reads no clock */
    _Atomic(struct rti_pollset *) pollset; /* made at first use; written under the lock */
    struct rti_stackpool stacks;           /* locked by itself */
};

extern struct world rti_world;

/* It is now_ns on the monotonic clock: for the coarse time that a parking G is stamped with. */
void rti_world_stamp(int64_t now_ns);

/* All Ps there are to look at: allp[0 .. rti_world_ps()). Any thread. */
static inline uint32_t rti_world_ps(void)
{
    return load_acq(&rti_world.ps); /* pairs with store_rel at boot and in sched/resize.c */
}

/* Under the lock: a P on and off the idle list. take gives NULL when there is none. */
void rti_world_put_idle_p_locked(struct p *p) REQUIRES(rti_world.lock);
struct p *rti_world_take_idle_p_locked(void) REQUIRES(rti_world.lock);
/* Under the lock: Ms likewise. remove: false when m is not on the list. */
void rti_world_put_idle_m_locked(struct m *m) REQUIRES(rti_world.lock);
struct m *rti_world_take_idle_m_locked(void) REQUIRES(rti_world.lock);
bool rti_world_remove_idle_m_locked(struct m *m) REQUIRES(rti_world.lock);

/* Under the lock: m holds p from now on, or no longer. */
void rti_world_bind_locked(struct m *m, struct p *p) REQUIRES(rti_world.lock);
void rti_world_unbind_locked(struct m *m) REQUIRES(rti_world.lock);

/* Under the lock: to the end of the global queue; the whole batch, which is empty afterwards. */
void rti_world_push_locked(struct rti_gqueue *batch) REQUIRES(rti_world.lock);

#endif
