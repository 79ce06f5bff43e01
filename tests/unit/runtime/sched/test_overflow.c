#include "fake_world.h"

#include "sched/overflow.h"

Test(overflow, the_report_ends_with_status_2, .exit_code = 2)
{
    struct g *g = fake_g(RTI_G_RUNNING);
    g->name = "deep";
    g->fn = NULL;
    rti_overflow_report(g, g);
}
