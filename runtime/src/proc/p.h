/* p.h - the right to run goroutines, and what only its holder touches. Threads: the M that holds it (p->m), but for the
 * fields said to be read by others. Who holds it changes under the world's lock only. Memory: slab, never freed.
 *
 * state     where it is              who may leave it
 * IDLE      world's idle list        whoever takes it off, under the lock
 * RUNNING   an M                     that M; sysmon too, while the M is in a blocking call (sched/handoff.c)
 * STOPPED   an M or nobody           whoever starts the world (sched/stopworld.h)
 * AWAY      nowhere: it is surplus   whoever raises the number of Ps (sched/resize.h) */
#ifndef RTI_P_H
#define RTI_P_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "base/rand.h"
#include "parts/hist.h"
#include "parts/runq.h"
#include "parts/stackcode.h"
#include "parts/stackpool.h"
#include "parts/timerheap.h"
#include <rt/attr.h>

struct g;
struct m;
struct rt_timer;
struct rti_litestack;

/* The numbers are Go's. */
enum rti_p_state { RTI_P_IDLE = 0, RTI_P_RUNNING = 1, RTI_P_STOPPED = 3, RTI_P_AWAY = 4 };

/* Why whoever runs on a P should give way. Bits, each changed by read-modify-write alone: a plain store that ends a
 * slice would also wipe out a stop that came after the holder's last look at the world. */
enum rti_preempt {
    RTI_PREEMPT_SLICE = 1, /* it has run for a whole slice; set by sysmon, cleared by the holder at the next one */
    RTI_PREEMPT_STOP = 2,  /* the world shall stand; set and cleared by the stopper (sched/stopworld.c) */
    RTI_PREEMPT_END = 4,   /* the world ends; set once, never cleared */
    RTI_PREEMPT_POINT = 8, /* every checkpoint is a point (sched/points.h); set at boot, never cleared */
    RTI_PREEMPT_TIMER = 16 /* a timer of the P is late; as SLICE */
};

/* What one is asked for and how long it takes until it is done is counted by (sched/safepoint.h). */
enum rti_safepoint {
    RTI_SAFEPOINT_SLICE, /* one for each of the bits above, but for POINT */
    RTI_SAFEPOINT_TIMER,
    RTI_SAFEPOINT_STOP,
    RTI_SAFEPOINT_END,
    RTI_SAFEPOINT_COUNT
};

/* Counted by the holder, read by anybody; no order with anything. */
struct rti_p_counters {
    _Atomic(uint64_t) switches, spawns, exits, yields, parks, steals, steal_tries, overflows, calls, retaken, offered;
};

enum { RTI_P_GFREE_MAX = 64, RTI_P_ID_BATCH = 64, RTI_P_LITE = 4 };

struct p {
    uint32_t id;
    _Atomic(uint32_t) state;   /* written under the world's lock */
    _Atomic(struct m *) m;     /* its holder; written under the world's lock */
    _Atomic(uint32_t) preempt; /* bits of enum rti_preempt, 0: go on; set (acq_rel) after asked_ns, cleared (acq_rel)
                                  before it is read */
    _Atomic(uint32_t) tick;    /* scheduling rounds (a runnext run inherits the slice: no tick); read by sysmon */
    uint8_t until_look;        /* picks left until one of the next two is done */
    uint8_t look_span;         /* what until_look began with */
    uint8_t until_global;      /* picks from there until the global queue goes first (every 61st) */
    uint8_t until_timers;      /* picks from there until the clock is read for timers (every 8th) */
    bool due;                  /* timers are due: the next pick must go through the system stack */
    uint32_t next_streak;      /* runnext runs in a row */
    struct g *gfree;           /* dead Gs, hottest first, linked by link */
    uint32_t gfree_count;
    uint32_t timer_free_count;
    struct rt_timer
        *timer_free;          /* timers to make, hottest first; the API's (api/time.c). Outlives the P's retirement */
    uint64_t id_next, id_end; /* goroutine ids that are ours to give */
    struct rti_rand rand;
    struct p *idle_next;
    struct rti_p_counters count;
    struct rti_lock timer_lock; /* rank TIMERS; guards timers, but for their count */
    struct rti_timerheap timers;
    _Atomic(int64_t) timer_next; /* its first deadline, INT64_MAX without; written under timer_lock, read by all */
    struct rti_runq runq CACHE_ALIGNED;
    struct rti_stackcache stacks;
    struct rti_litestack *lite[RT_STACK_COUNT][RTI_P_LITE]; /* where goroutines are born that share (sched/lite.h) */
    uint8_t lite_at;                                        /* births */
    uint32_t lite_packed[RTI_STACKCODE_ROOM / sizeof(uint32_t)]; /* a stack on its way into a copy of the right size */
    struct {
        uint32_t tick, call; /* what sysmon saw last */
        int64_t tick_ns, call_ns, switches_ns;
        uint64_t switches;
        uint32_t poke_tick; /* when it last sent the holder a signal */
        int64_t poke_ns;
    } seen; /* sysmon's */
    struct {
        int64_t since_ns;        /* when it last stole; 0: it has been out of work since */
        struct p *from;          /* from whom */
        uint32_t contended;      /* rti_lock_contended() then */
        _Atomic(int64_t) dry_ns; /* when it was out of work; 0: not since somebody last stole from it and set this */
    } theft;                     /* its holder's (sched/thrift.h) */
    struct {
        _Atomic(int64_t) asked_ns[RTI_SAFEPOINT_COUNT]; /* 0: nothing asked, or nobody to hear it; written by whoever
                                                         * asks under the world's lock, zeroed by the holder */
        struct rti_hist took[RTI_SAFEPOINT_COUNT];      /* from then on until it gave way; the holder's, read by all */
    } safepoint;
} CACHE_ALIGNED;

/* A zeroed P with that id. Never NULL. */
struct p *rti_p_new(uint32_t id, uint64_t seed);
/* p is no more needed: a later rti_p_new gives it out again. No M runs. */
void rti_p_retire(struct p *p);

static inline void rti_p_count(_Atomic(uint64_t) *counter)
{
    store_rlx(counter, load_rlx(counter) + 1); /* one writer, so no read-modify-write */
}

#endif
