#include <test.h>

#include "play.h"

/* --- leases --- */

static uint64_t cut_end;
static bool cut_first_lease(struct fake *f, const struct message *m)
{
    if (m->type == MESSAGE_PROGRESS && m->u.progress.count > 0 && cut_end == 0) {
        struct message *out = fake_compose(f, MESSAGE_LEASE_CUT);
        out->u.lease_cut = (struct message_lease_cut){.lease = 1, .at = 10};
        fake_reply(f, out);
    }
    if (m->type == MESSAGE_CUT_ACK && cut_end == 0)
        cut_end = m->u.cut_ack.end;
    if (m->type == MESSAGE_LEASE_DONE && m->u.lease_done.lease == 1 && m->u.lease_done.end == cut_end)
        stop_now();
    return false;
}

Test(worker_messages, a_cut_lease_ends_where_the_answer_says_and_is_done_there, .timeout = 60)
{
    fake.script = cut_first_lease;
    fake.lease_size = UINT64_C(1) << 40;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_geq(cut_end, 10);
    cr_assert_lt(cut_end, UINT64_C(1) << 40);
    cr_assert_eq(fake.done_hashes, fake.done_counters);
    cr_assert_eq(fake.done_counters, cut_end);
}

static uint64_t revoked_upto;
static bool revoke_everything(struct fake *f, const struct message *m)
{
    if (m->type == MESSAGE_PROGRESS && m->u.progress.count > 0 && revoked_upto == 0) {
        revoked_upto = f->leases;
        f->lease_size = 5000;
        struct message *out = fake_compose(f, MESSAGE_REVOKE);
        out->u.revoke = (struct message_revoke){.lease = 0, .reason = MESSAGE_REASON_OPERATOR};
        fake_reply(f, out);
    }
    if (m->type == MESSAGE_LEASE_DONE && m->u.lease_done.lease > revoked_upto)
        stop_now();
    return false;
}

Test(worker_messages, after_a_revoke_of_all_it_asks_for_new_leases, .timeout = 60)
{
    fake.script = revoke_everything;
    fake.lease_size = UINT64_C(1) << 40;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_gt(fake.leases, revoked_upto);
    for (uint32_t i = 0; i < fake.bye.held_count; i++)
        cr_assert_gt(fake.bye.held[i].lease, revoked_upto);
}

/* --- control --- */

static void order(struct fake *f, enum message_ctrl_verb verb, uint64_t epoch)
{
    struct message *out = fake_compose(f, MESSAGE_CTRL);
    out->u.ctrl = (struct message_ctrl){.epoch = epoch, .ctl_seq = 1, .verb = (uint8_t)verb};
    fake_publish(f, out);
}

static bool by_tips; /* a TIP without a job, then one with; else by orders */

static void stop_hashing(struct fake *f)
{
    if (by_tips) {
        struct message *out = fake_compose(f, MESSAGE_TIP);
        f->tip.tip_seq = ++f->tip_seq;
        out->u.tip = f->tip;
        out->u.tip.has_job = false;
        out->u.tip.job = 0;
        out->u.tip.body = (struct message_job){0};
        fake_publish(f, out);
    } else
        order(f, MESSAGE_CTRL_PAUSE, f->epoch);
}

static void go_on_hashing(struct fake *f)
{
    if (by_tips) {
        f->tip.tip_seq = ++f->tip_seq;
        fake_publish_tip(f);
    } else
        order(f, MESSAGE_CTRL_RESUME, f->epoch);
}

/* Pause until two beats in a row report the same hashes; then resume until they move again. */
static uint64_t last_hashes;
static int stage;
static bool pause_and_resume(struct fake *f, const struct message *m)
{
    if (m->type != MESSAGE_PROGRESS || m->u.progress.count == 0)
        return false;
    uint64_t hashes = m->u.progress.entries[0].hashes;
    bool moved = hashes != last_hashes;
    last_hashes = hashes;
    if (stage == 0 && hashes > 0)
        stage = 1;
    if (stage == 1) {
        stop_hashing(f);
        stage += !moved;
    } else if (stage == 2) {
        go_on_hashing(f);
        if (moved) {
            stage = 3;
            stop_now();
        }
    }
    return false;
}

Test(worker_messages, pause_stops_the_hashing_and_resume_starts_it, .timeout = 60)
{
    fake.script = pause_and_resume;
    fake.lease_size = UINT64_C(1) << 40;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_eq(stage, 3);
}

Test(worker_messages, a_tip_without_a_job_lets_it_rest_until_one_comes, .timeout = 60)
{
    by_tips = true;
    fake.script = pause_and_resume;
    fake.lease_size = UINT64_C(1) << 40;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_eq(stage, 3);
    cr_assert_eq(fake.said[MESSAGE_TIP_GET], 0, "nothing is missing");
}

static bool drain_of_the_past(struct fake *f, const struct message *m)
{
    if (m->type == MESSAGE_PROGRESS)
        order(f, MESSAGE_CTRL_DRAIN, f->epoch - 1);
    return false;
}

Test(worker_messages, an_order_of_an_older_epoch_is_not_obeyed, .timeout = 60)
{
    fake.script = drain_of_the_past;
    fake.epoch = 5;
    fake.blocks_wanted = 3;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_eq(fake.blocks, 3, "it went on until the drain of this epoch");
}

/* --- jobs and tips --- */

static bool tip_with_unknown_job(struct fake *f, const struct message *m)
{
    if (m->type == MESSAGE_HELLO) {
        f->tip.has_job = false; /* WELCOME names a job it does not describe */
        fake_on_hello(f);
        f->tip.has_job = true;
        return true;
    }
    return false;
}

Test(worker_messages, a_tip_whose_job_is_not_known_is_asked_for_again, .timeout = 60)
{
    fake.script = tip_with_unknown_job;
    fake.blocks_wanted = 2;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_geq(fake.said[MESSAGE_TIP_GET], 1);
    cr_assert_eq(fake.blocks, 2);
}

static bool job_before_welcome(struct fake *f, const struct message *m)
{
    if (m->type == MESSAGE_HELLO) {
        struct message *out = fake_compose(f, MESSAGE_JOB);
        out->u.job = f->tip.body;
        out->u.job.future = true;
        fake_reply(f, out);
        f->tip.has_job = false;
        fake_on_hello(f);
        f->tip.has_job = true;
        return true;
    }
    return false;
}

Test(worker_messages, a_job_sent_ahead_is_worked_on_when_a_tip_names_it, .timeout = 60)
{
    fake.script = job_before_welcome;
    fake.blocks_wanted = 1;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_eq(fake.said[MESSAGE_TIP_GET], 0);
    cr_assert_eq(fake.blocks, 1);
}

/* --- moving --- */

static char elsewhere[64];
static bool send_away(struct fake *f, const struct message *m)
{
    if (m->type == MESSAGE_PROGRESS && f->said[MESSAGE_HELLO] == 1) {
        struct message *out = fake_compose(f, MESSAGE_GO_TO);
        out->u.go_to.endpoint_count = 1;
        out->u.go_to.endpoints[0] = cursor_view_of(elsewhere);
        fake_reply(f, out);
    }
    if (m->type == MESSAGE_PROGRESS && f->said[MESSAGE_HELLO] == 2)
        stop_now(); /* not at HELLO: a worker that is not welcome yet has no session to say BYE in */
    return false;
}

Test(worker_messages, go_to_moves_it_with_what_it_holds, .timeout = 60)
{
    fake.script = send_away;
    fake.lease_size = UINT64_C(1) << 40;
    fake_open(&fake);
    snprintf(elsewhere, sizeof elsewhere, "tcp://localhost:%s", strrchr(fake.work_ep, ':') + 1);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_eq(fake.said[MESSAGE_HELLO], 2);
    cr_assert_gt(fake.bye.held_count, 0);
}
