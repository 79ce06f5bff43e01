#include <rt/blocking.h>

#include "proc/g.h"
#include "proc/m.h"
#include "sched/handoff.h"

/* Where the caller stands: its frame outlives the bracket, so others can walk its stack while the thread is in the
 * kernel. The context is free: it is written at the next switch. frame: [caller's frame pointer, return address]. */
static ALWAYS_INLINE void note_caller(void *const *frame)
{
    struct m *m = rti_m_self();
    if (m && m->curg)
        m->curg->ctx = (struct rti_context){.sp = (void *)(uintptr_t)(frame + 2), .pc = frame[1], .fp = frame[0]};
}

void rt_enter_blocking(void)
{
    void *const *frame = __builtin_frame_address(0);
    note_caller(frame);
    rti_handoff_enter_from(frame[1]);
}

void rt_exit_blocking(void)
{
    rti_handoff_exit();
}
