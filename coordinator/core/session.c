#include "coordinator/core/session.h"

#include <stdio.h>
#include <string.h>

#include "common/base/err.h"
#include "coordinator/core/forks.h"
#include "coordinator/core/greet.h"
#include "coordinator/core/shares.h"
#include "coordinator/core/tips.h"

enum { BAD_FRAMES_MAX = 3, TTL_LEASES = 4 };
static const int64_t minute_ns = INT64_C(60) * 1000 * 1000 * 1000;

static void send(struct core *self, struct worker *w, struct message *m)
{
    m->wid = w->wid;
    m->seq = ++w->seq_out;
    actions_send(self->out, &w->route, m);
}

static void send_error(struct core *self, const struct core_route *route, uint8_t code, uint64_t ref, const char *text)
{
    struct message m = {.type = MESSAGE_ERROR};
    m.u.error = (struct message_error){.code = code, .text = cursor_view_of(text), .ref = ref};
    struct worker *w = fleet_at(&self->fleet, route);
    if (w)
        send(self, w, &m);
    else
        actions_send(self->out, route, &m);
}

/* --- acknowledgements ------------------------------------------------------------------------------------------- */

static void flush_one(struct core *self, struct worker *w)
{
    if (w->ack_upto == 0)
        return;
    struct message m = {.type = MESSAGE_ACK};
    m.u.ack.upto = w->ack_upto;
    m.u.ack.count = w->ack_count;
    memcpy(m.u.ack.codes, w->ack_codes, w->ack_count * sizeof w->ack_codes[0]);
    w->ack_upto = 0;
    w->ack_count = 0;
    if (w->route.len > 0)
        send(self, w, &m);
}

/* A resend has an old seq: what gathered before it goes out first, so that `upto` never claims more than was seen. */
static void ack(struct core *self, struct worker *w, uint64_t seq, uint8_t code)
{
    if (seq < w->ack_upto || w->ack_count == FLEET_ACK_CODES)
        flush_one(self, w);
    w->ack_upto = seq;
    if (code != MESSAGE_CODE_OK)
        w->ack_codes[w->ack_count++] = (struct message_ack_code){.seq = seq, .code = code};
    if (w->ack_due)
        return;
    w->ack_due = true;
    w->ack_next = self->ack_first;
    self->ack_first = w;
}

void session_flush(struct core *self)
{
    while (self->ack_first) {
        struct worker *w = self->ack_first;
        self->ack_first = w->ack_next;
        w->ack_due = false;
        flush_one(self, w);
    }
}

void session_settle(struct core *self, uint64_t wid, uint64_t seq, uint8_t code)
{
    if (wid == 0)
        return;
    for (struct worker *w = self->fleet.first; w; w = w->next)
        if (w->wid == wid && w->route.len > 0) {
            ack(self, w, seq, code);
            return;
        }
}

/* --- leases ----------------------------------------------------------------------------------------------------- */

static void ask_mark(struct core *self)
{
    uint64_t mark = leases_wanted_mark(self->leases);
    if (mark == 0 || self->mark_asked != 0)
        return;
    self->mark_asked = mark;
    actions_reserve(self->out, mark);
}

static void send_lease(struct core *self, struct worker *w, const struct lease *lease)
{
    uint32_t want_ms = leases_duration_ms(self->leases, self->fleet.live);
    struct message m = {.type = MESSAGE_LEASE};
    m.u.lease = (struct message_lease){
        .lease = lease->id,
        .epoch = self->config.epoch,
        .start = lease->start,
        .end = lease->end,
        .ttl_ms = want_ms * TTL_LEASES + self->config.dead_ms,
        .want_ms = want_ms,
    };
    send(self, w, &m);
}

/* No lease will ever be given again on this data directory: nobody may have to guess why the cluster rests. */
static void tell_exhausted(struct core *self)
{
    self->ailing = "the search space is used up";
    if (self->exhausted_ns != 0 && self->now_ns - self->exhausted_ns < minute_ns)
        return;
    self->exhausted_ns = self->now_ns;
    struct core_log log = {.level = CORE_ERROR, .event = "search_space_exhausted", .code = ERR_EXHAUSTED};
    actions_log(self->out, &log, "no leases any more: start with a new data directory");
}

static void grant(struct core *self, struct worker *w)
{
    w->leases.most = fleet_most(w, self->now_ns);
    while (w->credit > 0 && !self->stopping) {
        struct lease lease;
        int err = leases_issue(self->leases, &w->leases, self->fleet.live, self->now_ns, &lease);
        if (err == ERR_STATE) { /* J1: not before the mark is durable */
            self->starving = true;
            ask_mark(self);
            return;
        }
        if (err == ERR_EXHAUSTED)
            tell_exhausted(self);
        w->credit = err < 0 ? 0 : w->credit - 1;
        if (err < 0)
            return;
        send_lease(self, w, &lease);
    }
    ask_mark(self);
}

void session_reserved(struct core *self, uint64_t mark, int err)
{
    self->mark_asked = 0;
    if (err < 0) {
        struct core_log log = {.level = CORE_ERROR, .event = "store_failed", .code = err};
        actions_log(self->out, &log, "the mark of leases could not be made durable; stopping");
        actions_exit(self->out, 1);
        self->stopping = true;
        return;
    }
    leases_reserved(self->leases, mark);
    if (!self->starving)
        return;
    self->starving = false;
    for (struct worker *w = self->fleet.first; w; w = w->next)
        if (w->credit > 0 && w->state == WORKER_LIVE)
            grant(self, w);
}

static void on_lease_req(struct core *self, struct worker *w, const struct message *m)
{
    const struct message_lease_req *r = &m->u.lease_req;
    fleet_hint(w, r->rate);
    w->credit = r->n < LEASES_LIVE_MAX ? r->n : LEASES_LIVE_MAX; /* M6: issue says no beyond what may be live */
    grant(self, w);
}

static void on_progress(struct core *self, struct worker *w, const struct message *m)
{
    const struct message_progress *p = &m->u.progress;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < p->count; i++) {
        uint64_t hashes = 0;
        const struct message_progress_entry *e = &p->entries[i];
        struct lease_progress_report report = {e->lease, e->pos, e->hashes};
        if (leases_progress(self->leases, &w->leases, &report, &hashes) == 0)
            sum += hashes;
    }
    fleet_count_hashes(w, sum, self->now_ns);
}

static void on_lease_done(struct core *self, struct worker *w, const struct message *m)
{
    const struct message_lease_done *d = &m->u.lease_done;
    struct lease_done_report report = {d->lease, d->start, d->end, d->hashes, d->busy_us};
    uint64_t hashes = 0;
    int err = leases_done(self->leases, &w->leases, &report, &hashes);
    fleet_count_hashes(w, hashes, self->now_ns);
    ack(self, w, m->seq, err == ERR_STATE ? MESSAGE_CODE_DUPLICATE : shares_wire_code(err));
}

static void on_lease_return(struct core *self, struct worker *w, const struct message *m)
{
    const struct message_lease_return *r = &m->u.lease_return;
    int err = leases_return(self->leases, &w->leases, r->lease, r->pos);
    if (err < 0) {
        struct core_log log = {.level = CORE_DEBUG, .event = "lease_return_refused", .code = err};
        memcpy(log.worker, w->name, sizeof log.worker);
        actions_log(self->out, &log, "lease %llu", (unsigned long long)r->lease);
    }
}

/* --- shares and blocks ------------------------------------------------------------------------------------------ */

static void count_share(struct worker *w, const struct job *job, int code)
{
    if (code == 0) {
        w->counts.shares++;
        w->counts.share_work += shares_weight(&job->share_target);
    } else if (code == ERR_STALE) {
        w->counts.stale++;
    } else if (code != ERR_DUPLICATE) {
        w->counts.rejected++;
    }
}

/* A header that meets the block's target is a block, whatever else is wrong with it; only one of the worker's own range
 * is put down to it (fault M4). */
static int submit(struct core *self, struct worker *w, struct job *job, const struct share_verdict *v, uint64_t seq)
{
    if (self->draining && !tree_find(self->tree, v->hash))
        return ERR_STATE; /* all that were wanted are stored. Said, not passed over: a later ACK would cover it (J3) */
    bool credited = v->code == 0 || v->code == ERR_STALE;
    struct forks_finder finder = {.name = credited ? w->name : "", .wid = seq ? w->wid : 0, .seq = seq};
    int err = forks_submit(self, job, v->counter, &finder);
    if (err == 0 && credited)
        w->counts.blocks++;
    if (err == 0 && !credited) {
        struct core_log log = {.level = CORE_WARN, .event = "block_outside_lease", .code = v->code};
        memcpy(log.worker, w->name, sizeof log.worker);
        actions_log(self->out, &log, "accepted, credited to nobody");
    }
    return err;
}

static int judge_entry(struct core *self, struct worker *w, const struct message_share_entry *e)
{
    struct job *job = jobs_find(&self->jobs, e->job);
    if (!job) {
        w->counts.rejected++;
        return ERR_UNKNOWN_JOB;
    }
    struct share_claim claim = {.lease = e->lease, .counter = e->nonce, .hash = e->hash};
    struct share_verdict v;
    shares_judge(job, &w->leases, tree_tip(self->tree)->hash, &claim, &v);
    count_share(w, job, v.code);
    if (v.block && v.code != ERR_DUPLICATE && v.code != ERR_POW) {
        int err = submit(self, w, job, &v, 0);
        (void)err; /* a share's verdict is the share's; a refused block was counted by the tree */
    }
    return v.code;
}

static void on_share(struct core *self, struct worker *w, const struct message *m)
{
    int worst = 0;
    for (uint32_t i = 0; i < m->u.share.count; i++) {
        int code = judge_entry(self, w, &m->u.share.entries[i]);
        if (worst == 0)
            worst = code;
    }
    ack(self, w, m->seq, shares_wire_code(worst));
}

static int judge_block(struct core *self, struct worker *w, const struct message *m)
{
    const struct message_block *b = &m->u.block;
    struct job *job = jobs_find(&self->jobs, b->job);
    if (!job)
        return ERR_UNKNOWN_JOB;
    struct share_claim claim = {.lease = b->lease, .counter = b->nonce, .hash = b->hash};
    struct share_verdict v;
    shares_judge(job, &w->leases, tree_tip(self->tree)->hash, &claim, &v);
    uint8_t raw[HEADER_LEN];
    header_serialize(raw, &v.header);
    if (!v.block || v.code == ERR_POW || memcmp(raw, b->header, HEADER_LEN) != 0)
        return ERR_POW;
    if (v.code == ERR_DUPLICATE && tree_find(self->tree, v.hash))
        return ERR_DUPLICATE;
    if (v.code == 0)
        count_share(w, job, 0);
    return submit(self, w, job, &v, m->seq);
}

/* Acknowledged at once only if it does not go to the store. */
static void on_block(struct core *self, struct worker *w, const struct message *m)
{
    int err = judge_block(self, w, m);
    if (err == 0)
        return;
    if (err != ERR_DUPLICATE) {
        bool late = err == ERR_STATE || err == ERR_TIME_NEW; /* not the worker's fault */
        w->counts.rejected += !late;
        self->stats.refused += !late;
        struct core_log log = {.level = late ? CORE_DEBUG : CORE_WARN, .event = "block_refused", .code = err};
        memcpy(log.worker, w->name, sizeof log.worker);
        actions_log(self->out, &log, "job %llu", (unsigned long long)m->u.block.job);
    }
    ack(self, w, m->seq, shares_wire_code(err));
}

/* --- the rest --------------------------------------------------------------------------------------------------- */

static void on_schema(struct core *self, struct worker *w, const struct message *m)
{
    int err = rollup_schema(&self->rollup, &w->telemetry, &m->u.schema);
    if (err < 0)
        send_error(self, &w->route, MESSAGE_CODE_REFUSED, m->seq, err_text(err));
}

static void on_metrics(struct core *self, struct worker *w, const struct message *m)
{
    int err = rollup_metrics(w->telemetry, &m->u.metrics);
    if (err < 0)
        send_error(self, &w->route, MESSAGE_CODE_REFUSED, m->seq, err_text(err));
}

static void on_tip_get(struct core *self, struct worker *w, const struct message *m)
{
    (void)m;
    struct message tip = {.type = MESSAGE_TIP};
    tips_fill(self, &tip.u.tip);
    send(self, w, &tip);
}

static void on_bye(struct core *self, struct worker *w, const struct message *m)
{
    const struct message_bye *b = &m->u.bye;
    for (uint32_t i = 0; i < b->held_count; i++) {
        int err = leases_return(self->leases, &w->leases, b->held[i].lease, b->held[i].pos);
        (void)err; /* what it does not name rightly expires with the session */
    }
    greet_event(self, w, WORKER_EV_BYE);
}

static void on_error(struct core *self, struct worker *w, const struct message *m)
{
    struct core_log log = {.level = CORE_WARN, .event = "worker_error"};
    memcpy(log.worker, w->name, sizeof log.worker);
    actions_log(self->out, &log, "code %u: %.*s", m->u.error.code, (int)m->u.error.text.len,
                m->u.error.text.len ? (const char *)m->u.error.text.at : "");
}

static void on_nothing(struct core *self, struct worker *w, const struct message *m)
{
    (void)self, (void)w, (void)m; /* an answer to what we never send (cuts are for job-bound searches) */
}

typedef void handler(struct core *self, struct worker *w, const struct message *m);

static handler *handler_of(enum message_type type)
{
    static handler *const table[] = {
        [MESSAGE_LEASE_REQ] = on_lease_req,   [MESSAGE_PROGRESS] = on_progress,
        [MESSAGE_LEASE_DONE] = on_lease_done, [MESSAGE_LEASE_RETURN] = on_lease_return,
        [MESSAGE_SHARE] = on_share,           [MESSAGE_BLOCK] = on_block,
        [MESSAGE_METRICS] = on_metrics,       [MESSAGE_SCHEMA] = on_schema,
        [MESSAGE_TIP_GET] = on_tip_get,       [MESSAGE_BYE] = on_bye,
        [MESSAGE_CUT_ACK] = on_nothing,       [MESSAGE_ERROR] = on_error,
    };
    return (size_t)type < ARRAY_LEN(table) ? table[type] : NULL;
}

void session_message(struct core *self, const struct core_route *route, const struct message *message)
{
    if (message->type == MESSAGE_HELLO) {
        greet_hello(self, route, message);
        return;
    }
    struct worker *w = fleet_at(&self->fleet, route);
    if (!w || message->wid != w->wid) {
        send_error(self, route, MESSAGE_CODE_STATE, message->seq, "no session: say HELLO");
        return;
    }
    w->heard_ns = self->now_ns;
    if (greet_event(self, w, WORKER_EV_BEAT) == WORKER_DO_REVIVE)
        grant(self, w);
    handler *handle = handler_of(message->type);
    if (!handle) {
        send_error(self, route, MESSAGE_CODE_UNKNOWN, message->seq, "not a message of a worker");
        return;
    }
    handle(self, w, message);
}

void session_bad_frame(struct core *self, const struct core_route *route, const struct message *envelope, int err)
{
    self->stats.bad_frames++;
    uint8_t code = err == ERR_UNKNOWN_MESSAGE ? MESSAGE_CODE_UNKNOWN : MESSAGE_CODE_MALFORMED;
    send_error(self, route, code, envelope->seq, err_text(err));
    struct worker *w = fleet_at(&self->fleet, route);
    if (!w || code == MESSAGE_CODE_UNKNOWN)
        return;
    if (self->now_ns - w->bad_since_ns > minute_ns) {
        w->bad_since_ns = self->now_ns;
        w->bad_frames = 0;
    }
    if (++w->bad_frames >= BAD_FRAMES_MAX)
        greet_event(self, w, WORKER_EV_LOST);
}

void session_unreachable(struct core *self, const struct core_route *route)
{
    struct worker *w = fleet_at(&self->fleet, route);
    if (w)
        greet_event(self, w, WORKER_EV_LOST);
}

static void due(void *ctx, struct wheel_node *node)
{
    struct core *self = ctx;
    greet_due(self, (struct worker *)((char *)node - offsetof(struct worker, timer)));
}

void session_tick(struct core *self)
{
    session_flush(self); /* rows may be dropped below: none may be in the list */
    wheel_advance(&self->fleet.wheel, self->now_ns, due, self);
}
