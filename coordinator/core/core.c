#include "coordinator/core/core.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "coordinator/core/ctl.h"
#include "coordinator/core/forks.h"
#include "coordinator/core/progress.h"
#include "coordinator/core/session.h"
#include "coordinator/core/state.h"
#include "coordinator/core/tips.h"

enum { LEASES_PER_SECOND = 2000 }; /* for all workers: one per cent of what the reactor serves */

/* Copies the texts the configuration points to; NULL becomes "". */
static void own_texts(struct core *self)
{
    struct core_config *c = &self->config;
    const char **const texts[STATE_TEXTS] = {&c->tag,          &c->version, &c->work_endpoint,
                                             &c->tip_endpoint, &c->http,    &c->data_dir};
    for (int i = 0; i < STATE_TEXTS; i++) {
        const char *text = *texts[i] ? *texts[i] : "";
        memcpy(self->text[i], text, strnlen(text, STATE_TEXT_MAX - 1));
        *texts[i] = self->text[i];
    }
    c->network = &self->network;
}

int core_new(struct core **out, const struct core_config *config)
{
    if (!config->network->lode)
        return ERR_NETWORK;
    struct core *self = calloc(1, sizeof *self);
    CHECK(self);
    self->config = *config;
    self->network = *config->network;
    own_texts(self);
    self->result = malloc(STATE_RESULT_MAX);
    CHECK(self->result);
    struct tree_config tree = {.network = &self->network, .seed = config->seed};
    self->tree = tree_new(&tree);
    struct leases_config leases = {
        .epoch = config->epoch, .mark = config->mark, .lease_ms = config->lease_ms, .per_second = LEASES_PER_SECOND};
    self->leases = leases_new(&leases);
    jobs_init(&self->jobs, config->epoch);
    fleet_init(&self->fleet, config->max_workers, config->seed, 0);
    *out = self;
    return 0;
}

void core_free(struct core **self_p)
{
    struct core *self = *self_p;
    if (!self)
        return;
    *self_p = NULL;
    rollup_free(&self->rollup);
    fleet_free(&self->fleet);
    pool_free(&self->pool);
    jobs_free(&self->jobs);
    leases_free(&self->leases);
    tree_free(&self->tree);
    free(self->result);
    free(self);
}

static int load(struct core *self, const struct block *block, const struct core_block *stored)
{
    const struct tree_node *parent = tree_find(self->tree, block->header.prev);
    if (!parent || stored->height != parent->height + 1)
        return ERR_CORRUPT; /* C2 */
    if (block_check(block, stored->height) < 0)
        return ERR_CORRUPT;
    struct tree_event event;
    if (tree_insert(self->tree, &block->header, NETWORK_NO_CLOCK, &event) < 0)
        return ERR_CORRUPT;
    return memcmp(event.hash, stored->hash, sizeof event.hash) == 0 ? 0 : ERR_CORRUPT;
}

int core_load(struct core *self, const struct core_block *block)
{
    CHECK(self->started_ns == 0);
    size_t len = HEADER_LEN + block->body_len;
    uint8_t *raw = malloc(len);
    struct block *parsed = malloc(sizeof *parsed);
    CHECK(raw && parsed);
    memcpy(raw, block->header, HEADER_LEN);
    memcpy(raw + HEADER_LEN, block->body, block->body_len);
    int err = block_parse(parsed, raw, len) < 0 ? ERR_CORRUPT : load(self, parsed, block);
    free(parsed);
    free(raw);
    return err;
}

int core_load_job(struct core *self, uint64_t id, const uint8_t *record, size_t len)
{
    return jobs_restore(&self->jobs, id, record, len);
}

static void begin(struct core *self, int64_t now_ns, int64_t wall_ms, struct core_actions *out)
{
    CHECK(now_ns >= self->now_ns);
    self->now_ns = now_ns;
    self->wall_ms = wall_ms;
    self->out = out;
}

void core_start(struct core *self, int64_t now_ns, int64_t wall_ms, struct core_actions *out)
{
    begin(self, now_ns, wall_ms, out);
    self->started_ns = now_ns;
    self->started_wall_ms = wall_ms;
    self->tip_ns = now_ns;
    tips_announce(self, true, 0);
    struct core_log log = {.level = CORE_INFO, .event = "core_started"};
    actions_log(self->out, &log, "network %s, height %llu, epoch %llu", self->network.name,
                (unsigned long long)tree_tip(self->tree)->height, (unsigned long long)self->config.epoch);
    self->out = NULL;
}

static void tick(struct core *self)
{
    session_tick(self);
    tips_tick(self);
    progress_tick(self);
}

static void dispatch(struct core *self, const struct core_event *event)
{
    switch (event->kind) {
    case CORE_EV_MESSAGE:
        session_message(self, &event->route, event->message);
        return;
    case CORE_EV_BAD_FRAME:
        session_bad_frame(self, &event->route, event->message, event->err);
        return;
    case CORE_EV_UNREACHABLE:
        session_unreachable(self, &event->route);
        return;
    case CORE_EV_FLUSH:
        session_flush(self);
        return;
    case CORE_EV_TICK:
        tick(self);
        return;
    case CORE_EV_CONTROL:
        ctl_message(self, &event->route, event->message);
        return;
    case CORE_EV_BAD_CONTROL:
        ctl_bad_frame(self, &event->route, event->message, event->err);
        return;
    case CORE_EV_CONTROL_GONE:
        pool_forget_route(&self->pool, &event->route);
        return;
    case CORE_EV_STORED:
        forks_stored(self, event->err);
        return;
    case CORE_EV_RESERVED:
        session_reserved(self, event->mark, event->err);
        return;
    case CORE_EV_NOT_KEPT:
        forks_not_kept(self, event->err);
        return;
    case CORE_EV_STOP:
        progress_stop(self);
        return;
    }
}

void core_step(struct core *self, const struct core_event *event, int64_t now_ns, struct core_actions *out)
{
    begin(self, now_ns, event->wall_ms, out);
    dispatch(self, event);
    self->out = NULL;
}
