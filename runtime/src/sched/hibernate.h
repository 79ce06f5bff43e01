/* hibernate.h - the stacks of goroutines that are parked for long: what lies dead below the stack pointer goes back to
 * the kernel, and the whole stack of those that asked for it is copied out (from the stack pointer up) and dropped; it
 * is copied back, to the same address, when the goroutine is started. Threads: said at each. Memory: copies in a pool
 * of its own.
 *
 * g->hib, and who may change it:
 * NONE      -> CLAIMED by the hibernator, under its lock
 * CLAIMED   -> NONE by whoever starts the goroutine (it goes on at once); -> NONE or DROPPING by the hibernator. Both
 * by compare-and-swap. DROPPING  -> SAVED or NONE by the hibernator. Who starts the goroutine waits for it at the lock.
 * NONE, CLAIMED -> SAVED by whoever finishes the park or yield of a goroutine that shares its stack (sched/lite.h),
 * which nobody else can find yet. A claim there is one of a look that began before the record was this goroutine's.
 * SAVED     -> NONE by whoever starts the goroutine, after it has put the stack back.
 * Invariant (S6): nobody starts a goroutine without looking at hib, and the hibernator drops pages only in DROPPING.
 *
 * The wake path has no read-modify-write for it: waking stores the status, starting loads hib, both plainly. The
 * hibernator stores CLAIMED, passes a membarrier on all threads, and looks at the status again: if the goroutine still
 * waits, then whoever wakes it does so after the barrier, so who starts it sees CLAIMED. Without membarrier(2) nothing
 * is ever claimed. tests/model/hibernate.pml checks this. */
#ifndef RTI_HIBERNATE_H
#define RTI_HIBERNATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

struct g;

enum rti_hib { RTI_HIB_NONE, RTI_HIB_CLAIMED, RTI_HIB_DROPPING, RTI_HIB_SAVED };

/* Since the runtime started; no order among them. */
struct rti_hibernate_counts {
    uint64_t saved, restored; /* stacks copied out and back */
    uint64_t trimmed;         /* stacks of which only what lay below the stack pointer was given back */
    uint64_t refused;         /* claims given up: the goroutine was woken just then */
};

/* At boot, after the switches were read and membarrier is known; and when nobody runs any more. */
void rti_hibernate_init(void); /* after the stacks are reserved */
void rti_hibernate_destroy(void);

/* Is anything copied out at all? */
bool rti_hibernate_works(void);
/* For lite.c: copies out g's stack, which it has just left and nobody else can start or find; packed is the caller's,
 * of RTI_STACKCODE_ROOM bytes. parks: it waits, for g->wait; else it yields. False: it stays where it is, since it is
 * pinned, more than RTI_STACKCODE_MAX bytes, in a wait in which others touch it, or there is no room. */
bool rti_hibernate_save(struct g *g, uint32_t packed[], bool parks) MUST_CHECK;
/* For round.c: g, whose hib is not NONE, is about to be started. Afterwards its stack is as it left it. */
void rti_hibernate_start(struct g *g);

/* One look at all goroutines and at the free stacks. A goroutine is taken when it has not run since the look before.
 * Any thread, any goroutine (which yields in between). Returns how many stacks were copied out. */
size_t rti_hibernate_cycle(void);
/* GODEBUG=seed: the same at one instant and without giving way; taken is every odds-th goroutine that waits, and which
 * ones only draw and their ids decide, whatever goroutines there were before. Like the others, with no lock held. */
size_t rti_hibernate_drawn(uint64_t draw, uint32_t odds);
/* The same, piece by piece and ten seconds apart: sysmon calls it in each of its rounds. True: there is more to do
 * soon. */
bool rti_hibernate_step(int64_t now);
/* When the next cycle of rti_hibernate_step is due; INT64_MAX when nothing has run since the last ones, so that sysmon
 * may sleep. */
int64_t rti_hibernate_next(void);

/* What a SAVED stack holds from its stack pointer on, into `to` (room for RTI_STACKCODE_MAX bytes, 8-aligned); returns
 * how many bytes, 0 when it is not SAVED: then they are where they belong. For those who read the stacks of parked
 * goroutines, between rti_hibernate_hold() and rti_hibernate_resume(): nothing is claimed or dropped meanwhile. The
 * caller sees to it that g is not started. */
size_t rti_hibernate_copy(struct g *g, void *to);
/* For dumps, which hold nothing and may be handlers: what g's stack holds from its stack pointer on, if it is SAVED; 0
 * bytes else. Never faults; if g is started meanwhile it is nonsense, so the caller looks at g's status and context
 * again afterwards. `to` as above. */
size_t rti_hibernate_peek(const struct g *g, void *to);
void rti_hibernate_hold(void);
void rti_hibernate_resume(void);

struct rti_hibernate_counts rti_hibernate_counts(void);

#endif
