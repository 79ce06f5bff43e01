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

/* A stack that may be copied out: while its goroutine waits in a select, nobody else touches its variables. */

struct away {
    struct rt_chan *small, *big; /* elements of 4 and of 100 bytes */
    struct rt_case *volatile cases;
    int n, chosen;
};

static void select_away_in(void *arg)
{
    struct away *a = arg;
    int got = -1, sent = 11;
    char big[100] = "none";
    struct rt_case cases[40];
    rti_sched_self()->may_hibernate = true;
    for (int i = 0; i < a->n; i++)
        cases[i] = rt_case_recv(NULL, NULL);
    cases[0] = rt_case_recv(a->small, &got);
    cases[a->n - 2] = rt_case_recv(a->big, big);
    cases[a->n - 1] = rt_case_send(a->small, &sent);
    a->cases = cases;
    a->chosen = rt_select(cases, a->n, true);
    if (a->chosen == 0)
        EXPECT(cases[0].ok && got == 77 && strcmp(big, "none") == 0);
    if (a->chosen == a->n - 2)
        EXPECT(cases[a->chosen].ok && got == -1 && strcmp(big, "big") == 0);
    a->cases = NULL;
}

static void one_choice(struct away *a, int which)
{
    int value = 77;
    char big[100] = "big";
    rt_go(select_away_in, a);
    while (!load_rlx(&a->small->receivers.head) || !load_rlx(&a->big->receivers.head))
        rt_yield();
    if (which == 0) {
        rt_send(a->small, &value);
        EXPECT(*(int *)a->cases[0].value.recv == -1); /* not into a parked stack */
    } else if (which == a->n - 2) {
        rt_send(a->big, big);
        EXPECT(strcmp(a->cases[which].value.recv, "none") == 0);
    } else {
        memset((void *)(uintptr_t)a->cases[which].value.send, 0, sizeof(int));
        EXPECT(rt_recv(a->small, &value) && value == 11); /* as it was at the call */
    }
    while (a->cases)
        rt_yield();
    EXPECT(a->chosen == which);
}

static void selects_away(void)
{
    struct away a = {.small = rt_chan_new(sizeof(int), 0), .big = rt_chan_new(100, 0)};
    for (int long_one = 0; long_one <= 1; long_one++) {
        a.n = long_one ? 40 : 3;
        one_choice(&a, 0);
        one_choice(&a, a.n - 2);
        one_choice(&a, a.n - 1);
    }
    rt_chan_free(&a.small);
    rt_chan_free(&a.big);
}

Test(select_inside, values_pass_by_a_stack_that_may_be_copied_out)
{
    run_on(1, selects_away);
}
