#include "goroutines.h"

#include <errno.h>

#include "parts/pollset.h"
#include "sched/sched.h"
#include <rt/poll.h>
#include <rt/time.h>

/* Spurious wakes: somebody unblocks the wait though nothing is ready and no time is over. */

static struct rt_pd *pd;

static void kick(void *arg UNUSED)
{
    for (int i = 0; i < 50; i++) {
        struct g *g = rti_pollset_unblock((struct rti_polldesc *)pd, RTI_POLL_READ, false);
        if (g)
            rti_sched_ready(g);
        rt_yield();
    }
}

static void survives_kicks(void)
{
    int fd[2];
    char c;
    EXPECT(pipe(fd) == 0);
    EXPECT(rt_poll_open(&pd, fd[0]) == 0);
    rt_go(kick, NULL);
    int64_t until = rt_deadline(3000000);
    EXPECT(rt_read(pd, &c, 1, until) == -ETIMEDOUT);
    EXPECT(rt_now() >= until);
    EXPECT(rti_pollset_waiters(rti_sched_pollset()) == 0);
    rt_poll_close_fd(&pd);
    close(fd[1]);
}

Test(poll_inside, a_late_timer_of_an_earlier_wait_does_not_end_this_one)
{
    run_on(1, survives_kicks);
}

static void old_edge(void)
{
    int fd[2];
    char c;
    EXPECT(pipe(fd) == 0);
    EXPECT(rt_poll_open(&pd, fd[0]) == 0);
    (void)!rti_pollset_unblock((struct rti_polldesc *)pd, RTI_POLL_READ, true); /* an edge nobody waited for */
    EXPECT(rt_poll_wait(pd, RT_POLL_IN, RT_NO_DEADLINE) == 0);
    EXPECT(rt_poll_wait(pd, RT_POLL_IN, 0) == -ETIMEDOUT);
    (void)!rti_pollset_unblock((struct rti_polldesc *)pd, RTI_POLL_READ, true);
    EXPECT(rt_read(pd, &c, 1, rt_deadline(1000000)) == -ETIMEDOUT); /* a read sees through it */
    rt_poll_close_fd(&pd);
    close(fd[1]);
}

Test(poll_inside, an_old_edge_is_taken_once_and_fools_no_read)
{
    run_on(1, old_edge);
}
