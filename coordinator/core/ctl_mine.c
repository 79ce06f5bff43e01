#include "coordinator/core/ctl_mine.h"

#include <string.h>

#include "common/base/err.h"
#include "coordinator/core/ctl_blocks.h"
#include "coordinator/core/tips.h"

enum { MINE_MAX = 1000 };

/* Reads the list twice: first to refuse it as a whole, then to take it. */
static int measure(const struct ctl_call *call, uint32_t *count, size_t *bytes)
{
    struct cursor c = cursor_map_find(call->args, "data");
    if (c.err < 0)
        return c.err == ERR_NOT_FOUND ? ERR_MISSING_KEY : c.err;
    *count = cursor_array(&c, MINE_MAX);
    *bytes = 0;
    for (uint32_t i = 0; i < *count && c.err == 0; i++) {
        size_t len = cursor_bin(&c, BLOCK_PAYLOAD_MAX).len;
        if (c.err == 0 && len == 0)
            return ERR_RANGE;
        *bytes += len;
    }
    if (c.err < 0)
        return c.err;
    return *count > 0 ? 0 : ERR_RANGE;
}

static void take(struct core *self, const struct ctl_call *call, uint32_t count)
{
    struct pool_request *r = pool_request(&self->pool, call->route, call->id, count);
    struct fleet_sums sums;
    fleet_sum(&self->fleet, self->now_ns, &sums);
    r->begun_ns = self->now_ns;
    r->hashes_before = sums.counts.hashes;
    struct cursor c = cursor_map_find(call->args, "data");
    (void)cursor_array(&c, MINE_MAX);
    for (uint32_t i = 0; i < count; i++) {
        struct cursor_view v = cursor_bin(&c, BLOCK_PAYLOAD_MAX);
        pool_append(&self->pool, v.at, (uint32_t)v.len, r->id);
    }
}

void ctl_mine_run(struct core *self, const struct ctl_call *call)
{
    uint32_t count = 0;
    size_t bytes = 0;
    int err = measure(call, &count, &bytes);
    if (err < 0) {
        ctl_error(self, call, err, "data");
        return;
    }
    if (self->stopping || !pool_fits(&self->pool, count, bytes)) {
        ctl_error(self, call, self->stopping ? ERR_STATE : ERR_FULL, NULL);
        return;
    }
    bool idle = self->pool.count == 0;
    take(self, call, count);
    if (idle)
        tips_announce(self, false, 0); /* the present job is an empty block: a new one, with the first payload */
}

static void put_end(const struct core *self, struct cursor_out *o, const struct pool_request *r)
{
    struct fleet_sums sums;
    fleet_sum(&self->fleet, self->now_ns, &sums);
    ctl_put_u64(o, "duration_ms", (uint64_t)((self->now_ns - r->begun_ns) / 1000000));
    ctl_put_u64(o, "hashes", sums.counts.hashes - r->hashes_before);
}

void ctl_mine_settled(struct core *self, uint64_t request, const uint8_t hash[32])
{
    struct pool_request *r = pool_request_find(&self->pool, request);
    const struct tree_node *node = tree_find(self->tree, hash);
    if (!r || !node)
        return;
    r->done++;
    bool last = r->done == r->of;
    struct ctl_call call = {.route = &r->route, .id = r->ctl_id};
    struct cursor_out o = ctl_begin(self);
    cursor_put_map(&o, last ? 5 : 3);
    cursor_put_str(&o, "block");
    int err = ctl_blocks_put(self, &o, node);
    ctl_put_u64(&o, "done", r->done);
    ctl_put_u64(&o, "of", r->of);
    if (last)
        put_end(self, &o, r);
    if (err < 0)
        ctl_error(self, &call, err, NULL);
    else
        ctl_reply(self, &call, &o, !last);
    if (last || err < 0)
        pool_request_end(&self->pool, r);
}
