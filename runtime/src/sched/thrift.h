/* thrift.h - when a second P does not pay. Threads: said at each. Memory: none.
 *
 * A goroutine stolen from those it talks to makes each of their operations several times dearer, and waking the thief
 * costs more than it then gets done. One measure tells: how long a theft keeps two Ps busy, that is until thief or
 * victim is out of work, less what the locks cost that the thief found held. For goroutines that compute or split their
 * work it is a tenth of a millisecond and more, for those that pass messages a few microseconds. While the mean is
 * short, thrift is on:
 *   - a P that comes out of stolen work goes idle instead of stealing again;
 *   - nobody is woken at once for a G that became ready. The duty to look (the count in world.spinning, S3) passes to
 *     sysmon, which looks every RTI_THRIFT_LOOK_NS, and less often while it sees nothing but short runs; it wakes an
 *     idle P where a G waits behind one that computes, and now and then to try whether it pays again (each try in vain
 *     doubles the time to the next).
 * So a runnable G beside an idle P waits RTI_THRIFT_CALM_NS + RTI_THRIFT_LOOK_NS longer than without thrift, at most
 * (and what the kernel adds to sysmon's sleep); 1.3 ms longer still if thefts of late only ended at locks found held.
 */
#ifndef RTI_THRIFT_H
#define RTI_THRIFT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"
#include "proc/world.h"
#include <rt/attr.h>

struct p;

enum { RTI_THRIFT_LOOK_NS = 50000, RTI_THRIFT_CALM_NS = 200000 };

/* p has stolen from another. p's holder. */
void rti_thrift_stole(struct p *p, struct p *from);
/* p is out of work. True: it shall not steal now. p's holder. */
bool rti_thrift_refuses(struct p *p);
/* The calling goroutine runs on a P that has stolen, and loses more by locks found held than that has gained so far. */
bool rti_thrift_is_vain(void);
/* A P that goes idle may leave the work it still sees to those that run. After its full fence; any thread. */
bool rti_thrift_spares(void);
/* The caller, who is counted in world.spinning, leaves that to sysmon; false: no, somebody must be woken now. */
bool rti_thrift_defers(void);
/* sysmon: looks, if that is its duty just now. How soon it shall come again, ns; INT64_MAX: whenever it likes. */
int64_t rti_thrift_look(int64_t now_ns);
/* How many Ms spin: the count less sysmon's. A hint. */
static inline uint32_t rti_thrift_spinners(void)
{
    return load_rlx(&rti_world.spinning) - load_rlx(&rti_world.watching);
}
/* As at the start of the process. */
void rti_thrift_reset(void);

#endif
