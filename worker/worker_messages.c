#include "worker/worker_messages.h"

#include <rt/time.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "common/log/log.h"
#include "common/wire/codec.h"
#include "worker/crew.h"
#include "worker/link/chainview.h"
#include "worker/link/mailbox.h"
#include "worker/session.h"
#include "worker/settings.h"
#include "worker/worker.h"

static void on_welcome(struct worker *w, const struct message *m)
{
    worker_step(w, WORKER_EV_WELCOME, m);
}

static void on_lease(struct worker *w, const struct message *m)
{
    const struct message_lease *l = &m->u.lease;
    if (!session_live(w->session))
        return; /* of a session that is over: the next HELLO's held list settles it */
    session_leased(w->session, rt_now(), l);
    int err = crew_lease(w->crew, l);
    if (err < 0) {
        LOG_WARN("lease_refused", "lease=%llu code=%s", (unsigned long long)l->lease, err_code(err));
        if (err != ERR_DUPLICATE)
            session_return(w->session, l->lease, l->start, MESSAGE_REASON_ERROR);
        return;
    }
    LOG_DEBUG("lease", "lease=%llu counters=%llu", (unsigned long long)l->lease,
              (unsigned long long)(l->end - l->start));
    worker_step(w, WORKER_EV_LEASE, NULL);
    session_prefetch(w->session, rt_now(), worker_look(w, rt_now()));
}

static void on_cut(struct worker *w, const struct message *m)
{
    uint64_t end = 0;
    struct report done;
    int rc = crew_cut(w->crew, &m->u.lease_cut, &end, &done);
    if (rc < 0)
        return; /* done already: its LEASE_DONE is on the way */
    session_cut_ack(w->session, m->u.lease_cut.lease, end);
    if (rc > 0)
        worker_report(w, &done);
}

static void on_revoke(struct worker *w, const struct message *m)
{
    const struct session_crew *crew = worker_look(w, rt_now());
    size_t dropped = 0;
    for (size_t i = 0; i < crew->held_count; i++)
        if (m->u.revoke.lease == 0 || m->u.revoke.lease == crew->held[i].id)
            dropped += crew_drop(w->crew, crew->held[i].id) == 0;
    if (dropped > 0 && dropped == crew->held_count)
        worker_step(w, WORKER_EV_DRY, NULL);
}

static void block_refused(void *ctx, const struct outbox_entry *block, uint8_t code)
{
    struct worker *w = ctx;
    LOG_WARN("block_refused", "job=%llu code=%d", (unsigned long long)block->u.block.job, code);
    if (code != MESSAGE_CODE_STALE) /* a stale one: the tip that made it so is on its way */
        crew_unsolve(w->crew, block->u.block.job);
}

static void on_ack(struct worker *w, const struct message *m)
{
    LOG_DEBUG("ack", "upto=%llu codes=%u", (unsigned long long)m->u.ack.upto, m->u.ack.count);
    session_ack(w->session, &m->u.ack, block_refused, w);
    if (session_unacked(w->session) < OUTBOX_SHARES_MAX / 2)
        crew_quiet(w->crew, false);
    if (session_unacked_blocks(w->session) < WORKER_BLOCKS_MAX / 2)
        crew_pause(w->crew, CREW_PAUSE_BLOCKS, false);
}

static void on_config(struct worker *w, const struct message *m)
{
    session_config(w->session, &m->u.config);
    for (uint32_t i = 0; i < m->u.config.count; i++) {
        const struct message_setting *s = &m->u.config.settings[i];
        if (s->key == MESSAGE_SETTING_LOG_LEVEL && !s->is_binary && s->number <= LOG_LEVEL_DEBUG)
            log_set_level((enum log_level)s->number);
    }
}

static void on_go_to(struct worker *w, const struct message *m)
{
    int err = session_go_to(w->session, rt_now(), &m->u.go_to, worker_random(w));
    if (err < 0)
        LOG_WARN("go_to_refused", "code=%s", err_code(err));
}

/* Somebody else is us. Taking the session back would go on for ever, so we become somebody new. */
static void on_superseded(struct worker *w, const struct message *m)
{
    uint8_t uuid[16];
    char ours[33];
    bytes_to_hex(ours, w->settings->uuid, sizeof w->settings->uuid);
    LOG_ERROR("uuid_taken", "endpoint=%s uuid=%s why=%s", session_endpoint(w->session), ours,
              "another worker uses it: give each a --state-dir of its own");
    if (settings_uuid(uuid, "") == 0)
        session_rename(w->session, uuid);
    worker_step(w, WORKER_EV_STRANGER, m);
}

static void on_error(struct worker *w, const struct message *m)
{
    const struct message_error *e = &m->u.error;
    LOG_WARN("coordinator_error", "code=%d ref=%llu text=%.*s", e->code, (unsigned long long)e->ref, (int)e->text.len,
             (const char *)e->text.at);
    if (e->code == MESSAGE_CODE_STATE)
        worker_step(w, WORKER_EV_STRANGER, m);
    else if (e->code == MESSAGE_CODE_SUPERSEDED)
        on_superseded(w, m);
    else if (e->code == MESSAGE_CODE_VERSION || e->code == MESSAGE_CODE_WRONG_CLUSTER)
        worker_step(w, WORKER_EV_REFUSED, m);
    else if (e->code == MESSAGE_CODE_FULL)
        worker_step(w, WORKER_EV_SILENT, NULL); /* as good as silent: the next one of the list may have room */
}

void worker_messages_tip(struct worker *w, const struct message_tip *tip)
{
    int verdict = chainview_offer(w->view, tip);
    if (verdict < 0) {
        LOG_WARN("tip_refused", "height=%llu epoch=%llu tip_seq=%llu code=%s", (unsigned long long)tip->height,
                 (unsigned long long)tip->epoch, (unsigned long long)tip->tip_seq, err_code(verdict));
        if (verdict == ERR_DUPLICATE)
            worker_step(w, WORKER_EV_STRANGER, NULL); /* two blocks under one number: begin anew */
        return;
    }
    const struct chainview_tip *now = chainview_tip(w->view);
    if (tip->epoch != now->epoch || tip->tip_seq != now->tip_seq)
        return; /* an older one */
    session_tip(w->session, tip->epoch, tip->tip_seq);
    int err = tip->has_job ? crew_job(w->crew, &tip->body) : 0;
    if (err == 0)
        err = crew_work_on(w->crew, tip->job);
    if (err < 0) {
        LOG_WARN("job_refused", "job=%llu code=%s", (unsigned long long)tip->job, err_code(err));
        session_want_tip(w->session, rt_now(), worker_random(w));
    } else if (verdict > 0) {
        char hash[65];
        bytes_to_hex_reversed(hash, tip->hash, 32);
        struct u256 share = u256_from_be(tip->body.share_target);
        LOG_DEBUG("tip", "height=%llu job=%llu share_bits=%u hash=%s", (unsigned long long)tip->height,
                  (unsigned long long)tip->job, u256_bits(&share), hash);
    }
}

static void on_tip(struct worker *w, const struct message *m)
{
    worker_messages_tip(w, &m->u.tip);
}

static void on_beacon(struct worker *w, const struct message *m)
{
    if (chainview_beacon(w->view, &m->u.beacon) > 0)
        session_want_tip(w->session, rt_now(), worker_random(w));
}

static void on_ctrl(struct worker *w, const struct message *m)
{
    const struct chainview_tip *tip = chainview_tip(w->view);
    if (tip && m->u.ctrl.epoch < tip->epoch)
        return; /* of a deposed coordinator */
    switch ((enum message_ctrl_verb)m->u.ctrl.verb) {
    case MESSAGE_CTRL_PAUSE:
        crew_pause(w->crew, CREW_PAUSE_OPERATOR, true);
        break;
    case MESSAGE_CTRL_RESUME:
        crew_pause(w->crew, CREW_PAUSE_OPERATOR, false);
        break;
    case MESSAGE_CTRL_DRAIN:
        LOG_INFO("drain", "reason=coordinator");
        w->reason = MESSAGE_REASON_DRAIN;
        worker_step(w, WORKER_EV_STOP, NULL);
        break;
    case MESSAGE_CTRL_REREPORT:
        w->schema_said = false;
        w->metrics_due_ns = 0;
        break;
    case MESSAGE_CTRL_METRICS_MS:
        session_set_metrics_ms(w->session, m->u.ctrl.arg > UINT32_MAX ? UINT32_MAX : (uint32_t)m->u.ctrl.arg);
        break;
    }
}

static void on_job(struct worker *w, const struct message *m)
{
    int err = crew_job(w->crew, &m->u.job);
    if (err < 0)
        LOG_WARN("job_refused", "job=%llu code=%s", (unsigned long long)m->u.job.job, err_code(err));
}

static const struct {
    enum message_type type;
    void (*on)(struct worker *w, const struct message *m);
} handlers[] = {
    {MESSAGE_WELCOME, on_welcome}, {MESSAGE_LEASE, on_lease}, {MESSAGE_LEASE_CUT, on_cut},
    {MESSAGE_REVOKE, on_revoke},   {MESSAGE_ACK, on_ack},     {MESSAGE_CONFIG, on_config},
    {MESSAGE_GO_TO, on_go_to},     {MESSAGE_ERROR, on_error}, {MESSAGE_TIP, on_tip},
    {MESSAGE_BEACON, on_beacon},   {MESSAGE_CTRL, on_ctrl},   {MESSAGE_JOB, on_job},
};

void worker_messages_frame(struct worker *w, const uint8_t *data, size_t len, bool topic)
{
    int err = topic ? codec_decode_topic(&w->in, data, len) : codec_decode(&w->in, data, len);
    if (err < 0) {
        w->bad_frames++;
        LOG_WARN("bad_frame", "code=%s bytes=%zu topic=%d", err_code(err), len, (int)topic);
        return;
    }
    session_heard(w->session, rt_now());
    for (size_t i = 0; i < ARRAY_LEN(handlers); i++)
        if (handlers[i].type == w->in.type) {
            handlers[i].on(w, &w->in);
            return;
        }
    w->out_of_place++; /* a message that only workers say */
    LOG_WARN("out_of_place", "message=%s", codec_name(w->in.type));
}
