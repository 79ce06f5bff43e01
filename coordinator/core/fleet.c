#include "coordinator/core/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/base/check.h"

enum { TICKS_PER_S = 20, RATE_STEP_MS = 500, RATE_TAU_MS = 5000, PROOF_FACTOR = 8 };
static const int64_t ms_ns = 1000000;

static uint64_t mix(uint64_t x)
{
    x ^= x >> 30;
    x *= UINT64_C(0xbf58476d1ce4e5b9); /* splitmix64's finalizer */
    x ^= x >> 27;
    x *= UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static size_t slot_of(const struct fleet *self, const uint8_t bytes[16])
{
    uint64_t h = mix(bytes_le64(bytes) ^ self->seed);
    return (size_t)mix(h ^ bytes_le64(bytes + 8)) & (self->buckets - 1);
}

static size_t route_slot(const struct fleet *self, const struct core_route *route)
{
    uint8_t bytes[16];
    _Static_assert(sizeof *route == sizeof bytes, "a route is hashed as it lies");
    memcpy(bytes, route, sizeof bytes);
    return slot_of(self, bytes);
}

void fleet_init(struct fleet *self, uint32_t max_workers, uint64_t seed, int64_t now_ns)
{
    *self = (struct fleet){.max_workers = max_workers, .seed = seed};
    self->buckets = 64;
    while (self->buckets < (size_t)max_workers)
        self->buckets *= 2;
    self->by_uuid = calloc(self->buckets, sizeof(struct worker *));
    self->by_route = calloc(self->buckets, sizeof(struct worker *));
    CHECK(self->by_uuid && self->by_route);
    wheel_init(&self->wheel, 1000 * ms_ns / TICKS_PER_S, now_ns);
}

void fleet_free(struct fleet *self)
{
    for (struct worker *w = self->first, *next; w; w = next) {
        next = w->next;
        fleet_drop(self, w);
    }
    free(self->by_uuid);
    free(self->by_route);
    self->by_uuid = NULL;
    self->by_route = NULL;
}

struct worker *fleet_find(const struct fleet *self, const uint8_t uuid[16])
{
    struct worker *w = self->by_uuid[slot_of(self, uuid)];
    while (w && memcmp(w->uuid, uuid, 16) != 0)
        w = w->next_uuid;
    return w;
}

struct worker *fleet_at(const struct fleet *self, const struct core_route *route)
{
    struct worker *w = self->by_route[route_slot(self, route)];
    while (w && memcmp(&w->route, route, sizeof *route) != 0)
        w = w->next_route;
    return w;
}

struct worker *fleet_add(struct fleet *self, const uint8_t uuid[16], int64_t now_ns)
{
    if (self->count >= self->max_workers)
        return NULL;
    struct worker *w = calloc(1, sizeof *w);
    CHECK(w);
    memcpy(w->uuid, uuid, 16);
    w->wid = ++self->wid_next;
    w->gone_ns = now_ns;
    size_t slot = slot_of(self, uuid);
    w->next_uuid = self->by_uuid[slot];
    self->by_uuid[slot] = w;
    w->next = self->first;
    if (self->first)
        self->first->prev = w;
    self->first = w;
    self->count++;
    return w;
}

struct worker *fleet_oldest_away(const struct fleet *self)
{
    struct worker *best = NULL;
    for (struct worker *w = self->first; w; w = w->next)
        if (w->state == WORKER_AWAY && (!best || w->gone_ns < best->gone_ns))
            best = w;
    return best;
}

static void add_counts(struct worker_counts *to, const struct worker_counts *from)
{
    to->hashes += from->hashes;
    to->shares += from->shares;
    to->stale += from->stale;
    to->rejected += from->rejected;
    to->blocks += from->blocks;
    to->share_work += from->share_work;
}

static void unlink_uuid(struct fleet *self, struct worker *w)
{
    struct worker **p = &self->by_uuid[slot_of(self, w->uuid)];
    while (*p != w)
        p = &(*p)->next_uuid;
    *p = w->next_uuid;
}

void fleet_bind(struct fleet *self, struct worker *w, const struct core_route *route)
{
    if (w->route.len > 0) {
        struct worker **p = &self->by_route[route_slot(self, &w->route)];
        while (*p != w)
            p = &(*p)->next_route;
        *p = w->next_route;
        self->live--;
    }
    w->route = *route;
    w->next_route = NULL;
    if (route->len == 0)
        return;
    size_t slot = route_slot(self, route);
    w->next_route = self->by_route[slot];
    self->by_route[slot] = w;
    self->live++;
}

void fleet_drop(struct fleet *self, struct worker *w)
{
    fleet_bind(self, w, &(struct core_route){0});
    wheel_cancel(&w->timer);
    unlink_uuid(self, w);
    if (w->next)
        w->next->prev = w->prev;
    if (w->prev)
        w->prev->next = w->next;
    else
        self->first = w->next;
    add_counts(&self->departed, &w->counts);
    self->count--;
    free(w);
}

void fleet_count_hashes(struct worker *w, uint64_t hashes, int64_t now_ns)
{
    w->counts.hashes += hashes;
    int64_t dt_ms = (now_ns - w->rate_ns) / ms_ns;
    if (dt_ms < RATE_STEP_MS)
        return;
    double rate = (double)(w->counts.hashes - w->rate_hashes) * 1000.0 / (double)dt_ms;
    double weight = (double)dt_ms / (double)(dt_ms + RATE_TAU_MS);
    w->hashrate = w->hashrate > 0 ? w->hashrate + weight * (rate - w->hashrate) : rate;
    w->rate_ns = now_ns;
    w->rate_hashes = w->counts.hashes;
}

void fleet_hint(struct worker *w, uint64_t rate)
{
    if (rate > 0)
        w->leases.hint = (double)rate < FLEET_UNPROVEN ? (double)rate : FLEET_UNPROVEN;
}

double fleet_most(const struct worker *w, int64_t now_ns)
{
    double seconds = (double)(now_ns - w->since_ns) / 1e9;
    double proved = (w->counts.share_work - w->proved_from) / (seconds > 1 ? seconds : 1);
    return FLEET_UNPROVEN + PROOF_FACTOR * proved;
}

static double believed(const struct worker *w, int64_t now_ns)
{
    double claimed = w->hashrate, most = fleet_most(w, now_ns);
    bool fresh = now_ns - w->since_ns < FLEET_HINT_S * 1000 * ms_ns;
    if (!(claimed > 0))
        claimed = fresh ? w->leases.hint : 0;
    return claimed < most ? claimed : most;
}

void fleet_sum(const struct fleet *self, int64_t now_ns, struct fleet_sums *out)
{
    *out = (struct fleet_sums){.counts = self->departed};
    for (const struct worker *w = self->first; w; w = w->next) {
        add_counts(&out->counts, &w->counts);
        if (w->route.len == 0)
            continue;
        out->rate += w->hashrate > 0 ? w->hashrate : w->leases.hint;
        out->believed += believed(w, now_ns);
    }
}
