#include "common/chain/tree.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/chain/pow.h"
#include "common/chain/target.h"
#include "common/chain/treeorphans.h"
#include "common/chain/treestore.h"

struct tree {
    struct network network;
    struct treestore store;
    struct treeorphans orphans;
    struct tree_node *start, *tip;
    uint8_t start_prev[HEADER_HASH_LEN]; /* not zero below a trusted start */
    struct tree_node **active;           /* by height above the start's; active_count of them, the last is the tip */
    size_t active_count, active_cap;
    size_t max_side;
    uint64_t next_arrival;
    uint64_t pruned_at; /* tip height at the last look for old side branches */
    uint32_t work_bits; /* nBits whose work is in work: hardly ever changes from header to header */
    struct u256 work;
};

/* Fills a node's fields from a header; links and work are the caller's. */
static struct tree_node *store_header(struct tree *self, const struct header *header, const uint8_t *hash)
{
    struct tree_node *node = treestore_add(&self->store, hash);
    memcpy(node->merkle, header->merkle, HEADER_HASH_LEN);
    node->version = header->version;
    node->time = header->time;
    node->bits = header->bits;
    node->nonce = header->nonce;
    node->arrival = self->next_arrival++;
    return node;
}

static void push_active(struct tree *self, struct tree_node *node)
{
    if (self->active_count == self->active_cap) {
        self->active_cap = self->active_cap ? self->active_cap * 2 : 1024;
        self->active = realloc(self->active, self->active_cap * sizeof self->active[0]);
        CHECK(self->active != NULL);
    }
    self->active[self->active_count++] = node;
    self->tip = node;
}

struct tree *tree_new(const struct tree_config *config)
{
    struct tree *self = calloc(1, sizeof *self);
    CHECK(self != NULL);
    self->network = *config->network;
    self->max_side = config->max_side ? config->max_side : TREE_SIDE_MAX;
    treestore_init(&self->store, config->seed);
    treeorphans_init(&self->orphans, config->max_orphans ? config->max_orphans : TREE_ORPHANS);

    uint8_t hash[HEADER_HASH_LEN];
    const struct header *header = config->start ? config->start : &self->network.genesis;
    header_hash(hash, header);
    self->start = store_header(self, header, hash);
    self->start->work = config->start ? config->start_work : u256_from_u64(0);
    self->start->height = config->start ? config->start_height : 0;
    if (u256_is_zero(&self->start->work))
        self->start->work = target_work_of_bits(header->bits);
    memcpy(self->start_prev, header->prev, HEADER_HASH_LEN);
    push_active(self, self->start);
    return self;
}

void tree_free(struct tree **self_p)
{
    struct tree *self = *self_p;
    if (!self)
        return;
    treestore_done(&self->store);
    treeorphans_done(&self->orphans);
    free(self->active);
    free(self);
    *self_p = NULL;
}

/* ---- ancestors ---- */

static uint64_t clear_lowest_one(uint64_t n)
{
    return n & (n - 1);
}

/* Where the skip pointer of a block leads, both counted from the start: far enough that any descent takes O(log n)
 * steps. Scheme of Bitcoin Core's GetSkipHeight (chain.cpp). */
static uint64_t skip_height(uint64_t height)
{
    if (height < 2)
        return 0;
    return height & 1 ? clear_lowest_one(clear_lowest_one(height - 1)) + 1 : clear_lowest_one(height);
}

const struct tree_node *tree_ancestor(const struct tree_node *node, uint64_t height)
{
    if (height > node->height)
        return NULL;
    while (node && node->height > height) {
        const struct tree_node *skip = node->skip, *parent = node->parent;
        bool use = skip && skip->height >= height;
        /* One step down first, where the parent's own skip leads much further and still not too far. */
        if (use && skip->height > height && parent->skip && parent->skip->height >= height &&
            parent->skip->height + 2 < skip->height)
            use = false;
        node = use ? skip : parent;
    }
    return node;
}

const struct tree_node *tree_fork(const struct tree_node *a, const struct tree_node *b)
{
    if (a->height > b->height)
        a = tree_ancestor(a, b->height);
    else
        b = tree_ancestor(b, a->height);
    while (a != b) {
        bool far = a->skip != b->skip; /* at equal heights both lead to the same height */
        a = far ? a->skip : a->parent;
        b = far ? b->skip : b->parent;
    }
    return a;
}

size_t tree_path(const struct tree_node *fork, const struct tree_node *tip, const struct tree_node **out, size_t cap)
{
    size_t count = (size_t)(tip->height - fork->height);
    for (const struct tree_node *n = tip; n != fork; n = n->parent) {
        size_t i = (size_t)(n->height - fork->height - 1);
        if (i < cap)
            out[i] = n;
    }
    return count;
}

/* ---- what the rules see ---- */

struct cursor {
    const struct tree *tree;
    const struct tree_node *top;  /* the parent of the block judged */
    const struct tree_node *node; /* the one last asked for */
};

static const struct tree_node *descend(const struct cursor *c, uint64_t height)
{
    if (height == c->node->height)
        return c->node;
    if (height + 1 == c->node->height)
        return c->node->parent;
    return tree_active(c->tree, c->top) ? tree_at(c->tree, height) : tree_ancestor(c->top, height);
}

static bool past_at(void *ctx, uint64_t height, uint32_t *time, uint32_t *bits)
{
    struct cursor *c = ctx;
    const struct tree_node *node = height <= c->top->height ? descend(c, height) : NULL;
    if (!node)
        return false;
    c->node = node;
    *time = node->time;
    *bits = node->bits;
    return true;
}

static struct network_past past_of(struct cursor *c, const struct tree *self, const struct tree_node *parent)
{
    *c = (struct cursor){.tree = self, .top = parent, .node = parent};
    return (struct network_past){.height = parent->height, .at = past_at, .ctx = c};
}

int tree_next_bits(const struct tree *self, const struct tree_node *parent, uint32_t time_s, uint32_t *bits)
{
    struct cursor c;
    struct network_past past = past_of(&c, self, parent);
    return network_next_bits(&self->network, &past, time_s, bits);
}

uint32_t tree_median_time(const struct tree *self, const struct tree_node *parent)
{
    struct cursor c;
    struct network_past past = past_of(&c, self, parent);
    return network_median_time(&past);
}

/* ---- insert ---- */

/* Drops side blocks that nothing can be put upon any more, from the ends of their branches downwards. */
static void prune(struct tree *self)
{
    uint64_t tip = self->tip->height;
    if (tip <= self->pruned_at || tip < TREE_SIDE_DEPTH)
        return;
    self->pruned_at = tip;
    uint64_t floor = tip - TREE_SIDE_DEPTH;
    struct treestore_cursor c = {0};
    for (struct tree_node *node; (node = treestore_next(&self->store, &c));) {
        while (node->children == 0 && node->height < floor && !tree_active(self, node)) {
            struct tree_node *parent = node->parent;
            parent->children--;
            treestore_remove(&self->store, node);
            node = parent;
        }
    }
}

static int check_room(struct tree *self, const struct tree_node *parent, const struct u256 *work)
{
    uint64_t height = parent->height + 1;
    if (parent == self->tip)
        return 0;
    if (self->active_count > TREE_SIDE_DEPTH) {
        const struct tree_node *floor = self->active[self->active_count - 1 - TREE_SIDE_DEPTH];
        if (height <= floor->height || u256_compare(work, &floor->work) <= 0)
            return ERR_TOO_DEEP;
    }
    if (tree_side_count(self) < self->max_side || u256_compare(work, &self->tip->work) > 0)
        return 0;
    prune(self);
    return tree_side_count(self) < self->max_side ? 0 : ERR_FULL;
}

/* Chain work through a block with these bits on parent. */
static int sum_work(struct tree *self, const struct tree_node *parent, uint32_t bits, struct u256 *out)
{
    if (self->work_bits != bits) {
        self->work = target_work_of_bits(bits);
        self->work_bits = bits;
    }
    *out = parent->work;
    return target_add_work(out, &self->work);
}

static int judge(struct tree *self, const struct header *header, const struct tree_node *parent, int64_t now_s,
                 struct u256 *work)
{
    struct cursor c;
    struct network_past past = past_of(&c, self, parent);
    if (parent->invalid)
        return ERR_INVALID_PARENT;
    TRY(network_check_header(&self->network, &past, header, now_s));
    TRY(sum_work(self, parent, header->bits, work));
    return check_room(self, parent, work);
}

/* Makes node the tip and tells how in event. */
static enum tree_kind move_tip(struct tree *self, struct tree_node *node, struct tree_event *event)
{
    event->new_tip = node;
    if (node->parent == self->tip) {
        push_active(self, node);
        return TREE_CONNECTED;
    }
    const struct tree_node *fork = tree_fork(self->tip, node);
    event->fork = fork;
    event->depth = self->tip->height - fork->height;
    self->active_count = (size_t)(fork->height - self->start->height) + 1;
    size_t count = (size_t)(node->height - fork->height);
    for (size_t i = 0; i < count; i++)
        push_active(self, node); /* makes room; the loop below puts the right ones in */
    for (struct tree_node *n = node; n != fork; n = n->parent)
        self->active[n->height - self->start->height] = n;
    self->tip = self->active[self->active_count - 1];
    return TREE_REORG;
}

static struct tree_node *link_node(struct tree *self, const struct header *header, const uint8_t *hash,
                                   struct tree_node *parent)
{
    struct tree_node *node = store_header(self, header, hash);
    node->height = parent->height + 1;
    node->parent = parent;
    parent->children++;
    uint64_t skip = self->start->height + skip_height(node->height - self->start->height);
    node->skip = tree_ancestor(parent, skip);
    return node;
}

static int refuse(struct tree_event *event, int code)
{
    event->kind = TREE_REFUSED;
    event->code = code;
    return code;
}

static int keep_orphan(struct tree *self, const struct header *header, struct tree_event *event)
{
    static const uint8_t zero[HEADER_HASH_LEN];
    if (memcmp(header->prev, zero, sizeof zero) == 0)
        return refuse(event, ERR_GENESIS);
    event->evicted = treeorphans_add(&self->orphans, header, event->hash, event->evicted_hash);
    event->kind = TREE_ORPHAN;
    return TREE_ORPHAN;
}

int tree_insert_hashed(struct tree *self, const struct header *header, const uint8_t hash[HEADER_HASH_LEN],
                       int64_t now_s, struct tree_event *event)
{
    *event = (struct tree_event){.old_tip = self->tip, .new_tip = self->tip};
    memcpy(event->hash, hash, HEADER_HASH_LEN);
    if (treestore_find(&self->store, hash) || treeorphans_find(&self->orphans, hash))
        return refuse(event, ERR_DUPLICATE);
    int err = pow_check(hash, header->bits, &self->network.limit);
    if (err < 0)
        return refuse(event, err);
    struct tree_node *parent = treestore_find(&self->store, header->prev);
    if (!parent)
        return keep_orphan(self, header, event);
    struct u256 work;
    err = judge(self, header, parent, now_s, &work);
    if (err < 0)
        return refuse(event, err);
    struct tree_node *node = link_node(self, header, hash, parent);
    node->work = work;
    event->node = node;
    event->height = node->height;
    treeorphans_wake(&self->orphans, hash);
    event->kind = u256_compare(&work, &self->tip->work) > 0 ? move_tip(self, node, event) : TREE_SIDE; /* C1 */
    return event->kind;
}

int tree_insert(struct tree *self, const struct header *header, int64_t now_s, struct tree_event *event)
{
    uint8_t hash[HEADER_HASH_LEN];
    header_hash(hash, header);
    return tree_insert_hashed(self, header, hash, now_s, event);
}

bool tree_adopt(struct tree *self, int64_t now_s, struct header *header, struct tree_event *event)
{
    struct treeorphans_slot slot;
    if (!treeorphans_take(&self->orphans, &slot))
        return false;
    if (header)
        *header = slot.header;
    (void)!tree_insert_hashed(self, &slot.header, slot.hash, now_s, event);
    return true;
}

/* ---- invalid marks ---- */

static struct tree_node *best_valid(struct tree *self)
{
    struct treestore_cursor c = {0};
    struct tree_node *best = self->start;
    for (struct tree_node *node; (node = treestore_next(&self->store, &c));) {
        int order = u256_compare(&node->work, &best->work);
        if (!node->invalid && (order > 0 || (order == 0 && node->arrival < best->arrival)))
            best = node;
    }
    return best;
}

int tree_invalidate(struct tree *self, const uint8_t hash[HEADER_HASH_LEN], struct tree_event *event)
{
    *event = (struct tree_event){.kind = TREE_UNCHANGED, .old_tip = self->tip, .new_tip = self->tip};
    memcpy(event->hash, hash, HEADER_HASH_LEN);
    struct tree_node *bad = treestore_find(&self->store, hash);
    if (!bad)
        return refuse(event, ERR_NOT_FOUND);
    if (bad == self->start)
        return refuse(event, ERR_STATE);
    event->node = bad;
    event->height = bad->height;
    struct treestore_cursor c = {0};
    for (struct tree_node *node; (node = treestore_next(&self->store, &c));)
        node->invalid |= tree_ancestor(node, bad->height) == bad;
    struct tree_node *best = best_valid(self);
    if (best != self->tip)
        event->kind = move_tip(self, best, event);
    return event->kind;
}

/* ---- questions ---- */

const struct tree_node *tree_tip(const struct tree *self)
{
    return self->tip;
}

const struct tree_node *tree_start(const struct tree *self)
{
    return self->start;
}

const struct tree_node *tree_find(const struct tree *self, const uint8_t hash[HEADER_HASH_LEN])
{
    return treestore_find(&self->store, hash);
}

const struct tree_node *tree_at(const struct tree *self, uint64_t height)
{
    uint64_t i = height - self->start->height;
    return height >= self->start->height && i < self->active_count ? self->active[i] : NULL;
}

bool tree_active(const struct tree *self, const struct tree_node *node)
{
    return tree_at(self, node->height) == node;
}

void tree_header(const struct tree *self, const struct tree_node *node, struct header *out)
{
    *out = (struct header){.version = node->version, .time = node->time, .bits = node->bits, .nonce = node->nonce};
    memcpy(out->prev, node->parent ? node->parent->hash : self->start_prev, HEADER_HASH_LEN);
    memcpy(out->merkle, node->merkle, HEADER_HASH_LEN);
}

void tree_each(const struct tree *self, bool (*visit)(void *ctx, const struct tree_node *node), void *ctx)
{
    struct treestore_cursor c = {0};
    for (struct tree_node *node; (node = treestore_next(&self->store, &c));)
        if (!visit(ctx, node))
            return;
}

const struct network *tree_network(const struct tree *self)
{
    return &self->network;
}

size_t tree_count(const struct tree *self)
{
    return self->store.count;
}

size_t tree_side_count(const struct tree *self)
{
    return self->store.count - self->active_count;
}

size_t tree_orphan_count(const struct tree *self)
{
    return self->orphans.count;
}

size_t tree_bytes(const struct tree *self)
{
    return sizeof *self + treestore_bytes(&self->store) + self->active_cap * sizeof self->active[0] +
           self->orphans.max * sizeof self->orphans.slots[0];
}

bool tree_orphan_missing(const struct tree *self, const uint8_t hash[HEADER_HASH_LEN], uint8_t missing[HEADER_HASH_LEN])
{
    const struct treeorphans_slot *slot = treeorphans_find(&self->orphans, hash);
    if (!slot)
        return false;
    const uint8_t *wanted = slot->header.prev;
    while ((slot = treeorphans_find(&self->orphans, wanted)))
        wanted = slot->header.prev;
    if (missing)
        memcpy(missing, wanted, HEADER_HASH_LEN);
    return true;
}
