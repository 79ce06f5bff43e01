/* A tree: each context knows its children while neither is cancelled. Cancelling goes down with the mutex of the parent
 * held, so a child in that walk cannot go away: it must leave its parent first, under the same mutex. Locks are taken
 * from parent to child only (after Go's context/context.go). */
#include <rt/context.h>

#include <errno.h>
#include <stdlib.h>

#include "base/atomic.h"
#include <rt/chan.h>
#include <rt/check.h>
#include <rt/sync.h>
#include <rt/time.h>

struct rt_context {
    struct rt_context *parent; /* held: one of its holders. NULL for the background */
    struct rt_chan *done;      /* NULL for the background */
    int64_t deadline_ns;
    _Atomic(uint32_t) holders; /* the last one cancels */
    _Atomic(uint32_t) refs;    /* to the memory: one of all holders together, one of the timer */
    _Atomic(int) err;          /* 0 open; stored once (rel), after cause, under mutex */
    int cause;
    struct rt_mutex mutex;  /* guards what follows, and storing err */
    struct rt_timer *timer; /* NULL: none of its own */
    struct rt_context *children;
    /* under the parent's mutex */
    struct rt_context *next, **prev_next; /* NULL: not in its list */
};

static struct rt_context background = {.deadline_ns = RT_NO_DEADLINE};

struct rt_context *rt_context_background(void)
{
    return &background;
}

/* The last reference gives the memory back, and hands its hold on the parent to the caller. NULL otherwise. */
static struct rt_context *unref(struct rt_context *c)
{
    if (sub_acq_rel(&c->refs, 1) != 1)
        return NULL;
    struct rt_context *parent = c->parent;
    rt_timer_free(&c->timer);
    rt_chan_free(&c->done);
    free(c);
    return parent;
}

static void unlink_locked(struct rt_context *c)
{
    if (!c->prev_next)
        return;
    *c->prev_next = c->next;
    if (c->next)
        c->next->prev_next = c->prev_next;
    c->prev_next = NULL;
}

/* Afterwards no walk of the parent knows c, nor is one still inside it. */
static void leave_parent(struct rt_context *c)
{
    if (c->parent == &background)
        return;
    rt_mutex_lock(&c->parent->mutex);
    unlink_locked(c);
    rt_mutex_unlock(&c->parent->mutex);
}

/* Locks c, which ends; false, and it is not locked: it has ended before. */
static bool begin_cancel(struct rt_context *c, int err, int cause)
{
    rt_mutex_lock(&c->mutex);
    if (load_rlx(&c->err) != 0) {
        rt_mutex_unlock(&c->mutex);
        return false;
    }
    c->cause = cause;
    store_rel(&c->err, err); /* pairs with load_acq in rt_context_err */
    rt_close(c->done);
    return true;
}

/* Its children have ended. */
static void end_cancel_locked(struct rt_context *c)
{
    if (c->timer && rt_timer_stop(c->timer)) {
        uint32_t refs = sub_acq_rel(&c->refs, 1); /* the timer's */
        CHECK(refs > 1);
    }
    rt_mutex_unlock(&c->mutex);
}

/* The caller keeps top in memory: it holds it, or the mutex of the parent in whose list it was. Down to the leaves and
 * up again in a loop, as a tree may be deeper than a stack; everybody on the way from top is locked meanwhile. */
static void cancel(struct rt_context *top, int err, int cause)
{
    if (!begin_cancel(top, err, cause))
        return;
    for (struct rt_context *c = top;;) {
        struct rt_context *child = c->children;
        if (child) {
            unlink_locked(child);
            c = begin_cancel(child, err, cause) ? child : c;
            continue;
        }
        struct rt_context *parent = c->parent; /* once unlocked, c may be gone */
        end_cancel_locked(c);
        if (c == top)
            return;
        c = parent;
    }
}

static void on_deadline(void *arg)
{
    struct rt_context *c = arg;
    cancel(c, -ETIMEDOUT, -ETIMEDOUT);
    leave_parent(c);
    struct rt_context *parent = unref(c);
    rt_context_free(&parent);
}

/* Into the parent's list, or cancelled as the parent is. */
static void adopt(struct rt_context *parent, struct rt_context *c)
{
    if (parent == &background)
        return;
    rt_mutex_lock(&parent->mutex);
    int err = load_rlx(&parent->err);
    if (err == 0) {
        c->next = parent->children;
        c->prev_next = &parent->children;
        if (c->next)
            c->next->prev_next = &c->next;
        parent->children = c;
    }
    rt_mutex_unlock(&parent->mutex);
    if (err != 0)
        cancel(c, err, parent->cause);
}

static struct rt_context *make(struct rt_context *parent, int64_t deadline_ns)
{
    struct rt_context *c = calloc(1, sizeof(*c));
    if (!c)
        rt_throw("context: out of memory");
    c->parent = rt_context_ref(parent);
    c->done = rt_chan_new(0, 0);
    c->deadline_ns = deadline_ns;
    store_rlx(&c->holders, 1);
    store_rlx(&c->refs, 1);
    return c;
}

struct rt_context *rt_context_with_cancel(struct rt_context *parent)
{
    struct rt_context *c = make(parent, parent->deadline_ns);
    adopt(parent, c);
    return c;
}

struct rt_context *rt_context_with_deadline(struct rt_context *parent, int64_t deadline_ns)
{
    if (parent->deadline_ns <= deadline_ns)
        return rt_context_with_cancel(parent);
    struct rt_context *c = make(parent, deadline_ns);
    int64_t left = deadline_ns - rt_now();
    if (left <= 0) {
        cancel(c, -ETIMEDOUT, -ETIMEDOUT);
        return c;
    }
    rt_mutex_lock(&c->mutex); /* it may fire before we know what it is called */
    store_rlx(&c->refs, 2);
    c->timer = rt_after_func(left, on_deadline, c);
    rt_mutex_unlock(&c->mutex);
    adopt(parent, c);
    return c;
}

struct rt_context *rt_context_with_timeout(struct rt_context *parent, int64_t ns)
{
    return rt_context_with_deadline(parent, rt_deadline(ns));
}

struct rt_context *rt_context_ref(struct rt_context *self)
{
    if (self != &background)
        add_rlx(&self->holders, 1);
    return self;
}

void rt_context_free(struct rt_context **self_p)
{
    struct rt_context *c = *self_p;
    *self_p = NULL;
    /* Up the tree in a loop: a context that goes may have been the last holder of its parent. */
    while (c && c != &background && sub_acq_rel(&c->holders, 1) == 1) {
        cancel(c, -ECANCELED, -ECANCELED);
        leave_parent(c);
        c = unref(c);
    }
}

void rt_context_cancel(struct rt_context *self)
{
    rt_context_cancel_cause(self, -ECANCELED);
}

void rt_context_cancel_cause(struct rt_context *self, int cause)
{
    if (self == &background)
        rt_throw("cancel of the background context");
    cancel(self, -ECANCELED, cause < 0 ? cause : -ECANCELED);
    leave_parent(self);
}

struct rt_chan *rt_context_done(struct rt_context *self)
{
    return self->done;
}

int rt_context_err(const struct rt_context *self)
{
    return load_acq(&((struct rt_context *)(uintptr_t)self)->err); /* pairs with store_rel in cancel */
}

int rt_context_cause(const struct rt_context *self)
{
    return rt_context_err(self) == 0 ? 0 : self->cause;
}

int64_t rt_context_deadline(const struct rt_context *self)
{
    return self->deadline_ns;
}
