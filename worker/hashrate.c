#include "worker/hashrate.h"

#include <math.h>
#include <stdbool.h>

static const double span_seconds[HASHRATE_SPANS] = {5, 60, 300, 900};

void hashrate_sample(struct hashrate *self, int64_t now_ns, uint64_t hashes)
{
    bool first = self->last_ns == 0;
    if (!first && (now_ns <= self->last_ns || hashes < self->last_hashes))
        return;
    if (!first) {
        double seconds = (double)(now_ns - self->last_ns) / 1e9;
        double rate = (double)(hashes - self->last_hashes) / seconds;
        for (int i = 0; i < HASHRATE_SPANS; i++) {
            double fresh = -expm1(-seconds / span_seconds[i]);
            self->sum[i] += (rate - self->sum[i]) * fresh;
            self->weight[i] += (1 - self->weight[i]) * fresh;
        }
    }
    self->last_ns = now_ns;
    self->last_hashes = hashes;
}

double hashrate_get(const struct hashrate *self, enum hashrate_span span)
{
    return self->weight[span] > 0 ? self->sum[span] / self->weight[span] : 0;
}
