#include "rig.h"

#include "coordinator/core/ctl_blocks.h"

static struct rig *rig_of_height(int blocks)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    for (int i = 0; i < blocks; i++)
        rig_find(r, w, 1);
    return r;
}

static const struct message_ctl_rep *ask(struct rig *r, const char *verb, uint64_t from, uint64_t limit, bool reverse)
{
    static uint8_t buf[128];
    struct cursor_out o = cursor_out_over(buf, sizeof buf);
    cursor_put_map(&o, 3);
    cursor_put_str(&o, "from");
    cursor_put_u64(&o, from);
    cursor_put_str(&o, "limit");
    cursor_put_u64(&o, limit);
    cursor_put_str(&o, "reverse");
    cursor_put_bool(&o, reverse);
    rig_control(r, 1, verb, &o);
    return rig_reply(r, 0);
}

/* Heights of the blocks in the reply, and next (-1: nil). */
static uint32_t heights(const struct message_ctl_rep *rep, uint64_t *out, int64_t *next)
{
    cr_assert_eq(rep->code, 0);
    struct cursor c = cursor_map_find(rep->result, "blocks");
    uint32_t n = cursor_array(&c, 500);
    for (uint32_t i = 0; i < n; i++) {
        struct cursor h = cursor_map_find(cursor_skip(&c, 4), "height");
        out[i] = cursor_u64(&h, UINT64_MAX);
    }
    cr_assert_eq(c.err, 0);
    struct cursor after = cursor_map_find(rep->result, "next");
    *next = cursor_peek(&after) == CURSOR_NIL ? -1 : (int64_t)cursor_u64(&after, UINT64_MAX);
    return n;
}

Test(ctl_blocks, a_range_goes_up_and_says_where_to_go_on)
{
    struct rig *r = rig_of_height(5);
    uint64_t h[500];
    int64_t next;
    cr_assert_eq(heights(ask(r, "blocks", 1, 3, false), h, &next), 3);
    cr_assert_eq(h[0], 1);
    cr_assert_eq(h[2], 3);
    cr_assert_eq(next, 4);
    cr_assert_eq(heights(ask(r, "blocks", 4, 9999, false), h, &next), 2);
    cr_assert_eq(next, -1);
    cr_assert_eq(heights(ask(r, "blocks", 6, 10, false), h, &next), 0);
    rig_free(r);
}

Test(ctl_blocks, a_range_goes_down_to_the_genesis)
{
    struct rig *r = rig_of_height(3);
    uint64_t h[500];
    int64_t next;
    cr_assert_eq(heights(ask(r, "blocks", 99, 2, true), h, &next), 2);
    cr_assert_eq(h[0], 3);
    cr_assert_eq(h[1], 2);
    cr_assert_eq(next, 1);
    cr_assert_eq(heights(ask(r, "blocks", 1, 10, true), h, &next), 2);
    cr_assert_eq(h[1], 0);
    cr_assert_eq(next, -1);
    rig_free(r);
}

Test(ctl_blocks, without_arguments_it_begins_at_the_genesis)
{
    struct rig *r = rig_of_height(2);
    rig_control(r, 1, "blocks", NULL);
    uint64_t h[500];
    int64_t next;
    cr_assert_eq(heights(rig_reply(r, 0), h, &next), 3);
    cr_assert_eq(h[0], 0);
    rig_free(r);
}

Test(ctl_blocks, a_bad_argument_is_named)
{
    struct rig *r = rig_of_height(1);
    const struct message_ctl_rep *rep = ask(r, "blocks", 0, 0, false);
    cr_assert_eq(rep->code, ERR_RANGE);
    struct cursor key = cursor_map_find(rep->result, "key");
    cr_assert(cursor_view_is(cursor_str(&key, 64), "limit"));
    rep = ask(r, "headers", 0, 0, false);
    cr_assert_eq(rep->code, ERR_RANGE);
    rig_free(r);
}

Test(ctl_blocks, big_blocks_are_cut_into_several_answers)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    uint8_t *big = calloc(1, BLOCK_PAYLOAD_MAX);
    for (int i = 0; i < 40; i++) {
        big[0] = (uint8_t)i;
        pool_append(&r->core->pool, big, BLOCK_PAYLOAD_MAX, 0);
        rig_find(r, w, 1);
    }
    free(big);
    uint64_t h[500];
    int64_t next = 0, from = 0;
    uint32_t sum = 0, answers = 0;
    while (next >= 0) {
        uint32_t n = heights(ask(r, "blocks", (uint64_t)from, 500, false), h, &next);
        cr_assert_gt(n, 0);
        sum += n;
        answers++;
        from = next;
    }
    cr_assert_eq(sum, 41);
    cr_assert_gt(answers, 1);
    rig_free(r);
}

Test(ctl_blocks, headers_are_the_active_chain_s_80_bytes_each)
{
    struct rig *r = rig_of_height(4);
    const struct message_ctl_rep *rep = ask(r, "headers", 1, 2, false);
    struct cursor c = cursor_map_find(rep->result, "headers");
    struct cursor_view v = cursor_bin(&c, 1 << 20);
    cr_assert_eq(v.len, 160);
    uint8_t hash[32];
    header_hash_raw(hash, v.at + 80);
    cr_assert_arr_eq(hash, tree_at(r->core->tree, 2)->hash, 32);
    cr_assert_eq(rig_reply_u64(rep, "height"), 4);
    rig_free(r);
}
