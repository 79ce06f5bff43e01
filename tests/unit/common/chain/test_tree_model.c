/* The block tree against a model that looks at every block, each time: random trees, orders and invalid marks. */
#include "tree_support.h"

#include "common/base/err.h"

enum { BLOCKS = 50, TREES = 3000, ABSENT = 0, POOLED, STORED, REFUSED };

struct model_block {
    struct header header;
    uint8_t hash[32];
    int parent, state; /* 0 is the genesis */
    unsigned work, height, order;
    bool bad;
};
struct model {
    struct model_block b[BLOCKS];
    unsigned next_order;
    int tip;
};

static bool model_invalid(const struct model *m, int i)
{
    for (; i > 0; i = m->b[i].parent)
        if (m->b[i].bad)
            return true;
    return false;
}

static void model_choose(struct model *m)
{
    m->tip = 0;
    for (int i = 1; i < BLOCKS; i++) {
        const struct model_block *b = &m->b[i], *t = &m->b[m->tip];
        if (b->state == STORED && !model_invalid(m, i) &&
            (b->work > t->work || (b->work == t->work && b->order < t->order)))
            m->tip = i;
    }
}

static bool model_descends(const struct model *m, int i, int from)
{
    while (i > from)
        i = m->b[i].parent;
    return i == from;
}

static uint64_t model_depth(const struct model *m, int old, int new)
{
    uint64_t depth = 0;
    for (; !model_descends(m, new, old); old = m->b[old].parent)
        depth++;
    return depth;
}

/* Stores block i, whose parent is stored, or refuses it; the kind of event that the tree must give. */
static int model_store(struct model *m, int i)
{
    int old = m->tip;
    if (model_invalid(m, m->b[i].parent)) {
        m->b[i].state = REFUSED;
        return TREE_REFUSED;
    }
    m->b[i].state = STORED;
    m->b[i].order = ++m->next_order;
    model_choose(m);
    return m->tip == old ? TREE_SIDE : m->b[i].parent == old ? TREE_CONNECTED : TREE_REORG;
}

/* Parents have lower numbers than their children. */
static void grow_random(struct model *m, const struct network *net, uint64_t *random)
{
    m->b[0] = (struct model_block){.header = net->genesis, .state = STORED, .work = 4};
    memcpy(m->b[0].hash, net->genesis_hash, 32);
    unsigned spread = 1 + next_random(random) % 8;
    for (int i = 1; i < BLOCKS; i++) {
        int back = 1 + (int)(next_random(random) % spread);
        struct model_block *b = &m->b[i], *p = &m->b[back > i ? 0 : i - back];
        *b = (struct model_block){.parent = back > i ? 0 : i - back, .height = p->height + 1};
        bool easy = next_random(random) % 3 == 0;
        b->work = p->work + (easy ? 2 : 4);
        b->header = child_of(&p->header, p->hash, easy ? 0x207fffff : 0x203fffff, (uint32_t)i, b->hash);
    }
}

static void expect_same(const struct tree *tree, const struct model *m)
{
    size_t stored = 0, pooled = 0;
    for (int i = 0; i < BLOCKS; i++) {
        stored += m->b[i].state == STORED;
        pooled += m->b[i].state == POOLED;
    }
    cr_assert_eq(tree_count(tree), stored);
    cr_assert_eq(tree_orphan_count(tree), pooled);
    cr_assert_eq(tree_side_count(tree), stored - m->b[m->tip].height - 1);
    for (int i = m->tip;; i = m->b[i].parent) {
        const struct tree_node *n = tree_at(tree, m->b[i].height);
        cr_assert_arr_eq(n->hash, m->b[i].hash, 32);
        cr_assert_eq(n->work.limb[0], m->b[i].work);
        if (i == 0)
            break;
    }
    cr_assert_eq(tree_tip(tree)->height, m->b[m->tip].height);
}

static void expect_event(const struct tree_event *e, const struct model *m, int i, int old_tip, int kind)
{
    cr_assert_eq((int)e->kind, kind);
    cr_assert_arr_eq(e->hash, m->b[i].hash, 32);
    cr_assert_arr_eq(e->old_tip->hash, m->b[old_tip].hash, 32);
    cr_assert_arr_eq(e->new_tip->hash, m->b[m->tip].hash, 32);
    cr_assert_eq(e->depth, kind == TREE_REORG ? model_depth(m, old_tip, m->tip) : 0);
    cr_assert_eq(e->fork != NULL, kind == TREE_REORG);
}

static void deliver(struct tree *tree, struct model *m, int i)
{
    struct tree_event e;
    int old = m->tip, parent = m->b[i].parent;
    int got = insert(tree, &m->b[i].header, &e);
    if (m->b[parent].state != STORED) {
        m->b[i].state = POOLED;
        m->b[i].order = ++m->next_order;
        expect_event(&e, m, i, old, TREE_ORPHAN);
        return;
    }
    int kind = model_store(m, i);
    expect_event(&e, m, i, old, kind);
    cr_assert_eq(got, kind == TREE_REFUSED ? ERR_INVALID_PARENT : kind);
    while (tree_adopt(tree, NETWORK_NO_CLOCK, NULL, &e)) {
        int next = 0;
        for (int j = 1; j < BLOCKS; j++)
            if (m->b[j].state == POOLED && m->b[m->b[j].parent].state == STORED &&
                (next == 0 || m->b[j].order < m->b[next].order))
                next = j;
        cr_assert_neq(next, 0);
        old = m->tip;
        kind = model_store(m, next);
        expect_event(&e, m, next, old, kind);
    }
}

static void invalidate_random(struct tree *tree, struct model *m, uint64_t *random)
{
    struct tree_event e;
    int i = 1 + (int)(next_random(random) % (BLOCKS - 1)), old = m->tip;
    if (m->b[i].state != STORED)
        return;
    cr_assert_geq(tree_invalidate(tree, m->b[i].hash, &e), 0);
    m->b[i].bad = true;
    model_choose(m);
    expect_event(&e, m, i, old, m->tip == old ? TREE_UNCHANGED : TREE_REORG);
}

Test(tree, agrees_with_the_model_on_thousands_of_random_trees, .timeout = 120)
{
    struct network net = two_works();
    static struct model m;
    for (uint64_t seed = 0; seed < TREES; seed++) {
        uint64_t random = seed * 7919;
        m = (struct model){.tip = 0};
        grow_random(&m, &net, &random);
        struct tree *tree = new_tree(&net);
        int order[BLOCKS];
        for (int i = 0; i < BLOCKS; i++)
            order[i] = i;
        /* From hardly shuffled to any order at all. */
        unsigned reach = 1 + next_random(&random) % BLOCKS;
        for (int i = 1; i < BLOCKS; i++) {
            int j = i + (int)(next_random(&random) % reach), swap = order[i];
            j = j < BLOCKS ? j : BLOCKS - 1;
            order[i] = order[j];
            order[j] = swap;
        }
        for (int i = 1; i < BLOCKS; i++) {
            deliver(tree, &m, order[i]);
            if (seed % 3 == 0 && next_random(&random) % 12 == 0)
                invalidate_random(tree, &m, &random);
            expect_same(tree, &m);
        }
        const struct tree_node *a = tree_find(tree, m.b[1].hash), *b = tree_tip(tree);
        if (a && seed % 3 != 0)
            cr_assert_eq(tree_fork(a, b), tree_active(tree, a) ? a : tree_start(tree));
        tree_free(&tree);
    }
}
