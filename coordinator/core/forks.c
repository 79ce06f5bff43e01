#include "coordinator/core/forks.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/base/check.h"
#include "common/base/err.h"
#include "coordinator/core/ctl_mine.h"
#include "coordinator/core/progress.h"
#include "coordinator/core/session.h"
#include "coordinator/core/shares.h"
#include "coordinator/core/tips.h"

/* What is being put in: the block, and what it settles. */
struct arrival {
    const struct block *block;
    struct tree_event event;
    struct state_storing *storing;
};

static void settle(struct core *self, const struct block *block, struct state_storing *storing)
{
    for (uint16_t i = 0; i < block->payload_count; i++) {
        const struct block_payload *p = &block->payloads[i];
        uint64_t request;
        if (pool_mined(&self->pool, p->bytes, p->len, &request) && request != 0 &&
            storing->request_count < STATE_REQUESTS_MAX)
            storing->requests[storing->request_count++] = request;
    }
}

static void give_back(struct core *self, const struct block *block)
{
    for (uint16_t i = block->payload_count; i-- > 0;)
        pool_return(&self->pool, block->payloads[i].bytes, block->payloads[i].len);
}

/* The stored block of node, parsed; its payloads borrow from *raw_p, which the caller frees. */
static int read_block(struct core *self, const struct tree_node *node, struct block *out, uint8_t **raw_p)
{
    struct core_block stored;
    uint8_t *body = NULL;
    TRY(self->config.reader.block(self->config.reader.ctx, node->hash, &stored, &body));
    uint8_t *raw = malloc(HEADER_LEN + stored.body_len);
    CHECK(raw);
    memcpy(raw, stored.header, HEADER_LEN);
    memcpy(raw + HEADER_LEN, body, stored.body_len);
    free(body);
    int err = block_parse(out, raw, HEADER_LEN + stored.body_len);
    if (err < 0) {
        free(raw);
        return err;
    }
    *raw_p = raw;
    return 0;
}

/* Calls settle or give_back for the stored blocks above fork up to tip; the newest first when they are given back, so
 * that the queue has them in the order they were mined in. */
static void walk(struct core *self, const struct tree_node *fork, const struct tree_node *tip,
                 struct state_storing *settles)
{
    size_t count = (size_t)(tip->height - fork->height);
    const struct tree_node **path = calloc(count ? count : 1, sizeof(void *));
    struct block *block = malloc(sizeof *block);
    CHECK(path && block && tree_path(fork, tip, path, count) == count);
    for (size_t i = 0; i < count; i++) {
        const struct tree_node *node = settles ? path[i] : path[count - 1 - i];
        uint8_t *raw = NULL;
        int err = read_block(self, node, block, &raw);
        if (err < 0) {
            struct core_log log = {.level = CORE_ERROR, .event = "reorg_block_unreadable", .code = err};
            actions_log(self->out, &log, "height=%llu: its payloads are not returned",
                        (unsigned long long)node->height);
            continue;
        }
        if (settles)
            settle(self, block, settles);
        else
            give_back(self, block);
        free(raw);
    }
    free(block);
    free(path);
}

static void reorg(struct core *self, struct arrival *a)
{
    const struct tree_event *e = &a->event;
    self->stats.reorgs++;
    struct core_log log = {.level = CORE_WARN, .event = "reorg"};
    actions_log(self->out, &log, "depth %llu, from height %llu to %llu", (unsigned long long)e->depth,
                (unsigned long long)e->old_tip->height, (unsigned long long)e->new_tip->height);
    walk(self, e->fork, e->old_tip, NULL);
    walk(self, e->fork, e->new_tip->parent, a->storing); /* the newest is not stored yet */
    settle(self, a->block, a->storing);
}

static void new_tip(struct core *self, struct arrival *a)
{
    bool is_reorg = a->event.kind == TREE_REORG;
    if (is_reorg)
        reorg(self, a);
    else
        settle(self, a->block, a->storing);
    a->storing->is_tip = true;
    a->storing->took_ns = self->now_ns - self->tip_ns;
    self->tip_ns = self->now_ns;
    self->stats.blocks++;
    tips_announce(self, true, is_reorg ? a->event.depth : 0);
}

static void persist(struct core *self, const struct arrival *a, const char *worker)
{
    int64_t size = block_size(a->block);
    CHECK(size > HEADER_LEN);
    uint8_t *raw = malloc((size_t)size);
    CHECK(raw && block_serialize(raw, (size_t)size, a->block) == size);
    struct core_block stored = {
        .height = a->event.node->height,
        .arrival_ms = self->wall_ms,
        .body = raw + HEADER_LEN,
        .body_len = (size_t)size - HEADER_LEN,
    };
    memcpy(stored.hash, a->event.hash, sizeof stored.hash);
    memcpy(stored.prev, a->block->header.prev, sizeof stored.prev);
    memcpy(stored.header, raw, HEADER_LEN);
    memcpy(stored.worker, worker, strnlen(worker, CORE_WORKER_NAME_MAX));
    actions_persist(self->out, &stored);
    free(raw);
}

static int insert(struct core *self, const struct block *block, const struct forks_finder *finder)
{
    if (self->storing_count == STATE_STORING_MAX)
        return ERR_FULL;
    struct arrival a = {.block = block};
    TRY(tree_insert(self->tree, &block->header, self->wall_ms / 1000, &a.event));
    a.storing = &self->storing[self->storing_count++];
    *a.storing = (struct state_storing){.wid = finder->wid, .seq = finder->seq, .height = a.event.node->height};
    memcpy(a.storing->hash, a.event.hash, sizeof a.storing->hash);
    memcpy(a.storing->worker, finder->name, strnlen(finder->name, CORE_WORKER_NAME_MAX));
    if (a.event.kind == TREE_SIDE) {
        self->stats.side_blocks++;
        a.storing->code = MESSAGE_CODE_STALE;
    } else {
        new_tip(self, &a);
    }
    persist(self, &a, finder->name);
    return 0;
}

int forks_submit(struct core *self, const struct job *job, uint64_t counter, const struct forks_finder *finder)
{
    if (!tree_find(self->tree, job->parent))
        return ERR_TOO_DEEP; /* its branch was dropped meanwhile */
    struct block block;
    jobs_block(job, counter, &block);
    return insert(self, &block, finder);
}

int forks_accept(struct core *self, const struct block *block, const struct forks_finder *finder)
{
    const struct tree_node *parent = tree_find(self->tree, block->header.prev);
    if (!parent) {
        self->stats.orphans++;
        return ERR_ORPHAN;
    }
    TRY(block_check(block, parent->height + 1));
    return insert(self, block, finder);
}

static void ask_for_end(struct core *self, int err)
{
    struct core_log log = {.level = CORE_ERROR, .event = "store_failed", .code = err};
    actions_log(self->out, &log, "a block could not be made durable; stopping (it is not acknowledged)");
    actions_exit(self->out, 1);
    self->stopping = true;
}

void forks_stored(struct core *self, int err)
{
    CHECK(self->storing_count > 0);
    struct state_storing done = self->storing[0];
    self->storing_count--;
    memmove(&self->storing[0], &self->storing[1], self->storing_count * sizeof self->storing[0]);
    if (err < 0) {
        ask_for_end(self, err);
        return;
    }
    session_settle(self, done.wid, done.seq, done.code); /* J3: durable, so acknowledged */
    for (size_t i = 0; i < done.request_count; i++)
        ctl_mine_settled(self, done.requests[i], done.hash);
    if (done.is_tip)
        progress_block(self, &done);
}

void forks_not_kept(struct core *self, int err)
{
    if (self->ailing)
        return;
    self->ailing = "the store failed: the next block ends the coordinator";
    struct core_log log = {.level = CORE_ERROR, .event = "store_failed", .code = err};
    actions_log(self->out, &log, "a job could not be kept; the next block cannot be stored and ends the coordinator");
}
