/* stopworld.h - all Ps stand still, and go on. Threads: said at each. Memory: none.
 *
 * Invariant (S7): while the world is stopped, every P is STOPPED, no goroutine but the stopper's runs (save in blocking
 * calls, where it has no P), and what belongs to a P is touched by nobody but the stopper. Who stops P:
 *   - its M, at the next scheduling point (rti_stopworld_pause_sys): it keeps the P and sleeps until the start;
 *   - a signal handler on the M's thread, if a goroutine does not come to one within 10 us (sched/preempt.h): the
 *     thread waits in the handler, so the goroutine may be anywhere, in malloc too, but not with a lock of ours;
 *   - the stopper, when the P idles, or its M is in a blocking call (as sysmon takes such a P, sched/handoff.h);
 *   - whoever would make it idle (rti_stopworld_gave_up_locked).
 * All under the world's lock, and each P once: RUNNING -> STOPPED. The RTI_ATTENTION_STOP bit is set and cleared under
 * that lock too; while it is set no P goes on or off the idle list. The stopper waits until stop_left is 0: it spins
 * for 10 us, sends signals, spins for 20 us, then sleeps; now and then it looks again for Ps that have gone into calls
 * since, and repeats a signal that met a thread in the middle of something. After 20 ms it lets all go on and tries
 * again: whoever is to come may wait for a lock of the C library that a stopped goroutine holds.
 *
 * Threads without a P go on: sysmon, the netpoller, threads outside. They may use the global queue and the timers,
 * whose locks guard them, but no P. */
#ifndef RTI_STOPWORLD_H
#define RTI_STOPWORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "parts/hist.h"
#include "proc/world.h"
#include <rt/attr.h>

struct m;
struct p;

/* Why the world was stopped: pauses are counted apart. */
enum rti_stop_reason {
    RTI_STOP_GC,    /* the collector */
    RTI_STOP_PROCS, /* another number of Ps */
    RTI_STOP_DUMP,  /* a look at every goroutine */
    RTI_STOP_TEST,  /* tests and measurements */
    RTI_STOP_COUNT
};

/* Stops the world, and returns when it stands; one stopper at a time, the others wait (their Ps can be stopped). False,
 * and nothing is stopped, if the runtime ends or does not run. A goroutine, not inside a blocking bracket, or a thread
 * that holds no P. Until rti_stopworld_start the caller must not park, yield or call anything that may, and takes no
 * lock of the C library (malloc, stdio): a stopped goroutine may hold it. */
bool rti_stopworld_stop(enum rti_stop_reason why) MUST_CHECK;
/* The same; false at once if somebody else is stopping the world. For sysmon. */
bool rti_stopworld_try_stop(enum rti_stop_reason why) MUST_CHECK;
/* The same, and false after some 0.15 s of trying: for dumps, which do without. */
bool rti_stopworld_try_briefly(enum rti_stop_reason why) MUST_CHECK;
/* Goes on. By the thread that stopped it. */
void rti_stopworld_start(void);
/* When the present stop was asked for and when the world stood, CLOCK_MONOTONIC ns. With the world stopped. */
int64_t rti_stopworld_asked_stw(void);
int64_t rti_stopworld_stood_stw(void);

/* On m's system stack: m holds a P. If the world is to stop, stops here, and returns after the start. */
void rti_stopworld_pause_sys(struct m *m);
/* The same in the middle of a goroutine's code, or in a handler that interrupted it, where m must hold no lock. sp: the
 * lowest byte of its stack that is in use; context: its ucontext_t, or NULL. */
void rti_stopworld_pause_sig(struct m *m, uintptr_t sp, const void *context);
/* p has lost its holder while the world is to stop. */
void rti_stopworld_gave_up_locked(struct p *p) REQUIRES(rti_world.lock);
/* True while a stop is asked for or holds; exact under the world's lock, a hint without. */
static inline bool rti_stopworld_wanted(void)
{
    return UNLIKELY(load_rlx(&rti_world.attention) & RTI_ATTENTION_STOP);
}

/* From the request until the world stood, and until it went on; ns. Any thread. */
struct rti_hist *rti_stopworld_stopping_times(enum rti_stop_reason why);
struct rti_hist *rti_stopworld_total_times(enum rti_stop_reason why);
/* At the end of the world, no M left. */
void rti_stopworld_reset(void);

#endif
