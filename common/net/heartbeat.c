#include "common/net/heartbeat.h"

/* a + b, or the last instant when that is beyond it. */
static int64_t add(int64_t a, int64_t b)
{
    int64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static int64_t times(int64_t a, int64_t n)
{
    int64_t product;
    return __builtin_mul_overflow(a, n, &product) ? INT64_MAX : product;
}

void heartbeat_init(struct heartbeat *self, int64_t beat_ns, int64_t dead_ns, int64_t now_ns)
{
    heartbeat_set(self, beat_ns, dead_ns);
    self->heard_ns = self->sent_ns = now_ns;
}

void heartbeat_set(struct heartbeat *self, int64_t beat_ns, int64_t dead_ns)
{
    self->beat_ns = beat_ns > 0 ? beat_ns : 1;
    self->dead_ns = dead_ns > 0 ? dead_ns : times(self->beat_ns, HEARTBEAT_DEAD_BEATS);
    if (self->dead_ns < self->beat_ns)
        self->dead_ns = self->beat_ns;
}

void heartbeat_heard(struct heartbeat *self, int64_t now_ns)
{
    if (now_ns > self->heard_ns)
        self->heard_ns = now_ns;
}

void heartbeat_sent(struct heartbeat *self, int64_t now_ns)
{
    if (now_ns > self->sent_ns)
        self->sent_ns = now_ns;
}

static int64_t suspect_at(const struct heartbeat *self)
{
    return add(self->heard_ns, times(self->beat_ns, HEARTBEAT_SUSPECT_BEATS));
}

static int64_t dead_at(const struct heartbeat *self)
{
    return add(self->heard_ns, self->dead_ns);
}

enum heartbeat_state heartbeat_state(const struct heartbeat *self, int64_t now_ns)
{
    if (now_ns >= dead_at(self))
        return HEARTBEAT_DEAD;
    return now_ns >= suspect_at(self) ? HEARTBEAT_SUSPECT : HEARTBEAT_LIVE;
}

int64_t heartbeat_due_ns(const struct heartbeat *self)
{
    return add(self->sent_ns, self->beat_ns);
}

int64_t heartbeat_next_ns(const struct heartbeat *self, int64_t now_ns)
{
    switch (heartbeat_state(self, now_ns)) {
    case HEARTBEAT_LIVE:
        return suspect_at(self) < dead_at(self) ? suspect_at(self) : dead_at(self);
    case HEARTBEAT_SUSPECT:
        return dead_at(self);
    default:
        return INT64_MAX;
    }
}
