#include "goroutines.h"

#include "api/chan.h"
#include <rt/sync.h>

/* What a select leaves behind in channels that it did not choose: nothing. */

struct losers {
    struct rt_chan *c[20];
    struct rt_waitgroup left;
};

static void wait_on_all(void *arg)
{
    struct losers *l = arg;
    struct rt_case cases[40];
    for (int i = 0; i < 40; i++)
        cases[i] = i < 20 ? rt_case_recv(l->c[i], NULL) : rt_case_send(l->c[(i + 7) % 20], NULL);
    EXPECT(rt_select(cases, 40, true) < 20);
    rt_waitgroup_done(&l->left);
}

static bool all_empty(struct losers *l)
{
    bool empty = true;
    for (int i = 0; i < 20; i++) {
        rti_lock_acquire(&l->c[i]->lock);
        empty = empty && !load_rlx(&l->c[i]->receivers.head) && !load_rlx(&l->c[i]->senders.head);
        rti_lock_release(&l->c[i]->lock);
    }
    return empty;
}

static void leaves_nothing(void)
{
    struct losers l = {0};
    for (int i = 0; i < 20; i++)
        l.c[i] = rt_chan_new(0, 0);
    for (int round = 0; round < 100; round++) {
        rt_waitgroup_add(&l.left, 1);
        rt_go(wait_on_all, &l);
        rt_send(l.c[round % 20], NULL);
        rt_waitgroup_wait(&l.left);
        EXPECT(all_empty(&l));
    }
    for (int i = 0; i < 20; i++)
        rt_chan_free(&l.c[i]);
}

Test(select_inside, the_cases_that_lost_leave_their_queues)
{
    run_everywhere(leaves_nothing);
}

static void takes_no_lock_of_what_is_not_ready(void)
{
    struct rt_chan *busy = rt_chan_new(0, 0), *ready = rt_chan_new(0, 1);
    struct rt_case cases[] = {rt_case_recv(busy, NULL), rt_case_recv(ready, NULL)};
    rt_send(ready, NULL);
    rti_lock_acquire(&busy->lock); /* the quick look would wait here for ever */
    EXPECT(rt_select(cases, 2, true) == 1);
    rti_lock_release(&busy->lock);
    rt_chan_free(&busy);
    rt_chan_free(&ready);
}

Test(select_inside, a_ready_case_costs_one_lock)
{
    run_on(1, takes_no_lock_of_what_is_not_ready);
}
