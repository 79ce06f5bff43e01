/* lite.h - goroutines that share stacks (rt_go_attr.lite). Such a goroutine is born on a stack that nobody is on just
 * then, is copied out as soon as it parks, and leaves the stack to the next one; it is put back to the same address
 * before it goes on, when the stack is free. So a million of them that wait touch a few pages of stack, none of which
 * is ever faulted in, and each costs its G and its copy. Threads: M's that hold a P, as said at each. Memory: the
 * stacks come from the pool of all, and stay here; a stack's record lies at its top.
 *
 * A stack has at most one holder: from its birth or from rti_lite_enter until it is copied out or ends. A goroutine
 * that cannot be copied out (deep in its stack, pinned, inside a blocking call) stays the holder, and the others of its
 * stack wait. They are RUNNABLE and in the stack's queue (S1). Whoever lets a stack go hands it to the first of them,
 * which is the holder from then on.
 *
 * A G is saved (hib SAVED) while it is still nobody else's, before it is WAITING; its stack is let go after the commit,
 * which may have made it ready: then it stands in the queue of the stack that it is about to leave. No membarrier
 * and no second look: the hibernator leaves these alone. */
#ifndef RTI_LITE_H
#define RTI_LITE_H

#include <stdbool.h>
#include <stddef.h>

#include "proc/p.h"
#include <rt/attr.h>

struct g;
struct rti_litestack;

enum { RTI_LITE_HEAD = 128 }; /* bytes at the top of a stack for its record */

/* Do goroutines share stacks at all? Not under sanitizers, which keep books of their own about a stack, and not when
 * nothing may be copied out. Any thread. */
bool rti_lite_works(void);
/* At boot, while one thread runs. */
void rti_lite_init(void);
/* g, which the caller took from a queue, is about to run on p: true, it holds its stack (a new G: is given one, and
 * will begin in `arrive`). False: it waits for it, and is not the caller's any more. */
bool rti_lite_enter(struct p *p, struct g *g, void (*arrive)(void)) MUST_CHECK;
/* g has left its stack to park. Copied out: the stack, to be let go once g may be found; NULL: it stays the holder. */
struct rti_litestack *rti_lite_park(struct p *p, struct g *g) MUST_CHECK;
/* The same for one that yields: only if somebody waits for its stack. */
struct rti_litestack *rti_lite_yield(struct p *p, struct g *g) MUST_CHECK;
/* g has ended. */
struct rti_litestack *rti_lite_end(struct g *g) MUST_CHECK;
/* Nobody is on s any more: on to the next. The caller holds p and no lock. */
void rti_lite_let_go(struct rti_litestack *s);

#endif
