#include <rt/blocking.h>

#include "sched/handoff.h"

void rt_enter_blocking(void)
{
    rti_handoff_enter();
}

void rt_exit_blocking(void)
{
    rti_handoff_exit();
}
