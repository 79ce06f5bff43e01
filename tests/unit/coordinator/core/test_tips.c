#include "rig.h"

#include "coordinator/core/shares.h"

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
    cr_assert_eq(r->sent_before_job, 2, "neither waits for the disk");
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
    config.epoch = 2;
    rig_begin(r, &config);
    cr_assert_eq(jobs_current(&r->core->jobs)->ntime, network_find("lode-regtest")->genesis.time + 1);
    rig_free(r);
}

/* A rig on network lode, where a share is easier than a block, with one worker. */
static struct rig *rig_of_lode(struct worker **w)
{
    struct rig *r = rig_new();
    struct core_config config = rig_config(r);
    rig_end_core(r);
    config.network = network_find("lode");
    config.epoch = 2;
    rig_begin(r, &config);
    *w = rig_hello(r, 1);
    return r;
}

static double weight_now(const struct rig *r)
{
    return shares_weight(&jobs_current(&r->core->jobs)->share_target);
}

static bool near(double a, double b)
{
    return a > b * 0.99 && a < b * 1.01;
}

Test(tips, before_anybody_works_a_share_is_no_gift)
{
    struct worker *w;
    struct rig *r = rig_of_lode(&w);
    cr_assert(near(weight_now(r), 1e6)); /* ten a second of 10 MH/s */
    rig_free(r);
}

Test(tips, the_share_target_follows_the_rate_within_seconds)
{
    struct worker *w;
    struct rig *r = rig_of_lode(&w);
    uint64_t job = jobs_current(&r->core->jobs)->id;
    w->hashrate = 1e6;
    rig_pass(r, 900);
    cr_assert_eq(jobs_current(&r->core->jobs)->id, job);
    rig_pass(r, 200);
    cr_assert_neq(jobs_current(&r->core->jobs)->id, job);
    cr_assert(near(weight_now(r), 1e5));
    job = jobs_current(&r->core->jobs)->id;
    w->hashrate = 1.9e6; /* within a factor of two: it stays */
    rig_pass(r, 2000);
    cr_assert_eq(jobs_current(&r->core->jobs)->id, job);
    rig_free(r);
}

Test(tips, a_share_target_is_never_harder_than_the_block_s)
{
    struct worker *w;
    struct rig *r = rig_of_lode(&w);
    w->hashrate = 1e15;
    rig_pass(r, 1100);
    const struct job *job = jobs_current(&r->core->jobs);
    cr_assert_eq(u256_compare(&job->share_target, &job->target), 0);
    uint64_t id = job->id;
    w->hashrate = 1e18; /* the same target again: no new job for nothing */
    rig_pass(r, 3000);
    cr_assert_eq(jobs_current(&r->core->jobs)->id, id);
    rig_free(r);
}

Test(tips, a_worker_that_lies_about_its_rate_does_not_make_shares_rare)
{
    struct worker *w;
    struct rig *r = rig_of_lode(&w);
    struct message m = rig_hello_message(2);
    m.u.hello.rate_hint = UINT64_MAX;
    w->hashrate = 1e8;
    rig_say(r, 2, &m);
    rig_pass(r, 1100);
    cr_assert_leq(weight_now(r), 1.2e8); /* (1e9 + 1e8) / 10 */
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

Test(tips, a_chain_too_far_ahead_of_the_clock_waits_for_it_and_says_so)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    r->wall_ms =
        (int64_t)(jobs_current(&r->core->jobs)->ntime - NETWORK_FUTURE_S - 2) * 1000; /* the clock is set back */
    int warnings = r->logs[CORE_WARN];
    rig_pass(r, 100);
    cr_assert_eq(r->logs[CORE_WARN], warnings + 1, "said once, not at each tick");
    cr_assert(r->core->tip_rests);
    rig_hello(r, 2);
    const struct message_tip *t = &rig_got(r, MESSAGE_WELCOME)->u.welcome.tip;
    cr_assert_not(t->has_job);
    cr_assert_eq(t->job, 0);
    rig_find(r, w, 1);
    rig_kind(r, CORE_EV_FLUSH);
    cr_assert_eq(rig_got(r, MESSAGE_ACK)->u.ack.count, 1);
    cr_assert_eq(r->logs[CORE_WARN], warnings + 1);
    cr_assert_eq(w->counts.rejected, 0);
    cr_assert_eq(r->block_count, 0);
    uint64_t job = jobs_current(&r->core->jobs)->id, tip_seq = r->core->tip_seq;
    rig_pass(r, 1900);
    cr_assert_not(r->core->tip_rests);
    cr_assert_eq(r->core->tip_seq, tip_seq + 1, "one TIP ends the rest");
    cr_assert_eq(jobs_current(&r->core->jobs)->id, job, "and names the job that waited");
    rig_find(r, w, 1);
    cr_assert_eq(r->block_count, 1);
    rig_free(r);
}

/* Six of eleven blocks move the median, so six blocks a second are what the clock allows at the two-hour rule. No job
 * is out whose block would be refused. */
Test(tips, at_the_two_hour_rule_blocks_come_as_the_clock_allows)
{
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    rig_ask(r, w, 1, 1);
    for (int i = 0; i < 20; i++)
        rig_find(r, w, 1);
    r->wall_ms = ((int64_t)jobs_current(&r->core->jobs)->ntime - NETWORK_FUTURE_S) * 1000;
    int64_t begun = r->wall_ms;
    size_t blocks = r->block_count;
    for (int i = 0; i < 400; i++) { /* 20 s */
        if (!r->core->tip_rests) {
            size_t before = r->block_count;
            rig_find(r, w, 1);
            cr_assert_eq(r->block_count, before + 1);
            const struct rig_sent *tip = rig_sent_at(r, MESSAGE_TIP, 0);
            cr_assert(tip->message.u.tip.clean);
            cr_assert_eq(tip->message.u.tip.has_job, !r->core->tip_rests);
        }
        rig_pass(r, 50);
    }
    cr_assert_eq(r->wall_ms - begun, 20000);
    cr_assert_geq(r->block_count - blocks, 6 * 19);
    cr_assert_leq(r->block_count - blocks, 6 * 21 + 11);
    cr_assert_eq(w->counts.rejected, 0);
    rig_free(r);
}

static void check_sent(const struct rig *r)
{
    for (size_t i = 0; i < r->sent_count; i++) {
        const struct message *m = &r->sent[i].message;
        if (m->type == MESSAGE_TIP && m->u.tip.has_job)
            cr_assert_leq(m->u.tip.body.ntime, r->wall_ms / 1000 + NETWORK_FUTURE_S, "its block would be refused");
    }
}

/* Whatever happens, and across restarts: no header stands under two jobs. The clock stands still, goes, and is set. */
Test(tips, no_two_jobs_ever_share_a_header)
{
    enum { STEPS = 250 };
    static uint8_t seen[STEPS][32];
    static const char args[] = "\x81\xa4"
                               "data"
                               "\x91\xc4\x01x"; /* {"data": [h'78']} */
    struct cursor_out mine = {.buf = (uint8_t *)(uintptr_t)args, .len = sizeof args - 1};
    struct rig *r = rig_new();
    struct worker *w = rig_hello(r, 1);
    uint64_t seed = 11, last = 0, epoch = 1;
    size_t count = 0;
    rig_ask(r, w, 1, 1);
    while (count < STEPS) {
        const struct job *job = jobs_current(&r->core->jobs);
        if (job->id != last) {
            struct header header;
            jobs_header(job, 7, &header);
            header_hash(seen[count], &header);
            for (size_t i = 0; i < count; i++)
                cr_assert_neq(memcmp(seen[i], seen[count], 32), 0, "job %zu is job %zu again", count, i);
            last = job->id;
            count++;
        }
        check_sent(r);
        seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
        switch (seed >> 61) {
        case 0:
            rig_find(r, w, 1);
            break;
        case 1:
            rig_control(r, 1, "mine", &mine);
            break;
        case 2:
            r->wall_ms += ((int64_t)(seed >> 40 & 0x3ff) - 512) * 20000; /* up to 3 hours either way */
            rig_pass(r, 50);
            break;
        case 3: {
            struct core_config config = rig_config(r);
            config.epoch = ++epoch;
            config.mark = r->mark;
            rig_end_core(r);
            rig_begin(r, &config);
            w = rig_hello(r, 1);
            rig_ask(r, w, 1, 1);
            break;
        }
        default: {
            int64_t wall = r->wall_ms;
            w->heard_ns = r->now_ns + INT64_C(30) * 1000000000;
            rig_pass(r, 30000);
            r->wall_ms = seed & 1 << 20 ? wall : r->wall_ms;
            rig_pass(r, 50);
        }
        }
    }
    rig_free(r);
}
