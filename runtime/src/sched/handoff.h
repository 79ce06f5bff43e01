/* handoff.h - entering and leaving a blocking call; retaking its P. Threads: said at each. Memory: none.
 *
 * The M marks the call by making m->call odd (plain store), and even again when it comes back; then it looks at
 * m->taken (plain load). sysmon sets m->taken under the world's lock, passes a membarrier on all threads, and looks at
 * m->call: odd means that the M will see taken before it touches the P again, so the P may be given away. An M that
 * sees taken goes through the lock and finds out whether it still has its P. Without membarrier(2) both sides use
 * read-modify-writes.
 *
 * Where calls use to last, the M does not wait for sysmon: it sets its own `taken` and makes its P idle before the
 * call, under the lock, and takes an idle P afterwards. With a thousand threads in such calls most pass a P on without
 * any system call. If there is work for the P, a helper is woken: an M without a P, counted as spinning, who takes an
 * idle P if there still is one, else sleeps again, and then the next P is handed over. */
#ifndef RTI_HANDOFF_H
#define RTI_HANDOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "proc/world.h"
#include <rt/attr.h>

struct g;
struct m;
struct p;

/* A goroutine, around a call that may block the thread. No-ops elsewhere. exit may return on another thread. */
void rti_handoff_enter(void);
/* The same; the caller stands at pc: if calls made there use to last (sched/callsite.h), the P is given away at once.
 */
void rti_handoff_enter_from(const void *pc);
void rti_handoff_exit(void);
/* For round.c: g came back from a call, m has no P. On m's system stack. */
void rti_handoff_stranded(struct m *m, struct g *g);
/* For findwork.c: m, counted as spinning, was woken without a P. True: it has one now. False: there is none, m is on
 * the idle list again and counts no more; it must sleep. */
bool rti_handoff_help(struct m *m);
/* sysmon: p's holder is in a call of which `call` was seen before. True if p was taken and given on. */
bool rti_handoff_retake(struct p *p, uint32_t call);
/* The world is to stop: takes every P whose M is in a call, STOPPED from now on; how many. One membarrier for all. */
uint32_t rti_handoff_take_calls_locked(void) REQUIRES(rti_world.lock);
/* p has no holder: runs it elsewhere if there is anything to do for it, else makes it idle. The world's lock is held on
 * entry, released on return. */
void rti_handoff_give_unlock(struct p *p);
/* The world stops: Ms in calls end when they come back. */
void rti_handoff_stop(void);

#endif
