/* g.h - a goroutine: its states and who owns it in each. Threads: as the state says (below). Memory: slab, pooled,
 * never freed, so a stale pointer reads a dead G and never foreign memory.
 *
 * state      where it is (S1)                       who may leave it, and owns the stack (S6)
 * IDLE       free pool, or being set up             the spawner
 * RUNNABLE   a run queue, or that of its stack      the P that takes it out; whoever lets the stack go (sched/lite.h)
 * RUNNING    an M                                   itself
 * WAITING    a wait list                            whoever calls ready, once
 * BLOCKING   an M inside a blocking call            itself (its P may be gone when it returns)
 * DEAD       between its last switch and the pool   the M that it ran on */
#ifndef RTI_G_H
#define RTI_G_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/context.h"
#include "arch/stackhints.h"
#include "base/atomic.h"
#include "parts/gqueue.h"
#include "parts/stackpool.h"
#include "proc/waitbox.h"
#include <rt/attr.h>
#include <rt/check.h>
#include <rt/go.h>

struct m;

enum rti_g_state { RTI_G_IDLE, RTI_G_RUNNABLE, RTI_G_RUNNING, RTI_G_WAITING, RTI_G_BLOCKING, RTI_G_DEAD, RTI_G_STATES };
/* The status word: state in bits 0-7, bit 8 reserved for "the collector scans its stack", the generation above it
 * counts the times it was started. */
enum { RTI_G_STATE_MASK = 0xff, RTI_G_SCAN = 0x100, RTI_G_GENERATION = 0x200 };

/* Why it is not simply jumped to. */
enum rti_apart {
    RTI_APART_LOCKED = 1, /* runs on locked_m only, and that on nothing else */
    RTI_APART_LITE = 2    /* shares its stack with others (sched/lite.h) */
};

struct g {
    /* line 1: the switch */
    struct rti_qnode link;  /* in the queue it is in; free to use while parked (rti_sched_link) */
    struct rti_context ctx; /* offsets 8, 16, 24: known to debuggers */
    _Atomic(uint32_t) status;
    _Atomic(uint32_t) since_s; /* world.now_s when it last parked; written by itself, read by dumps */
    _Atomic(uint8_t) wait;     /* enum rti_wait while WAITING; written by itself, read by dumps */
    uint8_t stack_class;       /* asked for at spawn */
    bool guarded;              /* its stack has a guard page */
    _Atomic(uint8_t) apart;    /* bits of enum rti_apart, 0: any M may jump to it; written by itself, or at spawn */
    _Atomic(uint8_t) hib;      /* enum rti_hib; who may change it: sched/hibernate.h */
    bool may_hibernate;        /* asked for at spawn: nobody else touches its stack while it is parked */
    _Atomic(uint8_t) pins;     /* how often it has said that somebody does; written by itself */
    uint8_t seen;              /* the hibernator's, under its lock: what it saw at its last look */
    char *stack_lo;            /* lowest usable byte; NULL until first run and after exit */
    struct m *locked_m;        /* while locked */
    /* line 2: the start, and who made it */
    uint64_t id;
    void (*fn)(void *arg);
    union {
        void *arg;   /* until it runs */
        void *saved; /* while hib is SAVED: the copy of its stack */
    };
    const char *name;
    void *created_at;              /* return address of the spawn */
    uint64_t parent;               /* id of the spawner, 0 for a thread outside */
    _Atomic(struct g *) all_next;  /* the one made after it; written once, by its maker (rel), read by dumps (acq) */
    _Atomic(uint32_t) select_done; /* of a select it waits in: 0 open, else the mark of the record that won it */
    int16_t result;                /* its waker's answer: 0 closed or woken, 1 value passed */
    uint16_t lock_depth;           /* rt_lock_thread less rt_unlock_thread; its own */
    struct rti_waitbox box;        /* line 3 */
    struct rti_stackhints hints;   /* empty but for sanitizers */
} CACHE_ALIGNED;

/* A new G, IDLE and zeroed, on the list of all Gs. Never NULL. */
struct g *rti_g_new(void);
/* All Gs there ever were, linked by all_next in the order they were made. For rti_g_each and debuggers. */
extern struct g *_Atomic rti_g_all;
/* The oldest of all Gs, NULL without one; how many there are. */
struct g *rti_g_first(void);
uint32_t rti_g_made(void);
/* The one made after g, NULL for the newest. */
static inline struct g *rti_g_after(struct g *g)
{
    return load_acq(&g->all_next); /* pairs with store_rel in rti_g_new */
}
/* Calls visit on every G there ever was, oldest first. Async-signal-safe; the Gs may change meanwhile. */
void rti_g_each(void (*visit)(struct g *g, void *arg), void *arg);
const char *rti_g_state_name(uint32_t state);

static inline bool rti_g_is_locked(const struct g *g)
{
    return load_rlx(&((struct g *)(uintptr_t)g)->apart) & RTI_APART_LOCKED;
}

static inline bool rti_g_is_lite(const struct g *g)
{
    return load_rlx(&((struct g *)(uintptr_t)g)->apart) & RTI_APART_LITE;
}

/* The end of its stack (exclusive), while it has one. */
static inline char *rti_g_stack_hi(const struct g *g)
{
    return g->stack_lo + rti_stackpool_usable((enum rt_stack)g->stack_class);
}

static inline uint32_t rti_g_state(const struct g *g)
{
    return load_acq(&((struct g *)(uintptr_t)g)->status) & RTI_G_STATE_MASK;
}

/* For DCHECKs and tests: may a G go from one state to the other? */
bool rti_g_legal(enum rti_g_state from, enum rti_g_state to);

/* The only way a state changes. Whoever owns the G in its present state calls it, so a plain store does; the release
 * publishes what the owner wrote before to the next one (load_acq in rti_g_state, or the queue it goes through). */
static inline void rti_g_move(struct g *g, enum rti_g_state from, enum rti_g_state to)
{
    uint32_t was = load_rlx(&g->status);
    DCHECK((was & RTI_G_STATE_MASK) == (uint32_t)from && rti_g_legal(from, to)); /* S1 */
    store_rel(&g->status, (was & ~(uint32_t)RTI_G_STATE_MASK) | (uint32_t)to);
}

/* From RUNNABLE to RUNNING: another generation, so that a status found equal at two looks means that it has not run in
 * between. */
static inline void rti_g_run(struct g *g)
{
    uint32_t was = load_rlx(&g->status);
    DCHECK((was & RTI_G_STATE_MASK) == RTI_G_RUNNABLE); /* S1 */
    store_rel(&g->status, (was & ~(uint32_t)RTI_G_STATE_MASK) + RTI_G_GENERATION + RTI_G_RUNNING);
}

#endif
