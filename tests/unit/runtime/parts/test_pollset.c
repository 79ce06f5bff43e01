#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/atomic.h"
#include "parts/pollset.h"

/* The set never looks into a G: any addresses above WAIT do. */
static struct g *const reader = (struct g *)(uintptr_t)0x1000;
static struct g *const writer = (struct g *)(uintptr_t)0x2000;

enum { AT_ONCE = 0, FOR_EVER = -1, MS = 1000000 };

static struct rti_pollset *set;
static int fds[2];
static struct rti_polldesc *desc;
static struct g *ready[RTI_POLLSET_READY_MAX];

static void setup(void)
{
    cr_assert_eq(rti_pollset_new(&set), 0);
    cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    cr_assert_eq(rti_pollset_open(set, fds[0], &desc), 0);
}

static void teardown(void)
{
    rti_pollset_free(&set);
    close(fds[0]);
    close(fds[1]);
}

static void park(struct rti_polldesc *d, enum rti_poll_dir dir, struct g *g)
{
    rti_pollset_take(d, dir);
    cr_assert_eq(rti_pollset_prepare(d, dir), 0);
    cr_assert(rti_pollset_commit(d, dir, g));
}

/* A new socket is writable: that edge is taken first where it is in the way. */
static void drain(void)
{
    (void)rti_pollset_wait(set, AT_ONCE, ready);
    rti_pollset_take(desc, RTI_POLL_READ);
    rti_pollset_take(desc, RTI_POLL_WRITE);
}

Test(pollset, a_waiter_is_handed_back_when_its_descriptor_becomes_readable, .init = setup, .fini = teardown)
{
    drain();
    park(desc, RTI_POLL_READ, reader);
    cr_assert_eq(rti_pollset_waiters(set), 1);
    cr_assert_eq(rti_pollset_wait(set, AT_ONCE, ready), 0);
    cr_assert_eq(write(fds[1], "x", 1), 1);
    cr_assert_eq(rti_pollset_wait(set, FOR_EVER, ready), 1);
    cr_assert_eq(ready[0], reader);
    cr_assert_eq(rti_pollset_waiters(set), 1, "in nobody's queue yet: no time to call everybody asleep");
    rti_pollset_delivered(set, 1);
    cr_assert_eq(rti_pollset_waiters(set), 0);
    cr_assert(rti_pollset_take(desc, RTI_POLL_READ), "the edge is its answer");
    cr_assert_not(rti_pollset_take(desc, RTI_POLL_READ), "once");
}

Test(pollset, an_edge_that_nobody_waits_for_is_remembered_once, .init = setup, .fini = teardown)
{
    drain();
    cr_assert_eq(write(fds[1], "x", 1), 1);
    cr_assert_eq(rti_pollset_wait(set, FOR_EVER, ready), 0);
    cr_assert_eq(rti_pollset_prepare(desc, RTI_POLL_READ), -EAGAIN);
    cr_assert(rti_pollset_take(desc, RTI_POLL_READ));
    cr_assert_eq(rti_pollset_prepare(desc, RTI_POLL_READ), 0);
}

Test(pollset, an_edge_between_prepare_and_commit_keeps_the_goroutine_running, .init = setup, .fini = teardown)
{
    drain();
    cr_assert_eq(rti_pollset_prepare(desc, RTI_POLL_READ), 0);
    cr_assert_eq(write(fds[1], "x", 1), 1);
    cr_assert_eq(rti_pollset_wait(set, FOR_EVER, ready), 0);
    cr_assert_not(rti_pollset_commit(desc, RTI_POLL_READ, reader));
    cr_assert(rti_pollset_take(desc, RTI_POLL_READ));
    cr_assert_eq(rti_pollset_waiters(set), 0);
}

Test(pollset, a_hang_up_wakes_both_directions, .init = setup, .fini = teardown)
{
    char full[4096] = {0};
    drain();
    while (write(fds[0], full, sizeof(full)) > 0) {
    }
    drain();
    park(desc, RTI_POLL_READ, reader);
    park(desc, RTI_POLL_WRITE, writer);
    close(fds[1]);
    cr_assert_eq(rti_pollset_wait(set, FOR_EVER, ready), 2);
    cr_assert_eq(ready[0], reader);
    cr_assert_eq(ready[1], writer);
    fds[1] = dup(fds[0]);
}

Test(pollset, two_waiters_for_one_direction_are_refused, .init = setup, .fini = teardown)
{
    drain();
    park(desc, RTI_POLL_READ, reader);
    cr_assert_eq(rti_pollset_prepare(desc, RTI_POLL_READ), -EBUSY);
    cr_assert_eq(rti_pollset_unblock(desc, RTI_POLL_READ, false), reader);
    cr_assert_null(rti_pollset_unblock(desc, RTI_POLL_READ, false));
}

Test(pollset, a_timeout_that_loses_against_an_event_finds_nobody, .init = setup, .fini = teardown)
{
    drain();
    park(desc, RTI_POLL_READ, reader);
    cr_assert_eq(rti_pollset_unblock(desc, RTI_POLL_READ, true), reader);
    cr_assert_null(rti_pollset_unblock(desc, RTI_POLL_READ, false));
    cr_assert(rti_pollset_take(desc, RTI_POLL_READ), "and does not take the edge away");
}

Test(pollset, closing_hands_back_every_waiter_and_refuses_new_ones, .init = setup, .fini = teardown)
{
    struct g *woken[RTI_POLL_DIRS];
    drain();
    cr_assert(rti_pollset_enter(desc), "the goroutine inside keeps the descriptor");
    park(desc, RTI_POLL_READ, reader);
    park(desc, RTI_POLL_WRITE, writer);
    cr_assert_eq(rti_pollset_close(desc, false, woken), 2);
    cr_assert_eq(woken[0], reader);
    cr_assert_eq(woken[1], writer);
    cr_assert_not(rti_pollset_enter(desc));
    cr_assert_eq(rti_pollset_prepare(desc, RTI_POLL_READ), -EAGAIN, "look again: it is closed");
    cr_assert_eq(rti_pollset_close(desc, false, woken), 0);
    rti_pollset_leave(desc);
}

Test(pollset, a_closed_descriptor_is_reused_only_after_the_last_one_left, .init = setup, .fini = teardown)
{
    struct g *woken[RTI_POLL_DIRS];
    struct rti_polldesc *second, *third;
    cr_assert(rti_pollset_enter(desc));
    rti_pollset_close(desc, false, woken);
    cr_assert_eq(rti_pollset_open(set, fds[0], &second), 0);
    cr_assert_neq(second, desc);
    rti_pollset_leave(desc);
    cr_assert_eq(rti_pollset_open(set, fds[1], &third), 0);
    cr_assert_eq(third, desc);
}

Test(pollset, the_descriptor_is_closed_by_the_last_one_out_if_asked_for, .init = setup, .fini = teardown)
{
    struct g *woken[RTI_POLL_DIRS];
    cr_assert(rti_pollset_enter(desc));
    rti_pollset_close(desc, true, woken);
    cr_assert_geq(fcntl(fds[0], F_GETFD), 0, "somebody may still be reading");
    rti_pollset_leave(desc);
    cr_assert_eq(fcntl(fds[0], F_GETFD), -1);
    fds[0] = dup(fds[1]);
}

/* epoll keeps an entry alive as long as any duplicate of the file is open. So an event of before can still come when
 * its record has a new owner already. */
Test(pollset, an_event_of_the_former_owner_of_a_record_is_ignored, .init = setup, .fini = teardown)
{
    struct g *woken[RTI_POLL_DIRS];
    struct rti_polldesc *next;
    int pipe_fds[2], spare = dup(fds[0]), number = fds[0];
    drain();
    close(number); /* the entry stays: the file lives on in spare, and the number is no key to it any more */
    cr_assert_eq(pipe2(pipe_fds, O_NONBLOCK), 0);
    rti_pollset_close(desc, false, woken);
    cr_assert_eq(rti_pollset_open(set, pipe_fds[0], &next), 0);
    cr_assert_eq(next, desc);
    park(next, RTI_POLL_READ, reader);
    cr_assert_eq(write(fds[1], "x", 1), 1, "an event for the old owner");
    cr_assert_eq(rti_pollset_wait(set, 20 * MS, ready), 0);
    cr_assert_eq(rti_pollset_waiters(set), 1);
    cr_assert_eq(write(pipe_fds[1], "x", 1), 1);
    cr_assert_eq(rti_pollset_wait(set, FOR_EVER, ready), 1);
    cr_assert_eq(ready[0], reader);
    fds[0] = spare;
}

Test(pollset, what_epoll_cannot_watch_is_refused_and_leaves_nothing_behind, .init = setup, .fini = teardown)
{
    struct rti_polldesc *d = NULL, *again;
    FILE *file = tmpfile();
    cr_assert_eq(rti_pollset_open(set, fileno(file), &d), -EPERM);
    cr_assert_eq(rti_pollset_open(set, -1, &d), -EBADF);
    cr_assert_eq(rti_pollset_open(set, fds[0], &d), -EEXIST);
    cr_assert_null(d);
    cr_assert_eq(rti_pollset_open(set, fds[1], &again), 0);
    cr_assert_eq(again->index, 1, "the records of the failures were given back");
    fclose(file);
}

Test(pollset, a_break_ends_the_next_blocking_wait_and_many_count_as_one, .init = setup, .fini = teardown)
{
    for (int i = 0; i < 5; i++)
        rti_pollset_break(set);
    cr_assert_eq(rti_pollset_wait(set, AT_ONCE, ready), 0, "a look does not use it up");
    cr_assert_eq(rti_pollset_wait(set, FOR_EVER, ready), 0);
    drain();
    park(desc, RTI_POLL_READ, reader);
    cr_assert_eq(write(fds[1], "x", 1), 1);
    cr_assert_eq(rti_pollset_wait(set, FOR_EVER, ready), 1, "no break is left over");
}

static void *break_it(void *arg)
{
    rti_pollset_break(arg);
    return NULL;
}

Test(pollset, a_break_from_another_thread_ends_a_wait_without_events, .init = setup, .fini = teardown)
{
    pthread_t thread;
    drain();
    for (int i = 0; i < 20; i++) {
        cr_assert_eq(pthread_create(&thread, NULL, break_it, set), 0);
        cr_assert_eq(rti_pollset_wait(set, FOR_EVER, ready), 0);
        pthread_join(thread, NULL);
    }
}

static int64_t waited(int64_t timeout_ns)
{
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    cr_assert_eq(rti_pollset_wait(set, timeout_ns, ready), 0);
    clock_gettime(CLOCK_MONOTONIC, &b);
    return (b.tv_sec - a.tv_sec) * 1000000000LL + b.tv_nsec - a.tv_nsec;
}

Test(pollset, a_wait_is_never_shorter_than_asked_for, .init = setup, .fini = teardown)
{
    drain();
    cr_assert_geq(waited(300000), 300000);
    rti_pollset_coarse(set);
    cr_assert_geq(waited(300000), 300000, "in whole milliseconds, rounded up");
}

Test(pollset, eventfds_and_timerfds_can_be_waited_for, .init = setup, .fini = teardown)
{
    struct rti_polldesc *event, *timer;
    int efd = eventfd(0, EFD_NONBLOCK), tfd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    drain();
    cr_assert_eq(rti_pollset_open(set, efd, &event), 0);
    cr_assert_eq(rti_pollset_open(set, tfd, &timer), 0);
    (void)rti_pollset_wait(set, AT_ONCE, ready);
    park(event, RTI_POLL_READ, reader);
    park(timer, RTI_POLL_READ, writer);
    struct itimerspec soon = {.it_value = {.tv_nsec = 1000}};
    cr_assert_eq(timerfd_settime(tfd, 0, &soon, NULL), 0);
    cr_assert_eq(rti_pollset_wait(set, FOR_EVER, ready), 1);
    cr_assert_eq(ready[0], writer);
    uint64_t one = 1;
    cr_assert_eq(write(efd, &one, sizeof(one)), (ssize_t)sizeof(one));
    cr_assert_eq(rti_pollset_wait(set, FOR_EVER, ready), 1);
    cr_assert_eq(ready[0], reader);
    close(efd);
    close(tfd);
}

Test(pollset, more_descriptors_than_a_wait_can_report_all_come_in_the_end, .init = setup, .fini = teardown)
{
    enum { PAIRS = 300 };
    static struct rti_polldesc *d[PAIRS];
    static int in[PAIRS], out[PAIRS];
    drain();
    for (int i = 0; i < PAIRS; i++) {
        int p[2];
        cr_assert_eq(pipe2(p, O_NONBLOCK), 0);
        in[i] = p[0];
        out[i] = p[1];
        cr_assert_eq(rti_pollset_open(set, in[i], &d[i]), 0);
        park(d[i], RTI_POLL_READ, (struct g *)(uintptr_t)(0x10000 + i * 64));
        cr_assert_eq(write(out[i], "x", 1), 1);
    }
    cr_assert_eq(rti_pollset_waiters(set), PAIRS);
    int found = 0;
    while (found < PAIRS) {
        int n = rti_pollset_wait(set, FOR_EVER, ready);
        cr_assert_leq(n, RTI_POLLSET_READY_MAX);
        rti_pollset_delivered(set, n);
        found += n;
    }
    cr_assert_eq(found, PAIRS);
    cr_assert_eq(rti_pollset_waiters(set), 0);
    for (int i = 0; i < PAIRS; i++) {
        close(in[i]);
        close(out[i]);
    }
}

/* Two threads, one that waits like a goroutine, one that ends the waits: whoever takes the G out of the word is one. */
struct duel {
    _Atomic(int) woken, round;
};

static void *duel_events(void *arg)
{
    struct duel *d = arg;
    while (load_acq(&d->round) >= 0)
        if (rti_pollset_unblock(desc, RTI_POLL_READ, true))
            add_seq(&d->woken, 1);
    return NULL;
}

Test(pollset, of_an_event_and_a_timeout_at_the_same_moment_exactly_one_wakes, .init = setup, .fini = teardown)
{
    struct duel d = {0};
    pthread_t thread;
    int parked = 0;
    drain();
    cr_assert_eq(pthread_create(&thread, NULL, duel_events, &d), 0);
    for (int i = 0; i < 20000; i++) {
        rti_pollset_take(desc, RTI_POLL_READ);
        if (rti_pollset_prepare(desc, RTI_POLL_READ) != 0 || !rti_pollset_commit(desc, RTI_POLL_READ, reader))
            continue;
        parked++;
        if (rti_pollset_unblock(desc, RTI_POLL_READ, false))
            add_seq(&d.woken, 1);
        while (load_acq(&d.woken) < parked) {
        }
    }
    store_rel(&d.round, -1);
    pthread_join(thread, NULL);
    cr_assert_eq(d.woken, parked);
    cr_assert_eq(rti_pollset_waiters(set), 0);
}

/* --- what a short read proves --- */

enum { ROOM = 10 };

/* As a reader that finds data, reads it all, and finds nothing when it tries again. */
static void short_read_then_nothing(void)
{
    uint32_t edges = rti_pollset_edges(desc);
    rti_pollset_note(desc, edges, 1, ROOM);
    if (!rti_pollset_dry(desc))
        rti_pollset_note(desc, edges, -EAGAIN, ROOM);
}

static void event(void)
{
    cr_assert_eq(write(fds[1], "x", 1), 1);
    (void)rti_pollset_wait(set, AT_ONCE, ready);
}

static void sure(void)
{
    drain();
    desc->tcp = true; /* as far as this goes, a local socket is like it */
    for (int i = 0; i < 4; i++)
        short_read_then_nothing();
    rti_pollset_note(desc, rti_pollset_edges(desc), 1, ROOM);
    cr_assert(rti_pollset_dry(desc));
}

Test(pollset, a_short_read_proves_nothing_until_it_has_done_so_four_times, .init = setup, .fini = teardown)
{
    drain();
    desc->tcp = true;
    for (int i = 0; i < 4; i++) {
        rti_pollset_note(desc, rti_pollset_edges(desc), 1, ROOM);
        cr_assert_not(rti_pollset_dry(desc), "after %d", i);
        rti_pollset_note(desc, rti_pollset_edges(desc), -EAGAIN, ROOM);
    }
    cr_assert_not(rti_pollset_dry(desc), "after a read that found nothing there was a wait");
    rti_pollset_note(desc, rti_pollset_edges(desc), ROOM, ROOM);
    cr_assert_not(rti_pollset_dry(desc), "a full read");
    rti_pollset_note(desc, rti_pollset_edges(desc), 1, ROOM);
    cr_assert(rti_pollset_dry(desc));
    cr_assert_not(rti_pollset_dry(desc), "once");
}

Test(pollset, a_short_read_proves_nothing_of_what_is_no_tcp_socket, .init = setup, .fini = teardown)
{
    sure();
    desc->tcp = false;
    rti_pollset_note(desc, rti_pollset_edges(desc), 1, ROOM);
    cr_assert_not(rti_pollset_dry(desc));
}

Test(pollset, an_event_after_a_short_read_ends_what_it_proved, .init = setup, .fini = teardown)
{
    sure();
    rti_pollset_note(desc, rti_pollset_edges(desc), 1, ROOM);
    event();
    cr_assert_not(rti_pollset_dry(desc));
}

Test(pollset, an_event_during_a_short_read_counts_as_after_it, .init = setup, .fini = teardown)
{
    sure();
    uint32_t edges = rti_pollset_edges(desc);
    event();
    rti_pollset_note(desc, edges, 1, ROOM);
    cr_assert_not(rti_pollset_dry(desc));
}

Test(pollset, after_a_hang_up_a_short_read_proves_nothing, .init = setup, .fini = teardown)
{
    sure();
    cr_assert_eq(shutdown(fds[1], SHUT_WR), 0);
    (void)rti_pollset_wait(set, AT_ONCE, ready);
    rti_pollset_note(desc, rti_pollset_edges(desc), 1, ROOM);
    cr_assert_not(rti_pollset_dry(desc));
}

Test(pollset, what_a_short_read_proves_is_put_to_the_test_now_and_then, .init = setup, .fini = teardown)
{
    int in_a_row = 0;
    sure();
    for (int i = 0; i < 100 && in_a_row == i; i++) {
        rti_pollset_note(desc, rti_pollset_edges(desc), 1, ROOM);
        in_a_row += rti_pollset_dry(desc);
    }
    cr_assert_eq(in_a_row, 15); /* and the one in sure() */
    rti_pollset_note(desc, rti_pollset_edges(desc), -EAGAIN, ROOM);
    rti_pollset_note(desc, rti_pollset_edges(desc), 1, ROOM);
    cr_assert(rti_pollset_dry(desc), "once more there was nothing");
}

Test(pollset, data_that_was_there_after_a_short_read_ends_the_shortcut, .init = setup, .fini = teardown)
{
    sure();
    while (rti_pollset_note(desc, rti_pollset_edges(desc), 1, ROOM), rti_pollset_dry(desc))
        continue;
    rti_pollset_note(desc, rti_pollset_edges(desc), 1, ROOM); /* the test: something was there */
    for (int i = 0; i < 4; i++) {
        cr_assert_not(rti_pollset_dry(desc));
        rti_pollset_note(desc, rti_pollset_edges(desc), -EAGAIN, ROOM);
        rti_pollset_note(desc, rti_pollset_edges(desc), 1, ROOM);
    }
    cr_assert(rti_pollset_dry(desc));
}
