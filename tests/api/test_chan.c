#include "goroutines.h"

#include <errno.h>

#include <rt/chan.h>
#include <rt/sync.h>

/* --- order and hand-over --- */

enum { SENT = 20000 };

static void count_up(void *arg)
{
    struct rt_chan *c = arg;
    for (int i = 0; i < SENT; i++)
        rt_send(c, &i);
    rt_close(c);
}

static void receive_in_order(size_t cap)
{
    struct rt_chan *c = rt_chan_new(sizeof(int), cap);
    int v = -1, next = 0;
    rt_go(count_up, c);
    while (rt_recv(c, &v))
        EXPECT(v == next++);
    EXPECT(next == SENT);
    EXPECT(v == 0);
    rt_chan_free(&c);
    EXPECT(c == NULL);
}

static void in_order(void)
{
    receive_in_order(0);
    receive_in_order(1);
    receive_in_order(128);
}

Test(chan, values_come_in_the_order_they_were_sent)
{
    run_everywhere(in_order);
}

struct handover {
    struct rt_chan *c;
    int box; /* plain: what the sender wrote before the send is seen after the receive, and the other way round */
};

static void take_and_reply(void *arg)
{
    struct handover *h = arg;
    for (int i = 0; i < 2000; i++) {
        EXPECT(rt_recv(h->c, NULL));
        EXPECT(h->box == 2 * i);
        h->box = 2 * i + 1;
        rt_send(h->c, NULL);
    }
}

static void synchronises(void)
{
    struct handover h = {.c = rt_chan_new(0, 0)};
    rt_go(take_and_reply, &h);
    for (int i = 0; i < 2000; i++) {
        h.box = 2 * i;
        rt_send(h.c, NULL);
        EXPECT(rt_recv(h.c, NULL));
        EXPECT(h.box == 2 * i + 1);
    }
    rt_chan_free(&h.c);
}

Test(chan, an_unbuffered_channel_without_a_value_synchronises_two_goroutines)
{
    run_everywhere(synchronises);
}

static void buffer_of_three(void)
{
    struct rt_chan *c = rt_chan_new(sizeof(int), 3);
    int v = 0;
    EXPECT(rt_chan_cap(c) == 3 && rt_chan_len(c) == 0);
    EXPECT(rt_try_recv(c, &v) == -EAGAIN);
    for (int lap = 0; lap < 5; lap++) { /* across the end of the ring */
        for (int i = 1; i <= 3; i++)
            rt_send(c, &i);
        int full = 9;
        EXPECT(rt_try_send(c, &full) == -EAGAIN);
        EXPECT(rt_chan_len(c) == 3);
        EXPECT(rt_try_recv(c, &v) == 1 && v == 1);
        EXPECT(rt_try_recv(c, &v) == 1 && v == 2);
        EXPECT(rt_try_send(c, &full) == 0);
        EXPECT(rt_recv(c, &v) && v == 3);
        EXPECT(rt_recv(c, &v) && v == 9);
    }
    rt_chan_free(&c);
}

Test(chan, a_buffer_takes_what_fits_and_no_more)
{
    run_everywhere(buffer_of_three);
}

static void nothing_and_null(void)
{
    struct rt_chan *nil = NULL;
    int v = 0;
    EXPECT(rt_try_send(nil, &v) == -EAGAIN);
    EXPECT(rt_try_recv(nil, &v) == -EAGAIN);
    EXPECT(rt_chan_len(nil) == 0 && rt_chan_cap(nil) == 0);
    rt_chan_free(&nil);

    struct rt_chan *unbuffered = rt_chan_new(sizeof(int), 0);
    EXPECT(rt_try_send(unbuffered, &v) == -EAGAIN);
    EXPECT(rt_try_recv(unbuffered, &v) == -EAGAIN);
    EXPECT(rt_chan_cap(unbuffered) == 0);
    rt_chan_free(&unbuffered);

    struct rt_chan *events = rt_chan_new(0, 1000000);
    for (int i = 0; i < 10; i++)
        rt_send(events, NULL);
    EXPECT(rt_chan_len(events) == 10);
    EXPECT(rt_recv(events, NULL));
    rt_chan_free(&events);
}

Test(chan, null_channels_and_empty_values_are_well_behaved)
{
    run_everywhere(nothing_and_null);
}

struct page {
    unsigned char byte[5000];
};

static void send_pages(void *arg)
{
    for (int i = 0; i < 50; i++) {
        struct page p;
        memset(&p, i, sizeof(p));
        rt_send(arg, &p);
    }
}

static void big_values(void)
{
    for (size_t cap = 0; cap < 4; cap += 3) {
        struct rt_chan *c = rt_chan_new(sizeof(struct page), cap);
        rt_go(send_pages, c);
        for (int i = 0; i < 50; i++) {
            struct page p, want;
            EXPECT(rt_recv(c, &p));
            memset(&want, i, sizeof(want));
            EXPECT(memcmp(&p, &want, sizeof(p)) == 0);
        }
        rt_chan_free(&c);
    }
}

Test(chan, big_values_arrive_whole)
{
    run_everywhere(big_values);
}

/* --- first come, first served. On one P a goroutine that was started runs until it parks. --- */

struct line {
    struct rt_chan *c;
    int number, got;
};

static void stand_in_line_to_receive(void *arg)
{
    struct line *l = arg;
    EXPECT(rt_recv(l->c, &l->got));
}

static void receivers_in_line(void)
{
    static struct line l[10];
    struct rt_chan *c = rt_chan_new(sizeof(int), 0);
    for (int i = 0; i < 10; i++) {
        l[i] = (struct line){.c = c, .got = -1};
        rt_go(stand_in_line_to_receive, &l[i]);
        rt_yield();
    }
    for (int i = 0; i < 10; i++)
        EXPECT(rt_try_send(c, &i) == 0);
    for (int i = 0; i < 20; i++)
        rt_yield();
    for (int i = 0; i < 10; i++)
        EXPECT(l[i].got == i);
    rt_chan_free(&c);
}

Test(chan, receivers_are_served_in_the_order_they_came)
{
    not_under_a_seed("the order of coming");
    run_on(1, receivers_in_line);
}

static void stand_in_line_to_send(void *arg)
{
    struct line *l = arg;
    rt_send(l->c, &l->number);
}

static void senders_in_line(void)
{
    static struct line l[10];
    struct rt_chan *c = rt_chan_new(sizeof(int), 2); /* the first two fit, the others wait behind them */
    for (int i = 0; i < 10; i++) {
        l[i] = (struct line){.c = c, .number = i};
        rt_go(stand_in_line_to_send, &l[i]);
        rt_yield();
    }
    for (int i = 0, v; i < 10; i++)
        EXPECT(rt_try_recv(c, &v) == 1 && v == i);
    rt_chan_free(&c);
}

Test(chan, senders_are_served_in_the_order_they_came)
{
    not_under_a_seed("the order of coming");
    run_on(1, senders_in_line);
}

/* --- closing --- */

static void close_drains(void)
{
    struct rt_chan *c = rt_chan_new(sizeof(int), 4);
    int v = 7;
    rt_send(c, &v);
    rt_send(c, &v);
    rt_close(c);
    EXPECT(rt_chan_len(c) == 2);
    EXPECT(rt_recv(c, &v) && v == 7);
    EXPECT(rt_try_recv(c, &v) == 1);
    v = 7;
    EXPECT(!rt_recv(c, &v) && v == 0);
    v = 7;
    EXPECT(rt_try_recv(c, &v) == 0 && v == 0);
    EXPECT(!rt_recv(c, NULL));
    rt_chan_free(&c);
}

Test(chan, a_closed_channel_gives_what_is_inside_and_then_zeroes)
{
    run_everywhere(close_drains);
}

struct crowd {
    struct rt_chan *c;
    struct rt_waitgroup left;
    _Atomic(int) closed, values;
};

static void receive_until_closed(void *arg)
{
    struct crowd *k = arg;
    int v = 1;
    while (rt_recv(k->c, &v)) {
        EXPECT(v == 5);
        atomic_fetch_add(&k->values, 1);
    }
    EXPECT(v == 0);
    atomic_fetch_add(&k->closed, 1);
    rt_waitgroup_done(&k->left);
}

static void close_wakes_a_crowd(void)
{
    enum { CROWD = 500, VALUES = 300 };
    struct crowd k = {.c = rt_chan_new(sizeof(int), 0)};
    rt_waitgroup_add(&k.left, CROWD);
    for (int i = 0; i < CROWD; i++)
        rt_go(receive_until_closed, &k);
    for (int i = 0, five = 5; i < VALUES; i++)
        rt_send(k.c, &five);
    rt_close(k.c);
    rt_waitgroup_wait(&k.left);
    EXPECT(k.closed == CROWD);
    EXPECT(k.values == VALUES);
    rt_chan_free(&k.c);
}

Test(chan, a_close_wakes_every_receiver_and_loses_no_value)
{
    run_everywhere(close_wakes_a_crowd);
}

static void send_on_closed(void)
{
    struct rt_chan *c = rt_chan_new(sizeof(int), 1);
    int v = 1;
    rt_close(c);
    rt_send(c, &v);
}

static void try_send_on_closed(void)
{
    struct rt_chan *c = rt_chan_new(sizeof(int), 1);
    int v = 1;
    rt_close(c);
    EXPECT(rt_try_send(c, &v) == -EAGAIN);
}

static void close_later(void *arg)
{
    rt_close(arg);
}

static void closed_while_sending(void)
{
    struct rt_chan *c = rt_chan_new(sizeof(int), 0);
    int v = 1;
    rt_go(close_later, c);
    rt_send(c, &v);
}

static void close_nil(void)
{
    rt_close(NULL);
}

static void close_twice(void)
{
    struct rt_chan *c = rt_chan_new(1, 0);
    rt_close(c);
    rt_close(c);
}

Test(chan, sending_on_a_closed_channel_is_fatal)
{
    dies_saying(send_on_closed, "send on closed channel");
    dies_saying(try_send_on_closed, "send on closed channel");
    dies_saying(closed_while_sending, "send on closed channel");
}

Test(chan, closing_nothing_or_twice_is_fatal)
{
    dies_saying(close_nil, "close of nil channel");
    dies_saying(close_twice, "close of closed channel");
}

static void too_big(void)
{
    EXPECT(rt_chan_new(65535, SIZE_MAX / 2));
}

static void element_too_big(void)
{
    EXPECT(rt_chan_new(65536, 0));
}

Test(chan, a_size_beyond_memory_is_fatal)
{
    dies_saying(too_big, "makechan: size out of range");
    dies_saying(element_too_big, "makechan: size out of range");
}

static void free_in_use(void)
{
    struct line l = {.c = rt_chan_new(sizeof(int), 0)};
    struct rt_chan *same = l.c;
    rt_go(stand_in_line_to_receive, &l);
    rt_yield(); /* one P: it waits by now */
    rt_chan_free(&same);
}

Test(chan, freeing_a_channel_that_somebody_waits_on_is_fatal)
{
    not_under_a_seed("the order of running");
    dies_saying(free_in_use, "free of a channel that a goroutine waits on");
}

static void receive_from_nil(void)
{
    EXPECT(rt_recv(NULL, NULL));
}

static void send_to_nil(void)
{
    rt_send(NULL, NULL);
}

Test(chan, a_null_channel_blocks_for_ever)
{
    dies_saying(receive_from_nil, "asleep");
    dies_saying(send_to_nil, "asleep");
}

/* --- what happens before what (plain memory: TSan says if it does not) --- */

enum { SLOTS = 3 };

static struct {
    struct rt_chan *c;
    int plain;
    struct rt_waitgroup left;
} before;

static void write_and_close(void *arg UNUSED)
{
    before.plain = 42;
    rt_close(before.c);
}

static void closed_after_the_write(void)
{
    for (int i = 0; i < 200; i++) {
        before.c = rt_chan_new(0, (size_t)i % 2);
        before.plain = 0;
        rt_go(write_and_close, NULL);
        if (i % 3 == 0)
            rt_yield();
        EXPECT(!rt_recv(before.c, NULL));
        EXPECT(before.plain == 42);
        rt_chan_free(&before.c);
    }
}

Test(chan, what_was_written_before_a_close_is_seen_after_it)
{
    run_everywhere(closed_after_the_write);
}

/* The k-th receive is before the completion of the (k + cap)-th send. */
static void enter_and_leave(void *arg UNUSED)
{
    for (int i = 0; i < 500; i++) {
        rt_send(before.c, NULL);
        before.plain++;
        if (i % 16 == 0)
            rt_yield();
        EXPECT(rt_recv(before.c, NULL));
    }
    rt_waitgroup_done(&before.left);
}

static void channel_as_a_lock(void)
{
    before.c = rt_chan_new(0, 1);
    before.plain = 0;
    rt_waitgroup_add(&before.left, 8);
    for (int i = 0; i < 8; i++)
        rt_go(enter_and_leave, NULL);
    rt_waitgroup_wait(&before.left);
    EXPECT(before.plain == 8 * 500);
    rt_chan_free(&before.c);
}

Test(chan, a_buffer_of_one_is_a_lock)
{
    run_everywhere(channel_as_a_lock);
}

static _Atomic(int) many_inside;

static void one_of_a_few(void *arg UNUSED)
{
    for (int i = 0; i < 300; i++) {
        rt_send(before.c, NULL);
        EXPECT(atomic_fetch_add(&many_inside, 1) < SLOTS);
        if (i % 16 == 0)
            rt_yield();
        atomic_fetch_sub(&many_inside, 1);
        EXPECT(rt_recv(before.c, NULL));
    }
    rt_waitgroup_done(&before.left);
}

static void channel_as_a_semaphore(void)
{
    before.c = rt_chan_new(0, SLOTS);
    rt_waitgroup_add(&before.left, 8);
    for (int i = 0; i < 8; i++)
        rt_go(one_of_a_few, NULL);
    rt_waitgroup_wait(&before.left);
    rt_chan_free(&before.c);
}

Test(chan, a_buffer_lets_as_many_in_as_it_holds)
{
    run_everywhere(channel_as_a_semaphore);
}

/* --- many to many --- */

struct market {
    struct rt_chan *c;
    struct rt_waitgroup producers, consumers;
    _Atomic(int64_t) sum, count;
};
enum { PRODUCERS = 8, CONSUMERS = 5, EACH = 2000 };

static void produce(void *arg)
{
    struct market *m = arg;
    for (int64_t i = 1; i <= EACH; i++)
        if (i % 4 != 0 || rt_try_send(m->c, &i) < 0)
            rt_send(m->c, &i);
    rt_waitgroup_done(&m->producers);
}

static void consume(void *arg)
{
    struct market *m = arg;
    int64_t v, sum = 0, count = 0;
    for (int got; (got = count % 3 ? -EAGAIN : rt_try_recv(m->c, &v)) != 0;) {
        if (got < 0 && !rt_recv(m->c, &v))
            break;
        sum += v;
        count++;
    }
    atomic_fetch_add(&m->sum, sum);
    atomic_fetch_add(&m->count, count);
    rt_waitgroup_done(&m->consumers);
}

static void trade(size_t cap)
{
    struct market m = {.c = rt_chan_new(sizeof(int64_t), cap)};
    rt_waitgroup_add(&m.producers, PRODUCERS);
    rt_waitgroup_add(&m.consumers, CONSUMERS);
    for (int i = 0; i < PRODUCERS; i++)
        rt_go(produce, &m);
    for (int i = 0; i < CONSUMERS; i++)
        rt_go(consume, &m);
    rt_waitgroup_wait(&m.producers);
    rt_close(m.c);
    rt_waitgroup_wait(&m.consumers);
    EXPECT(m.count == PRODUCERS * EACH);
    EXPECT(m.sum == (int64_t)PRODUCERS * EACH * (EACH + 1) / 2);
    rt_chan_free(&m.c);
}

static void many_to_many(void)
{
    trade(0);
    trade(1);
    trade(64);
}

Test(chan, many_senders_and_receivers_lose_and_double_nothing)
{
    run_everywhere(many_to_many);
}
