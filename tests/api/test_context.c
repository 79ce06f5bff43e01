#include "goroutines.h"

#include <errno.h>

#include <rt/chan.h>
#include <rt/context.h>
#include <rt/sync.h>
#include <rt/time.h>

enum { MS = 1000000 };
static const int64_t HOUR = INT64_C(3600) * 1000 * MS;

static bool is_done(struct rt_context *c)
{
    return rt_try_recv(rt_context_done(c), NULL) == 0;
}

static bool ended_with(struct rt_context *c, int err, int cause)
{
    return is_done(c) && rt_context_err(c) == err && rt_context_cause(c) == cause;
}

/* --- cancelling --- */

static void first_cause_stays(void)
{
    struct rt_context *parent = rt_context_with_cancel(rt_context_background());
    struct rt_context *before = rt_context_with_cancel(parent), *after = rt_context_with_cancel(parent);
    rt_context_cancel_cause(before, -EIO); /* the child first: each keeps its own */
    rt_context_cancel_cause(parent, -EPIPE);
    rt_context_cancel_cause(after, -ENXIO); /* the parent first: it is the child's too */
    rt_context_cancel_cause(parent, -EIO);
    EXPECT(ended_with(before, -ECANCELED, -EIO));
    EXPECT(ended_with(parent, -ECANCELED, -EPIPE));
    EXPECT(ended_with(after, -ECANCELED, -EPIPE));
    struct rt_context *plain = rt_context_with_cancel(rt_context_background());
    rt_context_cancel_cause(plain, 0);
    EXPECT(ended_with(plain, -ECANCELED, -ECANCELED));
    rt_context_free(&before);
    rt_context_free(&after);
    rt_context_free(&parent);
    rt_context_free(&plain);
}

Test(context, the_first_cause_stays)
{
    run_everywhere(first_cause_stays);
}

static void same_answers(void)
{
    struct rt_context *c = rt_context_with_timeout(rt_context_background(), HOUR);
    struct rt_chan *done = rt_context_done(c);
    int64_t deadline = rt_context_deadline(c);
    EXPECT(done != NULL && rt_context_err(c) == 0 && rt_context_cause(c) == 0);
    rt_context_cancel(c);
    for (int i = 0; i < 3; i++)
        EXPECT(ended_with(c, -ECANCELED, -ECANCELED) && rt_context_done(c) == done &&
               rt_context_deadline(c) == deadline);
    rt_context_free(&c);
}

Test(context, successive_calls_give_the_same_answers)
{
    run_everywhere(same_answers);
}

static struct rt_waitgroup left;

static void cancel_it(void *arg)
{
    rt_context_cancel_cause(arg, -EPIPE);
    EXPECT(ended_with(arg, -ECANCELED, -EPIPE)); /* whoever was first: it is done when the call is back */
    rt_waitgroup_done(&left);
}

static void many_cancel(void)
{
    enum { CANCELLERS = 20 };
    for (int round = 0; round < 50; round++) {
        struct rt_context *c = rt_context_with_cancel(rt_context_background());
        rt_waitgroup_add(&left, CANCELLERS);
        for (int i = 0; i < CANCELLERS; i++)
            rt_go(cancel_it, c);
        rt_waitgroup_wait(&left);
        rt_context_free(&c);
    }
}

Test(context, many_may_cancel_at_the_same_time)
{
    run_everywhere(many_cancel);
}

static int written;

static void write_and_cancel(void *arg)
{
    struct rt_context *c = arg;
    written++;
    rt_context_cancel(c);
    rt_context_free(&c);
    rt_waitgroup_done(&left);
}

static void seen_after_done(void)
{
    for (int i = 0; i < 200; i++) {
        struct rt_context *c = rt_context_with_cancel(rt_context_background()), *child = rt_context_with_cancel(c);
        int before = written;
        rt_waitgroup_add(&left, 1);
        rt_go(write_and_cancel, rt_context_ref(c));
        EXPECT(!rt_recv(rt_context_done(child), NULL));
        EXPECT(written == before + 1);
        rt_waitgroup_wait(&left);
        rt_context_free(&child);
        rt_context_free(&c);
    }
}

Test(context, what_was_written_before_a_cancel_is_seen_after_done)
{
    run_everywhere(seen_after_done);
}

/* --- a deep tree: cancelling it costs no stack --- */

enum { DEPTH = 5000 };
static struct rt_context *chain[DEPTH];

static void cancel_the_chain(void *arg)
{
    rt_context_cancel_cause(arg, -EPIPE);
    rt_waitgroup_done(&left);
}

static void deep(void)
{
    struct rt_go_attr attr = {.stack = RT_STACK_16K};
    chain[0] = rt_context_with_cancel(rt_context_background());
    for (int i = 1; i < DEPTH; i++)
        chain[i] = i % 7 ? rt_context_with_cancel(chain[i - 1]) : rt_context_with_timeout(chain[i - 1], HOUR);
    rt_waitgroup_add(&left, 1);
    rt_go_attr(&attr, cancel_the_chain, chain[0]);
    rt_waitgroup_wait(&left);
    for (int i = 0; i < DEPTH; i++)
        EXPECT(ended_with(chain[i], -ECANCELED, -EPIPE));
    for (int i = 0; i < DEPTH; i++)
        rt_context_free(&chain[i]);
}

Test(context, a_cancel_reaches_the_end_of_a_deep_tree_on_a_small_stack)
{
    run_everywhere(deep);
}

/* --- deadlines --- */

static void deadlines_of_children(void)
{
    int64_t start = rt_now();
    struct rt_context *soon = rt_context_with_timeout(rt_context_background(), 3 * MS);
    struct rt_context *plain = rt_context_with_cancel(soon);
    struct rt_context *sooner = rt_context_with_deadline(soon, start + 1 * MS);
    EXPECT(rt_context_deadline(plain) == rt_context_deadline(soon));
    EXPECT(rt_context_deadline(sooner) == start + 1 * MS);
    EXPECT(!rt_recv(rt_context_done(sooner), NULL));
    EXPECT(rt_now() - start >= 1 * MS);
    EXPECT(!rt_recv(rt_context_done(plain), NULL));
    EXPECT(rt_now() - start >= 3 * MS);
    EXPECT(ended_with(sooner, -ETIMEDOUT, -ETIMEDOUT));
    EXPECT(ended_with(plain, -ETIMEDOUT, -ETIMEDOUT) && ended_with(soon, -ETIMEDOUT, -ETIMEDOUT));
    rt_context_cancel_cause(soon, -EPIPE); /* after the deadline: nothing */
    EXPECT(ended_with(soon, -ETIMEDOUT, -ETIMEDOUT));
    rt_context_free(&sooner);
    rt_context_free(&plain);
    rt_context_free(&soon);
}

Test(context, a_child_ends_with_the_sooner_of_the_deadlines)
{
    run_everywhere(deadlines_of_children);
}

static void cancelled_before_its_time(void)
{
    struct rt_context *c = rt_context_with_timeout(rt_context_background(), 2 * MS);
    rt_context_cancel(c);
    int err = rt_context_err(c); /* on a busy machine the deadline may have been first */
    EXPECT(err == -ECANCELED || err == -ETIMEDOUT);
    rt_sleep(4 * MS);
    EXPECT(ended_with(c, err, err));
    rt_context_free(&c);
    c = rt_context_with_timeout(rt_context_background(), 0);
    EXPECT(ended_with(c, -ETIMEDOUT, -ETIMEDOUT));
    rt_context_free(&c);
}

Test(context, a_deadline_after_a_cancel_changes_nothing)
{
    run_everywhere(cancelled_before_its_time);
}

static void stream(void *arg)
{
    struct rt_context *c = arg;
    struct rt_chan *out = rt_chan_new(sizeof(int), 0);
    int v = 0;
    struct rt_case cases[] = {rt_case_recv(rt_context_done(c), NULL), rt_case_send(out, &v)};
    EXPECT(rt_select(cases, 2, true) == 0 && !cases[0].ok);
    EXPECT(rt_context_err(c) == -ECANCELED);
    rt_chan_free(&out);
    rt_waitgroup_done(&left);
}

static void cancel_ends_a_select(void)
{
    struct rt_context *c = rt_context_with_cancel(rt_context_background());
    rt_waitgroup_add(&left, 10);
    for (int i = 0; i < 10; i++)
        rt_go(stream, c);
    for (int i = 0; i < 20; i++)
        rt_yield();
    rt_context_cancel(c);
    rt_waitgroup_wait(&left);
    rt_context_free(&c);
}

Test(context, done_is_a_case_of_a_select)
{
    run_everywhere(cancel_ends_a_select);
}
