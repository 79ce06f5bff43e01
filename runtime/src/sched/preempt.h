/* preempt.h - making a running goroutine give way or stand still. Threads: said at each. Memory: the goroutine's stack.
 *
 * First step: p->preempt, which rt_checkpoint and every yield look at, and m->taken, which makes the way out of a
 * blocking call look at it too.
 *
 * Second step, for stopping the world only: a signal (SIGRTMIN + 5; the C library uses none above SIGRTMIN) to the
 * thread. The handler waits, on the signal stack, until the world is started again; the thread keeps its P and
 * whatever locks of the C library its goroutine holds. It does not wait, and a later signal tries again, where the
 * runtime is in the middle of something: with a lock of ours held or wanted (rti_lock_depth), between two goroutines
 * (m->finish, or a stack pointer that is not in curg's stack), in a call (the P is taken instead), without a goroutine.
 * In a section marked by rti_preempt_disable the end of the section stops.
 *
 * Third step, for code that says it can bear it (rt_preemptible_enter, and RT_PREEMPTIBLE functions): the same signal,
 * sent by sysmon when p->preempt was set and the holder is in such a section, makes the goroutine yield right where it
 * is, by arch/sigframe.h: its registers go onto its own stack. Only if the second step would be allowed to stop it
 * there, outside rti_preempt_disable, if the program counter is in an RT_PREEMPTIBLE function (what that calls may be
 * in malloc), and if the stack has the room. It may go on on another thread. Never with GODEBUG=seed, which has no
 * clock to send signals by. */
#ifndef RTI_PREEMPT_H
#define RTI_PREEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "proc/m.h"
#include "proc/p.h"
#include "proc/world.h"
#include <rt/attr.h>

/* Whoever runs on p shall yield at its next checkpoint, yield or return from a blocking call. */
void rti_preempt_ask_locked(struct p *p, enum rti_preempt why) REQUIRES(rti_world.lock);
/* p was asked and its holder has not come: sends the signal if that may make it, once a slice or once a millisecond.
 * now: monotonic ns. sysmon. */
void rti_preempt_press(struct p *p, int64_t now);
/* Every M shall leave: the same to whoever is in a section. The thread that ends the world. */
void rti_preempt_press_all(void);

/* Installs the handler, once per process, and looks whether goroutines may be switched by it. Boot, after GODEBUG was
 * read. */
void rti_preempt_install(void);
/* m's thread, at its start: can be signalled from now on. */
void rti_preempt_thread(struct m *m);
/* Sends the stop signal to m's thread, unless one is under way (again: then too). Any thread. */
void rti_preempt_poke(struct m *m, bool again);
/* Nothing of the runtime is under way on this thread, m's, which runs, or was interrupted, with its stack pointer at
 * sp: a stop may begin or end here. */
bool rti_preempt_is_between(struct m *m, uintptr_t sp);
/* For a dying process, which waits for nobody and may hold any lock: sends the signal to all threads but the caller's
 * that run a goroutine; their handlers say where they are (m->frozen) and wait there for the thaw, a second at most.
 * Returns when all have come, or after patience_ns; false, and nothing is frozen, if there is none. Async-signal-safe,
 * one at a time. */
bool rti_preempt_freeze(int64_t patience_ns) MUST_CHECK;
void rti_preempt_thaw(void);
/* The number of the signal. */
int rti_preempt_signal(void);

/* self's goroutine, around a few instructions in which the world must not stop (the collector's barrier, the
 * allocator): no lock, no call that may switch. They nest. A load and a store each, and a predicted branch. */
static ALWAYS_INLINE void rti_preempt_disable(struct m *self)
{
    store_rlx(&self->critical, load_rlx(&self->critical) + 1);
    fence_compiler(); /* the other side is a handler on this thread */
}
void rti_preempt_pending(struct m *self);
static ALWAYS_INLINE void rti_preempt_enable(struct m *self)
{
    fence_compiler();
    uint32_t left = load_rlx(&self->critical) - 1;
    store_rlx(&self->critical, left);
    fence_compiler(); /* a handler from here on stops at once; one before has left a note */
    if (UNLIKELY(load_rlx(&self->stop_pending)) && left == 0)
        rti_preempt_pending(self);
}

#endif
