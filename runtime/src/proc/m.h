/* m.h - a thread that runs goroutines. Threads: its own, but for the fields said to be others'. Memory: slab, never
 * freed.
 *
 * state      p      curg    where
 * RUNNING    yes    yes     on the goroutine's stack
 * IN CALL    yes*   yes     the same, call is odd; sysmon may take the P (*) away
 * LOOKING    yes    no      on its own (system) stack, in findwork; `spinning` while it counts as such
 * POLLING    no     no      blocked in the netpoller, or until the next timer
 * WAITING    no     no      its locked goroutine cannot run; asleep on its note until somebody hands that over
 * IDLE       no     no      on the world's list, asleep on its note */
#ifndef RTI_M_H
#define RTI_M_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "arch/context.h"
#include "base/self.h"
#include "arch/stackhints.h"
#include "base/atomic.h"
#include "base/note.h"
#include "base/rand.h"
#include <rt/attr.h>

struct g;
struct p;
struct rti_lock;

/* What is left to do for the goroutine that was just switched away from (sched/round.c). */
enum rti_finish {
    RTI_FINISH_NONE,
    RTI_FINISH_YIELD,     /* runnable, to the end of the local queue */
    RTI_FINISH_YIELD_FAR, /* the same, global queue */
    RTI_FINISH_PARK,      /* waiting; then commit */
    RTI_FINISH_EXIT,      /* dead; stack and G to the pools */
    RTI_FINISH_HEIR,      /* dead and seen to: who runs now inherited its stack */
    RTI_FINISH_CALL       /* came back from a call and found no P */
};

struct m {
    struct rti_context ctx;  /* the system stack while a goroutine runs */
    struct g *curg;          /* who runs; read by dumps and signal handlers on this thread */
    struct p *p;             /* NULL without */
    _Atomic(uint32_t) call;  /* odd while in a blocking call; written by the M, read by sysmon */
    _Atomic(uint32_t) taken; /* 1: look at the P before going on after a call; written by sysmon under the lock */
    int64_t gave_ns;         /* its own: when it began the call for which it gave its P away by itself, else 0 */
    bool spinning;           /* counted in world.spinning; written by itself, by its waker while it sleeps */
    /* the hand-over of one switch */
    enum rti_finish finish;
    struct g *prev;
    struct rti_lock *unlock; /* instead of a commit: the lock to release */
    bool (*commit)(struct g *g, void *arg);
    void *commit_arg;
    /* sleeping and waking */
    struct rti_note note; /* woken with p (and perhaps spinning) set by the waker, or because the world stops */
    struct m *idle_next;
    bool idle;   /* on the idle list; under the world's lock */
    bool listed; /* its own: put itself on that list and has not slept since, so p and spinning may be its waker's */
    /* the goroutine it belongs to (sched/locked.c) */
    struct g *locked_g; /* NULL: none; written by that goroutine, on this thread */
    struct g *picked;   /* its own: taken out of a queue, but another M's: to be handed over on the system stack */
    bool locked_ready;  /* locked_g was handed over and shall run; under the world's lock */
    bool waiting;       /* asleep until then; under the world's lock */
    bool ending;        /* its own: locked_g ended, so the thread does too */
    bool left; /* no longer listed, on the dead list if it has a thread; under the world's lock, read by itself once
                  woken */
    /* being stopped by a signal (sched/preempt.c) */
    _Atomic(int32_t) reach;     /* tid when it may be signalled, 0 before; written by its thread, read by stoppers */
    _Atomic(uint32_t) poked;    /* a stop signal is under way; set by the stopper, cleared by the handler */
    uint32_t refused;           /* stop signals in a row that could not be sent; the stopper's */
    _Atomic(uint32_t) critical; /* must not be stopped now; its own, read by its handler */
    _Atomic(uint32_t) stop_pending; /* a stop came meanwhile; its handler's and its own */
    _Atomic(uint32_t) section;      /* curg is between rt_preemptible_enter and leave: how deep; its own, a hint for
                                     * sysmon */
    uintptr_t stopped_sp;           /* lowest byte in use of curg's stack while it stands in the middle of its code */
    const void *stopped_context;    /* ucontext_t with its registers if a signal stopped it; both read _stw only */
    _Atomic(uintptr_t) frozen;      /* the same for a dump of a dying process; 0: not frozen; written by its handler */
    /* life */
    uint32_t id;
    struct m *all_next, *all_prev; /* world.all_m, newest first */
    pthread_t thread;
    int tid;              /* the kernel's id of it; written by itself at its start, read by debuggers */
    struct rti_note done; /* the thread is about to end */
    struct rti_stackhints hints;
    struct {
        uint32_t locks; /* runtime locks it holds; counted only while points are armed (sched/points.h) */
        struct rti_rand rand;
    } points; /* its own */
    struct {
        void *at;
        size_t bytes;
        void *old_at;
        size_t old_bytes;
        int old_flags;
    } sigstack;
} CACHE_ALIGNED;

/* Under the world's lock, or before there is a second thread. */
struct m *rti_m_new(uint32_t id);
/* An M whose thread was joined is as new, but that `call` goes on rising: sysmon may still compare it. */
void rti_m_reset(struct m *m, uint32_t id);

/* The running thread's M, or NULL. Never kept across a call that may switch. */
extern _Thread_local struct m *rti_m_current;
static ALWAYS_INLINE struct m *rti_m_self(void)
{
    return RTI_SELF_LOAD(rti_m_current);
}

#endif
