#include "timerheap.h"

#include <stdlib.h>

#include <rt/attr.h>
#include <rt/check.h>

/* DEAD_MIN: so many dead slots are let be, however few timers live. AHEAD: a popped timer is a cold line. */
enum { ARITY = 4, FIRST_ROOM = 64, DEAD_MIN = 64, AHEAD = 8, HEAP = RTI_TIMERHEAP_RUNS, NOTHING };

/* --- the heap proper --- */

/* Moves the hole at i up until s fits. */
static void sift_up(struct rti_timerslot *slots, uint32_t i, struct rti_timerslot s)
{
    while (i > 0) {
        uint32_t parent = (i - 1) / ARITY;
        if (slots[parent].when_ns <= s.when_ns)
            break;
        slots[i] = slots[parent];
        i = parent;
    }
    slots[i] = s;
}

static uint32_t earliest_child(const struct rti_timerslot *slots, uint32_t len, uint32_t i)
{
    uint32_t first = i * ARITY + 1;
    if (first >= len)
        return 0; /* none: the root is nobody's child */
    uint32_t best = first, end = len - first < ARITY ? len : first + ARITY;
    for (uint32_t c = first + 1; c < end; c++)
        if (slots[c].when_ns < slots[best].when_ns)
            best = c;
    return best;
}

/* Moves the hole at i down until s fits. */
static void sift_down(struct rti_timerslot *slots, uint32_t len, uint32_t i, struct rti_timerslot s)
{
    for (uint32_t child; (child = earliest_child(slots, len, i)) != 0; i = child) {
        if (slots[child].when_ns >= s.when_ns)
            break;
        slots[i] = slots[child];
    }
    slots[i] = s;
}

static void grow(struct rti_timerheap *h)
{
    uint32_t room = h->room ? h->room * 2 : FIRST_ROOM;
    struct rti_timerslot *slots = realloc(h->slots, (size_t)room * sizeof(*slots));
    if (!slots || room < h->room)
        rt_throw("out of memory: the timer heap cannot grow");
    h->slots = slots;
    h->room = room;
}

static void heap_push(struct rti_timerheap *h, struct rti_timerslot s)
{
    if (h->len == h->room)
        grow(h);
    sift_up(h->slots, h->len++, s);
}

static struct rti_timerslot heap_pop(struct rti_timerheap *h)
{
    struct rti_timerslot first = h->slots[0], last = h->slots[--h->len];
    if (h->len > 0)
        sift_down(h->slots, h->len, 0, last);
    return first;
}

/* --- slots --- */

/* Where s goes: to the run whose last one is the nearest before it; else it begins a run; else it is out of order. */
static void insert(struct rti_timerheap *h, struct rti_timerslot s)
{
    struct rti_timerring *best = NULL, *empty = NULL;
    for (uint32_t i = 0; i < RTI_TIMERHEAP_RUNS; i++) {
        struct rti_timerring *r = &h->runs[i];
        if (r->len == 0)
            empty = r;
        else if (r->last_ns <= s.when_ns && (!best || r->last_ns > best->last_ns))
            best = r;
    }
    if (!best && s.when_ns != INT64_MAX) /* a run that ends with "never" is of no use to anybody else */
        best = empty;
    if (best)
        rti_timerring_push(best, s);
    else
        heap_push(h, s);
}

/* Which of the runs, or the heap, holds the earliest slot; NOTHING if there is none that is ever due. */
static uint32_t earliest(const struct rti_timerheap *h, int64_t *when_ns)
{
    uint32_t which = NOTHING;
    int64_t best = INT64_MAX;
    for (uint32_t i = 0; i < RTI_TIMERHEAP_RUNS; i++) {
        if (h->runs[i].len > 0 && rti_timerring_first(&h->runs[i])->when_ns < best) {
            best = rti_timerring_first(&h->runs[i])->when_ns;
            which = i;
        }
    }
    if (h->len > 0 && h->slots[0].when_ns < best) {
        best = h->slots[0].when_ns;
        which = HEAP;
    }
    *when_ns = best;
    return which;
}

static struct rti_timerslot peek(const struct rti_timerheap *h, uint32_t which)
{
    return which == HEAP ? h->slots[0] : *rti_timerring_first(&h->runs[which]);
}

static void take(struct rti_timerheap *h, uint32_t which)
{
    if (which == HEAP) {
        (void)heap_pop(h);
        return;
    }
    struct rti_timerring *r = &h->runs[which];
    (void)rti_timerring_pop(r);
    if (r->len > AHEAD)
        __builtin_prefetch(rti_timerring_at(r, AHEAD)->timer);
}

static bool is_current(struct rti_timerslot s)
{
    return s.timer->current && s.timer->key_ns == s.when_ns;
}

/* A slot of t was taken out for good. If it was the last one, t is not ours any more. */
static void let_go(struct rti_timerheap *h, struct rti_timer *t)
{
    store_rlx(&h->count, load_rlx(&h->count) - 1);
    store_rel(&t->slots, load_rlx(&t->slots) - 1); /* pairs with the load_acq of who asks whether t is in a set */
}

/* Takes slots off the front until the first one is exact. */
static void settle(struct rti_timerheap *h)
{
    for (;;) {
        uint32_t which = earliest(h, &h->next_ns);
        if (which == NOTHING)
            return;
        struct rti_timerslot s = peek(h, which);
        struct rti_timer *t = s.timer;
        bool current = is_current(s);
        if (current && t->live && t->when_ns == s.when_ns)
            return;
        take(h, which);
        if (current && t->live) { /* its deadline was moved */
            t->key_ns = t->when_ns;
            insert(h, (struct rti_timerslot){t->when_ns, t});
            continue;
        }
        if (current)
            t->current = false;
        let_go(h, t);
    }
}

/* A slot that stays when the dead are thrown out. Its timer counts as without one until all were looked at: a second
 * slot of the same timer and the same time, which looks alike, goes. */
static bool keep(struct rti_timerheap *h, struct rti_timerslot s)
{
    bool current = is_current(s);
    if (current)
        s.timer->current = false;
    if (current && s.timer->live)
        return true;
    let_go(h, s.timer);
    return false;
}

static void filter_run(struct rti_timerheap *h, struct rti_timerring *r)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < r->len; i++) {
        struct rti_timerslot s = *rti_timerring_at(r, i);
        if (keep(h, s))
            *rti_timerring_at(r, kept++) = s;
    }
    rti_timerring_cut(r, kept);
}

static void filter_heap(struct rti_timerheap *h)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < h->len; i++)
        if (keep(h, h->slots[i]))
            h->slots[kept++] = h->slots[i];
    h->len = kept;
}

/* Throws all dead slots out; what is left is current, though `current` is false. */
static void filter(struct rti_timerheap *h)
{
    for (uint32_t i = 0; i < RTI_TIMERHEAP_RUNS; i++)
        filter_run(h, &h->runs[i]);
    filter_heap(h);
}

/* Throws out what is dead. The slot that stands first is exact and keeps its place: a run keeps its order, and a root
 * gives way to sooner ones only. So nothing has to be settled. */
static void sweep(struct rti_timerheap *h)
{
    filter(h);
    for (uint32_t i = 0; i < RTI_TIMERHEAP_RUNS; i++)
        for (uint32_t k = 0; k < h->runs[i].len; k++)
            rti_timerring_at(&h->runs[i], k)->timer->current = true;
    for (uint32_t i = 0; i < h->len; i++)
        h->slots[i].timer->current = true;
    for (uint32_t i = h->len / ARITY + 1; i-- > 0;) /* Floyd: from the last parent to the root */
        if (i < h->len)
            sift_down(h->slots, h->len, i, h->slots[i]);
}

static ALWAYS_INLINE void sweep_if_worth_it(struct rti_timerheap *h)
{
    if (UNLIKELY(load_rlx(&h->count) - h->live >
                 h->live + DEAD_MIN)) /* each slot is thrown out once: O(1) for who made it */
        sweep(h);
}

/* --- what callers want --- */

void rti_timerheap_init(struct rti_timerheap *self)
{
    *self = (struct rti_timerheap){.next_ns = INT64_MAX};
}

bool rti_timerheap_set(struct rti_timerheap *self, struct rti_timer *t, int64_t when_ns)
{
    int64_t next = self->next_ns;
    self->live += !t->live;
    t->live = true;
    t->when_ns = when_ns;
    if (t->current && t->key_ns <= when_ns) { /* the slot comes up in time */
        if (t->key_ns == next && when_ns != next)
            settle(self);
        return false;
    }
    t->key_ns = when_ns;
    t->current = true;
    store_rlx(&t->slots, load_rlx(&t->slots) + 1); /* published with the rest by the lock's release */
    store_rlx(&self->count, load_rlx(&self->count) + 1);
    insert(self, (struct rti_timerslot){when_ns, t});
    sweep_if_worth_it(self);
    if (when_ns >= next) /* a later one than before if t was the first: but then its slot came up in time */
        return false;
    self->next_ns = when_ns;
    return true;
}

bool rti_timerheap_stop(struct rti_timerheap *self, struct rti_timer *t)
{
    if (!t->live)
        return false;
    t->live = false;
    self->live--;
    if (t->key_ns == self->next_ns)
        settle(self);
    sweep_if_worth_it(self);
    return true;
}

uint32_t rti_timerheap_pop_due(struct rti_timerheap *self, int64_t now_ns, struct rti_timer_fire *fires, uint32_t max)
{
    uint32_t n = 0;
    while (n < max && self->next_ns <= now_ns && self->next_ns != INT64_MAX) {
        int64_t when;
        uint32_t which = earliest(self, &when);
        struct rti_timer *t = peek(self, which).timer;
        DCHECK(t->live && t->current && t->when_ns == when); /* S8 */
        take(self, which);
        fires[n++] = (struct rti_timer_fire){.fn = t->fn, .arg = t->arg, .seq = t->seq, .late_ns = now_ns - when};
        t->live = t->current = false;
        self->live--;
        let_go(self, t);
        settle(self);
    }
    return n;
}

static void move_one(struct rti_timerheap *to, struct rti_timer *t, void *home)
{
    t->key_ns = t->when_ns;
    t->current = true;
    store_rlx(&to->count, load_rlx(&to->count) + 1);
    to->live++;
    insert(to, (struct rti_timerslot){t->when_ns, t});
    store_rel(&t->home, home); /* pairs with load_acq in lock_home (sched/timers.c) */
}

void rti_timerheap_move_all(struct rti_timerheap *self, struct rti_timerheap *from, void *home)
{
    filter(from);
    for (uint32_t i = 0; i < RTI_TIMERHEAP_RUNS; i++) {
        for (uint32_t k = 0; k < from->runs[i].len; k++)
            move_one(self, rti_timerring_at(&from->runs[i], k)->timer, home);
        rti_timerring_cut(&from->runs[i], 0);
    }
    for (uint32_t i = 0; i < from->len; i++)
        move_one(self, from->slots[i].timer, home);
    from->len = from->live = 0;
    store_rlx(&from->count, 0);
    from->next_ns = INT64_MAX;
    settle(self);
}

static void forget(struct rti_timer *t)
{
    t->live = t->current = false;
    store_rlx(&t->slots, 0);
}

void rti_timerheap_free(struct rti_timerheap *self)
{
    for (uint32_t i = 0; i < RTI_TIMERHEAP_RUNS; i++) {
        for (uint32_t k = 0; k < self->runs[i].len; k++)
            forget(rti_timerring_at(&self->runs[i], k)->timer);
        rti_timerring_free(&self->runs[i]);
    }
    for (uint32_t i = 0; i < self->len; i++)
        forget(self->slots[i].timer);
    free(self->slots);
    rti_timerheap_init(self);
}
