#include "worker/leases.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

struct leases {
    size_t count;
    size_t miners;
    struct lease held[LEASES_MAX]; /* oldest first */
    struct slice flight[];         /* per miner; empty when start == end */
};

struct leases *leases_new(size_t miners)
{
    struct leases *self = calloc(1, sizeof *self + miners * sizeof self->flight[0]);
    CHECK(self);
    self->miners = miners;
    return self;
}

void leases_free(struct leases **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

static struct lease *find(struct leases *self, uint64_t id)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->held[i].id == id)
            return &self->held[i];
    return NULL;
}

static void remove_lease(struct leases *self, struct lease *l)
{
    size_t at = (size_t)(l - self->held);
    memmove(l, l + 1, (self->count - at - 1) * sizeof *l);
    self->count--;
}

static bool in_flight(const struct leases *self, uint64_t id)
{
    for (size_t i = 0; i < self->miners; i++)
        if (self->flight[i].start != self->flight[i].end && self->flight[i].lease == id)
            return true;
    return false;
}

static bool is_complete(const struct leases *self, const struct lease *l)
{
    return l->carved >= l->end && !in_flight(self, l->id);
}

int leases_add(struct leases *self, uint64_t id, uint64_t epoch, uint64_t job, uint64_t range[2])
{
    if (range[0] >= range[1])
        return ERR_RANGE;
    for (size_t i = 0; i < self->count; i++) {
        const struct lease *l = &self->held[i];
        if (l->id == id)
            return ERR_DUPLICATE;
        if (l->job == job && l->start < range[1] && range[0] < l->end)
            return ERR_BAD_RANGE; /* J1: two searchers of one range would do one's work */
    }
    if (self->count == LEASES_MAX)
        return ERR_FULL;
    self->held[self->count++] =
        (struct lease){.id = id, .epoch = epoch, .job = job, .start = range[0], .end = range[1], .carved = range[0]};
    return 0;
}

bool leases_carve(struct leases *self, size_t miner, uint64_t max, struct slice *out)
{
    CHECK(miner < self->miners && max > 0);
    CHECK(self->flight[miner].start == self->flight[miner].end);
    for (size_t i = 0; i < self->count; i++) {
        struct lease *l = &self->held[i];
        if (l->carved >= l->end)
            continue;
        uint64_t left = l->end - l->carved;
        uint64_t window = (UINT64_C(1) << 32) - (uint32_t)l->carved; /* to the next extranonce */
        uint64_t take = max < left ? max : left;
        take = take < window ? take : window;
        *out = (struct slice){.lease = l->id, .job = l->job, .start = l->carved, .end = l->carved + take};
        l->carved += take;
        self->flight[miner] = *out;
        return true;
    }
    return false;
}

bool leases_finish(struct leases *self, size_t miner, uint64_t hashes, int64_t busy_ns, struct lease *done)
{
    CHECK(miner < self->miners);
    struct slice *s = &self->flight[miner];
    CHECK(s->start != s->end);
    s->start = s->end;
    struct lease *l = find(self, s->lease);
    if (!l)
        return false; /* dropped meanwhile */
    l->hashes += hashes;
    l->busy_ns += busy_ns;
    if (!is_complete(self, l))
        return false;
    *done = *l;
    remove_lease(self, l);
    return true;
}

int leases_cut(struct leases *self, uint64_t id, uint64_t at, uint64_t *end)
{
    struct lease *l = find(self, id);
    if (!l)
        return ERR_UNKNOWN_LEASE;
    if (at < l->end)
        l->end = at > l->carved ? at : l->carved;
    *end = l->end;
    return 0;
}

int leases_drop(struct leases *self, uint64_t id)
{
    struct lease *l = find(self, id);
    if (!l)
        return ERR_UNKNOWN_LEASE;
    remove_lease(self, l);
    return 0;
}

bool leases_reap(struct leases *self, struct lease *done)
{
    for (size_t i = 0; i < self->count; i++)
        if (is_complete(self, &self->held[i])) {
            *done = self->held[i];
            remove_lease(self, &self->held[i]);
            return true;
        }
    return false;
}

size_t leases_count(const struct leases *self)
{
    return self->count;
}

size_t leases_open(const struct leases *self)
{
    size_t n = 0;
    for (size_t i = 0; i < self->count; i++)
        n += self->held[i].carved < self->held[i].end;
    return n;
}

/* The lowest start in flight, or the mark of what is carved: slices end out of order. */
static uint64_t position(const struct leases *self, const struct lease *l)
{
    uint64_t pos = l->carved;
    for (size_t i = 0; i < self->miners; i++) {
        const struct slice *s = &self->flight[i];
        if (s->start != s->end && s->lease == l->id && s->start < pos)
            pos = s->start;
    }
    return pos;
}

size_t leases_list(const struct leases *self, struct lease_state out[LEASES_MAX])
{
    for (size_t i = 0; i < self->count; i++) {
        const struct lease *l = &self->held[i];
        out[i] = (struct lease_state){.id = l->id, .pos = position(self, l), .end = l->end, .hashes = l->hashes};
    }
    return self->count;
}

uint64_t leases_left(const struct leases *self)
{
    uint64_t left = 0;
    for (size_t i = 0; i < self->count; i++)
        left += self->held[i].end - self->held[i].carved;
    return left;
}
