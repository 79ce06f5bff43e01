#include "goroutines.h"

#include "api/chan.h"

/* The attempts with the lock held need no scheduler: a G is only handed back. */
struct fixture {
    struct rt_chan c;
    char buf[2 * sizeof(int)];
    struct g one, two;
    struct g *wake;
};
static struct fixture f;

static void setup_with(size_t cap)
{
    memset(&f, 0, sizeof(f));
    rti_chan_init(&f.c, sizeof(int), cap, f.buf);
}

static struct rti_waiter waiter_of(struct g *g, int *value, bool select)
{
    return (struct rti_waiter){.g = g, .value = value, .mark = select ? 7 : 0};
}

Test(chan_locked, a_value_goes_straight_into_the_waiting_receivers_variable)
{
    int got = 0, value = 5;
    setup_with(2);
    struct rti_waiter w = waiter_of(&f.one, &got, false);
    rti_waiter_push(&f.c.receivers, &w);
    cr_assert_eq(rti_chan_send_locked(&f.c, &value, &f.wake), RTI_CHAN_DONE);
    cr_assert_eq(f.wake, &f.one);
    cr_assert_eq(got, 5);
    cr_assert_eq(f.one.result, RTI_WOKEN_VALUE);
    cr_assert_eq(f.c.count, 0, "not through the buffer");
}

Test(chan_locked, a_receive_from_a_full_buffer_lets_the_first_sender_in_behind_the_others)
{
    int value = 1, waiting = 3, got = 0;
    setup_with(2);
    for (; value <= 2; value++)
        cr_assert_eq(rti_chan_send_locked(&f.c, &value, &f.wake), RTI_CHAN_DONE);
    cr_assert_eq(rti_chan_send_locked(&f.c, &value, &f.wake), RTI_CHAN_WAIT);
    struct rti_waiter w = waiter_of(&f.two, &waiting, false);
    rti_waiter_push(&f.c.senders, &w);
    for (int want = 1; want <= 3; want++) {
        cr_assert_eq(rti_chan_recv_locked(&f.c, &got, &f.wake), RTI_CHAN_DONE);
        cr_assert_eq(f.wake, want == 1 ? &f.two : NULL);
        cr_assert_eq(got, want);
    }
    cr_assert_eq(rti_chan_recv_locked(&f.c, &got, &f.wake), RTI_CHAN_WAIT);
}

Test(chan_locked, a_select_that_is_won_already_is_passed_over)
{
    int got[3] = {0}, value = 9;
    setup_with(0);
    struct rti_waiter lost = waiter_of(&f.one, &got[0], true), open = waiter_of(&f.two, &got[1], true);
    store_rlx(&f.one.select_done, 1);
    rti_waiter_push(&f.c.receivers, &lost);
    rti_waiter_push(&f.c.receivers, &open);
    cr_assert_eq(rti_chan_send_locked(&f.c, &value, &f.wake), RTI_CHAN_DONE);
    cr_assert_eq(f.wake, &f.two);
    cr_assert_eq(got[0], 0);
    cr_assert_eq(got[1], 9);
    cr_assert_eq(f.two.select_done, 7, "the mark says which record won");
    cr_assert_not(lost.queued, "its owner finds it unqueued");
    cr_assert_eq(rti_chan_send_locked(&f.c, &value, &f.wake), RTI_CHAN_WAIT);
}

Test(chan_locked, a_waiter_in_the_middle_of_a_queue_can_leave)
{
    struct rti_waitq q = {0};
    struct rti_waiter w[3] = {{.g = &f.one}, {.g = &f.one}, {.g = &f.two}};
    for (int i = 0; i < 3; i++)
        rti_waiter_push(&q, &w[i]);
    rti_waiter_remove(&q, &w[1]);
    rti_waiter_remove(&q, &w[1]); /* twice is nothing */
    cr_assert_eq(rti_waiter_pop(&q), &w[0]);
    cr_assert_eq(rti_waiter_pop(&q), &w[2]);
    cr_assert_null(rti_waiter_pop(&q));
    cr_assert_null(q.tail);
}

Test(chan_locked, the_peeks_are_false_only_when_it_would_wait)
{
    int value = 1, got;
    setup_with(1);
    cr_assert(rti_chan_may_send(&f.c));
    cr_assert_not(rti_chan_may_recv(&f.c));
    cr_assert_eq(rti_chan_send_locked(&f.c, &value, &f.wake), RTI_CHAN_DONE);
    cr_assert_not(rti_chan_may_send(&f.c));
    cr_assert(rti_chan_may_recv(&f.c));
    cr_assert_eq(rti_chan_recv_locked(&f.c, &got, &f.wake), RTI_CHAN_DONE);
    store_rlx(&f.c.closed, 1);
    cr_assert(rti_chan_may_recv(&f.c), "a closed channel answers");
    cr_assert(rti_chan_may_send(&f.c), "with a fatal error");
    got = 7;
    cr_assert_eq(rti_chan_recv_locked(&f.c, &got, &f.wake), RTI_CHAN_CLOSED);
    cr_assert_eq(got, 0);
    cr_assert_eq(rti_chan_send_locked(&f.c, &value, &f.wake), RTI_CHAN_CLOSED);
}

/* A stack that may be copied out: while its goroutine is parked, nobody else reads or writes a variable on it. */

enum { BIG = 4096 };
struct away {
    struct rt_chan *c;
    size_t bytes;
    char *volatile variable; /* the parked goroutine's */
    bool received;
};

static void receive_away(void *arg)
{
    struct away *a = arg;
    char mine[BIG];
    rti_sched_self()->may_hibernate = true;
    memset(mine, 'r', sizeof mine);
    a->variable = mine;
    a->received = rt_recv(a->c, mine);
    for (size_t i = 0; i < sizeof mine; i++)
        EXPECT(mine[i] == (i >= a->bytes ? 'r' : a->received ? 'v' : 0));
    a->variable = NULL;
}

static void send_away(void *arg)
{
    struct away *a = arg;
    char mine[BIG];
    rti_sched_self()->may_hibernate = true;
    memset(mine, 's', sizeof mine);
    a->variable = mine;
    rt_send(a->c, mine);
    a->variable = NULL;
}

/* One P: the goroutine that was made ready does not run before this one gives way. */
static void through_a_slot(size_t bytes)
{
    struct away a = {.c = rt_chan_new(bytes, 0), .bytes = bytes};
    char value[BIG];
    memset(value, 'v', sizeof value);
    for (int closing = 0; closing <= 1; closing++) {
        rt_go(receive_away, &a);
        while (!load_rlx(&a.c->receivers.head))
            rt_yield();
        if (closing)
            rt_close(a.c);
        else
            rt_send(a.c, value);
        for (int i = 0; i < BIG; i++)
            EXPECT(a.variable[i] == 'r'); /* not into a parked stack */
        while (a.variable)
            rt_yield();
        EXPECT(a.received == !closing);
    }
    rt_chan_free(&a.c);
    a.c = rt_chan_new(bytes, 0);
    rt_go(send_away, &a);
    while (!load_rlx(&a.c->senders.head))
        rt_yield();
    memset(a.variable, 'x', BIG); /* what was sent is what it was at the call */
    EXPECT(rt_recv(a.c, value));
    for (size_t i = 0; i < BIG; i++)
        EXPECT(value[i] == (i < bytes ? 's' : 'v'));
    while (a.variable)
        rt_yield();
    rt_chan_free(&a.c);
}

static void all_sizes_through_slots(void)
{
    static const size_t sizes[] = {0, 1, 8, RTI_WAITBOX_VALUE, RTI_WAITBOX_VALUE + 1, 64, BIG};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        through_a_slot(sizes[i]);
}

Test(chan_inside, values_pass_by_a_stack_that_may_be_copied_out)
{
    run_on(1, all_sizes_through_slots);
}
