#include <test.h>

#include "play.h"

/* Full at first, then not. */
static bool full_once(struct fake *f, const struct message *m)
{
    if (m->type != MESSAGE_HELLO || f->said[MESSAGE_HELLO] > 1)
        return false;
    fake_error(f, MESSAGE_CODE_FULL);
    return true;
}

Test(worker_actions, a_full_coordinator_is_left_for_the_next_endpoint, .timeout = 60)
{
    fake.script = full_once;
    fake.blocks_wanted = 1;
    fake_open(&fake);
    play.settings.endpoints[0] = fake.work_ep;
    play.settings.endpoints[1] = fake.work_ep;
    play.settings.endpoint_count = 2;
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_eq(fake.said[MESSAGE_HELLO], 2);
    cr_assert_eq(fake.blocks, 1);
}

Test(worker_actions, a_stop_without_any_coordinator_ends_it_at_once, .timeout = 60)
{
    fake_open(&fake);
    play.settings.endpoints[0] = "tcp://127.0.0.1:1";
    play.settings.endpoint_count = 1;
    play.stop_early = true;
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_eq(fake.said[MESSAGE_HELLO], 0);
}

/* Forgets the worker once; by then it holds leases, which the next WELCOME takes away. */
static uint64_t leases_before, dones_before;
static bool take_leases_away(struct fake *f, const struct message *m)
{
    if (m->type == MESSAGE_PROGRESS && m->u.progress.count > 0 && f->said[MESSAGE_HELLO] == 1) {
        f->verdict = MESSAGE_CODE_BAD_RANGE;
        leases_before = f->leases;
        fake_error(f, MESSAGE_CODE_STATE);
        return true;
    }
    if (m->type == MESSAGE_HELLO && f->said[MESSAGE_HELLO] == 2)
        f->lease_size = 5000; /* the ones before never end: they are too big */
    if (m->type == MESSAGE_LEASE_DONE) {
        dones_before += m->u.lease_done.lease <= leases_before;
        if (f->said[MESSAGE_LEASE_DONE] == 3)
            stop_now();
    }
    return false;
}

Test(worker_actions, a_lease_that_welcome_does_not_confirm_is_dropped, .timeout = 60)
{
    fake.script = take_leases_away;
    fake.lease_size = UINT64_C(1) << 40;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_gt(leases_before, 0);
    cr_assert_eq(dones_before, 0);
    for (uint32_t i = 0; i < fake.bye.held_count; i++)
        cr_assert_gt(fake.bye.held[i].lease, leases_before);
}

/* Silent for a while; afterwards it must work again, as it was told to rest meanwhile. */
static uint64_t dones_at_silence;
static bool rest_while_silent(struct fake *f, const struct message *m)
{
    if (f->said[MESSAGE_HELLO] == 1 && f->said[MESSAGE_LEASE_DONE] >= 2) {
        dones_at_silence = f->said[MESSAGE_LEASE_DONE];
        f->mute = true;
        return true;
    }
    if (f->said[MESSAGE_HELLO] > 1)
        f->mute = false;
    if (m->type == MESSAGE_LEASE_DONE && f->said[MESSAGE_HELLO] > 1 &&
        f->said[MESSAGE_LEASE_DONE] > dones_at_silence + 5)
        stop_now();
    return false;
}

Test(worker_actions, one_that_rests_while_its_coordinator_is_lost_goes_on_after_welcome, .timeout = 60)
{
    fake.script = rest_while_silent;
    fake.on_loss = MESSAGE_ON_LOSS_PAUSE;
    fake.dead_ms = 200;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_geq(fake.said[MESSAGE_HELLO], 2);
    cr_assert_eq(fake.bad, 0);
}

static bool stop_when_metrics_came(struct fake *f, const struct message *m)
{
    (void)m;
    if (f->metrics_frames >= 3)
        stop_now();
    return false;
}

Test(worker_actions, metrics_go_to_the_endpoint_that_welcome_names, .timeout = 60)
{
    fake.script = stop_when_metrics_came;
    fake.has_metrics = true;
    fake_open(&fake);
    cr_assert_eq(run(), WORKER_EXIT_OK);
    cr_assert_eq(fake.said[MESSAGE_METRICS], 0);
    cr_assert_eq(fake.said[MESSAGE_SCHEMA], 0);
    cr_assert_geq(fake.metrics_frames, 3);
    cr_assert_eq(fake.bad, 0);
}
