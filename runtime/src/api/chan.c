#include "api/chan.h"

#include <errno.h>
#include <stdlib.h>

#include "api/time.h"
#include "sched/sched.h"
#include <rt/check.h>

enum { ELEM_MAX = 65535 };

void rti_chan_init(struct rt_chan *self, size_t elem_bytes, size_t cap, char *buf)
{
    *self = (struct rt_chan){.elem_bytes = (uint32_t)elem_bytes, .cap = cap, .buf = buf};
    rti_lock_init(&self->lock, RTI_RANK_API);
}

struct rt_chan *rt_chan_new(size_t elem_bytes, size_t cap)
{
    size_t bytes;
    if (elem_bytes > ELEM_MAX || __builtin_mul_overflow(elem_bytes, cap, &bytes) || cap > PTRDIFF_MAX ||
        __builtin_add_overflow(bytes, sizeof(struct rt_chan), &bytes))
        rt_throw("makechan: size out of range");
    struct rt_chan *self = bytes <= PTRDIFF_MAX ? malloc(bytes) : NULL;
    if (!self)
        rt_throw("makechan: size out of range");
    rti_chan_init(self, elem_bytes, cap, (char *)(self + 1));
    return self;
}

void rti_chan_throw_waited_on(void)
{
    rt_throw("free of a channel that a goroutine waits on");
}

void rt_chan_free(struct rt_chan **self_p)
{
    struct rt_chan *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    if (self->timer) {
        rti_time_free_after(self->timer);
        return;
    }
    rti_lock_acquire(&self->lock);
    bool idle = rti_chan_is_idle_locked(self);
    rti_lock_release(&self->lock);
    if (!idle)
        rti_chan_throw_waited_on();
    free(self);
}

/* --- one attempt, with the lock held --- */

static char *element(struct rt_chan *c, size_t i)
{
    return c->buf + i * c->elem_bytes;
}

static size_t after(const struct rt_chan *c, size_t i)
{
    return i + 1 == c->cap ? 0 : i + 1;
}

static void put_locked(struct rt_chan *c, const void *value)
{
    rti_waiter_copy(element(c, c->send_at), value, c->elem_bytes);
    c->send_at = after(c, c->send_at);
    store_rlx(&c->count, load_rlx(&c->count) + 1);
}

static void take_locked(struct rt_chan *c, void *value)
{
    rti_waiter_copy(value, element(c, c->recv_at), c->elem_bytes);
    c->recv_at = after(c, c->recv_at);
    store_rlx(&c->count, load_rlx(&c->count) - 1);
}

static ALWAYS_INLINE enum rti_chan_try send_locked(struct rt_chan *self, const void *value, struct g **wake)
{
    *wake = NULL;
    if (UNLIKELY(load_rlx(&self->closed)))
        return RTI_CHAN_CLOSED;
    struct rti_waiter *w = rti_waiter_pop(&self->receivers);
    if (w) {
        rti_waiter_copy(w->value, value, self->elem_bytes);
        *wake = rti_waiter_answer(w, RTI_WOKEN_VALUE);
        return RTI_CHAN_DONE;
    }
    if (load_rlx(&self->count) >= self->cap)
        return RTI_CHAN_WAIT;
    put_locked(self, value);
    return RTI_CHAN_DONE;
}

static void zero(void *value, size_t bytes)
{
    if (value && bytes > 0)
        memset(value, 0, bytes);
}

static ALWAYS_INLINE enum rti_chan_try recv_locked(struct rt_chan *self, void *value, struct g **wake)
{
    *wake = NULL;
    bool buffered = load_rlx(&self->count) > 0;
    if (buffered)
        take_locked(self, value);
    struct rti_waiter *w = rti_waiter_pop(&self->senders);
    if (w) { /* of a full buffer: its value takes the place that became free, so that the order is kept */
        if (buffered)
            put_locked(self, w->value);
        else
            rti_waiter_copy(value, w->value, self->elem_bytes);
        *wake = rti_waiter_answer(w, RTI_WOKEN_VALUE);
        return RTI_CHAN_DONE;
    }
    if (buffered)
        return RTI_CHAN_DONE;
    if (!load_rlx(&self->closed))
        return RTI_CHAN_WAIT;
    if (UNLIKELY(self->timer != NULL))
        return rti_time_recv_locked(self->timer, value);
    zero(value, self->elem_bytes);
    return RTI_CHAN_CLOSED;
}

enum rti_chan_try rti_chan_send_locked(struct rt_chan *self, const void *value, struct g **wake)
{
    return send_locked(self, value, wake);
}

enum rti_chan_try rti_chan_recv_locked(struct rt_chan *self, void *value, struct g **wake)
{
    return recv_locked(self, value, wake);
}

/* --- waiting --- */

void rti_chan_throw_closed_send(void)
{
    rt_throw("send on closed channel");
}

/* Where the value passes of a goroutine whose stack may be copied out: a sender's copy of it, or room for a receiver's.
 */
static NOINLINE void *slot_for(struct g *g, const void *sent, size_t bytes)
{
    void *slot = bytes <= RTI_WAITBOX_VALUE ? g->box.value : malloc(bytes);
    if (!slot)
        rt_throw("out of memory for a value of %zu bytes on its way through a channel", bytes);
    rti_waiter_copy(slot, sent, bytes);
    return slot;
}

static NOINLINE void leave_slot(struct g *g, void *slot, void *received, size_t bytes)
{
    rti_waiter_copy(received, slot, bytes);
    if (slot != g->box.value)
        free(slot);
}

/* Returns what the waker left. The channel may be gone by then. */
static ALWAYS_INLINE int32_t wait_locked(struct rt_chan *c, struct rti_waitq *q, void *value, enum rti_wait why)
{
    struct g *g = rti_waiter_self();
    size_t bytes = c->elem_bytes;
    void *at = value;
    if (UNLIKELY(g->may_hibernate) && value)
        at = slot_for(g, why == RTI_WAIT_CHAN_SEND ? value : NULL, bytes);
    g->box.waiter = (struct rti_waiter){.g = g, .value = at};
    rti_waiter_push(q, &g->box.waiter);
    if (UNLIKELY(load_rlx(&c->closed))) /* it is open, so it is a timer's */
        rti_time_wait_locked(c->timer);
    rti_sched_park_unlock(&c->lock, why);
    if (UNLIKELY(at != value))
        leave_slot(g, at, why == RTI_WAIT_CHAN_SEND ? NULL : value, bytes);
    return g->result;
}

/* On a nil channel: nobody can ever find and ready this goroutine. */
NORETURN static void wait_for_ever(enum rti_wait why)
{
    for (;;)
        rti_sched_park(NULL, NULL, why);
}

/* The waiting halves are functions of their own: the other halves need no frame, and these return by a jump. */
RTI_RETURNS_BY_JUMP static NOINLINE void send_waiting(struct rt_chan *self, const void *value)
{
    /* the record serves both directions; a sender's variable is only read */
    void *from = (void *)(uintptr_t)value;
    if (wait_locked(self, &self->senders, from, RTI_WAIT_CHAN_SEND) == RTI_WOKEN_CLOSED)
        rti_chan_throw_closed_send();
}

RTI_RETURNS_BY_JUMP static NOINLINE bool recv_waiting(struct rt_chan *self, void *value)
{
    return wait_locked(self, &self->receivers, value, RTI_WAIT_CHAN_RECEIVE) == RTI_WOKEN_VALUE;
}

void rt_send(struct rt_chan *self, const void *value)
{
    if (UNLIKELY(!self))
        wait_for_ever(RTI_WAIT_CHAN_SEND_NIL);
    struct g *wake;
    rti_lock_acquire(&self->lock);
    enum rti_chan_try did = send_locked(self, value, &wake);
    if (did == RTI_CHAN_WAIT) {
        send_waiting(self, value);
        return;
    }
    rti_lock_release(&self->lock);
    if (wake)
        rti_sched_ready(wake);
    else if (UNLIKELY(did == RTI_CHAN_CLOSED))
        rti_chan_throw_closed_send();
}

bool rt_recv(struct rt_chan *self, void *value)
{
    if (UNLIKELY(!self))
        wait_for_ever(RTI_WAIT_CHAN_RECEIVE_NIL);
    struct g *wake;
    rti_lock_acquire(&self->lock);
    enum rti_chan_try did = recv_locked(self, value, &wake);
    if (did == RTI_CHAN_WAIT)
        return recv_waiting(self, value);
    rti_lock_release(&self->lock);
    if (wake)
        rti_sched_ready(wake);
    return did == RTI_CHAN_DONE;
}

int rt_try_send(struct rt_chan *self, const void *value)
{
    if (!self || !rti_chan_may_send(self))
        return -EAGAIN;
    struct g *wake;
    rti_lock_acquire(&self->lock);
    enum rti_chan_try did = rti_chan_send_locked(self, value, &wake);
    rti_lock_release(&self->lock);
    if (wake)
        rti_sched_ready(wake);
    if (UNLIKELY(did == RTI_CHAN_CLOSED))
        rti_chan_throw_closed_send();
    return did == RTI_CHAN_DONE ? 0 : -EAGAIN;
}

int rt_try_recv(struct rt_chan *self, void *value)
{
    if (!self || !rti_chan_may_recv(self))
        return -EAGAIN;
    struct g *wake;
    rti_lock_acquire(&self->lock);
    enum rti_chan_try did = rti_chan_recv_locked(self, value, &wake);
    rti_lock_release(&self->lock);
    if (wake)
        rti_sched_ready(wake);
    return did == RTI_CHAN_WAIT ? -EAGAIN : did == RTI_CHAN_DONE;
}

/* --- closing --- */

/* Links all waiters of a queue, woken by the close, in front of list. */
static struct g *release_locked(struct rt_chan *c, struct rti_waitq *q, bool receivers, struct g *list)
{
    struct g *last = NULL, *first = list;
    for (struct rti_waiter *w; (w = rti_waiter_pop(q)) != NULL;) {
        if (receivers)
            zero(w->value, c->elem_bytes);
        struct g *g = rti_waiter_answer(w, RTI_WOKEN_CLOSED);
        *rti_sched_link(g) = list;
        if (last)
            *rti_sched_link(last) = g;
        else
            first = g;
        last = g;
    }
    return first;
}

void rt_close(struct rt_chan *self)
{
    if (!self)
        rt_throw("close of nil channel");
    rti_lock_acquire(&self->lock);
    if (load_rlx(&self->closed)) {
        rti_lock_release(&self->lock);
        rt_throw("close of closed channel");
    }
    store_rel(&self->closed, RTI_CHAN_SHUT); /* pairs with load_acq in the peeks */
    struct g *woken = release_locked(self, &self->senders, false, NULL);
    woken = release_locked(self, &self->receivers, true, woken);
    rti_lock_release(&self->lock);
    if (woken)
        rti_sched_ready_list(woken);
}

size_t rt_chan_len(const struct rt_chan *self)
{
    return self && !self->timer ? load_acq(&((struct rt_chan *)(uintptr_t)self)->count) : 0;
}

size_t rt_chan_cap(const struct rt_chan *self)
{
    return self && !self->timer ? self->cap : 0;
}
