#include "worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/random.h>

#include <rt/chan.h>
#include <rt/debug.h>
#include <rt/rt.h>
#include <rt/time.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/log/log.h"
#include "common/wire/codec.h"
#include "worker/kernel/kernel.h"
#include "worker/link/chainview.h"
#include "worker/link/mailbox.h"
#include "worker/link/socket.h"
#include "worker/link/telemetry.h"
#include "worker/miner.h"
#include "worker/settings.h"
#include "worker/worker_actions.h"
#include "worker/worker_messages.h"

#define MS INT64_C(1000000)

uint32_t worker_random(struct worker *self)
{
    /* xorshift64*: Vigna, "An experimental exploration of Marsaglia's xorshift generators" (2016) */
    self->random ^= self->random >> 12;
    self->random ^= self->random << 25;
    self->random ^= self->random >> 27;
    return (uint32_t)(self->random * UINT64_C(2685821657736338717) >> 32);
}

void worker_step(struct worker *self, enum worker_event event, const struct message *arg)
{
    struct worker_step step = worker_fsm_step(self->state, event);
    if (step.next != self->state)
        LOG_DEBUG("state", "from=%s to=%s event=%s", worker_fsm_state_name(self->state),
                  worker_fsm_state_name(step.next), worker_fsm_event_name(event));
    self->state = step.next;
    worker_actions_do(self, step.action, arg);
}

const struct session_crew *worker_look(struct worker *self, int64_t now_ns)
{
    struct crew_totals t;
    crew_totals(self->crew, &t);
    hashrate_sample(&self->rate, now_ns, t.hashes);
    self->seen = (struct session_crew){
        .held_count = t.held_count, .left = t.left, .rate = hashrate_get(&self->rate, HASHRATE_5S)};
    if (self->seen.rate < 1) /* nothing measured yet: what the kernel promised */
        self->seen.rate = self->settings->kernel_rate * (double)crew_miners(self->crew);
    memcpy(self->seen.held, t.held, t.held_count * sizeof t.held[0]);
    return &self->seen;
}

/* The session's port: one message to the work socket. */
static int say(void *ctx, const struct message *m)
{
    struct worker *w = ctx;
    struct socket *to = m->type == MESSAGE_METRICS || m->type == MESSAGE_SCHEMA ? w->metrics : NULL;
    if (!to)
        to = w->work;
    if (!to)
        return ERR_STATE;
    int len = codec_encode(w->frame, sizeof w->frame, m);
    if (len < 0) {
        LOG_ERROR("encode_failed", "message=%s code=%s", codec_name(m->type), err_code(len));
        return len;
    }
    LOG_DEBUG("say", "message=%s seq=%llu", codec_name(m->type), (unsigned long long)m->seq);
    return socket_send(to, w->frame, (size_t)len);
}

/* --- what miners report --- */

static void report_block(struct worker *w, const struct report *r)
{
    const struct report_found *f = &r->u.found;
    struct message_block b = {.job = f->job, .lease = f->lease, .nonce = f->nonce};
    memcpy(b.header, f->header, sizeof b.header);
    memcpy(b.hash, f->hash, sizeof b.hash);
    w->blocks_found++;
    int err = session_block(w->session, rt_now(), &b, r->at_ns);
    if (session_unacked_blocks(w->session) >= WORKER_BLOCKS_MAX)
        crew_pause(w->crew, CREW_PAUSE_BLOCKS, true); /* until an ACK makes room */
    if (err < 0) {
        LOG_ERROR("block_dropped", "job=%llu code=%s", (unsigned long long)f->job, err_code(err));
        crew_unsolve(w->crew, f->job);
    } else {
        LOG_INFO("block_found", "job=%llu nonce=%llx", (unsigned long long)f->job, (unsigned long long)f->nonce);
    }
}

static void report_share(struct worker *w, const struct report *r)
{
    const struct report_found *f = &r->u.found;
    struct message_share_entry e = {.job = f->job, .lease = f->lease, .nonce = f->nonce};
    memcpy(e.hash, f->hash, sizeof e.hash);
    w->shares_found++;
    int err = session_share(w->session, rt_now(), &e);
    if (err < 0)
        crew_quiet(w->crew, true); /* counted; until some are acknowledged only blocks are looked for */
}

static void report_done(struct worker *w, const struct report *r)
{
    const struct report_done *d = &r->u.done;
    struct message_lease_done m = {
        .lease = d->lease,
        .start = d->start,
        .end = d->end,
        .hashes = d->hashes,
        .busy_us = (uint64_t)d->busy_ns / 1000,
        .wait_us = (uint64_t)d->wait_ns / 1000,
    };
    int64_t now = rt_now();
    if (session_done(w->session, now, &m) < 0)
        LOG_DEBUG("done_dropped", "lease=%llu",
                  (unsigned long long)d->lease); /* accounting only; HELLO says the rest */
    const struct session_crew *crew = worker_look(w, now);
    session_prefetch(w->session, now, crew);
    if (crew->held_count == 0)
        worker_step(w, WORKER_EV_DRY, NULL);
}

void worker_report(struct worker *self, const struct report *r)
{
    switch (r->kind) {
    case REPORT_SHARE:
        report_share(self, r);
        break;
    case REPORT_BLOCK:
        report_block(self, r);
        break;
    case REPORT_DONE:
        report_done(self, r);
        break;
    case REPORT_EXITED:
        self->miners_left--;
        break;
    }
}

/* --- telemetry --- */

static uint64_t safepoint_us(enum rt_safepoint why)
{
    struct rt_safepoint_times t;
    rt_safepoint_times(why, &t);
    return (uint64_t)t.p99_ns / 1000;
}

static void fill_values(struct worker *w, struct telemetry_values *v)
{
    struct crew_totals t;
    struct session_counts c;
    struct chainview_counts tips;
    crew_totals(w->crew, &t);
    session_counts(w->session, &c);
    chainview_counts(w->view, &tips);
    const struct chainview_tip *tip = chainview_tip(w->view);
    *v = (struct telemetry_values){
        .hashes = t.hashes,
        .hashrate = hashrate_get(&w->rate, HASHRATE_5S),
        .hashrate_1m = hashrate_get(&w->rate, HASHRATE_1M),
        .hashrate_5m = hashrate_get(&w->rate, HASHRATE_5M),
        .hashrate_15m = hashrate_get(&w->rate, HASHRATE_15M),
        .slices = t.slices,
        .busy_us = (uint64_t)t.busy_ns / 1000,
        .wait_us = (uint64_t)t.wait_ns / 1000,
        .leases_done = t.leases_done,
        .leases_held = t.held_count,
        .shares_found = w->shares_found,
        .shares_ok = c.shares_ok,
        .shares_bad = c.shares_bad,
        .shares_dropped = c.shares_dropped,
        .blocks_found = w->blocks_found,
        .blocks_ok = c.blocks_ok,
        .blocks_bad = c.blocks_bad,
        .tip_height = tip ? tip->height : 0,
        .tips_taken = tips.taken,
        .tips_refused = tips.refused,
        .tip_us = (uint64_t)t.switch_ns / 1000,
        .sessions = c.welcomes,
        .redials = c.redials,
        .bad_frames = w->bad_frames,
        .missed_edges = socket_context_missed(w->zmq),
        .safepoint_slice_us = safepoint_us(RT_SAFEPOINT_SLICE),
        .safepoint_timer_us = safepoint_us(RT_SAFEPOINT_TIMER),
        .safepoint_stop_us = safepoint_us(RT_SAFEPOINT_STOP),
        .goroutines = rt_goroutines(),
        .procs = (uint64_t)rt_procs(),
    };
    telemetry_process(v);
}

static void say_metrics(struct worker *w, int64_t now)
{
    static const int64_t ns_per_ms = MS;
    if (now < w->metrics_due_ns || !session_live(w->session))
        return;
    struct message m;
    if (!w->schema_said) {
        telemetry_schema(w->telemetry, &m);
        w->schema_said = session_say(w->session, &m) == 0;
    }
    struct telemetry_values v;
    fill_values(w, &v);
    telemetry_metrics(w->telemetry, &v, now, &m);
    if (w->schema_said && session_say(w->session, &m) == 0)
        w->metrics_due_ns = now + session_metrics_ms(w->session) * ns_per_ms;
}

/* --- the loop --- */

static void tick(struct worker *w)
{
    int64_t now = rt_now();
    const struct session_crew *crew = worker_look(w, now);
    crew_tick(w->crew, now);
    if (w->state == WORKER_AWAY) {
        if (now >= w->dial_at_ns)
            worker_step(w, WORKER_EV_DIAL, NULL);
        return;
    }
    if (w->state == WORKER_GONE)
        return;
    bool drained = w->miners_left == 0 && (session_unacked(w->session) == 0 || now >= w->drain_until_ns);
    if (w->state == WORKER_DRAINING && drained)
        worker_step(w, WORKER_EV_DRAINED, NULL);
    else if (session_tick(w->session, now, crew))
        worker_step(w, WORKER_EV_SILENT, NULL);
    else
        say_metrics(w, now);
}

/* Up to WORKER_BATCH frames of *s, which a handler may close or replace. True when there may be more. */
static bool read_socket(struct worker *w, struct socket *const *s, bool topic)
{
    for (int i = 0; *s && i < WORKER_BATCH; i++) {
        const uint8_t *data;
        size_t len;
        int got = socket_recv(*s, &data, &len);
        if (got == 0)
            return false;
        if (got < 0) {
            w->bad_frames++;
            if (got != ERR_TRAILING)
                return false;
            continue;
        }
        worker_messages_frame(w, data, len, topic);
    }
    return *s != NULL;
}

static bool read_mailbox(struct worker *w)
{
    struct report r;
    for (int i = 0; i < WORKER_BATCH; i++) {
        if (!mailbox_take(w->mailbox, &r))
            return false;
        worker_report(w, &r);
    }
    return true;
}

/* After every operation ZMQ_EVENTS is read again before the goroutine parks: sends in between may have swallowed the
 * edge of what has arrived. */
static bool has_input(struct socket *s)
{
    return s && (socket_look(s) & SOCKET_IN);
}

static struct rt_chan *edges_of(struct socket *s)
{
    return s ? socket_edges(s) : NULL;
}

/* Parks until anything wants the link: a socket, a miner, the clock, the operator. */
static void await(struct worker *w, struct rt_chan *ticker, struct rt_chan *stop)
{
    struct report r;
    struct rt_case cases[] = {
        rt_case_recv(mailbox_chan(w->mailbox), &r),
        rt_case_recv(edges_of(w->work), NULL),
        rt_case_recv(edges_of(w->tips), NULL),
        rt_case_recv(edges_of(w->metrics), NULL),
        rt_case_recv(ticker, NULL),
        rt_case_recv(stop, NULL),
    };
    int chosen = rt_select(cases, (int)ARRAY_LEN(cases), true);
    if (chosen == 0)
        worker_report(w, &r);
    else if (chosen == 5) {
        LOG_INFO("stop", "reason=signal");
        worker_step(w, WORKER_EV_STOP, NULL);
    }
}

static void loop(struct worker *w, struct rt_chan *stop)
{
    struct rt_timer *ticker = rt_ticker_new(WORKER_TICK_MS * MS);
    while (w->state != WORKER_GONE || w->miners_left > 0) {
        bool more = read_socket(w, &w->tips, true); /* tips first: they end work that is worth nothing */
        more |= read_socket(w, &w->work, false);
        more |= read_mailbox(w);
        tick(w);
        if (more || has_input(w->work) || has_input(w->tips))
            continue;
        await(w, rt_timer_chan(ticker), stop);
    }
    rt_timer_free(&ticker);
}

static void start(struct worker *w, const struct settings *settings, const struct kernel *kernel)
{
    w->settings = settings;
    if (getrandom(&w->random, sizeof w->random, 0) != sizeof w->random || w->random == 0)
        w->random = (uint64_t)rt_now() | 1;
    size_t miners = (size_t)rt_procs();
    w->mailbox = mailbox_new();
    w->crew = crew_new(kernel, w->mailbox, miners);
    w->view = chainview_new();
    w->telemetry = telemetry_new();
    w->zmq = socket_context_new();
    w->miners_left = miners;
    miner_start_all(w->crew);
}

int worker_run(const struct settings *settings, const struct kernel *kernel, struct rt_chan *stop)
{
    struct worker *w = calloc(1, sizeof *w);
    CHECK(w);
    start(w, settings, kernel);
    char agent[MESSAGE_AGENT_LEN], capability[MESSAGE_CAP_LEN];
    snprintf(agent, sizeof agent, "lode-worker/%s kernel=%s", LODE_VERSION, kernel->name);
    snprintf(capability, sizeof capability, "kernel=%s", kernel->name);
    struct session_identity who = {
        .name = settings->name, .agent = agent, .capability = capability, .lanes = (uint16_t)crew_miners(w->crew)};
    memcpy(who.uuid, settings->uuid, sizeof who.uuid);
    struct session_port port = {say, w};
    w->session = session_new(&who, &port, settings->endpoints, settings->endpoint_count);
    LOG_INFO("start", "name=%s agent=%s miners=%zu", settings->name, agent, crew_miners(w->crew));
    loop(w, stop);
    int status = (int)w->exit;
    struct crew_totals t;
    crew_totals(w->crew, &t);
    LOG_INFO("exit", "status=%d hashes=%llu busy_ms=%lld wait_ms=%lld missed_edges=%llu", status,
             (unsigned long long)t.hashes, (long long)(t.busy_ns / MS), (long long)(t.wait_ns / MS),
             (unsigned long long)socket_context_missed(w->zmq));
    socket_context_free(&w->zmq);
    session_free(&w->session);
    telemetry_free(&w->telemetry);
    chainview_free(&w->view);
    crew_free(&w->crew);
    mailbox_free(&w->mailbox);
    free(w);
    return status;
}
