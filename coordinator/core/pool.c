#include "coordinator/core/pool.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"

struct payload *pool_ref(struct payload *payload)
{
    if (payload)
        payload->refs++;
    return payload;
}

void pool_drop(struct payload **payload_p)
{
    struct payload *p = *payload_p;
    *payload_p = NULL;
    if (!p)
        return;
    CHECK(p->refs > 0);
    if (--p->refs == 0)
        free(p);
}

struct payload *pool_payload(struct cursor_view bytes)
{
    struct payload *p = malloc(sizeof *p + bytes.len);
    CHECK(p);
    p->refs = 1;
    p->len = (uint32_t)bytes.len;
    if (bytes.len > 0)
        memcpy(p->bytes, bytes.at, bytes.len);
    return p;
}

static struct pool_entry *entry_new(const uint8_t *bytes, uint32_t len, uint64_t request)
{
    struct pool_entry *e = calloc(1, sizeof *e);
    CHECK(e);
    e->payload = pool_payload((struct cursor_view){bytes, len});
    e->request = request;
    return e;
}

static void take_out(struct pool *self, struct pool_entry *e)
{
    if (e->prev)
        e->prev->next = e->next;
    else
        self->first = e->next;
    if (e->next)
        e->next->prev = e->prev;
    else
        self->last = e->prev;
    self->count--;
    self->bytes -= e->payload->len;
    pool_drop(&e->payload);
    free(e);
}

void pool_free(struct pool *self)
{
    for (struct pool_entry *e = self->first, *next; e; e = next) {
        next = e->next;
        take_out(self, e);
    }
    for (struct pool_request *r = self->requests, *next; r; r = next) {
        next = r->next;
        free(r);
    }
    *self = (struct pool){0};
}

bool pool_fits(const struct pool *self, size_t payloads, size_t bytes)
{
    return self->request_count < POOL_REQUESTS_MAX && payloads <= POOL_PAYLOADS_MAX && bytes <= POOL_BYTES_MAX &&
           self->count + payloads <= POOL_PAYLOADS_MAX && self->bytes + bytes <= POOL_BYTES_MAX;
}

struct pool_request *pool_request(struct pool *self, const struct core_route *route, uint64_t ctl_id, uint32_t of)
{
    struct pool_request *r = calloc(1, sizeof *r);
    CHECK(r);
    r->id = ++self->request_next;
    r->route = *route;
    r->ctl_id = ctl_id;
    r->of = of;
    r->next = self->requests;
    self->requests = r;
    self->request_count++;
    return r;
}

struct pool_request *pool_request_find(const struct pool *self, uint64_t id)
{
    struct pool_request *r = self->requests;
    while (r && r->id != id)
        r = r->next;
    return r;
}

void pool_request_end(struct pool *self, struct pool_request *request)
{
    struct pool_request **p = &self->requests;
    while (*p != request)
        p = &(*p)->next;
    *p = request->next;
    self->request_count--;
    free(request);
}

void pool_forget_route(struct pool *self, const struct core_route *route)
{
    for (struct pool_request *r = self->requests, *next; r; r = next) {
        next = r->next;
        if (memcmp(&r->route, route, sizeof *route) == 0)
            pool_request_end(self, r);
    }
}

void pool_append(struct pool *self, const uint8_t *bytes, uint32_t len, uint64_t request)
{
    struct pool_entry *e = entry_new(bytes, len, request);
    e->prev = self->last;
    if (self->last)
        self->last->next = e;
    else
        self->first = e;
    self->last = e;
    self->count++;
    self->bytes += len;
}

void pool_return(struct pool *self, const uint8_t *bytes, uint32_t len)
{
    struct pool_entry *e = entry_new(bytes, len, 0);
    e->next = self->first;
    if (self->first)
        self->first->prev = e;
    else
        self->last = e;
    self->first = e;
    self->count++;
    self->bytes += len;
}

struct payload *pool_front(const struct pool *self)
{
    return self->first ? pool_ref(self->first->payload) : NULL;
}

bool pool_mined(struct pool *self, const uint8_t *bytes, uint32_t len, uint64_t *request)
{
    for (struct pool_entry *e = self->first; e; e = e->next) {
        if (e->payload->len != len || memcmp(e->payload->bytes, bytes, len) != 0)
            continue;
        *request = e->request;
        take_out(self, e);
        return true;
    }
    return false;
}
