#include "coordinator/core/jobs.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/chain/merkle.h"
#include "common/chain/target.h"

enum {
    VERSION_BITS = 0x20000000, /* BIP 9's top bits, none of its deployments */
    TIME_BACK_S = 2 * 60 * 60, /* as far as a job's time may be ahead of the clock anyway */
};

void jobs_init(struct jobs *self, uint64_t epoch)
{
    *self = (struct jobs){0};
    self->first = self->next = epoch << 32 | 1;
}

static void job_close(struct job *job)
{
    job->closed = true;
    job->of->seen_sum -= job->seen.count;
    free(job->seen.slots);
    job->seen = (struct job_seen){0};
}

static void job_free(struct job **slot)
{
    pool_drop(&(*slot)->payload);
    job_close(*slot);
    free(*slot);
    *slot = NULL;
}

static void drop_first(struct jobs *self)
{
    job_free(&self->ring[self->first++ % JOBS_MAX]);
}

static void drop_earlier(struct jobs *self)
{
    while (self->earlier_count > 0)
        job_free(&self->earlier[--self->earlier_count]);
}

void jobs_free(struct jobs *self)
{
    while (self->first != self->next)
        drop_first(self);
    drop_earlier(self);
}

static void fill_coinbase(struct job *job, const char *tag)
{
    struct block_coinbase record = {.height = job->height, .tag_len = (uint8_t)strlen(tag)};
    CHECK(strlen(tag) <= BLOCK_TAG_MAX);
    memcpy(record.tag, tag, record.tag_len);
    uint8_t bytes[BLOCK_COINBASE_MAX];
    int len = block_coinbase_write(bytes, &record);
    CHECK(len > 0);
    memcpy(job->coinbase1, bytes, BLOCK_COINBASE1_LEN);
    size_t skip = BLOCK_COINBASE1_LEN + 4;
    job->coinbase2_len = (size_t)len - skip;
    memcpy(job->coinbase2, bytes + skip, job->coinbase2_len);
}

static void fill_branch(struct job *job)
{
    struct block block;
    memset(&block, 0, offsetof(struct block, payloads));
    if (job->payload) {
        block.payload_count = 1;
        block.payloads[0] = (struct block_payload){job->payload->bytes, job->payload->len};
    }
    int count = block_branch(job->branch, &block);
    CHECK(count >= 0);
    job->branch_count = (uint32_t)count;
}

static void make_room(struct jobs *self)
{
    if (self->tip > JOBS_TIPS)
        drop_earlier(self);
    while (self->next - self->first >= JOBS_KEPT) {
        const struct job *oldest = self->ring[self->first % JOBS_MAX];
        if (self->tip - oldest->tip < JOBS_TIPS && self->next - self->first < JOBS_MAX)
            return;
        drop_first(self);
    }
}

static bool is_on(const struct job *job, const uint8_t parent[32])
{
    return memcmp(job->parent, parent, sizeof job->parent) == 0;
}

static const struct job *newest_on(const struct jobs *self, const uint8_t parent[32])
{
    const struct job *last = jobs_current(self);
    if (last && is_on(last, parent))
        return last;
    /* Parents do not come back; but a block that was lost in a crash may, with jobs of the last start. */
    for (size_t i = self->earlier_count; i > 0; i--)
        if (is_on(self->earlier[i - 1], parent))
            return self->earlier[i - 1];
    return NULL;
}

static bool is_taken(const struct jobs *self, const uint8_t parent[32], uint32_t ntime)
{
    for (uint64_t id = self->first; id != self->next; id++)
        if (self->ring[id % JOBS_MAX]->ntime == ntime && is_on(self->ring[id % JOBS_MAX], parent))
            return true;
    for (size_t i = 0; i < self->earlier_count; i++)
        if (self->earlier[i]->ntime == ntime && is_on(self->earlier[i], parent))
            return true;
    return false;
}

/* Times rise from job to job, so that one that was dropped cannot come again; but not after a clock that was hours
 * ahead and is right now: its times are only avoided. */
uint32_t jobs_time(const struct jobs *self, const uint8_t parent[32], uint32_t wanted)
{
    const struct job *last = newest_on(self, parent);
    if (last && last->ntime >= wanted && last->ntime - wanted <= TIME_BACK_S)
        wanted = last->ntime + 1;
    while (is_taken(self, parent, wanted))
        wanted++;
    return wanted;
}

/* A tip has more work than the one before, so none comes back, and no share of their jobs counts any more. */
static void next_tip(struct jobs *self)
{
    self->tip++;
    for (uint64_t id = self->first; id != self->next; id++)
        job_close(self->ring[id % JOBS_MAX]);
}

struct job *jobs_make(struct jobs *self, const struct job_recipe *recipe)
{
    CHECK(!is_taken(self, recipe->parent, recipe->ntime)); /* J2 */
    const struct job *last = jobs_current(self);
    if (last && !is_on(last, recipe->parent))
        next_tip(self);
    make_room(self);
    struct job *job = calloc(1, sizeof *job);
    CHECK(job);
    job->of = self;
    job->id = self->next++;
    job->height = recipe->height;
    memcpy(job->parent, recipe->parent, 32);
    job->version = VERSION_BITS;
    job->bits = recipe->bits;
    job->ntime = recipe->ntime;
    job->payload = recipe->payload;
    job->tip = self->tip;
    fill_coinbase(job, recipe->tag);
    fill_branch(job);
    CHECK(target_from_bits(&job->target, recipe->bits) == 0);
    bool easier = u256_compare(&recipe->share_target, &job->target) > 0;
    job->share_target = easier ? recipe->share_target : job->target;
    self->ring[job->id % JOBS_MAX] = job;
    return job;
}

struct job *jobs_current(const struct jobs *self)
{
    return self->first == self->next ? NULL : self->ring[(self->next - 1) % JOBS_MAX];
}

struct job *jobs_find(const struct jobs *self, uint64_t id)
{
    if (id >= self->first && id < self->next)
        return self->ring[id % JOBS_MAX];
    for (size_t i = 0; i < self->earlier_count; i++)
        if (self->earlier[i]->id == id)
            return self->earlier[i];
    return NULL;
}

void jobs_header(const struct job *job, uint64_t counter, struct header *out)
{
    *out = (struct header){.version = job->version, .time = job->ntime, .bits = job->bits, .nonce = (uint32_t)counter};
    memcpy(out->prev, job->parent, 32);
    uint8_t leaf[32];
    block_coinbase_leaf(leaf, job->coinbase1, (uint32_t)(counter >> 32), job->coinbase2, job->coinbase2_len);
    merkle_root_from_branch(out->merkle, leaf, job->branch, job->branch_count);
}

void jobs_block(const struct job *job, uint64_t counter, struct block *out)
{
    jobs_header(job, counter, &out->header);
    out->coinbase = (struct block_coinbase){.height = job->height, .extranonce = (uint32_t)(counter >> 32)};
    out->coinbase.tag_len = job->coinbase2[0];
    memcpy(out->coinbase.tag, job->coinbase2 + 1, out->coinbase.tag_len);
    out->payload_count = job->payload ? 1 : 0;
    if (job->payload)
        out->payloads[0] = (struct block_payload){job->payload->bytes, job->payload->len};
}

static uint64_t *seen_slot(const struct job_seen *seen, uint64_t counter)
{
    size_t at = (size_t)(counter * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (seen->cap - 1);
    while (seen->slots[at] != 0 && seen->slots[at] != counter + 1)
        at = (at + 1) & (seen->cap - 1);
    return &seen->slots[at];
}

static void seen_grow(struct job_seen *seen)
{
    struct job_seen bigger = {.cap = seen->cap ? seen->cap * 2 : 64};
    bigger.slots = calloc(bigger.cap, sizeof *bigger.slots);
    CHECK(bigger.slots);
    for (size_t i = 0; i < seen->cap; i++)
        if (seen->slots[i] != 0)
            *seen_slot(&bigger, seen->slots[i] - 1) = seen->slots[i];
    bigger.count = seen->count;
    free(seen->slots);
    *seen = bigger;
}

/* There is room for one more under job, unless it alone is all. */
static void seen_make_room(struct jobs *self, const struct job *job)
{
    for (uint64_t id = self->first; id != self->next && self->seen_sum >= JOBS_SEEN_SUM; id++)
        if (self->ring[id % JOBS_MAX] != job && self->ring[id % JOBS_MAX]->seen.count > 0)
            job_close(self->ring[id % JOBS_MAX]);
}

int jobs_credit(struct job *job, uint64_t counter)
{
    struct job_seen *seen = &job->seen;
    if (job->closed)
        return ERR_STALE;
    if (counter == UINT64_MAX)
        return ERR_FULL; /* the one value that value + 1 cannot hold; it is never leased */
    if (seen->count * 2 >= seen->cap)
        seen_grow(seen);
    uint64_t *slot = seen_slot(seen, counter);
    if (*slot != 0)
        return ERR_DUPLICATE; /* J2 */
    if (seen->count >= JOBS_SEEN_MAX)
        return ERR_FULL;
    seen_make_room(job->of, job);
    *slot = counter + 1;
    seen->count++;
    job->of->seen_sum++;
    return 0;
}

void jobs_message(const struct job *job, struct message_job *out)
{
    *out = (struct message_job){
        .job = job->id,
        .version = (uint32_t)job->version,
        .coinbase1 = {job->coinbase1, BLOCK_COINBASE1_LEN},
        .coinbase2 = {job->coinbase2, job->coinbase2_len},
        .branch_count = job->branch_count,
        .ntime = job->ntime,
        .bits = job->bits,
        .height = job->height,
    };
    memcpy(out->parent, job->parent, 32);
    memcpy(out->branch, job->branch, (size_t)job->branch_count * 32);
    u256_to_be(out->share_target, &job->share_target);
}

enum { RECORD_FIELDS = 9 };

void jobs_pack(const struct job *job, struct cursor_out *out)
{
    uint8_t target[32];
    u256_to_be(target, &job->share_target);
    cursor_put_array(out, RECORD_FIELDS);
    cursor_put_u64(out, job->height);
    cursor_put_bin(out, job->parent, sizeof job->parent);
    cursor_put_u64(out, (uint32_t)job->version);
    cursor_put_u64(out, job->bits);
    cursor_put_u64(out, job->ntime);
    cursor_put_bin(out, job->coinbase1, sizeof job->coinbase1);
    cursor_put_bin(out, job->coinbase2, job->coinbase2_len);
    cursor_put_bin(out, target, sizeof target);
    if (job->payload)
        cursor_put_bin(out, job->payload->bytes, job->payload->len);
    else
        cursor_put_nil(out);
}

static int unpack(struct job *job, struct cursor *c)
{
    uint8_t target[32];
    if (cursor_array(c, RECORD_FIELDS) != RECORD_FIELDS)
        return ERR_CORRUPT;
    job->height = cursor_u64(c, UINT64_MAX);
    cursor_bin_exact(c, job->parent, sizeof job->parent);
    job->version = (int32_t)cursor_u64(c, UINT32_MAX);
    job->bits = (uint32_t)cursor_u64(c, UINT32_MAX);
    job->ntime = (uint32_t)cursor_u64(c, UINT32_MAX);
    cursor_bin_exact(c, job->coinbase1, sizeof job->coinbase1);
    struct cursor_view half = cursor_bin(c, sizeof job->coinbase2);
    cursor_bin_exact(c, target, sizeof target);
    if (cursor_peek(c) == CURSOR_BIN)
        job->payload = pool_payload(cursor_bin(c, BLOCK_PAYLOAD_MAX));
    else
        cursor_nil(c);
    if (!cursor_at_end(c) || half.len == 0 || half.at[0] != half.len - 1 ||
        target_from_bits(&job->target, job->bits) < 0)
        return ERR_CORRUPT;
    memcpy(job->coinbase2, half.at, half.len);
    job->coinbase2_len = half.len;
    job->share_target = u256_from_be(target);
    return 0;
}

int jobs_restore(struct jobs *self, uint64_t id, const uint8_t *record, size_t len)
{
    CHECK(self->first == self->next);
    struct job *job = calloc(1, sizeof *job);
    CHECK(job);
    job->of = self;
    struct cursor c = cursor_over(record, len);
    if (id >= self->first || unpack(job, &c) < 0) {
        job_free(&job);
        return ERR_CORRUPT;
    }
    job->id = id;
    job->closed = true;
    fill_branch(job);
    if (self->earlier_count == JOBS_KEPT) {
        job_free(&self->earlier[0]);
        memmove(&self->earlier[0], &self->earlier[1], (JOBS_KEPT - 1) * sizeof(struct job *));
        self->earlier_count--;
    }
    self->earlier[self->earlier_count++] = job;
    return 0;
}
