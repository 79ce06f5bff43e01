#include "rig.h"

Test(tips, a_beacon_goes_out_each_beat_and_a_fresher_job_now_and_then)
{
    struct rig *r = rig_new();
    int beacons = 0, tips = 0;
    for (int i = 0; i < 31 * 20; i++) {
        rig_pass(r, 50);
        beacons += rig_got(r, MESSAGE_BEACON) != NULL;
        const struct rig_sent *tip = rig_sent_at(r, MESSAGE_TIP, 0);
        if (!tip)
            continue;
        tips++;
        cr_assert_not(tip->message.u.tip.clean);
        cr_assert_eq(tip->message.u.tip.tip_seq, 2);
        cr_assert_eq(tip->message.u.tip.height, 0);
    }
    cr_assert_geq(beacons, 29);
    cr_assert_leq(beacons, 31);
    cr_assert_eq(tips, 1);
    rig_free(r);
}

Test(tips, a_new_tip_rises_is_clean_and_is_the_welcome_message)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    rig_find(r, w, 1);
    const struct rig_sent *tip = rig_sent_at(r, MESSAGE_TIP, 0), *greeting = rig_sent_at(r, MESSAGE_TIP, 1);
    cr_assert_eq(tip->kind, CORE_PUBLISH);
    cr_assert_eq(greeting->kind, CORE_GREETING);
    cr_assert_eq(tip->len, greeting->len);
    cr_assert_arr_eq(tip->bytes, greeting->bytes, tip->len);
    const struct message_tip *t = &tip->message.u.tip;
    cr_assert_eq(t->tip_seq, 2);
    cr_assert(t->clean);
    cr_assert_eq(t->height, 1);
    cr_assert_eq(t->body.height, 2);
    cr_assert_eq(t->body.job, t->job);
    uint8_t hash[32];
    header_hash_raw(hash, t->header);
    cr_assert_arr_eq(hash, t->hash, 32);
    cr_assert_arr_eq(t->body.parent, t->hash, 32);
    rig_free(r);
}

Test(tips, the_time_of_a_job_is_the_clock_s_but_above_the_median)
{
    struct rig *r = rig_new();
    cr_assert_eq(jobs_current(&r->core->jobs)->ntime, (uint32_t)(r->wall_ms / 1000));
    rig_end_core(r);
    r->wall_ms = 1000; /* a clock that was never set */
    struct core_config config = rig_config(r);
    rig_begin(r, &config);
    cr_assert_eq(jobs_current(&r->core->jobs)->ntime, network_find("lode-regtest")->genesis.time + 1);
    rig_free(r);
}

Test(tips, a_share_target_is_as_easy_as_the_rate_asks_and_never_harder_than_the_block_s)
{
    struct rig *r = rig_new();
    struct core_config config = rig_config(r);
    rig_end_core(r);
    config.network = network_find("lode");
    rig_begin(r, &config);
    struct worker *w = rig_hello(r, 1);
    w->hashrate = 1e6; /* ten shares a second: one in 100,000 hashes; a block takes 2^24 */
    rig_pass(r, 31000);
    const struct job *job = jobs_current(&r->core->jobs);
    w = r->core->fleet.first;
    cr_assert_gt(u256_compare(&job->share_target, &job->target), 0);
    rig_free(r);
}

Test(tips, job_ids_rise_across_restarts)
{
    struct rig *r = rig_new();
    uint64_t last = jobs_current(&r->core->jobs)->id;
    rig_end_core(r);
    struct core_config config = rig_config(r);
    config.epoch = 2;
    rig_begin(r, &config);
    cr_assert_gt(jobs_current(&r->core->jobs)->id, last);
    rig_free(r);
}
