/* fake_coordinator.h - a coordinator for the worker's tests: a plain pthread with a ROUTER and an XPUB, a chain of real
 * (easy) headers, and a script. By default it greets, leases, acknowledges and accepts blocks; a script may take any
 * message into its own hands. Threads: fields are read by the test after fake_join, or by the script on its thread. */
#ifndef TESTS_FAKE_COORDINATOR_H
#define TESTS_FAKE_COORDINATOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmq.h>

#include "common/chain/block.h"
#include "common/chain/header.h"
#include "common/chain/merkle.h"
#include "common/chain/target.h"
#include "common/wire/codec.h"

enum { FAKE_LEASES_MAX = 256, FAKE_SAID_MAX = 64 };

struct fake_route {
    size_t len;
    uint8_t id[16];
};

struct fake {
    /* set before fake_start */
    bool hold_acks;                                          /* says no ACK */
    bool (*script)(struct fake *f, const struct message *m); /* true: the message is dealt with */
    bool mute;                                               /* publishes no beacons */
    uint32_t bits;                                           /* of every block */
    unsigned share_bits;                                     /* share target 2^share_bits */
    uint64_t lease_size;
    uint64_t blocks_wanted; /* then CTRL drain; 0: never */
    uint32_t beat_ms, dead_ms;
    uint8_t verdict, on_loss; /* of every held lease in WELCOME; for the time without us */
    bool has_metrics;         /* METRICS have a socket of their own */

    /* the chain */
    uint64_t epoch, tip_seq, job;
    struct message_tip tip;
    uint8_t coinbase1[BLOCK_COINBASE1_LEN], coinbase2[1];

    /* what happened */
    uint64_t said[FAKE_SAID_MAX]; /* messages by type */
    uint64_t bad;                 /* frames that do not decode, blocks or shares that do not hold */
    uint64_t blocks, shares, done_counters, done_hashes, leases, next_counter, seq_high;
    struct message_bye bye;
    struct fake_route last; /* who spoke last */

    char work_ep[64], tip_ep[64], metrics_ep[64];
    void *ctx, *work, *tips, *metrics;
    uint64_t metrics_frames; /* on the socket of their own */
    pthread_t thread;
    _Atomic(bool) stop;
    struct message in, out;
    uint8_t frame[MESSAGE_FRAME_MAX];
};

static inline void fake_reply_to(struct fake *f, const struct fake_route *to, const struct message *m)
{
    int len = codec_encode(f->frame, sizeof f->frame, m);
    if (len < 0) {
        f->bad++;
        return;
    }
    zmq_send(f->work, to->id, to->len, ZMQ_SNDMORE);
    zmq_send(f->work, f->frame, (size_t)len, 0);
}

static inline void fake_reply(struct fake *f, const struct message *m)
{
    fake_reply_to(f, &f->last, m);
}

static inline struct message *fake_compose(struct fake *f, enum message_type type)
{
    memset(&f->out, 0, sizeof f->out);
    f->out.type = type;
    f->out.wid = 77;
    f->out.seq = 1;
    return &f->out;
}

static inline void fake_publish(struct fake *f, const struct message *m)
{
    int len = codec_encode_topic(f->frame, sizeof f->frame, m);
    if (len < 0)
        f->bad++;
    else
        zmq_send(f->tips, f->frame, (size_t)len, 0);
}

static inline void fake_error(struct fake *f, enum message_code code)
{
    struct message *m = fake_compose(f, MESSAGE_ERROR);
    m->u.error = (struct message_error){.code = (uint8_t)code, .text = cursor_view_of("scripted")};
    fake_reply(f, m);
}

static inline void fake_ack(struct fake *f, uint64_t upto, uint8_t code)
{
    if (f->hold_acks)
        return;
    struct message *m = fake_compose(f, MESSAGE_ACK);
    m->u.ack.upto = upto;
    if (code != MESSAGE_CODE_OK) {
        m->u.ack.count = 1;
        m->u.ack.codes[0] = (struct message_ack_code){upto, code};
    }
    fake_reply(f, m);
}

/* A new job on the present tip, and the message that announces both. */
static inline void fake_new_job(struct fake *f)
{
    struct message_tip *t = &f->tip;
    t->epoch = f->epoch;
    t->tip_seq = ++f->tip_seq;
    t->job = ++f->job;
    t->clean = true;
    t->has_job = true;
    struct message_job *j = &t->body;
    memset(j, 0, sizeof *j);
    j->job = f->job;
    j->version = 0x20000000;
    memcpy(j->parent, t->hash, 32);
    memset(f->coinbase1, 0, sizeof f->coinbase1);
    f->coinbase1[0] = 1;
    f->coinbase1[1] = (uint8_t)(t->height + 1);
    j->coinbase1 = (struct cursor_view){f->coinbase1, sizeof f->coinbase1};
    j->coinbase2 = (struct cursor_view){f->coinbase2, sizeof f->coinbase2};
    j->ntime = 1700000000 + (uint32_t)t->height;
    j->bits = f->bits;
    j->height = t->height + 1;
    struct u256 one = u256_from_u64(1), target = u256_shl(&one, f->share_bits);
    u256_to_be(j->share_target, &target);
}

/* The first tip: mined here, easy. */
static inline void fake_genesis(struct fake *f)
{
    struct header h = {.version = 1, .time = 1700000000, .bits = 0x207fffff};
    struct u256 target, work = target_work_of_bits(h.bits);
    if (target_from_bits(&target, h.bits) < 0)
        abort();
    do {
        h.nonce++;
        header_hash(f->tip.hash, &h);
    } while (!target_met(&target, f->tip.hash));
    header_serialize(f->tip.header, &h);
    u256_to_be(f->tip.work, &work);
    f->tip.height = 0;
    fake_new_job(f);
}

/* Whether header and hash are what `job` (the present one) gives for the counter value. */
static inline bool fake_holds(struct fake *f, uint64_t counter, const uint8_t *header, const uint8_t *hash)
{
    struct header h = {.version = 0x20000000, .time = f->tip.body.ntime, .bits = f->bits, .nonce = (uint32_t)counter};
    uint8_t raw[HEADER_LEN], made[32];
    memcpy(h.prev, f->tip.hash, 32);
    block_coinbase_leaf(h.merkle, f->coinbase1, (uint32_t)(counter >> 32), f->coinbase2, sizeof f->coinbase2);
    header_serialize(raw, &h);
    header_hash_raw(made, raw);
    return (!header || memcmp(raw, header, HEADER_LEN) == 0) && memcmp(made, hash, 32) == 0;
}

static inline void fake_publish_tip(struct fake *f)
{
    struct message *m = fake_compose(f, MESSAGE_TIP);
    m->u.tip = f->tip;
    fake_publish(f, m);
}

static inline void fake_drain(struct fake *f)
{
    struct message *m = fake_compose(f, MESSAGE_CTRL);
    m->u.ctrl = (struct message_ctrl){.epoch = f->epoch, .ctl_seq = 1, .verb = MESSAGE_CTRL_DRAIN};
    fake_publish(f, m);
}

static inline void fake_on_hello(struct fake *f)
{
    struct message *m = fake_compose(f, MESSAGE_WELCOME);
    struct message_welcome *w = &m->u.welcome;
    w->ver = 1;
    w->epoch = f->epoch;
    w->wid = 77;
    w->tip_ep = cursor_view_of(f->tip_ep);
    w->beat_ms = f->beat_ms;
    w->dead_ms = f->dead_ms;
    w->metrics_ms = 100;
    w->on_loss = f->on_loss;
    if (f->has_metrics)
        w->metrics_ep = cursor_view_of(f->metrics_ep);
    w->tip = f->tip;
    w->verdict_count = f->in.u.hello.held_count;
    for (uint32_t i = 0; i < w->verdict_count; i++)
        w->verdicts[i] = (struct message_verdict){f->in.u.hello.held[i].lease, f->verdict};
    fake_reply(f, m);
}

static inline void fake_lease(struct fake *f, uint64_t start, uint64_t end)
{
    struct message *m = fake_compose(f, MESSAGE_LEASE);
    m->u.lease = (struct message_lease){
        .lease = ++f->leases, .epoch = f->epoch, .start = start, .end = end, .ttl_ms = 60000, .want_ms = 1000};
    fake_reply(f, m);
}

static inline void fake_on_block(struct fake *f)
{
    const struct message_block *b = &f->in.u.block;
    if (b->job != f->job) {
        fake_ack(f, f->in.seq, MESSAGE_CODE_STALE);
        return;
    }
    struct u256 target, work = u256_from_be(f->tip.work), own = target_work_of_bits(f->bits);
    if (target_from_bits(&target, f->bits) < 0 || !target_met(&target, b->hash) ||
        !fake_holds(f, b->nonce, b->header, b->hash) || target_add_work(&work, &own) < 0) {
        f->bad++;
        return;
    }
    f->blocks++;
    memcpy(f->tip.hash, b->hash, 32);
    memcpy(f->tip.header, b->header, HEADER_LEN);
    u256_to_be(f->tip.work, &work);
    f->tip.height++;
    fake_new_job(f);
    fake_publish_tip(f);
    fake_ack(f, f->in.seq, MESSAGE_CODE_OK);
    if (f->blocks == f->blocks_wanted)
        fake_drain(f);
}

static inline void fake_on_share(struct fake *f)
{
    uint8_t code = MESSAGE_CODE_OK;
    for (uint32_t i = 0; i < f->in.u.share.count; i++) {
        const struct message_share_entry *e = &f->in.u.share.entries[i];
        if (e->job != f->job)
            code = MESSAGE_CODE_STALE;
        else if (!fake_holds(f, e->nonce, NULL, e->hash))
            f->bad++;
        else
            f->shares++;
    }
    fake_ack(f, f->in.seq, code);
}

static inline void fake_default(struct fake *f)
{
    switch (f->in.type) {
    case MESSAGE_HELLO:
        fake_on_hello(f);
        break;
    case MESSAGE_LEASE_REQ:
        for (unsigned i = 0; i < f->in.u.lease_req.n; i++) {
            fake_lease(f, f->next_counter, f->next_counter + f->lease_size);
            f->next_counter += f->lease_size;
        }
        break;
    case MESSAGE_LEASE_DONE:
        f->done_counters += f->in.u.lease_done.end - f->in.u.lease_done.start;
        f->done_hashes += f->in.u.lease_done.hashes;
        fake_ack(f, f->in.seq, MESSAGE_CODE_OK);
        break;
    case MESSAGE_SHARE:
        fake_on_share(f);
        break;
    case MESSAGE_BLOCK:
        fake_on_block(f);
        break;
    case MESSAGE_BYE:
        f->bye = f->in.u.bye;
        break;
    case MESSAGE_TIP_GET:
        fake_publish_tip(f);
        break;
    default:
        break;
    }
}

static inline void fake_handle(struct fake *f, const uint8_t *data, size_t len)
{
    if (codec_decode(&f->in, data, len) < 0) {
        f->bad++;
        return;
    }
    if ((unsigned)f->in.type < FAKE_SAID_MAX)
        f->said[f->in.type]++;
    if (f->in.seq > f->seq_high)
        f->seq_high = f->in.seq;
    if (!f->script || !f->script(f, &f->in))
        fake_default(f);
}

static inline void fake_drain_router(struct fake *f)
{
    for (;;) {
        int len = zmq_recv(f->work, f->last.id, sizeof f->last.id, ZMQ_DONTWAIT);
        if (len < 0)
            return;
        f->last.len = (size_t)len;
        zmq_msg_t msg;
        zmq_msg_init(&msg);
        if (zmq_msg_recv(&msg, f->work, 0) >= 0)
            fake_handle(f, zmq_msg_data(&msg), zmq_msg_size(&msg));
        zmq_msg_close(&msg);
    }
}

static inline void fake_drain_metrics(struct fake *f)
{
    uint8_t id[16];
    static uint8_t body[MESSAGE_FRAME_MAX];
    while (zmq_recv(f->metrics, id, sizeof id, ZMQ_DONTWAIT) >= 0) {
        int len = zmq_recv(f->metrics, body, sizeof body, 0);
        struct message *m = &f->out;
        if (len < 0 || codec_decode(m, body, (size_t)len) < 0 ||
            (m->type != MESSAGE_METRICS && m->type != MESSAGE_SCHEMA))
            f->bad++;
        f->metrics_frames++;
    }
}

/* A beacon now and then, as the real one: what the worker judges our life by. */
static inline void fake_beacon(struct fake *f)
{
    struct message *m = fake_compose(f, MESSAGE_BEACON);
    m->u.beacon = (struct message_beacon){.epoch = f->epoch, .tip_seq = f->tip_seq};
    memcpy(m->u.beacon.hash8, f->tip.hash, 8);
    fake_publish(f, m);
}

static inline void *fake_thread(void *arg)
{
    struct fake *f = arg;
    for (unsigned round = 0; !atomic_load(&f->stop); round++) {
        zmq_pollitem_t items[] = {{f->work, 0, ZMQ_POLLIN, 0}, {f->tips, 0, ZMQ_POLLIN, 0}};
        zmq_poll(items, 2, 10);
        uint8_t sub[64];
        while (zmq_recv(f->tips, sub, sizeof sub, ZMQ_DONTWAIT) >= 0)
            continue;
        fake_drain_router(f);
        fake_drain_metrics(f);
        if (round % 8 == 0 && !f->mute)
            fake_beacon(f);
    }
    return NULL;
}

static inline void fake_bind(void *socket, char at[64])
{
    int linger = 0;
    size_t len = 64;
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    if (zmq_bind(socket, at[0] ? at : "tcp://127.0.0.1:*") < 0 ||
        zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, at, &len) < 0)
        abort();
}

/* Defaults, sockets and the first tip; before rt_main. */
static inline void fake_open(struct fake *f)
{
    f->bits = f->bits ? f->bits : 0x1f00ffff;
    f->share_bits = f->share_bits ? f->share_bits : 244;
    f->lease_size = f->lease_size ? f->lease_size : 1 << 16;
    f->beat_ms = f->beat_ms ? f->beat_ms : 50;
    f->dead_ms = f->dead_ms ? f->dead_ms : 3000;
    f->epoch = f->epoch ? f->epoch : 1;
    f->ctx = zmq_ctx_new();
    f->work = zmq_socket(f->ctx, ZMQ_ROUTER);
    f->tips = zmq_socket(f->ctx, ZMQ_XPUB);
    f->metrics = zmq_socket(f->ctx, ZMQ_ROUTER);
    fake_bind(f->work, f->work_ep);
    fake_bind(f->tips, f->tip_ep);
    fake_bind(f->metrics, f->metrics_ep);
    fake_genesis(f);
}

static inline void fake_start(struct fake *f)
{
    if (pthread_create(&f->thread, NULL, fake_thread, f) != 0)
        abort();
}

/* Ends the thread and closes everything; the counts are the caller's now. */
static inline void fake_join(struct fake *f)
{
    atomic_store(&f->stop, true);
    pthread_join(f->thread, NULL);
    zmq_close(f->work);
    zmq_close(f->tips);
    zmq_close(f->metrics);
    zmq_ctx_term(f->ctx);
}

#endif
