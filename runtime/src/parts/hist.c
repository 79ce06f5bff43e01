#include "parts/hist.h"

enum { SUBS = 1 << RTI_HIST_SUB_BITS, FIRST_BITS = RTI_HIST_MIN_BITS - 1 }; /* 2^8: the first two groups' width */

int rti_hist_bucket(int64_t ns)
{
    if (ns < 0)
        return -1;
    int bits = ns == 0 ? 0 : 64 - __builtin_clzll((uint64_t)ns);
    int group = bits < RTI_HIST_MIN_BITS ? 0 : bits - FIRST_BITS;
    if (group >= RTI_HIST_BUCKETS / SUBS)
        return RTI_HIST_BUCKETS;
    int shift = (group == 0 ? FIRST_BITS : bits - 1) - RTI_HIST_SUB_BITS;
    return group * SUBS + (int)((uint64_t)ns >> shift) % SUBS;
}

int64_t rti_hist_start(int i)
{
    int group = i / SUBS, sub = i % SUBS;
    if (group == 0)
        return (int64_t)sub << (FIRST_BITS - RTI_HIST_SUB_BITS);
    int bits = group + FIRST_BITS - 1; /* the group starts at 2^bits */
    return ((int64_t)SUBS + sub) << (bits - RTI_HIST_SUB_BITS);
}

static _Atomic(uint64_t) *counter_of(struct rti_hist *self, int64_t ns)
{
    int i = rti_hist_bucket(ns);
    if (i < 0)
        return &self->under;
    return i < RTI_HIST_BUCKETS ? &self->count[i] : &self->over;
}

void rti_hist_add(struct rti_hist *self, int64_t ns)
{
    add_rlx(counter_of(self, ns), 1);
}

void rti_hist_add_own(struct rti_hist *self, int64_t ns)
{
    _Atomic(uint64_t) *counter = counter_of(self, ns);
    store_rlx(counter, load_rlx(counter) + 1);
}

void rti_hist_merge(struct rti_hist *self, struct rti_hist *from)
{
    for (int i = 0; i < RTI_HIST_BUCKETS; i++)
        add_rlx(&self->count[i], load_rlx(&from->count[i]));
    add_rlx(&self->under, load_rlx(&from->under));
    add_rlx(&self->over, load_rlx(&from->over));
}

uint64_t rti_hist_total(struct rti_hist *self)
{
    uint64_t n = load_rlx(&self->under) + load_rlx(&self->over);
    for (int i = 0; i < RTI_HIST_BUCKETS; i++)
        n += load_rlx(&self->count[i]);
    return n;
}

int64_t rti_hist_quantile(struct rti_hist *self, double q)
{
    uint64_t total = rti_hist_total(self), seen = load_rlx(&self->under);
    double want = q * (double)total;
    if (total == 0 || (double)seen > want)
        return -1;
    for (int i = 0; i < RTI_HIST_BUCKETS; i++) {
        seen += load_rlx(&self->count[i]);
        if ((double)seen > want || (seen == total && load_rlx(&self->over) == 0))
            return rti_hist_start(i);
    }
    return rti_hist_start(RTI_HIST_BUCKETS);
}
