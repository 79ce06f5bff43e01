#include "coordinator/core/wheel.h"

#include <stddef.h>

#include "common/base/check.h"

static void list_init(struct wheel_node *head)
{
    head->prev = head;
    head->next = head;
}

static void push(struct wheel_node *head, struct wheel_node *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

void wheel_init(struct wheel *self, int64_t tick_ns, int64_t now_ns)
{
    CHECK(tick_ns > 0 && now_ns >= 0);
    for (int i = 0; i < WHEEL_SLOTS; i++)
        list_init(&self->slots[i]);
    self->tick_ns = tick_ns;
    self->tick = now_ns / tick_ns;
}

bool wheel_armed(const struct wheel_node *node)
{
    return node->next != NULL;
}

void wheel_cancel(struct wheel_node *node)
{
    if (!wheel_armed(node))
        return;
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->prev = NULL;
    node->next = NULL;
}

void wheel_set(struct wheel *self, struct wheel_node *node, int64_t at_ns)
{
    wheel_cancel(node);
    node->at_ns = at_ns;
    int64_t tick = at_ns / self->tick_ns + (at_ns % self->tick_ns != 0);
    if (tick <= self->tick)
        tick = self->tick + 1;
    push(&self->slots[tick % WHEEL_SLOTS], node);
}

/* Moves a slot's timers to a list of its own first: a callback that re-arms into this very slot is not met twice. */
static void walk(struct wheel *self, int64_t tick, int64_t now_ns, void (*due)(void *, struct wheel_node *), void *ctx)
{
    struct wheel_node *slot = &self->slots[tick % WHEEL_SLOTS];
    struct wheel_node todo;
    list_init(&todo);
    while (slot->next != slot) {
        struct wheel_node *node = slot->next;
        wheel_cancel(node);
        push(&todo, node);
    }
    while (todo.next != &todo) {
        struct wheel_node *node = todo.next;
        wheel_cancel(node);
        if (node->at_ns <= now_ns)
            due(ctx, node);
        else
            push(slot, node); /* of a later turn */
    }
}

void wheel_advance(struct wheel *self, int64_t now_ns, void (*due)(void *, struct wheel_node *), void *ctx)
{
    int64_t last = now_ns / self->tick_ns;
    int64_t first = self->tick + 1;
    if (last - first >= WHEEL_SLOTS)
        first = last - WHEEL_SLOTS + 1; /* one whole turn meets every timer */
    for (int64_t tick = first; tick <= last; tick++) {
        self->tick = tick;
        walk(self, tick, now_ns, due, ctx);
    }
}
