#include "timerheap.h"

#include <stdlib.h>

#include <rt/check.h>

enum { ARITY = 4, FIRST_ROOM = 64 };

static void put(struct rti_timerheap *h, uint32_t i, struct rti_timerheap_slot s)
{
    h->slots[i] = s;
    s.timer->place = i + 1;
}

/* Moves the hole at i up until s fits. */
static void sift_up(struct rti_timerheap *h, uint32_t i, struct rti_timerheap_slot s)
{
    while (i > 0) {
        uint32_t parent = (i - 1) / ARITY;
        if (h->slots[parent].when_ns <= s.when_ns)
            break;
        put(h, i, h->slots[parent]);
        i = parent;
    }
    put(h, i, s);
}

static uint32_t earliest_child(const struct rti_timerheap *h, uint32_t i)
{
    uint32_t first = i * ARITY + 1;
    if (first >= h->len)
        return 0; /* none: the root is nobody's child */
    uint32_t best = first, end = h->len - first < ARITY ? h->len : first + ARITY;
    for (uint32_t c = first + 1; c < end; c++)
        if (h->slots[c].when_ns < h->slots[best].when_ns)
            best = c;
    return best;
}

/* Moves the hole at i down until s fits. */
static void sift_down(struct rti_timerheap *h, uint32_t i, struct rti_timerheap_slot s)
{
    for (uint32_t child; (child = earliest_child(h, i)) != 0; i = child) {
        if (h->slots[child].when_ns >= s.when_ns)
            break;
        put(h, i, h->slots[child]);
    }
    put(h, i, s);
}

static void grow(struct rti_timerheap *h, uint32_t want)
{
    uint32_t room = h->room ? h->room : FIRST_ROOM;
    while (room < want)
        room *= 2;
    struct rti_timerheap_slot *slots = realloc(h->slots, (size_t)room * sizeof(*slots));
    if (!slots)
        rt_throw("out of memory: the timer heap cannot grow");
    h->slots = slots;
    h->room = room;
}

bool rti_timerheap_add(struct rti_timerheap *self, struct rti_timer *t)
{
    if (self->len == self->room)
        grow(self, self->len + 1);
    sift_up(self, self->len++, (struct rti_timerheap_slot){.when_ns = t->when_ns, .timer = t});
    return t->place == 1;
}

/* Puts s into the hole at i, or where it belongs from there. */
static void sift(struct rti_timerheap *h, uint32_t i, struct rti_timerheap_slot s)
{
    if (i > 0 && h->slots[(i - 1) / ARITY].when_ns > s.when_ns)
        sift_up(h, i, s);
    else
        sift_down(h, i, s);
}

/* Fills the hole at i with the last slot. */
static void fill_hole(struct rti_timerheap *h, uint32_t i)
{
    struct rti_timerheap_slot last = h->slots[--h->len];
    if (i < h->len)
        sift(h, i, last);
}

bool rti_timerheap_move(struct rti_timerheap *self, struct rti_timer *t, int64_t when_ns)
{
    if (t->place == 0)
        return false;
    t->when_ns = when_ns;
    sift(self, t->place - 1, (struct rti_timerheap_slot){.when_ns = when_ns, .timer = t});
    return true;
}

bool rti_timerheap_remove(struct rti_timerheap *self, struct rti_timer *t)
{
    if (t->place == 0)
        return false;
    fill_hole(self, t->place - 1);
    t->place = 0;
    return true;
}

/* The next multiple of the period beyond now, counted from the deadline that was: late firings do not shift the phase.
 */
static int64_t next_tick(int64_t when_ns, int64_t period_ns, int64_t now_ns)
{
    int64_t missed = (now_ns - when_ns) / period_ns, next;
    if (__builtin_mul_overflow(missed + 1, period_ns, &next) || __builtin_add_overflow(when_ns, next, &next))
        return INT64_MAX;
    return next;
}

bool rti_timerheap_pop_due(struct rti_timerheap *self, int64_t now_ns, struct rti_timer_fire *fire)
{
    if (rti_timerheap_next(self) > now_ns || self->len == 0)
        return false;
    struct rti_timer *t = self->slots[0].timer;
    *fire = (struct rti_timer_fire){.fn = t->fn, .arg = t->arg, .seq = t->seq, .late_ns = now_ns - t->when_ns};
    if (t->period_ns > 0) {
        t->when_ns = next_tick(t->when_ns, t->period_ns, now_ns);
        sift_down(self, 0, (struct rti_timerheap_slot){.when_ns = t->when_ns, .timer = t});
    } else {
        t->place = 0;
        fill_hole(self, 0);
    }
    return true;
}

void rti_timerheap_move_all(struct rti_timerheap *self, struct rti_timerheap *from,
                            void (*each)(struct rti_timer *t, void *arg), void *arg)
{
    for (uint32_t i = 0; i < from->len; i++) {
        struct rti_timer *t = from->slots[i].timer;
        rti_timerheap_add(self, t);
        if (each)
            each(t, arg);
    }
    from->len = 0;
}

void rti_timerheap_free(struct rti_timerheap *self)
{
    for (uint32_t i = 0; i < self->len; i++)
        self->slots[i].timer->place = 0;
    free(self->slots);
    *self = (struct rti_timerheap){0};
}
