#include <test.h>

#include "common/base/err.h"
#include "worker/outbox.h"

static int put(struct outbox *o, uint64_t seq, enum message_type type)
{
    struct outbox_entry e = {.seq = seq, .type = type};
    return outbox_put(o, &e, NULL);
}

static void send_all(struct outbox *o)
{
    for (struct outbox_entry *e = outbox_next(o); e; e = outbox_next(o))
        e->sent = true;
}

static uint64_t settled_seq[OUTBOX_MAX];
static uint8_t settled_code[OUTBOX_MAX];

static void record(void *ctx, const struct outbox_entry *e, uint8_t code)
{
    size_t *n = ctx;
    settled_seq[*n] = e->seq;
    settled_code[(*n)++] = code;
}

Test(outbox, an_ack_settles_everything_sent_up_to_its_seq_with_the_code_it_lists)
{
    AUTO(outbox_free) struct outbox *o = outbox_new();
    for (uint64_t seq = 1; seq <= 4; seq++)
        cr_assert_eq(put(o, seq * 10, seq == 2 ? MESSAGE_BLOCK : MESSAGE_SHARE), 0);
    send_all(o);
    struct message_ack ack = {.upto = 30, .count = 1, .codes = {{.seq = 20, .code = MESSAGE_CODE_STALE}}};
    size_t n = 0;
    cr_assert_eq(outbox_ack(o, &ack, record, &n), 3);
    cr_assert_eq(n, 3);
    cr_assert_eq(settled_code[0], MESSAGE_CODE_OK);
    cr_assert_eq(settled_seq[1], 20);
    cr_assert_eq(settled_code[1], MESSAGE_CODE_STALE);
    cr_assert_eq(outbox_count(o), 1);
    cr_assert_eq(outbox_ack(o, &ack, record, &n), 0, "the same ACK again settles nothing");
}

Test(outbox, what_was_not_sent_in_this_session_is_not_settled_by_its_acks)
{
    AUTO(outbox_free) struct outbox *o = outbox_new();
    cr_assert_eq(put(o, 5, MESSAGE_BLOCK), 0);
    send_all(o);
    outbox_unsend(o);
    struct message_ack ack = {.upto = 100};
    cr_assert_eq(outbox_ack(o, &ack, NULL, NULL), 0);
    cr_assert_eq(outbox_next(o)->seq, 5, "it is resent, with its old seq");
    outbox_next(o)->sent = true;
    cr_assert_eq(outbox_ack(o, &ack, NULL, NULL), 1);
}

Test(outbox, unsent_entries_come_oldest_first)
{
    AUTO(outbox_free) struct outbox *o = outbox_new();
    cr_assert_eq(put(o, 1, MESSAGE_SHARE), 0);
    cr_assert_eq(put(o, 2, MESSAGE_LEASE_DONE), 0);
    cr_assert_eq(put(o, 3, MESSAGE_BLOCK), 0);
    outbox_next(o)->sent = true;
    cr_assert_eq(outbox_next(o)->seq, 2);
    struct message_unacked list[OUTBOX_MAX];
    cr_assert_eq(outbox_list(o, list), 3);
    cr_assert_eq(list[2].seq, 3);
    cr_assert_eq(list[2].type, MESSAGE_BLOCK);
}

Test(outbox, shares_and_finished_leases_have_limits_of_their_own)
{
    AUTO(outbox_free) struct outbox *o = outbox_new();
    uint64_t seq = 0;
    for (int i = 0; i < OUTBOX_SHARES_MAX; i++)
        cr_assert_eq(put(o, ++seq, MESSAGE_SHARE), 0);
    cr_assert_eq(put(o, ++seq, MESSAGE_SHARE), ERR_FULL);
    for (int i = 0; i < OUTBOX_DONES_MAX; i++)
        cr_assert_eq(put(o, ++seq, MESSAGE_LEASE_DONE), 0);
    cr_assert_eq(put(o, ++seq, MESSAGE_LEASE_DONE), ERR_FULL);
    cr_assert_eq(put(o, ++seq, MESSAGE_BLOCK), 0, "a block still fits");
}

Test(outbox, a_block_pushes_the_newest_share_out_and_is_refused_only_among_blocks)
{
    AUTO(outbox_free) struct outbox *o = outbox_new();
    uint64_t seq = 0;
    cr_assert_eq(put(o, ++seq, MESSAGE_SHARE), 0);
    cr_assert_eq(put(o, ++seq, MESSAGE_SHARE), 0);
    while (outbox_count(o) < OUTBOX_MAX)
        cr_assert_eq(put(o, ++seq, MESSAGE_BLOCK), 0);
    struct outbox_entry e = {.seq = ++seq, .type = MESSAGE_BLOCK};
    bool pushed = false;
    cr_assert_eq(outbox_put(o, &e, &pushed), 0);
    cr_assert(pushed);
    cr_assert_eq(outbox_next(o)->seq, 1, "the older share is still there");
    cr_assert_eq(put(o, ++seq, MESSAGE_BLOCK), 0);
    cr_assert_eq(outbox_count_type(o, MESSAGE_SHARE), 0);
    cr_assert_eq(put(o, ++seq, MESSAGE_BLOCK), ERR_FULL);
    cr_assert_eq(outbox_count(o), OUTBOX_MAX);
}
