#include "coordinator/core/progress.h"

#include <stdio.h>

#include "common/base/bytes.h"
#include "coordinator/core/tips.h"

static const int64_t ms_ns = 1000000;
enum { STOP_GRACE_MS = 50, DRAIN_GRACE_MS = 1000, HASH_DIGITS = 16 };

void progress_rate(char *out, size_t size, double rate)
{
    static const char *const units[] = {"H/s", "kH/s", "MH/s", "GH/s", "TH/s", "PH/s"};
    size_t unit = 0;
    while (rate >= 1000 && unit + 1 < ARRAY_LEN(units)) {
        rate /= 1000;
        unit++;
    }
    (void)snprintf(out, size, rate < 100 ? "%.1f %s" : "%.0f %s", rate, units[unit]);
}

static void stop_at(struct core *self, int64_t grace_ms)
{
    self->stopping = true;
    self->stop_ns = self->now_ns + grace_ms * ms_ns;
}

void progress_block(struct core *self, const struct state_storing *block)
{
    char hash[65], rate[32], text[256], of[64] = "";
    bytes_to_hex_reversed(hash, block->hash, 32);
    hash[HASH_DIGITS] = 0;
    struct fleet_sums sums;
    fleet_sum(&self->fleet, self->now_ns, &sums);
    progress_rate(rate, sizeof rate, sums.rate);
    uint64_t wanted = self->config.blocks_wanted;
    self->blocks_done++;
    if (wanted > 0)
        (void)snprintf(of, sizeof of, "  [%llu/%llu]", (unsigned long long)self->blocks_done,
                       (unsigned long long)wanted);
    (void)snprintf(text, sizeof text, "block %llu  %s…  %.2f s  %s  worker %s%s", (unsigned long long)block->height,
                   hash, (double)block->took_ns / 1e9, rate, block->worker[0] ? block->worker : "-", of);
    actions_progress(self->out, text);
    if (wanted == 0 || self->blocks_done < wanted || self->stopping)
        return;
    tips_order(self, MESSAGE_CTRL_DRAIN, 0);
    self->draining = true;
    stop_at(self, DRAIN_GRACE_MS);
}

void progress_stop(struct core *self)
{
    if (self->stopping)
        return;
    struct core_log log = {.level = CORE_INFO, .event = "stopping"};
    actions_log(self->out, &log, "as asked");
    stop_at(self, STOP_GRACE_MS);
}

void progress_tick(struct core *self)
{
    if (!self->stopping || self->stop_ns == 0)
        return;
    bool empty = self->draining && self->fleet.live == 0;
    if (!empty && self->now_ns < self->stop_ns)
        return;
    self->stop_ns = 0;
    actions_exit(self->out, 0);
}
