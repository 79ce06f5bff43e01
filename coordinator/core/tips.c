#include "coordinator/core/tips.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/chain/target.h"
#include "coordinator/core/shares.h"

/* A job's time is as old as the job: a fresher one keeps header times near the clock. */
static const int64_t job_age_ns = INT64_C(30) * 1000 * 1000 * 1000;
static const int64_t ms_ns = 1000000;
/* Until somebody works: a machine's worth. Too easy a target would make every hash a share. */
static const double assumed_rate = 10e6;
enum { RETARGET_MS = 1000, RETARGET_FACTOR = 2 };

static double cluster_rate(const struct core *self)
{
    struct fleet_sums sums;
    fleet_sum(&self->fleet, self->now_ns, &sums);
    return sums.believed >= 1 ? sums.believed : assumed_rate;
}

static void make_job(struct core *self)
{
    self->job_rate = cluster_rate(self);
    const struct tree_node *tip = tree_tip(self->tree);
    uint32_t least = tree_median_time(self->tree, tip) + 1; /* above the median of the last 11 */
    int64_t now_s = self->wall_ms / 1000;
    uint32_t wanted = now_s > (int64_t)least ? (uint32_t)now_s : least;
    struct job_recipe recipe = {
        .parent = tip->hash,
        .height = tip->height + 1,
        .ntime = jobs_time(&self->jobs, tip->hash, wanted),
        .tag = self->config.tag,
        .payload = pool_front(&self->pool),
        .share_target = shares_target(self->job_rate, self->config.share_rate),
    };
    CHECK(tree_next_bits(self->tree, tip, recipe.ntime, &recipe.bits) == 0);
    (void)jobs_make(&self->jobs, &recipe);
    self->job_ns = self->now_ns;
}

/* Behind the TIP, which must not wait for a disk. A process that dies between the two leaves workers on a job that its
 * successor does not know: a block they find before its first TIP is refused, and was never acknowledged (J3 holds). No
 * share was credited under it either, as no message is taken in between (J2). */
static void keep_job(struct core *self)
{
    const struct job *job = jobs_current(&self->jobs);
    struct cursor_out record = cursor_out_over(self->result, STATE_RESULT_MAX);
    jobs_pack(job, &record);
    CHECK(record.err == 0);
    actions_keep_job(self->out, job->id, record.buf, record.len);
}

void tips_fill(const struct core *self, struct message_tip *out)
{
    const struct tree_node *tip = tree_tip(self->tree);
    const struct job *job = jobs_current(&self->jobs);
    *out = (struct message_tip){
        .epoch = self->config.epoch,
        .tip_seq = self->tip_seq,
        .height = tip->height,
        .reorg = self->tip_reorg,
        .job = self->tip_rests ? 0 : job->id,
        .clean = self->tip_clean,
        .has_job = !self->tip_rests,
        .sent_us = (uint64_t)(self->now_ns / 1000),
    };
    memcpy(out->hash, tip->hash, sizeof out->hash);
    u256_to_be(out->work, &tip->work);
    struct header header;
    tree_header(self->tree, tip, &header);
    header_serialize(out->header, &header);
    if (out->has_job)
        jobs_message(job, &out->body);
}

/* How far a block of the current job is ahead of the clock, beyond what is allowed; 0 or less: it would be taken. */
static int64_t too_early_s(const struct core *self)
{
    return (int64_t)jobs_current(&self->jobs)->ntime - self->wall_ms / 1000 - NETWORK_FUTURE_S;
}

/* The TIP for what is known now. */
static void publish(struct core *self, bool clean, uint64_t reorg)
{
    self->tip_seq++;
    self->tip_clean = clean;
    self->tip_reorg = reorg < UINT16_MAX ? (uint16_t)reorg : UINT16_MAX;
    self->tip_rests = too_early_s(self) > 0;
    struct message m = {.type = MESSAGE_TIP, .seq = self->tip_seq};
    tips_fill(self, &m.u.tip);
    actions_publish(self->out, &m);
    actions_greeting(self->out, &m);
    self->beacon_ns = self->now_ns; /* a TIP is as good as a beacon */
}

void tips_announce(struct core *self, bool clean, uint64_t reorg)
{
    make_job(self);
    publish(self, clean, reorg);
    keep_job(self);
}

static void beacon(struct core *self)
{
    struct message m = {.type = MESSAGE_BEACON, .seq = self->tip_seq};
    m.u.beacon.epoch = self->config.epoch;
    m.u.beacon.tip_seq = self->tip_seq;
    memcpy(m.u.beacon.hash8, tree_tip(self->tree)->hash, sizeof m.u.beacon.hash8);
    actions_publish(self->out, &m);
    self->beacon_ns = self->now_ns;
}

/* The rate is no longer what the job's share target was made for, and a new target would be another one. */
static bool off_target(const struct core *self)
{
    if (self->now_ns - self->job_ns < RETARGET_MS * ms_ns)
        return false;
    double rate = cluster_rate(self);
    if (rate <= self->job_rate * RETARGET_FACTOR && rate * RETARGET_FACTOR >= self->job_rate)
        return false;
    const struct job *job = jobs_current(&self->jobs);
    struct u256 wanted = shares_target(rate, self->config.share_rate);
    return u256_compare(&wanted, &job->target) > 0 || u256_compare(&job->share_target, &job->target) > 0;
}

/* On a network without a retarget blocks may come faster than one in six seconds for hours; each is above the median of
 * 11, so their times run ahead of the clock until the two-hour rule refuses the next. It heals as the clock comes
 * after; until then the workers rest. */
static void tell_ahead(struct core *self)
{
    long long ahead = too_early_s(self) + NETWORK_FUTURE_S;
    if (!self->tip_rests || (self->ahead_ns != 0 && self->now_ns - self->ahead_ns < job_age_ns))
        return;
    self->ahead_ns = self->now_ns;
    struct core_log log = {.level = CORE_WARN, .event = "chain_ahead_of_clock", .code = ERR_TIME_NEW};
    actions_log(self->out, &log,
                "the next block's time is %lld s from now and %d s are allowed: none until the clock is there", ahead,
                NETWORK_FUTURE_S);
}

void tips_tick(struct core *self)
{
    if (self->stopping)
        return;
    bool rests = too_early_s(self) > 0;
    if (rests != self->tip_rests) {
        self->job_ns = self->now_ns; /* the same job, but as if new: it is published only now, or never was */
        publish(self, false, 0);
    }
    tell_ahead(self);
    if (rests)
        self->job_ns = self->now_ns; /* another one would be later still */
    if (self->now_ns - self->job_ns >= job_age_ns || off_target(self))
        tips_announce(self, false, 0);
    if (self->now_ns - self->beacon_ns >= self->config.beat_ms * ms_ns)
        beacon(self);
}

void tips_order(struct core *self, uint8_t verb, uint64_t arg)
{
    struct message m = {.type = MESSAGE_CTRL, .seq = ++self->ctl_seq};
    m.u.ctrl = (struct message_ctrl){.epoch = self->config.epoch, .ctl_seq = self->ctl_seq, .verb = verb, .arg = arg};
    actions_publish(self->out, &m);
}
