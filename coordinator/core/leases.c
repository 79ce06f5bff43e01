#include "coordinator/core/leases.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"

enum {
    DURATION_MAX_MS = 120 * 1000,
    GROWTH = 4,        /* a lease is at most so many times as long as the one before */
    VERSIONS_MAX = 16, /* headers per counter value, by rolled versions (BIP 320) */
    FIRST_PARTS = 16,  /* the first lease lasts 1/16 s if the worker's own figure is right */
};
#define FIRST_SIZE_MAX (UINT64_C(1) << 28)
/* Half-life of three leases: 1 - 2^(-1/3). */
static const double rate_weight = 0.2063;

/* An adopted range that is live, or was finished or returned: it is not adopted again. */
struct span {
    uint64_t start, end;
};

struct leases {
    struct leases_config config;
    uint64_t next, reserved, id_next;
    struct span *spans; /* sorted by start, disjoint */
    size_t span_count, span_cap;
    struct leases_totals totals;
};

struct leases *leases_new(const struct leases_config *config)
{
    CHECK(config->epoch > 0 && config->epoch < UINT64_C(1) << (64 - LEASES_ID_BITS)); /* J4 */
    struct leases *self = calloc(1, sizeof *self);
    CHECK(self);
    self->config = *config;
    self->next = config->mark;
    self->reserved = config->mark;
    self->id_next = config->epoch << LEASES_ID_BITS | 1;
    return self;
}

void leases_free(struct leases **self_p)
{
    if (!*self_p)
        return;
    free((*self_p)->spans);
    free(*self_p);
    *self_p = NULL;
}

uint64_t leases_wanted_mark(const struct leases *self)
{
    if (self->reserved - self->next >= LEASES_MARK_STEP / 2)
        return 0;
    if (self->reserved > UINT64_MAX - LEASES_MARK_STEP)
        return self->reserved == UINT64_MAX ? 0 : UINT64_MAX;
    return self->reserved + LEASES_MARK_STEP;
}

void leases_reserved(struct leases *self, uint64_t mark)
{
    if (mark > self->reserved)
        self->reserved = mark;
}

uint32_t leases_duration_ms(const struct leases *self, uint32_t live_workers)
{
    uint64_t ms = self->config.lease_ms;
    if (self->config.per_second > 0) {
        uint64_t stretched = (uint64_t)live_workers * 1000 / self->config.per_second;
        if (stretched > ms)
            ms = stretched < DURATION_MAX_MS ? stretched : DURATION_MAX_MS;
    }
    return ms < 1 ? 1 : (uint32_t)ms;
}

static uint64_t clamp_u64(double v, uint64_t low, uint64_t high)
{
    if (!(v > (double)low))
        return low;
    return v < (double)high ? (uint64_t)v : high;
}

/* How many values: by the measured rate, slowly up and freely down. */
static uint64_t size_for(const struct leases *self, const struct lease_holder *holder, uint32_t live_workers)
{
    if (holder->last_size == 0)
        return clamp_u64(holder->hint / FIRST_PARTS, LEASES_FIRST_SIZE, FIRST_SIZE_MAX);
    uint64_t cap = holder->last_size < LEASES_SIZE_MAX / GROWTH ? holder->last_size * GROWTH : LEASES_SIZE_MAX;
    double rate = holder->rate > 0 ? holder->rate : holder->hint;
    if (holder->most > 0 && !(rate > 0 && rate < holder->most))
        rate = holder->most;
    if (!(rate > 0))
        return cap;
    /* A holder that loses leases gets less of them, down to a half. */
    double kept = (holder->done + 1.0) / (holder->done + holder->lost + 1.0);
    double seconds = leases_duration_ms(self, live_workers) / 1000.0;
    return clamp_u64(rate * seconds * (0.5 + 0.5 * kept), LEASES_FIRST_SIZE, cap);
}

static struct lease *find(struct lease_holder *holder, uint64_t id)
{
    for (int i = 0; i < LEASES_KEPT; i++)
        if (holder->slots[i].state != LEASE_NONE && holder->slots[i].id == id)
            return &holder->slots[i];
    return NULL;
}

/* An unused slot, or that of the ended lease issued first; there always is one, as few are live. */
static struct lease *slot_for(struct lease_holder *holder)
{
    struct lease *best = NULL;
    for (int i = 0; i < LEASES_KEPT; i++) {
        struct lease *l = &holder->slots[i];
        if (l->state == LEASE_NONE)
            return l;
        if (l->state != LEASE_LIVE && (!best || l->id < best->id))
            best = l;
    }
    CHECK(best);
    return best;
}

int leases_issue(struct leases *self, struct lease_holder *holder, uint32_t live_workers, int64_t now_ns,
                 struct lease *out)
{
    if (holder->live >= LEASES_LIVE_MAX)
        return ERR_FULL;
    uint64_t size = size_for(self, holder, live_workers);
    if (size > self->reserved - self->next) {
        if (self->reserved < UINT64_MAX)
            return ERR_STATE;
        size = self->reserved - self->next;
    }
    if (size == 0)
        return ERR_EXHAUSTED;
    struct lease *l = slot_for(holder);
    *l = (struct lease){
        .id = self->id_next++,
        .start = self->next,
        .end = self->next + size,
        .pos = self->next,
        .issued_ns = now_ns,
        .state = LEASE_LIVE,
    };
    self->next += size;
    CHECK(self->next <= self->reserved); /* J1 */
    holder->live++;
    holder->last_size = size;
    self->totals.live++;
    self->totals.issued++;
    *out = *l;
    return 0;
}

/* Index of the first span that starts above `start`. */
static size_t span_above(const struct leases *self, uint64_t start)
{
    size_t low = 0, high = self->span_count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (self->spans[mid].start <= start)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static int span_add(struct leases *self, uint64_t start, uint64_t end)
{
    size_t at = span_above(self, start);
    if ((at > 0 && self->spans[at - 1].end > start) || (at < self->span_count && self->spans[at].start < end))
        return ERR_BAD_RANGE; /* J1: somebody else's */
    if (self->span_count == LEASES_ADOPTED_MAX)
        return ERR_FULL;
    if (self->span_count == self->span_cap) {
        self->span_cap = self->span_cap ? self->span_cap * 2 : 64;
        self->spans = realloc(self->spans, self->span_cap * sizeof *self->spans);
        CHECK(self->spans);
    }
    memmove(&self->spans[at + 1], &self->spans[at], (self->span_count - at) * sizeof *self->spans);
    self->spans[at] = (struct span){start, end};
    self->span_count++;
    return 0;
}

static void span_remove(struct leases *self, uint64_t start)
{
    size_t at = span_above(self, start);
    CHECK(at > 0 && self->spans[at - 1].start == start);
    memmove(&self->spans[at - 1], &self->spans[at], (self->span_count - at) * sizeof *self->spans);
    self->span_count--;
}

static void end(struct leases *self, struct lease_holder *holder, struct lease *l, enum lease_state state)
{
    if (l->state == LEASE_LIVE) {
        holder->live--;
        self->totals.live--;
        if (l->adopted && state == LEASE_EXPIRED)
            span_remove(self, l->start); /* its holder may come back for it */
    }
    l->state = state;
}

/* One of ours: its holder was thought dead, or never was. */
static int take_back(struct leases *self, struct lease_holder *holder, struct lease *l, uint64_t pos, uint64_t end_at)
{
    if (end_at != l->end || pos < l->start || pos > l->end)
        return ERR_BAD_RANGE;
    if (l->state == LEASE_LIVE) {
        l->pos = pos > l->pos ? pos : l->pos;
        return 0;
    }
    if (l->state != LEASE_EXPIRED)
        return ERR_UNKNOWN_LEASE; /* it said itself that it is done with it */
    if (holder->live >= LEASES_LIVE_MAX)
        return ERR_FULL;
    if (l->adopted)
        TRY(span_add(self, l->start, l->end));
    l->state = LEASE_LIVE;
    l->pos = pos > l->pos ? pos : l->pos;
    holder->live++;
    holder->lost--;
    self->totals.live++;
    self->totals.expired--;
    return 0;
}

static int adopt(struct leases *self, struct lease_holder *holder, uint64_t id, uint64_t pos, uint64_t end_at)
{
    struct lease *known = find(holder, id);
    if (known)
        return take_back(self, holder, known, pos, end_at);
    uint64_t epoch = id >> LEASES_ID_BITS;
    if (epoch == 0 || epoch >= self->config.epoch)
        return ERR_UNKNOWN_LEASE;
    if (pos >= end_at || end_at > self->config.mark || end_at - pos > LEASES_SIZE_MAX)
        return ERR_BAD_RANGE; /* never issued before this epoch: J1 */
    if (holder->live >= LEASES_LIVE_MAX || holder->adopted >= LEASES_ADOPT_MAX)
        return ERR_FULL;
    TRY(span_add(self, pos, end_at));
    *slot_for(holder) =
        (struct lease){.id = id, .start = pos, .end = end_at, .pos = pos, .state = LEASE_LIVE, .adopted = true};
    holder->live++;
    holder->adopted++;
    self->totals.live++;
    self->totals.adopted++;
    return 0;
}

int leases_adopt(struct leases *self, struct lease_holder *holder, uint64_t id, uint64_t pos, uint64_t end_at)
{
    int err = adopt(self, holder, id, pos, end_at);
    if (err < 0)
        self->totals.refused++;
    return err;
}

/* The holder's count of hashes is its word, but never more than the range can hold. */
static uint64_t count_hashes(struct lease *l, uint64_t cumulative)
{
    uint64_t size = l->end - l->start;
    uint64_t most = size > UINT64_MAX / VERSIONS_MAX ? UINT64_MAX : size * VERSIONS_MAX;
    uint64_t now = cumulative < most ? cumulative : most;
    if (now <= l->hashes)
        return 0;
    uint64_t grown = now - l->hashes;
    l->hashes = now;
    return grown;
}

int leases_progress(struct leases *self, struct lease_holder *holder, const struct lease_progress_report *report,
                    uint64_t *hashes)
{
    (void)self;
    struct lease *l = find(holder, report->id);
    if (!l)
        return ERR_UNKNOWN_LEASE;
    if (report->pos < l->start || report->pos > l->end)
        return ERR_BAD_RANGE;
    if (l->state != LEASE_LIVE && l->state != LEASE_EXPIRED)
        return ERR_STATE;
    l->pos = report->pos > l->pos ? report->pos : l->pos;
    uint64_t grown = count_hashes(l, report->hashes);
    if (hashes)
        *hashes = grown;
    return 0;
}

static void measure(struct lease_holder *holder, uint64_t hashes, uint64_t busy_us)
{
    if (hashes == 0 || busy_us == 0)
        return;
    double rate = (double)hashes * 1e6 / (double)busy_us;
    holder->rate = holder->rate > 0 ? holder->rate + rate_weight * (rate - holder->rate) : rate;
}

int leases_done(struct leases *self, struct lease_holder *holder, const struct lease_done_report *report,
                uint64_t *hashes)
{
    struct lease *l = find(holder, report->id);
    if (!l)
        return ERR_UNKNOWN_LEASE;
    if (l->state != LEASE_LIVE && l->state != LEASE_EXPIRED)
        return ERR_STATE;
    bool whole = l->adopted ? report->start <= l->start : report->start == l->start;
    if (!whole || report->end != l->end)
        return ERR_BAD_RANGE;
    if (l->state == LEASE_EXPIRED) {
        if (l->adopted && span_add(self, l->start, l->end) < 0)
            return ERR_BAD_RANGE; /* another one has it meanwhile, or had it */
        self->totals.expired--;
        holder->lost--;
    }
    end(self, holder, l, LEASE_DONE);
    l->pos = l->end;
    uint64_t grown = count_hashes(l, report->hashes);
    if (hashes)
        *hashes = grown;
    measure(holder, l->hashes, report->busy_us);
    holder->done++;
    self->totals.done++;
    return 0;
}

int leases_return(struct leases *self, struct lease_holder *holder, uint64_t id, uint64_t pos)
{
    struct lease *l = find(holder, id);
    if (!l)
        return ERR_UNKNOWN_LEASE;
    if (pos < l->start || pos > l->end)
        return ERR_BAD_RANGE;
    if (l->state != LEASE_LIVE)
        return ERR_STATE;
    l->pos = pos > l->pos ? pos : l->pos;
    end(self, holder, l, LEASE_RETURNED);
    self->totals.returned++;
    return 0;
}

void leases_expire(struct leases *self, struct lease_holder *holder)
{
    for (int i = 0; i < LEASES_KEPT; i++) {
        struct lease *l = &holder->slots[i];
        if (l->state != LEASE_LIVE)
            continue;
        end(self, holder, l, LEASE_EXPIRED);
        holder->lost++;
        self->totals.expired++;
    }
}

bool leases_held(const struct lease_holder *holder, uint64_t id, uint64_t counter)
{
    for (int i = 0; i < LEASES_KEPT; i++) {
        const struct lease *l = &holder->slots[i];
        if (l->state != LEASE_NONE && (id == 0 || l->id == id) && counter >= l->start && counter < l->end)
            return true;
    }
    return false;
}

void leases_read(const struct leases *self, struct leases_totals *out)
{
    *out = self->totals;
    out->next = self->next;
    out->reserved = self->reserved;
}
