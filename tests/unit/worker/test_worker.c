#include <test.h>

#include "play.h"

Test(worker, mines_blocks_on_the_tips_it_is_given_until_it_is_told_to_drain, .timeout = 60)
{
    fake.blocks_wanted = 5;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_eq(fake.blocks, 5);
    cr_assert_gt(fake.shares, 0);
    cr_assert_eq(fake.bad, 0, "every header, hash and nonce is what the job gives");
    cr_assert_eq(fake.said[MESSAGE_HELLO], 1);
    cr_assert_eq(fake.said[MESSAGE_BYE], 1);
    cr_assert_geq(fake.said[MESSAGE_SCHEMA], 1);
    cr_assert_geq(fake.said[MESSAGE_METRICS], 1);
    cr_assert_eq(fake.bye.reason, MESSAGE_REASON_DRAIN);
}

/* Stops once ten leases are done. */
static bool stop_after_leases(struct fake *f, const struct message *m)
{
    if (m->type == MESSAGE_LEASE_DONE && f->said[MESSAGE_LEASE_DONE] == 10)
        stop_now();
    return false;
}

Test(worker, hashes_every_counter_of_its_leases_once_and_gives_the_rest_back, .timeout = 60)
{
    fake.script = stop_after_leases;
    fake.lease_size = 20000;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_geq(fake.said[MESSAGE_LEASE_DONE], 10);
    cr_assert_eq(fake.done_hashes, fake.done_counters, "no counter twice, none left out, whatever the tips did");
    cr_assert_eq(fake.said[MESSAGE_BYE], 1);
    cr_assert_eq(fake.said[MESSAGE_LEASE_DONE] + fake.bye.held_count, fake.leases, "done or given back");
    for (uint32_t i = 0; i < fake.bye.held_count; i++)
        cr_assert_leq(fake.bye.held[i].pos, fake.bye.held[i].end);
    cr_assert_eq(fake.bad, 0);
}

static bool refuse_version(struct fake *f, const struct message *m)
{
    if (m->type == MESSAGE_HELLO)
        fake_error(f, MESSAGE_CODE_VERSION);
    return true;
}

Test(worker, a_coordinator_that_will_never_take_it_ends_it_with_status_4, .timeout = 60)
{
    fake.script = refuse_version;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_REFUSED);
}

/* Forgets the session once, in the middle of the work. */
static bool forget_once(struct fake *f, const struct message *m)
{
    if (m->type == MESSAGE_PROGRESS && f->said[MESSAGE_HELLO] == 1 && f->said[MESSAGE_LEASE_DONE] >= 2) {
        fake_error(f, MESSAGE_CODE_STATE);
        return true;
    }
    if (m->type == MESSAGE_HELLO && f->said[MESSAGE_HELLO] == 2)
        stop_now();
    return false;
}

Test(worker, a_coordinator_that_does_not_know_it_is_greeted_again, .timeout = 60)
{
    fake.script = forget_once;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_eq(fake.said[MESSAGE_HELLO], 2);
}

/* Says once that the session went to another worker. */
static uint8_t uuids[2][16];
static bool supersede_once(struct fake *f, const struct message *m)
{
    if (m->type == MESSAGE_HELLO && f->said[MESSAGE_HELLO] <= 2)
        memcpy(uuids[f->said[MESSAGE_HELLO] - 1], m->u.hello.uuid, 16);
    if (m->type == MESSAGE_PROGRESS && f->said[MESSAGE_HELLO] == 1) {
        fake_error(f, MESSAGE_CODE_SUPERSEDED);
        return true;
    }
    if (m->type == MESSAGE_HELLO && f->said[MESSAGE_HELLO] == 2)
        stop_now();
    return false;
}

Test(worker, one_whose_uuid_is_another_s_goes_on_under_a_new_one, .timeout = 60)
{
    fake.script = supersede_once;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_eq(fake.said[MESSAGE_HELLO], 2);
    cr_assert_neq(memcmp(uuids[0], uuids[1], 16), 0);
}

/* Swallows the first block and everything after it: silence. After the second HELLO it is normal again. */
static uint64_t first_block_seq;
static bool resent;
static bool fall_silent(struct fake *f, const struct message *m)
{
    if (f->said[MESSAGE_HELLO] >= 2) {
        f->mute = false;
        if (m->type == MESSAGE_BLOCK && m->seq == first_block_seq) {
            resent = true;
            stop_now();
        }
        return false;
    }
    if (m->type == MESSAGE_BLOCK && first_block_seq == 0) {
        first_block_seq = m->seq;
        f->mute = true;
    }
    return first_block_seq != 0;
}

Test(worker, a_block_that_was_not_acknowledged_is_resent_with_its_old_seq_after_a_silence, .timeout = 60)
{
    fake.script = fall_silent;
    fake.dead_ms = 300;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_gt(first_block_seq, 0);
    cr_assert(resent);
    cr_assert_eq(fake.said[MESSAGE_HELLO], 2);
    cr_assert_geq(fake.blocks, 1);
    cr_assert_eq(fake.bad, 0);
}

/* Everything a broken or hostile coordinator may send, before a proper conversation. */
static bool send_rubbish(struct fake *f, const struct message *m)
{
    if (m->type != MESSAGE_HELLO)
        return false;
    static const uint8_t frames[][6] = {{0}, {0xc1, 0xc1}, {0x93, 30, 0, 0}, {0xdd, 0xff, 0xff, 0xff, 0xff}, {0x90}};
    for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
        zmq_send(f->work, f->last.id, f->last.len, ZMQ_SNDMORE);
        zmq_send(f->work, frames[i], sizeof frames[i], 0);
    }
    zmq_send(f->work, f->last.id, f->last.len, ZMQ_SNDMORE); /* several parts */
    zmq_send(f->work, "a", 1, ZMQ_SNDMORE);
    zmq_send(f->work, "b", 1, 0);
    zmq_send(f->work, f->last.id, f->last.len, ZMQ_SNDMORE); /* an empty frame */
    zmq_send(f->work, "", 0, 0);
    struct message *out = fake_compose(f, MESSAGE_SHARE); /* what only workers say */
    out->u.share.count = 1;
    fake_reply(f, out);
    out = fake_compose(f, MESSAGE_LEASE); /* before WELCOME */
    out->u.lease = (struct message_lease){.lease = 1000, .start = 0, .end = 10};
    fake_reply(f, out);
    out = fake_compose(f, MESSAGE_TIP); /* a tip without proof */
    out->u.tip = f->tip;
    out->u.tip.tip_seq += 1000;
    out->u.tip.hash[0] ^= 1;
    fake_reply(f, out);
    return false;
}

Test(worker, survives_whatever_its_coordinator_sends, .timeout = 60)
{
    fake.script = send_rubbish;
    fake.blocks_wanted = 2;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_eq(fake.blocks, 2);
    cr_assert_eq(fake.bad, 0);
}

Test(worker, regtest_where_every_other_hash_is_a_block_does_not_flood_the_coordinator, .timeout = 60)
{
    fake.bits = 0x207fffff;
    fake.share_bits = 255;
    fake.blocks_wanted = 100;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_geq(fake.blocks, 100);
    cr_assert_leq(fake.said[MESSAGE_BLOCK], fake.blocks + 100, "one block a job, no siblings");
    cr_assert_eq(fake.bad, 0);
}

static unsigned seen_at_last_beat, held_back;

/* Tips go on, ACKs do not come, until the worker has stopped finding. */
static bool acknowledge_late(struct fake *f, const struct message *m)
{
    if (m->type != MESSAGE_PROGRESS || !f->hold_acks)
        return false;
    unsigned said = (unsigned)f->said[MESSAGE_BLOCK]; /* the stale ones wait for their ACK too */
    if (said >= WORKER_BLOCKS_MAX && said == seen_at_last_beat) {
        held_back = said;
        f->hold_acks = false;
        fake_ack(f, f->seq_high, MESSAGE_CODE_OK);
    }
    seen_at_last_beat = said;
    return false;
}

Test(worker, waits_with_its_blocks_for_a_coordinator_that_is_slow_to_acknowledge_and_drops_none, .timeout = 60)
{
    fake.bits = 0x207fffff;
    fake.share_bits = 255;
    fake.hold_acks = true;
    fake.script = acknowledge_late;
    fake.blocks_wanted = 300;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_gt(held_back, 0, "it stopped");
    cr_assert_leq(held_back, OUTBOX_MAX);
    cr_assert_geq(fake.blocks, 300);
    cr_assert_eq(fake.bad, 0);
}

Test(worker, works_on_one_processor_as_well, .timeout = 60)
{
    play.procs = 1;
    fake.blocks_wanted = 3;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_eq(fake.blocks, 3);
}

Test(worker, random_bits_differ)
{
    static struct worker w = {.random = 1};
    uint32_t a = worker_random(&w), b = worker_random(&w);
    cr_assert_neq(a, b);
}
