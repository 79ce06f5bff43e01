#include "worker/holdings.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

struct holdings {
    size_t count;
    size_t miners;
    struct holding held[HOLDINGS_MAX]; /* oldest first */
    struct slice flight[];             /* per miner; empty when start == end */
};

struct holdings *holdings_new(size_t miners)
{
    struct holdings *self = calloc(1, sizeof *self + miners * sizeof self->flight[0]);
    CHECK(self);
    self->miners = miners;
    return self;
}

void holdings_free(struct holdings **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

static struct holding *find(struct holdings *self, uint64_t id)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->held[i].id == id)
            return &self->held[i];
    return NULL;
}

static void remove_lease(struct holdings *self, struct holding *l)
{
    size_t at = (size_t)(l - self->held);
    memmove(l, l + 1, (self->count - at - 1) * sizeof *l);
    self->count--;
}

static bool in_flight(const struct holdings *self, uint64_t id)
{
    for (size_t i = 0; i < self->miners; i++)
        if (self->flight[i].start != self->flight[i].end && self->flight[i].lease == id)
            return true;
    return false;
}

static bool is_complete(const struct holdings *self, const struct holding *l)
{
    return l->carved >= l->end && !in_flight(self, l->id);
}

int holdings_add(struct holdings *self, uint64_t id, uint64_t epoch, uint64_t job, uint64_t range[2])
{
    if (range[0] >= range[1])
        return ERR_RANGE;
    for (size_t i = 0; i < self->count; i++) {
        const struct holding *l = &self->held[i];
        if (l->id == id)
            return ERR_DUPLICATE;
        if (l->job == job && l->start < range[1] && range[0] < l->end)
            return ERR_BAD_RANGE; /* J1: two searchers of one range would do one's work */
    }
    if (self->count == HOLDINGS_MAX)
        return ERR_FULL;
    self->held[self->count++] =
        (struct holding){.id = id, .epoch = epoch, .job = job, .start = range[0], .end = range[1], .carved = range[0]};
    return 0;
}

bool holdings_carve(struct holdings *self, size_t miner, uint64_t max, struct slice *out)
{
    CHECK(miner < self->miners && max > 0);
    CHECK(self->flight[miner].start == self->flight[miner].end);
    for (size_t i = 0; i < self->count; i++) {
        struct holding *l = &self->held[i];
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

bool holdings_flight(struct holdings *self, size_t miner, struct slice *out)
{
    CHECK(miner < self->miners);
    struct slice *s = &self->flight[miner];
    if (s->start != s->end && !find(self, s->lease))
        s->start = s->end;
    *out = *s;
    return s->start != s->end;
}

void holdings_advance(struct holdings *self, size_t miner, uint64_t done, uint64_t hashes, int64_t busy_ns)
{
    CHECK(miner < self->miners);
    struct slice *s = &self->flight[miner];
    CHECK(done > 0 && done < s->end - s->start);
    s->start += done;
    struct holding *l = find(self, s->lease);
    if (!l)
        return; /* dropped meanwhile */
    l->hashes += hashes;
    l->busy_ns += busy_ns;
}

bool holdings_finish(struct holdings *self, size_t miner, uint64_t hashes, int64_t busy_ns, struct holding *done)
{
    CHECK(miner < self->miners);
    struct slice *s = &self->flight[miner];
    CHECK(s->start != s->end);
    s->start = s->end;
    struct holding *l = find(self, s->lease);
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

int holdings_cut(struct holdings *self, uint64_t id, uint64_t at, uint64_t *end)
{
    struct holding *l = find(self, id);
    if (!l)
        return ERR_UNKNOWN_LEASE;
    if (at < l->end)
        l->end = at > l->carved ? at : l->carved;
    *end = l->end;
    return 0;
}

int holdings_drop(struct holdings *self, uint64_t id)
{
    struct holding *l = find(self, id);
    if (!l)
        return ERR_UNKNOWN_LEASE;
    remove_lease(self, l);
    return 0;
}

bool holdings_reap(struct holdings *self, struct holding *done)
{
    for (size_t i = 0; i < self->count; i++)
        if (is_complete(self, &self->held[i])) {
            *done = self->held[i];
            remove_lease(self, &self->held[i]);
            return true;
        }
    return false;
}

bool holdings_bound(const struct holdings *self, uint64_t job)
{
    for (size_t i = 0; i < self->count; i++)
        if (self->held[i].job == job)
            return true;
    return false;
}

size_t holdings_count(const struct holdings *self)
{
    return self->count;
}

/* The lowest start in flight, or the mark of what is carved: slices end out of order. */
static uint64_t position(const struct holdings *self, const struct holding *l)
{
    uint64_t pos = l->carved;
    for (size_t i = 0; i < self->miners; i++) {
        const struct slice *s = &self->flight[i];
        if (s->start != s->end && s->lease == l->id && s->start < pos)
            pos = s->start;
    }
    return pos;
}

size_t holdings_list(const struct holdings *self, struct holding_state out[HOLDINGS_MAX])
{
    for (size_t i = 0; i < self->count; i++) {
        const struct holding *l = &self->held[i];
        out[i] = (struct holding_state){.id = l->id, .pos = position(self, l), .end = l->end, .hashes = l->hashes};
    }
    return self->count;
}

uint64_t holdings_left(const struct holdings *self)
{
    uint64_t left = 0;
    for (size_t i = 0; i < self->count; i++)
        left += self->held[i].end - self->held[i].carved;
    return left;
}
