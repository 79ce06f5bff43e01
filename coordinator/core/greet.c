#include "coordinator/core/greet.h"

#include <stdio.h>
#include <string.h>

#include "common/base/bytes.h"
#include "common/base/err.h"
#include "coordinator/core/session.h"
#include "coordinator/core/shares.h"
#include "coordinator/core/tips.h"

enum { SUSPECT_BEATS = 3 };
static const int64_t again_ns = INT64_C(10) * 1000 * 1000 * 1000; /* between lines on one uuid */
static const int64_t ms_ns = 1000000, forget_ns = INT64_C(1000000000) * FLEET_FORGET_S;

static void log_worker(struct core *self, enum core_log_level level, const char *event, const struct worker *w)
{
    struct core_log log = {.level = level, .event = event};
    memcpy(log.worker, w->name, sizeof log.worker);
    actions_log(self->out, &log, "wid %llu", (unsigned long long)w->wid);
}

static int64_t quiet_ns(const struct core *self)
{
    return (int64_t)self->config.beat_ms * SUSPECT_BEATS * ms_ns;
}

static int64_t dead_ns(const struct core *self)
{
    return self->config.dead_ms * ms_ns;
}

/* When silence, or absence, next means something. */
static void arm(struct core *self, struct worker *w)
{
    int64_t at = w->gone_ns + forget_ns;
    if (w->state == WORKER_LIVE)
        at = w->heard_ns + (quiet_ns(self) < dead_ns(self) ? quiet_ns(self) : dead_ns(self));
    if (w->state == WORKER_SUSPECT)
        at = w->heard_ns + dead_ns(self);
    wheel_set(&self->fleet.wheel, &w->timer, at);
}

static void end_session(struct core *self, struct worker *w)
{
    leases_expire(self->leases, &w->leases);
    fleet_bind(&self->fleet, w, &(struct core_route){0});
    rollup_live(w->telemetry, false);
    w->gone_ns = self->now_ns;
    w->credit = 0;
    w->hashrate = 0;
    w->ack_upto = 0; /* what gathered is for a session that is over */
    w->ack_count = 0;
}

static void forget(struct core *self, struct worker *w)
{
    leases_expire(self->leases, &w->leases);
    rollup_depart(&self->rollup, &w->telemetry);
    fleet_drop(&self->fleet, w);
}

enum worker_action greet_event(struct core *self, struct worker *w, enum worker_event event)
{
    struct worker_step step = worker_fsm_step(w->state, event);
    w->state = step.next;
    switch (step.action) {
    case WORKER_DO_SUSPECT:
        log_worker(self, CORE_WARN, "worker_suspect", w);
        break;
    case WORKER_DO_EXPIRE:
        log_worker(self, CORE_WARN, event == WORKER_EV_SILENT ? "worker_dead" : "worker_lost", w);
        end_session(self, w);
        break;
    case WORKER_DO_RELEASE:
        log_worker(self, CORE_INFO, "worker_bye", w);
        end_session(self, w);
        break;
    case WORKER_DO_FORGET:
        forget(self, w);
        return step.action;
    case WORKER_DO_NOTHING:
    case WORKER_DO_GREET:
    case WORKER_DO_REFUSE:
    case WORKER_DO_REVIVE:
        return step.action;
    }
    arm(self, w);
    return step.action;
}

void greet_due(struct core *self, struct worker *w)
{
    int64_t silent = self->now_ns - w->heard_ns;
    enum worker_event event = WORKER_EV_FORGET;
    bool happened = self->now_ns - w->gone_ns >= forget_ns;
    if (w->state != WORKER_AWAY) {
        event = silent >= dead_ns(self) ? WORKER_EV_SILENT : WORKER_EV_QUIET;
        happened = silent >= dead_ns(self) || (w->state == WORKER_LIVE && silent >= quiet_ns(self));
    }
    if (!happened || greet_event(self, w, event) == WORKER_DO_NOTHING)
        arm(self, w); /* it was heard since the timer was set: nobody re-arms per message */
}

/* --- HELLO ------------------------------------------------------------------------------------------------------ */

static void refuse(struct core *self, const struct core_route *route, uint8_t code, uint64_t ref, const char *text)
{
    struct message m = {.type = MESSAGE_ERROR};
    m.u.error = (struct message_error){.code = code, .text = cursor_view_of(text), .ref = ref};
    actions_send(self->out, route, &m);
    self->stats.refused++;
}

/* 0, or the wire's code for why not. */
static uint8_t admissible(const struct core *self, const struct message_hello *h, char text[static 64])
{
    if (h->ver_min > MESSAGE_VERSION_MAX || h->ver_max < MESSAGE_VERSION_MIN) {
        (void)snprintf(text, 64, "versions %d to %d are spoken here", MESSAGE_VERSION_MIN, MESSAGE_VERSION_MAX);
        return MESSAGE_CODE_VERSION;
    }
    if (h->has_cluster && memcmp(h->cluster, self->config.cluster, sizeof h->cluster) != 0) {
        (void)snprintf(text, 64, "this is another cluster");
        return MESSAGE_CODE_WRONG_CLUSTER;
    }
    if (self->stopping) {
        (void)snprintf(text, 64, "stopping");
        return MESSAGE_CODE_BUSY;
    }
    return MESSAGE_CODE_OK;
}

static struct worker *row_for(struct core *self, const uint8_t uuid[16])
{
    struct worker *w = fleet_find(&self->fleet, uuid);
    if (!w)
        w = fleet_add(&self->fleet, uuid, self->now_ns);
    if (w)
        return w;
    struct worker *oldest = fleet_oldest_away(&self->fleet);
    if (!oldest)
        return NULL;
    session_flush(self); /* the row may be in that list */
    greet_event(self, oldest, WORKER_EV_FORGET);
    return fleet_add(&self->fleet, uuid, self->now_ns);
}

static void copy_text(char *out, size_t size, struct cursor_view text, const char *otherwise)
{
    if (text.len == 0)
        text = cursor_view_of(otherwise);
    size_t len = text.len < size ? text.len : size - 1;
    while (len < text.len && len > 0 && (text.at[len] & 0xc0) == 0x80)
        len--; /* not in the middle of a character */
    memset(out, 0, size);
    memcpy(out, text.at, len);
}

/* "kernel=NAME" as a word of text. */
static struct cursor_view kernel_in(struct cursor_view text)
{
    static const char key[] = "kernel=";
    const size_t len = sizeof key - 1;
    for (size_t at = 0; at + len < text.len; at++) {
        if (memcmp(text.at + at, key, len) != 0 || (at > 0 && text.at[at - 1] != ' '))
            continue;
        struct cursor_view name = {text.at + at + len, 0};
        while (at + len + name.len < text.len && name.at[name.len] != ' ')
            name.len++;
        return name;
    }
    return (struct cursor_view){0};
}

static void describe(struct worker *w, const struct message_hello *h)
{
    char uuid[33];
    bytes_to_hex(uuid, w->uuid, 4);
    copy_text(w->name, sizeof w->name, h->host, uuid);
    copy_text(w->agent, sizeof w->agent, h->agent, "-");
    copy_text(w->kernel, sizeof w->kernel, kernel_in(h->agent), "-");
    w->lanes = h->lanes;
    fleet_hint(w, h->rate_hint);
}

static void route_text(char out[2 * CORE_ROUTE_MAX + 1], const struct core_route *route)
{
    bytes_to_hex(out, route->id, route->len);
}

/* HELLO from elsewhere with the uuid of a session that is alive: a worker that reconnected faster than we noticed,
 * whose old socket is closed and reads nothing; or two workers with one uuid. The one that was here is told, since only
 * that ends the tug of war: it goes on under another uuid. */
static void displace(struct core *self, struct worker *w, const struct core_route *route, const struct message_hello *h)
{
    static const char text[] = "another worker said HELLO with your uuid";
    struct message m = {.type = MESSAGE_ERROR, .wid = w->wid, .seq = ++w->seq_out};
    m.u.error = (struct message_error){.code = MESSAGE_CODE_SUPERSEDED, .text = cursor_view_of(text)};
    actions_send(self->out, &w->route, &m);
    w->displaced++;
    bool told = w->displaced_ns != 0 && self->now_ns - w->displaced_ns < again_ns;
    if (told || w->state != WORKER_LIVE)
        return;
    w->displaced_ns = self->now_ns;
    char uuid[33], from[2 * CORE_ROUTE_MAX + 1], to[2 * CORE_ROUTE_MAX + 1];
    bytes_to_hex(uuid, w->uuid, 16);
    route_text(from, &w->route);
    route_text(to, route);
    struct core_log log = {.level = CORE_WARN, .event = "worker_displaced"};
    memcpy(log.worker, w->name, sizeof log.worker);
    actions_log(self->out, &log,
                "uuid %s: %.*s on connection %s takes the session of connection %s (%llu times so far); if that worker "
                "did not just reconnect, two use one state directory",
                uuid, (int)h->host.len, h->host.len ? (const char *)h->host.at : "", to, from,
                (unsigned long long)w->displaced);
}

static void begin(struct core *self, struct worker *w, const struct core_route *route, const struct message_hello *h)
{
    struct worker *other = fleet_at(&self->fleet, route);
    if (other && other != w)
        greet_event(self, other, WORKER_EV_LOST);
    if (w->route.len > 0 && memcmp(&w->route, route, sizeof *route) != 0)
        displace(self, w, route, h);
    if (w->route.len > 0)
        end_session(self, w); /* it reconnected before we noticed */
    w->state = worker_fsm_step(w->state, WORKER_EV_HELLO).next;
    fleet_bind(&self->fleet, w, route);
    w->heard_ns = self->now_ns;
    w->since_ns = self->now_ns;
    w->rate_ns = self->now_ns;
    w->rate_hashes = w->counts.hashes;
    w->proved_from = w->counts.share_work;
    w->seq_out = 0;
    rollup_live(w->telemetry, true);
    arm(self, w);
}

static void fill_welcome(struct core *self, struct worker *w, const struct message_hello *h, struct message *m)
{
    struct message_welcome *out = &m->u.welcome;
    const struct core_config *c = &self->config;
    out->ver = MESSAGE_VERSION_MAX;
    memcpy(out->cluster, c->cluster, sizeof out->cluster);
    out->epoch = c->epoch;
    out->wid = w->wid;
    out->tip_ep = cursor_view_of(c->tip_endpoint);
    out->metrics_ms = c->metrics_ms;
    out->beat_ms = c->beat_ms;
    out->dead_ms = c->dead_ms;
    out->want = MESSAGE_WANT_SCHEMA | MESSAGE_WANT_METRICS;
    out->on_loss = MESSAGE_ON_LOSS_GO_ON;
    tips_fill(self, &out->tip);
    u256_to_be(out->share_target, &jobs_current(&self->jobs)->share_target);
    out->verdict_count = h->held_count;
    for (uint32_t i = 0; i < h->held_count; i++) {
        int err = leases_adopt(self->leases, &w->leases, h->held[i].lease, h->held[i].pos, h->held[i].end);
        out->verdicts[i] = (struct message_verdict){.lease = h->held[i].lease, .code = shares_wire_code(err)};
    }
}

void greet_hello(struct core *self, const struct core_route *route, const struct message *message)
{
    const struct message_hello *h = &message->u.hello;
    char text[64] = "";
    uint8_t code = admissible(self, h, text);
    if (code != MESSAGE_CODE_OK) {
        refuse(self, route, code, message->seq, text);
        return;
    }
    struct worker *w = row_for(self, h->uuid);
    if (!w) {
        refuse(self, route, MESSAGE_CODE_FULL, message->seq, "no room for another worker");
        return;
    }
    begin(self, w, route, h);
    describe(w, h);
    struct message m = {.type = MESSAGE_WELCOME, .wid = w->wid, .seq = ++w->seq_out};
    fill_welcome(self, w, h, &m);
    actions_send(self->out, route, &m);
    log_worker(self, CORE_INFO, "worker_hello", w);
}
