#include "worker/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/net/heartbeat.h"
#include "common/wire/endpoint.h"

#define MS              INT64_C(1000000)
#define HELLO_AGAIN_NS  (1000 * MS)
#define CREDIT_AGAIN_NS (1000 * MS) /* a LEASE_REQ without an answer is forgotten then */
#define FIRST_RTT_NS    (50 * MS)
#define INTERVAL_MIN_MS 10 /* of what a coordinator may ask us for */
#define INTERVAL_MAX_MS 600000
#define NEVER           INT64_MAX

struct session {
    struct session_identity identity;
    struct session_port port;
    struct outbox *outbox;
    char endpoints[SESSION_ENDPOINTS_MAX][ENDPOINT_LEN_MAX + 1];
    size_t endpoint_count, endpoint;
    unsigned attempts; /* since the last WELCOME */

    bool live, asks_no_more;
    uint64_t wid, seq; /* seq of the last message said */
    uint64_t epoch, tip_seq;
    struct heartbeat heard;
    int64_t greeted_ns, hello_due_ns, progress_due_ns, tip_get_due_ns, leave_ns;
    uint32_t metrics_ms, lease_ms;

    unsigned asked; /* leases asked for and not come yet */
    int64_t asked_ns, rtt_ns;
    struct session_counts counts;
    struct message out; /* scratch: too big for a goroutine's stack */
};

struct session *session_new(const struct session_identity *identity, const struct session_port *port,
                            const char *const *endpoints, size_t count)
{
    CHECK(count > 0 && count <= SESSION_ENDPOINTS_MAX);
    struct session *self = calloc(1, sizeof *self);
    CHECK(self);
    self->identity = *identity;
    self->port = *port;
    self->outbox = outbox_new();
    for (size_t i = 0; i < count; i++)
        snprintf(self->endpoints[i], sizeof self->endpoints[i], "%s", endpoints[i]);
    self->endpoint_count = count;
    self->metrics_ms = 1000;
    self->lease_ms = SESSION_LEASE_MS;
    self->rtt_ns = FIRST_RTT_NS;
    session_dialled(self, 0);
    return self;
}

void session_free(struct session **self_p)
{
    if (*self_p)
        outbox_free(&(*self_p)->outbox);
    free(*self_p);
    *self_p = NULL;
}

/* --- endpoints --- */

const char *session_endpoint(const struct session *self)
{
    return self->endpoints[self->endpoint];
}

int64_t session_next(struct session *self, uint32_t random)
{
    self->endpoint = (self->endpoint + 1) % self->endpoint_count;
    self->counts.redials++;
    int64_t ms = SESSION_BACKOFF_MS;
    for (unsigned i = 0; i < self->attempts && ms < SESSION_BACKOFF_MAX_MS; i++)
        ms *= 2;
    if (ms > SESSION_BACKOFF_MAX_MS)
        ms = SESSION_BACKOFF_MAX_MS;
    self->attempts++;
    return ms * MS / 2 + (int64_t)((uint64_t)(ms * MS) * (random >> 16) >> 16);
}

/* The place of endpoint `at` in the list; it is appended when it is new and there is room. ERR_FORMAT, ERR_FULL. */
static int learn_endpoint(struct session *self, struct cursor_view at)
{
    if (endpoint_parse(NULL, (const char *)at.at, at.len) < 0 || at.len > ENDPOINT_LEN_MAX)
        return ERR_FORMAT;
    for (size_t i = 0; i < self->endpoint_count; i++)
        if (cursor_view_is(at, self->endpoints[i]))
            return (int)i;
    if (self->endpoint_count == SESSION_ENDPOINTS_MAX)
        return ERR_FULL;
    char *to = self->endpoints[self->endpoint_count];
    memcpy(to, at.at, at.len);
    to[at.len] = '\0';
    return (int)self->endpoint_count++;
}

int session_go_to(struct session *self, int64_t now_ns, const struct message_go_to *go_to, uint32_t random)
{
    for (uint32_t i = 0; i < go_to->endpoint_count; i++) {
        int at = learn_endpoint(self, go_to->endpoints[i]);
        if (at < 0)
            continue;
        /* session_next steps forward by one, so the place before it is where we stand now */
        self->endpoint = ((size_t)at + self->endpoint_count - 1) % self->endpoint_count;
        self->leave_ns = now_ns + (int64_t)((uint64_t)go_to->when_ms * (random >> 16) >> 16) * MS;
        return 0;
    }
    return ERR_FORMAT;
}

/* --- saying --- */

static struct message *compose(struct session *self, enum message_type type)
{
    memset(&self->out, 0, sizeof self->out);
    self->out.type = type;
    return &self->out;
}

/* A message that takes the next seq only when it goes out. */
static int say(struct session *self, struct message *m)
{
    m->wid = self->wid;
    m->seq = self->seq + 1;
    TRY(self->port.send(self->port.ctx, m));
    self->seq++;
    return 0;
}

int session_say(struct session *self, struct message *m)
{
    return self->live ? say(self, m) : ERR_STATE;
}

static void fill_entry(struct session *self, struct message *m, const struct outbox_entry *e, int64_t now_ns)
{
    m->wid = self->wid;
    m->seq = e->seq;
    if (e->type == MESSAGE_SHARE) {
        m->u.share.count = 1;
        m->u.share.entries[0] = e->u.share;
    } else if (e->type == MESSAGE_BLOCK) {
        m->u.block = e->u.block;
        m->u.block.age_us = now_ns > e->found_ns ? (uint64_t)(now_ns - e->found_ns) / 1000 : 0;
    } else {
        m->u.lease_done = e->u.done;
    }
}

/* Everything in the outbox that this session has not said yet, oldest first, as far as the port takes it. */
static void flush(struct session *self, int64_t now_ns)
{
    if (!self->live)
        return;
    for (struct outbox_entry *e = outbox_next(self->outbox); e; e = outbox_next(self->outbox)) {
        struct message *m = compose(self, e->type);
        fill_entry(self, m, e, now_ns);
        if (self->port.send(self->port.ctx, m) < 0)
            return;
        e->sent = true;
    }
}

void session_dialled(struct session *self, int64_t now_ns)
{
    self->live = false;
    self->wid = 0;
    self->asked = 0;
    self->greeted_ns = now_ns;
    self->hello_due_ns = self->progress_due_ns = self->tip_get_due_ns = self->leave_ns = NEVER;
    heartbeat_init(&self->heard, SESSION_BEAT_MS * MS, SESSION_DEAD_MS * MS, now_ns);
    outbox_unsend(self->outbox);
}

void session_greet(struct session *self, int64_t now_ns, const struct session_crew *crew)
{
    if (self->live) {
        self->live = false;
        self->greeted_ns = now_ns;
    }
    self->wid = 0;
    struct message *m = compose(self, MESSAGE_HELLO);
    struct message_hello *h = &m->u.hello;
    h->ver_min = MESSAGE_VERSION_MIN;
    h->ver_max = MESSAGE_VERSION_MAX;
    memcpy(h->uuid, self->identity.uuid, sizeof h->uuid);
    h->host = cursor_view_of(self->identity.name);
    h->agent = cursor_view_of(self->identity.agent);
    h->cap_count = self->identity.capability != NULL;
    h->caps[0] = cursor_view_of(self->identity.capability);
    h->lanes = self->identity.lanes;
    h->rate_hint = (uint64_t)crew->rate;
    h->last_epoch = self->epoch;
    h->last_tip = self->tip_seq;
    h->held_count = (uint32_t)crew->held_count;
    for (size_t i = 0; i < crew->held_count; i++)
        h->held[i] = (struct message_held){crew->held[i].id, crew->held[i].pos, crew->held[i].end};
    h->unacked_count = (uint32_t)outbox_list(self->outbox, h->unacked);
    bool said = say(self, m) == 0;
    self->counts.hellos += said;
    self->hello_due_ns = said ? now_ns + HELLO_AGAIN_NS : now_ns; /* not connected yet: try at every tick */
}

static int64_t interval_ns(uint64_t ms, int64_t otherwise_ms)
{
    if (ms == 0)
        ms = (uint64_t)otherwise_ms;
    ms = ms < INTERVAL_MIN_MS ? INTERVAL_MIN_MS : ms > INTERVAL_MAX_MS ? INTERVAL_MAX_MS : ms;
    return (int64_t)ms * MS;
}

void session_welcome(struct session *self, int64_t now_ns, const struct message_welcome *welcome)
{
    self->counts.welcomes++;
    self->attempts = 0;
    self->live = true;
    self->wid = welcome->wid;
    self->asked = 0;
    self->hello_due_ns = NEVER;
    self->progress_due_ns = now_ns;
    heartbeat_set(&self->heard, interval_ns(welcome->beat_ms, SESSION_BEAT_MS),
                  interval_ns(welcome->dead_ms, SESSION_DEAD_MS));
    heartbeat_heard(&self->heard, now_ns);
    session_set_metrics_ms(self, welcome->metrics_ms);
    for (uint32_t i = 0; i < welcome->peer_count; i++)
        if (learn_endpoint(self, welcome->peers[i]) < 0)
            continue; /* no room or no endpoint: we have others */
    outbox_unsend(self->outbox);
    self->counts.resent += outbox_count(self->outbox);
    flush(self, now_ns);
}

void session_rename(struct session *self, const uint8_t uuid[16])
{
    memcpy(self->identity.uuid, uuid, sizeof self->identity.uuid);
}

bool session_live(const struct session *self)
{
    return self->live;
}

void session_heard(struct session *self, int64_t now_ns)
{
    heartbeat_heard(&self->heard, now_ns);
}

/* --- the clock --- */

static void say_progress(struct session *self, int64_t now_ns, const struct session_crew *crew)
{
    struct message *m = compose(self, MESSAGE_PROGRESS);
    struct message_progress *p = &m->u.progress;
    p->count = (uint32_t)crew->held_count;
    for (size_t i = 0; i < crew->held_count; i++)
        p->entries[i] = (struct message_progress_entry){crew->held[i].id, crew->held[i].pos, crew->held[i].hashes};
    if (say(self, m) == 0)
        self->progress_due_ns = now_ns + self->heard.beat_ns;
}

void session_prefetch(struct session *self, int64_t now_ns, const struct session_crew *crew)
{
    int64_t patience = 4 * self->rtt_ns > CREDIT_AGAIN_NS ? 4 * self->rtt_ns : CREDIT_AGAIN_NS;
    if (self->asked > 0 && now_ns - self->asked_ns > patience)
        self->asked = 0;
    if (!self->live || self->asks_no_more || crew->held_count + self->asked >= HOLDINGS_WANTED)
        return;
    int64_t left_ms = crew->rate > 1 ? (int64_t)((double)crew->left * 1000 / crew->rate) : 0;
    int64_t low_ms = self->lease_ms / 2;
    if (4 * self->rtt_ns / MS > low_ms)
        low_ms = 4 * self->rtt_ns / MS;
    if (crew->left > 0 && left_ms >= low_ms)
        return;
    unsigned n = (unsigned)(HOLDINGS_WANTED - crew->held_count - self->asked);
    struct message *m = compose(self, MESSAGE_LEASE_REQ);
    m->u.lease_req = (struct message_lease_req){
        .n = (uint8_t)(n > 2 ? 2 : n),
        .rate = (uint64_t)crew->rate,
        .left_ms = left_ms > UINT32_MAX ? UINT32_MAX : (uint32_t)left_ms,
    };
    if (say(self, m) < 0)
        return;
    self->asked += m->u.lease_req.n;
    self->asked_ns = now_ns;
}

void session_stop_asking(struct session *self)
{
    self->asks_no_more = true;
}

static void say_tip_get(struct session *self)
{
    struct message *m = compose(self, MESSAGE_TIP_GET);
    m->u.tip_get.have = self->tip_seq;
    if (say(self, m) == 0)
        self->tip_get_due_ns = NEVER;
}

bool session_tick(struct session *self, int64_t now_ns, const struct session_crew *crew)
{
    if (now_ns >= self->leave_ns)
        return true;
    if (!self->live) {
        if (now_ns - self->greeted_ns > self->heard.dead_ns)
            return true;
        if (now_ns >= self->hello_due_ns)
            session_greet(self, now_ns, crew);
        return false;
    }
    if (heartbeat_state(&self->heard, now_ns) == HEARTBEAT_DEAD)
        return true;
    flush(self, now_ns);
    if (now_ns >= self->progress_due_ns)
        say_progress(self, now_ns, crew);
    if (now_ns >= self->tip_get_due_ns)
        say_tip_get(self);
    session_prefetch(self, now_ns, crew);
    return false;
}

/* --- results --- */

static int keep(struct session *self, int64_t now_ns, struct outbox_entry *e)
{
    e->seq = self->seq + 1;
    bool pushed = false;
    int err = outbox_put(self->outbox, e, &pushed);
    self->counts.shares_dropped += pushed;
    TRY(err);
    self->seq++;
    flush(self, now_ns);
    return 0;
}

int session_share(struct session *self, int64_t now_ns, const struct message_share_entry *share)
{
    struct outbox_entry e = {.type = MESSAGE_SHARE, .u.share = *share};
    int err = keep(self, now_ns, &e);
    self->counts.shares_sent += err == 0;
    self->counts.shares_dropped += err < 0;
    return err;
}

int session_block(struct session *self, int64_t now_ns, const struct message_block *block, int64_t found_ns)
{
    struct outbox_entry e = {.type = MESSAGE_BLOCK, .found_ns = found_ns, .u.block = *block};
    int err = keep(self, now_ns, &e);
    self->counts.blocks_sent += err == 0;
    self->counts.blocks_dropped += err < 0;
    return err;
}

int session_done(struct session *self, int64_t now_ns, const struct message_lease_done *done)
{
    struct outbox_entry e = {.type = MESSAGE_LEASE_DONE, .u.done = *done};
    return keep(self, now_ns, &e);
}

struct ack_walk {
    struct session *self;
    void (*refused)(void *ctx, const struct outbox_entry *block, uint8_t code);
    void *ctx;
};

static void settle(void *ctx, const struct outbox_entry *e, uint8_t code)
{
    struct ack_walk *w = ctx;
    struct session_counts *c = &w->self->counts;
    bool ok = code == MESSAGE_CODE_OK || code == MESSAGE_CODE_DUPLICATE;
    if (e->type == MESSAGE_SHARE) {
        c->shares_ok += ok;
        c->shares_bad += !ok;
    } else if (e->type == MESSAGE_BLOCK) {
        c->blocks_ok += ok;
        c->blocks_bad += !ok;
        if (!ok && w->refused)
            w->refused(w->ctx, e, code);
    }
}

void session_ack(struct session *self, const struct message_ack *ack,
                 void (*refused)(void *ctx, const struct outbox_entry *block, uint8_t code), void *ctx)
{
    struct ack_walk w = {self, refused, ctx};
    outbox_ack(self->outbox, ack, settle, &w);
}

size_t session_unacked(const struct session *self)
{
    return outbox_count(self->outbox);
}

size_t session_unacked_blocks(const struct session *self)
{
    return outbox_count_type(self->outbox, MESSAGE_BLOCK);
}

/* --- leases --- */

void session_leased(struct session *self, int64_t now_ns, const struct message_lease *lease)
{
    if (self->asked > 0) {
        int64_t rtt = now_ns - self->asked_ns;
        self->rtt_ns = self->rtt_ns - self->rtt_ns / 8 + rtt / 8;
        self->asked--;
    }
    if (lease->want_ms > 0)
        self->lease_ms = lease->want_ms;
}

void session_return(struct session *self, uint64_t lease, uint64_t pos, enum message_reason reason)
{
    struct message *m = compose(self, MESSAGE_LEASE_RETURN);
    m->u.lease_return = (struct message_lease_return){.lease = lease, .pos = pos, .reason = (uint8_t)reason};
    if (self->live && say(self, m) < 0)
        return; /* HELLO's held list will say the same */
}

void session_cut_ack(struct session *self, uint64_t lease, uint64_t end)
{
    struct message *m = compose(self, MESSAGE_CUT_ACK);
    m->u.cut_ack = (struct message_cut_ack){.lease = lease, .end = end};
    if (self->live && say(self, m) < 0)
        return; /* as above */
}

void session_bye(struct session *self, const struct session_crew *crew, enum message_reason reason)
{
    struct message *m = compose(self, MESSAGE_BYE);
    struct message_bye *b = &m->u.bye;
    b->reason = (uint8_t)reason;
    b->held_count = (uint32_t)crew->held_count;
    for (size_t i = 0; i < crew->held_count; i++)
        b->held[i] = (struct message_held){crew->held[i].id, crew->held[i].pos, crew->held[i].end};
    if (self->live && say(self, m) < 0)
        return; /* it will find us dead after dead_ms */
    self->live = false;
}

/* --- tips and settings --- */

void session_want_tip(struct session *self, int64_t now_ns, uint32_t random)
{
    if (self->tip_get_due_ns == NEVER)
        self->tip_get_due_ns = now_ns + (int64_t)((uint64_t)SESSION_TIP_GET_MS * (random >> 16) >> 16) * MS;
}

void session_tip(struct session *self, uint64_t epoch, uint64_t tip_seq)
{
    self->epoch = epoch;
    self->tip_seq = tip_seq;
    self->tip_get_due_ns = NEVER;
}

void session_config(struct session *self, const struct message_config *config)
{
    int64_t beat_ns = self->heard.beat_ns, dead_ns = self->heard.dead_ns;
    for (uint32_t i = 0; i < config->count; i++) {
        const struct message_setting *s = &config->settings[i];
        if (s->is_binary)
            continue;
        if (s->key == MESSAGE_SETTING_METRICS_MS)
            session_set_metrics_ms(self, s->number > UINT32_MAX ? UINT32_MAX : (uint32_t)s->number);
        else if (s->key == MESSAGE_SETTING_BEAT_MS)
            beat_ns = interval_ns(s->number, SESSION_BEAT_MS);
        else if (s->key == MESSAGE_SETTING_DEAD_MS)
            dead_ns = interval_ns(s->number, SESSION_DEAD_MS);
        else if (s->key == MESSAGE_SETTING_LEASE_MS)
            self->lease_ms = (uint32_t)(interval_ns(s->number, SESSION_LEASE_MS) / MS);
    }
    heartbeat_set(&self->heard, beat_ns, dead_ns);
}

uint32_t session_metrics_ms(const struct session *self)
{
    return self->metrics_ms;
}

void session_set_metrics_ms(struct session *self, uint32_t ms)
{
    self->metrics_ms = (uint32_t)(interval_ns(ms, 1000) / MS);
}

void session_counts(const struct session *self, struct session_counts *out)
{
    *out = self->counts;
}
