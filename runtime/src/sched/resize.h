/* resize.h - another number of Ps while the runtime runs. Threads: said at each. Memory: Ps are kept and used again.
 *
 * P i is surplus when i >= world.procs. The number changes with the world stopped; a surplus P that nobody holds is put
 * away at the start: its goroutines go to the global queue, its pools to the shared ones, its timers (which needs
 * malloc, so not in the stop) to P 0. One that is held is given up by its M at the next scheduling point; a goroutine
 * that computes without a checkpoint keeps it until then, so S4 counts such Ps in. world.ps covers them: thieves,
 * timers and sysmon look at all Ps below it. */
#ifndef RTI_RESIZE_H
#define RTI_RESIZE_H

#include <stdbool.h>

#include "proc/p.h"
#include "proc/world.h"
#include <rt/attr.h>

struct m;

/* n Ps from now on; returns how many there were. n below 1 only reads. -EINVAL above RTI_MAX_PROCS. A goroutine outside
 * blocking brackets, or a thread without a P; may yield. */
int rti_resize_set(int n);
/* sysmon: the same, but does nothing if somebody else stops the world just now. */
void rti_resize_try(int n);

static inline bool rti_resize_is_surplus(const struct p *which)
{
    return UNLIKELY(which->id >= load_rlx(&rti_world.procs));
}
/* On m's system stack, m holds a P: if that is surplus, it is put away, and m goes on with another or to the idle list.
 */
void rti_resize_retire_sys(struct m *m);
/* p is surplus and nobody holds it. rti_resize_tidy() must follow, without the lock. */
void rti_resize_put_away_locked(struct p *p) REQUIRES(rti_world.lock);
/* Timers of Ps that were put away to P 0; lowers world.ps as far as it goes. Any thread. */
void rti_resize_tidy(void);

#endif
