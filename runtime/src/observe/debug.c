#include <rt/debug.h>

#include <errno.h>

#include "base/debugvars.h"
#include "base/lock.h"
#include "base/outbuf.h"
#include "observe/traceback.h"
#include "proc/m.h"
#include "sched/preempt.h"
#include "sched/safepoint.h"
#include <rt/check.h>

enum { BUF = 4096 };

/* Not in the middle of the runtime, where a handler may have interrupted it, nor in a blocking call. With a seed nobody
 * else runs. */
static bool may_stop(struct m *m, uintptr_t sp)
{
    if (rti_debugvars.seed || rti_lock_depth() > 0)
        return false;
    return !m || rti_preempt_is_between(m, sp);
}

static void print(struct rti_outbuf *o, struct rti_traceback_at here, bool all)
{
    struct m *m = rti_m_self();
    struct g *self = m ? m->curg : NULL;
    if (!all && self)
        rti_traceback_one(o, self, &here, false);
    else if (all && (!may_stop(m, here.fp) || !rti_traceback_stopped(o, self, &here)))
        rti_traceback_all(o, self, &here, false);
}

int rt_stack_dump(int fd, bool all)
{
    char buf[BUF];
    struct rti_outbuf o;
    if (fd < 0)
        return -EBADF;
    rti_outbuf_init(&o, fd, buf, sizeof buf);
    print(&o, (struct rti_traceback_at){.fp = (uintptr_t)__builtin_frame_address(0), .programs = true}, all);
    return rti_outbuf_flush(&o);
}

size_t rt_stack(char *buf, size_t cap, bool all)
{
    struct rti_outbuf o;
    CHECK(cap > 0);
    rti_outbuf_init(&o, -1, buf, cap - 1);
    print(&o, (struct rti_traceback_at){.fp = (uintptr_t)__builtin_frame_address(0), .programs = true}, all);
    buf[o.len] = '\0';
    return o.len;
}

_Static_assert((int)RT_SAFEPOINT_SLICE == (int)RTI_SAFEPOINT_SLICE &&
                   (int)RT_SAFEPOINT_COUNT == (int)RTI_SAFEPOINT_COUNT,
               "the same reasons in the same order");

static int64_t quantile(struct rti_hist *h, double q)
{
    int64_t ns = rti_hist_quantile(h, q);
    return ns > 0 ? ns : 0;
}

void rt_safepoint_times(enum rt_safepoint why, struct rt_safepoint_times *out)
{
    struct rti_hist h;
    CHECK((unsigned)why < RT_SAFEPOINT_COUNT);
    rti_safepoint_times((enum rti_safepoint)why, &h);
    *out = (struct rt_safepoint_times){.count = rti_hist_total(&h),
                                       .p50_ns = quantile(&h, 0.5),
                                       .p90_ns = quantile(&h, 0.9),
                                       .p99_ns = quantile(&h, 0.99),
                                       .max_ns = quantile(&h, 1)};
}
