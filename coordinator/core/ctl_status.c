#include "coordinator/core/ctl_status.h"

#include <string.h>

#include "common/base/bytes.h"
#include "common/chain/target.h"

static const int64_t ms_ns = 1000000;
enum { WORKER_ROW_MAX = 640 /* bytes of one worker's row, names at their longest */, TOTALS_MS = 500 };

static uint64_t uptime_ms(const struct core *self)
{
    return (uint64_t)((self->now_ns - self->started_ns) / ms_ns);
}

static void put_chain(const struct core *self, struct cursor_out *o)
{
    const struct tree_node *tip = tree_tip(self->tree);
    char work[U256_HEX_SIZE];
    u256_to_hex(work, &tip->work);
    size_t zeros = strspn(work, "0");
    const struct job *job = jobs_current(&self->jobs);
    ctl_put_str(o, "version", self->config.version);
    ctl_put_str(o, "network", self->network.name);
    ctl_put_hash(o, "genesis", self->network.genesis_hash);
    ctl_put_u64(o, "spacing_s", self->network.spacing_s);
    ctl_put_u64(o, "half_life_s", self->network.half_life_s);
    ctl_put_u64(o, "height", tip->height);
    ctl_put_hash(o, "tip", tip->hash);
    ctl_put_str(o, "work", work + (zeros < 63 ? zeros : 63));
    ctl_put_u64(o, "bits", job->bits);
    ctl_put_f64(o, "difficulty", target_difficulty(&job->target));
    ctl_put_u64(o, "median_time", tree_median_time(self->tree, tip));
    ctl_put_u64(o, "epoch", self->config.epoch);
    ctl_put_u64(o, "tip_seq", self->tip_seq);
}

static void put_fleet(const struct core *self, struct cursor_out *o)
{
    struct fleet_sums sums;
    fleet_sum(&self->fleet, self->now_ns, &sums);
    ctl_put_u64(o, "uptime_ms", uptime_ms(self));
    ctl_put_u64(o, "started_ms", (uint64_t)self->started_wall_ms);
    ctl_put_u64(o, "workers", self->fleet.live);
    ctl_put_f64(o, "hashrate", sums.rate);
    ctl_put_u64(o, "hashes", sums.counts.hashes);
    ctl_put_u64(o, "blocks", self->stats.blocks);
    ctl_put_u64(o, "shares", sums.counts.shares);
    ctl_put_u64(o, "shares_stale", sums.counts.stale);
    ctl_put_u64(o, "shares_rejected", sums.counts.rejected);
}

void ctl_status_status(struct core *self, const struct ctl_call *call)
{
    struct leases_totals leases;
    leases_read(self->leases, &leases);
    struct cursor_out o = ctl_begin(self);
    cursor_put_map(&o, 31);
    put_chain(self, &o);
    put_fleet(self, &o);
    ctl_put_u64(&o, "reorgs", self->stats.reorgs);
    ctl_put_u64(&o, "side_blocks", self->stats.side_blocks);
    ctl_put_u64(&o, "orphans", self->stats.orphans);
    ctl_put_u64(&o, "leases", leases.live);
    ctl_put_u64(&o, "counter_next", leases.next);
    ctl_put_u64(&o, "counter_reserved", leases.reserved);
    ctl_put_u64(&o, "pending", self->pool.count);
    ctl_put_str(&o, "http", self->config.http);
    ctl_put_str(&o, "data_dir", self->config.data_dir);
    ctl_reply(self, call, &o, false);
}

static void put_worker(const struct core *self, struct cursor_out *o, const struct worker *w)
{
    char uuid[33];
    bytes_to_hex(uuid, w->uuid, 16);
    cursor_put_map(o, 17);
    ctl_put_str(o, "name", w->name);
    ctl_put_u64(o, "wid", w->wid);
    ctl_put_str(o, "uuid", uuid);
    ctl_put_str(o, "state", worker_fsm_name(w->state));
    ctl_put_str(o, "agent", w->agent);
    ctl_put_str(o, "kernel", w->kernel);
    ctl_put_u64(o, "lanes", w->lanes);
    ctl_put_f64(o, "hashrate", w->hashrate);
    ctl_put_u64(o, "hashes", w->counts.hashes);
    ctl_put_u64(o, "shares", w->counts.shares);
    ctl_put_u64(o, "stale", w->counts.stale);
    ctl_put_u64(o, "rejected", w->counts.rejected);
    ctl_put_u64(o, "blocks", w->counts.blocks);
    ctl_put_u64(o, "leases", w->leases.live);
    ctl_put_u64(o, "displaced", w->displaced);
    ctl_put_u64(o, "last_seen_ms", (uint64_t)((self->now_ns - w->heard_ns) / ms_ns));
    ctl_put_u64(o, "since_ms", (uint64_t)((self->now_ns - w->since_ns) / ms_ns));
}

void ctl_status_workers(struct core *self, const struct ctl_call *call)
{
    uint32_t left = self->fleet.count;
    const struct worker *w = self->fleet.first;
    do {
        uint32_t most = (STATE_RESULT_MAX - 64) / WORKER_ROW_MAX;
        uint32_t n = left < most ? left : most;
        struct cursor_out o = ctl_begin(self);
        cursor_put_map(&o, 1);
        cursor_put_str(&o, "workers");
        cursor_put_array(&o, n);
        for (uint32_t i = 0; i < n; i++, w = w->next)
            put_worker(self, &o, w);
        left -= n;
        ctl_reply(self, call, &o, left > 0);
    } while (left > 0);
}

void ctl_status_stats(struct core *self, const struct ctl_call *call)
{
    if (self->totals_ns == 0 || self->now_ns - self->totals_ns >= TOTALS_MS * ms_ns) {
        rollup_total(&self->rollup);
        self->totals_ns = self->now_ns;
    }
    struct cursor_out o = ctl_begin(self);
    cursor_put_map(&o, 3);
    ctl_put_u64(&o, "workers", self->fleet.live);
    ctl_put_u64(&o, "uptime_ms", uptime_ms(self));
    cursor_put_str(&o, "metrics");
    cursor_put_map(&o, (uint32_t)self->rollup.count);
    for (size_t i = 0; i < self->rollup.count; i++) {
        const struct rollup_metric *m = &self->rollup.metrics[i];
        if (m->total.f == 0)
            ctl_put_u64(&o, m->name, m->total.u);
        else
            ctl_put_f64(&o, m->name, (double)m->total.u + m->total.f);
    }
    ctl_reply(self, call, &o, false);
}
