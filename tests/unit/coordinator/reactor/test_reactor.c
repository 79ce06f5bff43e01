#include "plant.h"

static uint8_t ack_code(const struct message *m, uint64_t seq)
{
    cr_assert_geq(m->u.ack.upto, seq);
    for (uint32_t i = 0; i < m->u.ack.count; i++)
        if (m->u.ack.codes[i].seq == seq)
            return m->u.ack.codes[i].code;
    return MESSAGE_CODE_OK;
}

static uint64_t lease_start(struct client *c)
{
    struct message m = {.type = MESSAGE_LEASE_REQ};
    m.u.lease_req.n = 1;
    client_send(c, &m);
    return client_get(c, MESSAGE_LEASE)->u.lease.start;
}

Test(reactor, a_worker_is_served_end_to_end, .timeout = 60)
{
    struct plant *p = plant_new(0);
    struct client *c = client_new(p, SOCKETS_WORK), *tips = client_new(p, SOCKETS_TIPS);
    struct message_tip first = client_get(tips, MESSAGE_TIP)->u.tip; /* the welcome message */
    const struct message_welcome *w = client_hello(c, 1);
    cr_assert_eq(w->tip.tip_seq, first.tip_seq);
    cr_assert(cursor_view_is(w->tip_ep, p->sockets.endpoint[SOCKETS_TIPS]));
    uint64_t tip_seq = first.tip_seq;
    struct message block = client_mine(&w->tip.body, 0);
    uint64_t start = lease_start(c);
    for (int height = 1; height <= 5; height++) {
        client_send(c, &block);
        const struct message_tip *tip;
        do
            tip = &client_get(tips, MESSAGE_TIP)->u.tip;
        while (tip->tip_seq <= tip_seq);
        tip_seq = tip->tip_seq;
        cr_assert_eq(tip->height, (uint64_t)height);
        cr_assert_arr_eq(tip->hash, block.u.block.hash, 32);
        cr_assert_eq(ack_code(client_get(c, MESSAGE_ACK), block.seq), MESSAGE_CODE_OK);
        block = client_mine(&tip->body, start);
    }
    client_free(c);
    client_free(tips);
    cr_assert_eq(plant_stop(p), 0);
    plant_start(p, 0); /* what was acknowledged is there again */
    c = client_new(p, SOCKETS_WORK);
    w = client_hello(c, 1);
    cr_assert_eq(w->tip.height, 5);
    cr_assert_eq(w->epoch, 2);
    client_free(c);
    cr_assert_eq(plant_stop(p), 0);
    plant_remove(p);
}

Test(reactor, shares_are_answered_in_one_ack, .timeout = 60)
{
    struct plant *p = plant_new(0);
    struct client *c = client_new(p, SOCKETS_WORK);
    client_hello(c, 1);
    struct message m = {.type = MESSAGE_SHARE};
    m.u.share.count = MESSAGE_SHARES_MAX;
    for (int i = 0; i < MESSAGE_SHARES_MAX; i++)
        m.u.share.entries[i].job = 12345;
    client_send(c, &m);
    cr_assert_eq(ack_code(client_get(c, MESSAGE_ACK), m.seq), MESSAGE_CODE_UNKNOWN_JOB);
    client_free(c);
    cr_assert_eq(plant_stop(p), 0);
    plant_remove(p);
}

Test(reactor, rubbish_is_answered_and_harms_nobody, .timeout = 120)
{
    struct plant *p = plant_new(0);
    struct client *c = client_new(p, SOCKETS_WORK), *good = client_new(p, SOCKETS_WORK);
    client_hello(good, 9);
    static const uint8_t deep[] = {0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x91, 0x90};
    client_send_bytes(c, "", 0);
    cr_assert_eq(client_get(c, MESSAGE_ERROR)->u.error.code, MESSAGE_CODE_MALFORMED);
    client_send_bytes(c, deep, sizeof deep);
    cr_assert_eq(client_get(c, MESSAGE_ERROR)->u.error.code, MESSAGE_CODE_MALFORMED);
    static const uint8_t unknown[] = {0x93, 0x7f, 0, 5};
    client_send_bytes(c, unknown, sizeof unknown);
    cr_assert_eq(client_get(c, MESSAGE_ERROR)->u.error.code, MESSAGE_CODE_UNKNOWN);
    uint8_t noise[300];
    uint64_t seed = 3;
    for (int round = 0; round < 300; round++) {
        for (size_t i = 0; i < sizeof noise; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1;
            noise[i] = (uint8_t)(seed >> 56);
        }
        noise[0] = 0x95; /* an array: further than the first byte */
        noise[1] = (uint8_t)(round % 40);
        client_send_bytes(c, noise, (size_t)round);
        client_get(c, MESSAGE_ERROR);
    }
    cr_assert_gt(lease_start(good) + 1, 0);
    client_free(c);
    client_free(good);
    cr_assert_eq(plant_stop(p), 0);
    plant_remove(p);
}

Test(reactor, every_prefix_of_a_message_is_refused_and_the_whole_is_not, .timeout = 120)
{
    struct plant *p = plant_new(0);
    struct client *c = client_new(p, SOCKETS_WORK);
    struct message m = {.type = MESSAGE_HELLO, .seq = 1};
    m.u.hello.ver_min = 1;
    m.u.hello.ver_max = 1;
    m.u.hello.host = cursor_view_of("h");
    m.u.hello.agent = cursor_view_of("a");
    uint8_t buf[512];
    int len = codec_encode(buf, sizeof buf, &m);
    cr_assert_gt(len, 0);
    for (int i = 0; i < len; i++) {
        client_send_bytes(c, buf, (size_t)i);
        client_get(c, MESSAGE_ERROR);
    }
    client_send_bytes(c, buf, (size_t)len);
    client_get(c, MESSAGE_WELCOME);
    client_free(c);
    cr_assert_eq(plant_stop(p), 0);
    plant_remove(p);
}

/* A raw socket, for what frame.h cannot say. */
static void *raw_dealer(void *ctx, const char *endpoint)
{
    void *s = zmq_socket(ctx, ZMQ_DEALER);
    int zero = 0;
    cr_assert_eq(zmq_setsockopt(s, ZMQ_LINGER, &zero, sizeof zero), 0);
    cr_assert_eq(zmq_connect(s, endpoint), 0);
    return s;
}

Test(reactor, a_message_of_several_frames_is_drained_and_refused, .timeout = 60)
{
    struct plant *p = plant_new(0);
    void *ctx = zmq_ctx_new();
    void *s = raw_dealer(ctx, p->sockets.endpoint[SOCKETS_WORK]);
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(zmq_send(s, "part", 4, ZMQ_SNDMORE), 4);
    cr_assert_eq(zmq_send(s, "end", 3, 0), 3);
    uint8_t buf[1024];
    int len = zmq_recv(s, buf, sizeof buf, 0);
    struct message m;
    cr_assert_eq(codec_decode(&m, buf, (size_t)len), 0);
    cr_assert_eq(m.u.error.code, MESSAGE_CODE_MALFORMED);
    zmq_close(s);
    zmq_ctx_term(ctx);
    struct client *c = client_new(p, SOCKETS_WORK);
    client_hello(c, 1);
    client_free(c);
    cr_assert_eq(plant_stop(p), 0);
    plant_remove(p);
}

Test(reactor, a_frame_beyond_the_limit_cuts_its_sender_off_and_nobody_else, .timeout = 60)
{
    struct plant *p = plant_new(0);
    struct client *good = client_new(p, SOCKETS_WORK);
    client_hello(good, 9);
    void *ctx = zmq_ctx_new();
    void *s = raw_dealer(ctx, p->sockets.endpoint[SOCKETS_WORK]);
    char *big = calloc(1, 1 << 20);
    cr_assert_eq(zmq_send(s, big, 1 << 20, 0), 1 << 20);
    lease_start(good);
    zmq_close(s);
    zmq_ctx_term(ctx);
    free(big);
    client_free(good);
    cr_assert_eq(plant_stop(p), 0);
    plant_remove(p);
}

static struct message_ctl_rep control(struct client *c, const char *verb)
{
    struct message m = {.type = MESSAGE_CTL_REQ};
    m.u.ctl_req.id = 5;
    m.u.ctl_req.verb = cursor_view_of(verb);
    client_send(c, &m);
    return client_get(c, MESSAGE_CTL_REP)->u.ctl_rep;
}

Test(reactor, control_is_answered_outside_and_inside_and_stop_ends_it, .timeout = 60)
{
    struct plant *p = plant_new(0);
    struct client *outside = client_new(p, SOCKETS_CONTROL), *inside = client_new(p, SOCKETS_INSIDE);
    cr_assert_eq(control(outside, "status").code, 0);
    cr_assert_eq(control(inside, "status").code, 0);
    client_send_bytes(inside, "x", 1);
    cr_assert_lt(client_get(inside, MESSAGE_CTL_REP)->u.ctl_rep.code, 0);
    cr_assert_eq(control(outside, "stop").code, 0);
    cr_assert_eq(plant_wait(p), 0);
    client_free(outside);
    client_free(inside);
    plant_close(p);
    plant_remove(p);
}

Test(reactor, it_ends_by_itself_after_the_blocks_that_were_wanted, .timeout = 60)
{
    struct plant *p = plant_new(1);
    struct client *c = client_new(p, SOCKETS_WORK), *tips = client_new(p, SOCKETS_TIPS);
    client_get(tips, MESSAGE_TIP);
    struct message block = client_mine(&client_hello(c, 1)->tip.body, 0);
    client_send(c, &block);
    cr_assert_eq(client_get(tips, MESSAGE_CTRL)->u.ctrl.verb, MESSAGE_CTRL_DRAIN);
    struct message bye = {.type = MESSAGE_BYE};
    client_send(c, &bye);
    cr_assert_eq(plant_wait(p), 0);
    client_free(c);
    client_free(tips);
    plant_close(p);
    plant_remove(p);
}

static int fail_commit(void *ctx, const char *step)
{
    _Atomic(int) *armed = ctx;
    return *armed && strcmp(step, "commit") == 0 ? -EIO : 0;
}

Test(reactor, a_commit_that_fails_ends_it_with_status_1_and_acknowledges_nothing, .timeout = 60)
{
    _Atomic(int) armed = 0;
    struct plant *p = calloc(1, sizeof *p);
    p->hook = (struct store_hook){fail_commit, &armed};
    (void)snprintf(p->dir, sizeof p->dir, "/tmp/lode-test-XXXXXX");
    cr_assert_not_null(mkdtemp(p->dir));
    plant_start(p, 0);
    struct client *c = client_new(p, SOCKETS_WORK);
    struct message block = client_mine(&client_hello(c, 1)->tip.body, 0);
    armed = 1;
    client_send(c, &block);
    cr_assert_eq(plant_wait(p), 1);
    while (frame_wait(c->socket, FRAME_IN, 200) & FRAME_IN) {
        struct frame frame;
        if (frame_recv(c->socket, NULL, &frame) != 1)
            continue;
        struct message m;
        cr_assert_eq(codec_decode(&m, frame_data(&frame), frame_size(&frame)), 0);
        cr_assert_neq(m.type, MESSAGE_ACK, "acknowledged and not durable"); /* J3, F2 */
        frame_release(&frame);
    }
    client_free(c);
    plant_close(p);
    plant_remove(p);
}

static int fail_keep(void *ctx, const char *step)
{
    (void)ctx;
    return strcmp(step, "keep_job") == 0 ? -EIO : 0;
}

Test(reactor, a_job_that_cannot_be_kept_is_ill_health, .timeout = 60)
{
    struct plant *p = calloc(1, sizeof *p);
    p->hook = (struct store_hook){fail_keep, NULL};
    (void)snprintf(p->dir, sizeof p->dir, "/tmp/lode-test-XXXXXX");
    cr_assert_not_null(mkdtemp(p->dir));
    plant_start(p, 0);
    struct client *c = client_new(p, SOCKETS_CONTROL);
    struct message_ctl_rep rep = control(c, "health");
    struct cursor ok = cursor_map_find(rep.result, "ok"), why = cursor_map_find(rep.result, "reason");
    cr_assert_not(cursor_bool(&ok));
    cr_assert_gt(cursor_str(&why, 256).len, 0);
    client_free(c);
    cr_assert_eq(plant_stop(p), 0);
    plant_remove(p);
}

Test(reactor, beacons_come_while_nothing_happens, .timeout = 60)
{
    struct plant *p = plant_new(0);
    struct client *tips = client_new(p, SOCKETS_TIPS);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(client_get(tips, MESSAGE_BEACON)->u.beacon.tip_seq, 1);
    client_free(tips);
    cr_assert_eq(plant_stop(p), 0);
    plant_remove(p);
}
