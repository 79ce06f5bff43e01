#include "goroutines.h"

#include <errno.h>

#include <rt/chan.h>
#include <rt/context.h>
#include <rt/sync.h>
#include <rt/time.h>

enum { MS = 1000000 };

static bool is_done(struct rt_context *c)
{
    return rt_try_recv(rt_context_done(c), NULL) == 0;
}

static void a_tree(void)
{
    struct rt_context *root = rt_context_with_cancel(rt_context_background());
    struct rt_context *left = rt_context_with_cancel(root), *right = rt_context_with_cancel(root);
    struct rt_context *leaf = rt_context_with_timeout(left, INT64_C(3600) * 1000 * MS);
    EXPECT(rt_context_err(root) == 0 && rt_context_cause(root) == 0 && !is_done(root));
    rt_context_cancel_cause(left, -EPIPE);
    EXPECT(is_done(left) && rt_context_err(left) == -ECANCELED && rt_context_cause(left) == -EPIPE);
    EXPECT(is_done(leaf) && rt_context_err(leaf) == -ECANCELED && rt_context_cause(leaf) == -EPIPE);
    EXPECT(!is_done(root) && !is_done(right));
    rt_context_cancel(left); /* a second time changes nothing */
    EXPECT(rt_context_cause(left) == -EPIPE);
    struct rt_context *late = rt_context_with_cancel(left);
    EXPECT(is_done(late) && rt_context_cause(late) == -EPIPE);
    rt_context_cancel(root);
    EXPECT(is_done(right) && rt_context_cause(right) == -ECANCELED);
    struct rt_context **all[] = {&root, &left, &right, &leaf, &late};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        rt_context_free(all[i]);
        EXPECT(*all[i] == NULL);
    }
    rt_context_free(&root); /* NULL-safe */
}

Test(context, a_cancel_goes_down_the_tree_and_not_up)
{
    run_everywhere(a_tree);
}

static void deadlines(void)
{
    int64_t start = rt_now();
    struct rt_context *soon = rt_context_with_timeout(rt_context_background(), 2 * MS);
    struct rt_context *later = rt_context_with_timeout(soon, INT64_C(3600) * 1000 * MS);
    EXPECT(rt_context_deadline(later) == rt_context_deadline(soon));
    EXPECT(!rt_recv(rt_context_done(later), NULL));
    EXPECT(rt_now() - start >= 2 * MS);
    EXPECT(rt_context_err(later) == -ETIMEDOUT && rt_context_cause(soon) == -ETIMEDOUT);
    struct rt_context *past = rt_context_with_deadline(rt_context_background(), rt_now() - 1);
    EXPECT(is_done(past) && rt_context_err(past) == -ETIMEDOUT);
    rt_context_free(&past);
    rt_context_free(&soon); /* later holds it */
    EXPECT(rt_context_err(later) == -ETIMEDOUT);
    rt_context_free(&later);
}

Test(context, a_deadline_cancels_and_the_sooner_one_counts)
{
    run_everywhere(deadlines);
}

static void the_background(void)
{
    struct rt_context *b = rt_context_background();
    EXPECT(rt_context_done(b) == NULL && rt_context_err(b) == 0 && rt_context_deadline(b) == RT_NO_DEADLINE);
    rt_context_free(&b);
    EXPECT(rt_context_err(rt_context_background()) == 0);
}

static void cancel_background(void)
{
    rt_context_cancel(rt_context_background());
}

Test(context, the_background_is_never_cancelled)
{
    run_everywhere(the_background);
}

Test(context, cancelling_the_background_is_fatal)
{
    dies_saying(cancel_background, "cancel of the background context");
}

static void parent_goes_first(void)
{
    struct rt_context *parent = rt_context_with_cancel(rt_context_background());
    struct rt_context *child = rt_context_with_cancel(parent), *other = rt_context_ref(parent);
    rt_context_free(&parent);
    rt_context_free(&other);
    EXPECT(rt_context_err(child) == 0); /* it still holds its parent */
    rt_context_free(&child);
}

Test(context, a_child_keeps_its_parent)
{
    run_everywhere(parent_goes_first);
}

static struct rt_waitgroup left;
static _Atomic(int) stopped;

static void until_done(void *arg)
{
    struct rt_context *c = arg;
    if (!rt_recv(rt_context_done(c), NULL) && rt_context_err(c) != 0)
        atomic_fetch_add(&stopped, 1);
    rt_context_free(&c);
    rt_waitgroup_done(&left);
}

/* Makes and drops children of a context that is being cancelled, some with deadlines that come meanwhile. */
static void churn(void *arg)
{
    struct rt_context *c = arg;
    for (int i = 0; i < 200; i++) {
        struct rt_context *child = i % 2 ? rt_context_with_timeout(c, i % 8 * 1000) : rt_context_with_cancel(c);
        struct rt_context *grandchild = rt_context_with_cancel(child);
        if (i % 3 == 0)
            rt_context_cancel(child);
        if (i % 5 == 0)
            rt_yield();
        rt_context_free(&child);
        rt_context_free(&grandchild);
    }
    rt_context_free(&c);
    rt_waitgroup_done(&left);
}

static void storm(void)
{
    enum { WAITERS = 20, CHURNERS = 6 };
    atomic_store(&stopped, 0);
    struct rt_context *c = rt_context_with_timeout(rt_context_background(), INT64_C(3600) * 1000 * MS);
    rt_waitgroup_add(&left, WAITERS + CHURNERS);
    for (int i = 0; i < WAITERS; i++)
        rt_go(until_done, rt_context_ref(c));
    for (int i = 0; i < CHURNERS; i++)
        rt_go(churn, rt_context_ref(c));
    for (int i = 0; i < 20; i++)
        rt_yield();
    rt_context_cancel(c);
    rt_context_free(&c);
    rt_waitgroup_wait(&left);
    EXPECT(atomic_load(&stopped) == WAITERS);
}

Test(context, may_be_cancelled_while_children_come_and_go)
{
    for (int i = 0; i < 10; i++)
        run_everywhere(storm);
}
