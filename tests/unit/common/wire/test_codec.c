#include "test.h"

#include "common/base/err.h"
#include "common/wire/codec.h"

static int decode_hex_like(struct message *out, const struct cursor_out *o)
{
    cr_assert_eq(o->err, 0);
    return codec_decode(out, o->buf, o->len);
}

static struct cursor_out envelope(uint8_t *buf, size_t cap, uint32_t fields, enum message_type type)
{
    struct cursor_out o = cursor_out_over(buf, cap);
    cursor_put_array(&o, 3 + fields);
    cursor_put_u64(&o, type);
    cursor_put_u64(&o, 7);
    cursor_put_u64(&o, 9);
    return o;
}

Test(codec, missing_optional_fields_read_as_zero)
{
    uint8_t b[64];
    struct message m;
    memset(&m, 0xff, sizeof(m));
    struct cursor_out o = envelope(b, sizeof(b), 3, MESSAGE_CTRL);
    cursor_put_u64(&o, 1);
    cursor_put_u64(&o, 2);
    cursor_put_u64(&o, MESSAGE_CTRL_PAUSE);
    cr_assert_eq(decode_hex_like(&m, &o), 0);
    cr_assert_eq(m.u.ctrl.arg, 0);
    memset(&m, 0xff, sizeof(m));
    o = envelope(b, sizeof(b), 1, MESSAGE_ERROR);
    cursor_put_u64(&o, MESSAGE_CODE_FULL);
    cr_assert_eq(decode_hex_like(&m, &o), 0);
    cr_assert_eq(m.u.error.text.len, 0);
    cr_assert_eq(m.u.error.ref, 0);
    memset(&m, 0xff, sizeof(m));
    o = envelope(b, sizeof(b), 2, MESSAGE_CTL_REQ);
    cursor_put_u64(&o, 1);
    cursor_put_str(&o, "status");
    cr_assert_eq(decode_hex_like(&m, &o), 0);
    cr_assert_eq(cursor_map_find(m.u.ctl_req.args, "x").err, ERR_NOT_FOUND);
}

Test(codec, an_unknown_type_is_said_with_its_wid_and_seq)
{
    uint8_t b[64];
    struct message m;
    static const int unknown[] = {0, 21, 29, 34, 40, 47, 59, 62, 255};
    for (size_t i = 0; i < sizeof(unknown) / sizeof(*unknown); i++) {
        struct cursor_out o = envelope(b, sizeof(b), 1, (enum message_type)unknown[i]);
        cursor_put_nil(&o);
        cr_assert_eq(decode_hex_like(&m, &o), ERR_UNKNOWN_MESSAGE);
        cr_assert_eq(m.wid, 7);
        cr_assert_eq(m.seq, 9);
        m.type = (enum message_type)unknown[i];
        cr_assert_eq(codec_encode(b, sizeof(b), &m), ERR_UNKNOWN_MESSAGE);
    }
    cr_assert_str_eq(codec_name(MESSAGE_LEASE_DONE), "lease_done");
    cr_assert_str_eq(codec_name((enum message_type)40), "unknown");
}

Test(codec, the_envelope_can_be_read_without_the_body)
{
    uint8_t b[64];
    struct message m;
    struct cursor_out o = envelope(b, sizeof(b), 1, MESSAGE_METRICS);
    cursor_put_nil(&o); /* no body of METRICS */
    cr_assert_eq(codec_peek(&m, b, o.len), 0);
    cr_assert_eq(m.type, MESSAGE_METRICS);
    cr_assert_eq(m.wid, 7);
    cr_assert_eq(codec_peek(&m, b, 2), ERR_TRUNCATED);
    cr_assert_eq(codec_peek(&m, (const uint8_t *)"\x92\x01\x00", 3), ERR_TRUNCATED);
    cr_assert_eq(codec_peek(&m, (const uint8_t *)"\x80", 1), ERR_TYPE);
    cr_assert_eq(codec_decode(&m, NULL, 0), ERR_TRUNCATED);
}

/* The catalogue, by hand: what other implementations must see. */
Test(codec, a_lease_has_these_bytes)
{
    const struct message m = {
        .type = MESSAGE_LEASE,
        .wid = 0x0102030405,
        .seq = 300,
        .u.lease =
            {.lease = 5, .epoch = 2, .job = 0, .start = 1ull << 32, .end = 3ull << 32, .ttl_ms = 70000, .want_ms = 200},
    };
    static const uint8_t want[] = {0x9a, 4, 0xcf, 0,    0, 0, 1, 2,    3, 4, 5,    0xcd, 1,    44,
                                   5,    2, 0,    0xcf, 0, 0, 0, 1,    0, 0, 0,    0,    0xcf, 0,
                                   0,    0, 3,    0,    0, 0, 0, 0xce, 0, 1, 0x11, 0x70, 0xcc, 200};
    uint8_t b[64];
    cr_assert_eq(codec_encode(b, sizeof(b), &m), (int)sizeof(want));
    cr_assert_arr_eq(b, want, sizeof(want));
}

static void put_fill(struct cursor_out *o, int byte, size_t len)
{
    uint8_t bytes[80];
    memset(bytes, byte, sizeof(bytes));
    cursor_put_bin(o, bytes, len);
}

static struct message_job sample_job(void)
{
    struct message_job j = {.job = 40,
                            .version = 0x20000000,
                            .version_mask = 0x1fffe000,
                            .branch_count = 1,
                            .ntime = 1,
                            .bits = 0x1d00ffff,
                            .height = 12,
                            .future = true};
    memset(j.parent, 1, 32);
    memset(j.branch[0], 2, 32);
    memset(j.share_target, 3, 32);
    j.coinbase1 = cursor_view_of("ab");
    j.coinbase2 = cursor_view_of("cd");
    return j;
}

static void put_sample_job(struct cursor_out *o)
{
    cursor_put_u64(o, 40);
    put_fill(o, 1, 32);
    cursor_put_u64(o, 0x20000000);
    cursor_put_u64(o, 0x1fffe000);
    cursor_put_bin(o, "ab", 2);
    cursor_put_bin(o, "cd", 2);
    cursor_put_array(o, 1);
    put_fill(o, 2, 32);
    cursor_put_u64(o, 1);
    cursor_put_u64(o, 0x1d00ffff);
    cursor_put_u64(o, 12);
    put_fill(o, 3, 32);
    cursor_put_bool(o, true);
}

static struct message_tip sample_tip(void)
{
    struct message_tip t = {.epoch = 3,
                            .tip_seq = 4,
                            .height = 11,
                            .reorg = 1,
                            .job = 40,
                            .clean = true,
                            .has_job = true,
                            .body = sample_job(),
                            .sent_us = 99};
    memset(t.hash, 4, 32);
    memset(t.work, 5, 32);
    memset(t.header, 6, 80);
    return t;
}

static void put_sample_tip(struct cursor_out *o)
{
    cursor_put_u64(o, 3);
    cursor_put_u64(o, 4);
    cursor_put_u64(o, 11);
    put_fill(o, 4, 32);
    put_fill(o, 5, 32);
    cursor_put_u64(o, 1);
    cursor_put_u64(o, 40);
    cursor_put_bool(o, true);
    cursor_put_array(o, 12);
    put_sample_job(o);
    cursor_put_u64(o, 99);
    put_fill(o, 6, 80);
}

static void expect_bytes(const struct message *m, const struct cursor_out *want)
{
    static uint8_t got[MESSAGE_FRAME_MAX];
    cr_assert_eq(want->err, 0);
    const int len = codec_encode(got, sizeof(got), m);
    cr_assert_eq(len, (int)want->len, "%s: %d bytes", codec_name(m->type), len);
    cr_assert_arr_eq(got, want->buf, want->len);
}

Test(codec, a_job_and_a_tip_are_written_in_the_order_of_the_catalogue)
{
    uint8_t b[1024];
    struct message m = {.type = MESSAGE_JOB, .wid = 7, .seq = 9, .u.job = sample_job()};
    struct cursor_out o = envelope(b, sizeof(b), 12, MESSAGE_JOB);
    put_sample_job(&o);
    expect_bytes(&m, &o);
    m = (struct message){.type = MESSAGE_TIP, .wid = 7, .seq = 9, .u.tip = sample_tip()};
    o = envelope(b, sizeof(b), 11, MESSAGE_TIP);
    put_sample_tip(&o);
    expect_bytes(&m, &o);
}

Test(codec, a_hello_is_written_in_the_order_of_the_catalogue)
{
    uint8_t b[1024];
    struct message m = {.type = MESSAGE_HELLO, .wid = 7, .seq = 9};
    m.u.hello = (struct message_hello){.ver_min = 1,
                                       .ver_max = 2,
                                       .cap_count = 1,
                                       .lanes = 8,
                                       .rate_hint = 10,
                                       .last_epoch = 11,
                                       .last_tip = 12,
                                       .held_count = 1,
                                       .unacked_count = 1};
    m.u.hello.caps[0] = cursor_view_of("roll");
    m.u.hello.host = cursor_view_of("h");
    m.u.hello.agent = cursor_view_of("lode/1");
    m.u.hello.held[0] = (struct message_held){20, 21, 22};
    m.u.hello.unacked[0] = (struct message_unacked){30, MESSAGE_SHARE};
    struct cursor_out o = envelope(b, sizeof(b), 14, MESSAGE_HELLO);
    cursor_put_str(&o, "lode");
    cursor_put_u64(&o, 1);
    cursor_put_u64(&o, 2);
    cursor_put_array(&o, 1);
    cursor_put_str(&o, "roll");
    put_fill(&o, 0, 16);
    cursor_put_nil(&o);
    cursor_put_str(&o, "h");
    cursor_put_str(&o, "lode/1");
    for (uint64_t v = 8; v <= 12; v += v == 8 ? 2 : 1)
        cursor_put_u64(&o, v);
    cursor_put_raw(&o, (struct cursor_view){(const uint8_t *)"\x91\x93\x14\x15\x16\x91\x92\x1e\x08", 9});
    expect_bytes(&m, &o);
}

Test(codec, a_welcome_is_written_in_the_order_of_the_catalogue)
{
    uint8_t b[1024];
    struct message m = {.type = MESSAGE_WELCOME, .wid = 7, .seq = 9};
    m.u.welcome = (struct message_welcome){.ver = 1,
                                           .epoch = 2,
                                           .wid = 3,
                                           .peer_count = 1,
                                           .metrics_ms = 4,
                                           .beat_ms = 5,
                                           .dead_ms = 6,
                                           .want = 3,
                                           .on_loss = 1,
                                           .tip = sample_tip(),
                                           .verdict_count = 1};
    m.u.welcome.tip_ep = cursor_view_of("t");
    m.u.welcome.peers[0] = cursor_view_of("p");
    m.u.welcome.verdicts[0] = (struct message_verdict){20, MESSAGE_CODE_STALE};
    struct cursor_out o = envelope(b, sizeof(b), 16, MESSAGE_WELCOME);
    cursor_put_u64(&o, 1);
    cursor_put_array(&o, 0);
    put_fill(&o, 0, 16);
    cursor_put_u64(&o, 2);
    cursor_put_u64(&o, 3);
    cursor_put_str(&o, "t");
    cursor_put_nil(&o);
    cursor_put_array(&o, 1);
    cursor_put_str(&o, "p");
    for (uint64_t v = 4; v <= 6; v++)
        cursor_put_u64(&o, v);
    cursor_put_u64(&o, 3);
    put_fill(&o, 0, 32);
    cursor_put_u64(&o, 1);
    cursor_put_array(&o, 11);
    put_sample_tip(&o);
    cursor_put_raw(&o, (struct cursor_view){(const uint8_t *)"\x91\x92\x14\x02", 4});
    expect_bytes(&m, &o);
}

static void expect_body(struct message m, uint32_t fields, const char *body, size_t len)
{
    uint8_t b[512];
    m.wid = 7;
    m.seq = 9;
    struct cursor_out o = envelope(b, sizeof(b), fields, m.type);
    cursor_put_raw(&o, (struct cursor_view){(const uint8_t *)body, len});
    expect_bytes(&m, &o);
}

#define EXPECT(fields, body, type_, ...)                                                                               \
    expect_body((struct message){.type = type_, .u = {__VA_ARGS__}}, fields, body, sizeof(body) - 1)
#define ZEROES_8  "\0\0\0\0\0\0\0\0"
#define ZEROES_32 ZEROES_8 ZEROES_8 ZEROES_8 ZEROES_8

Test(codec, messages_about_leases_are_written_in_the_order_of_the_catalogue)
{
    EXPECT(3, "\1\2\3", MESSAGE_LEASE_REQ, .lease_req = {.n = 1, .rate = 2, .left_ms = 3});
    EXPECT(1, "\x91\x93\1\2\3", MESSAGE_PROGRESS,
           .progress = {.count = 1, .entries = {{.lease = 1, .pos = 2, .hashes = 3}}});
    EXPECT(6, "\1\2\3\4\5\6", MESSAGE_LEASE_DONE,
           .lease_done = {.lease = 1, .start = 2, .end = 3, .hashes = 4, .busy_us = 5, .wait_us = 6});
    EXPECT(3, "\1\2\3", MESSAGE_LEASE_RETURN, .lease_return = {.lease = 1, .pos = 2, .reason = 3});
    EXPECT(2, "\1\2", MESSAGE_LEASE_CUT, .lease_cut = {.lease = 1, .at = 2});
    EXPECT(2, "\1\2", MESSAGE_CUT_ACK, .cut_ack = {.lease = 1, .end = 2});
    EXPECT(2, "\1\2", MESSAGE_REVOKE, .revoke = {.lease = 1, .reason = 2});
    EXPECT(2, "\1\x91\x93\1\2\3", MESSAGE_BYE, .bye = {.reason = 1, .held_count = 1, .held = {{1, 2, 3}}});
}

Test(codec, messages_about_results_are_written_in_the_order_of_the_catalogue)
{
    EXPECT(1, "\x91\x94\1\2\3\xc4\x20" ZEROES_32, MESSAGE_SHARE,
           .share = {.count = 1, .entries = {{.job = 1, .lease = 2, .nonce = 3}}});
    EXPECT(6, "\1\2\3\xc4\x50" ZEROES_32 ZEROES_32 ZEROES_8 ZEROES_8 "\xc4\x20" ZEROES_32 "\4", MESSAGE_BLOCK,
           .block = {.job = 1, .lease = 2, .nonce = 3, .age_us = 4});
    EXPECT(2, "\1\x91\x92\2\3", MESSAGE_ACK, .ack = {.upto = 1, .count = 1, .codes = {{.seq = 2, .code = 3}}});
    EXPECT(3, "\1\2\x92\5\6", MESSAGE_METRICS,
           .metrics = {.schema = 1, .t_ms = 2, .count = 2, .values = cursor_view_of("\5\6")});
    EXPECT(2, "\1\x91\x94\xa1n\xa1u\1\2", MESSAGE_SCHEMA,
           .schema = {.schema = 1, .count = 1, .entries = cursor_view_of("\x94\xa1n\xa1u\1\2")});
    EXPECT(3, "\1\xa1t\3", MESSAGE_ERROR, .error = {.code = 1, .text = cursor_view_of("t"), .ref = 3});
}

Test(codec, messages_that_steer_are_written_in_the_order_of_the_catalogue)
{
    EXPECT(1, "\1", MESSAGE_TIP_GET, .tip_get = {.have = 1});
    EXPECT(1, "\x92\x92\1\5\x92\4\xc4\x20" ZEROES_32, MESSAGE_CONFIG,
           .config = {.count = 2,
                      .settings = {{.key = MESSAGE_SETTING_METRICS_MS, .number = 5},
                                   {.key = MESSAGE_SETTING_SHARE_TARGET, .is_binary = true}}});
    EXPECT(2, "\x91\xa1p\7", MESSAGE_GO_TO,
           .go_to = {.endpoint_count = 1, .endpoints = {cursor_view_of("p")}, .when_ms = 7});
    EXPECT(3, "\1\2\xc4\x8" ZEROES_8, MESSAGE_BEACON, .beacon = {.epoch = 1, .tip_seq = 2});
    EXPECT(4, "\1\2\3\4", MESSAGE_CTRL, .ctrl = {.epoch = 1, .ctl_seq = 2, .verb = 3, .arg = 4});
    EXPECT(3, "\1\xa1v\x80", MESSAGE_CTL_REQ, .ctl_req = {.id = 1, .verb = cursor_view_of("v")});
    EXPECT(4, "\1\xfb\1\x81\xa1k\2", MESSAGE_CTL_REP,
           .ctl_rep = {.id = 1, .code = -5, .more = 1, .result = cursor_view_of("\x81\xa1k\2")});
}

static int decode_body(struct message *m, enum message_type type, uint32_t fields, const char *body, size_t len)
{
    uint8_t b[256];
    struct cursor_out o = envelope(b, sizeof(b), fields, type);
    cursor_put_raw(&o, (struct cursor_view){(const uint8_t *)body, len});
    return decode_hex_like(m, &o);
}

#define BODY(type, fields, bytes) decode_body(&m, type, fields, bytes, sizeof(bytes) - 1)

Test(codec, fields_outside_their_limits_are_refused)
{
    struct message m;
    cr_assert_eq(BODY(MESSAGE_LEASE_REQ, 3, "\x00\x01\x01"), ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_LEASE_REQ, 3, "\x11\x01\x01"), ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_LEASE_REQ, 3, "\x10\x01\x01"), 0);
    cr_assert_eq(BODY(MESSAGE_LEASE_REQ, 3, "\x01\x01\xcf\x00\x00\x00\x01\x00\x00\x00\x00"), ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_LEASE_REQ, 3, "\x01\xff\x01"), ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_LEASE_REQ, 3, "\x01\xa1x\x01"), ERR_TYPE);
    cr_assert_eq(BODY(MESSAGE_TIP_GET, 1, "\xc0"), ERR_TYPE);
    cr_assert_eq(BODY(MESSAGE_SHARE, 1, "\x90"), ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_SHARE, 1, "\xdc\x00\x41"), ERR_TOO_LONG);
    cr_assert_eq(BODY(MESSAGE_BEACON, 3,
                      "\x01\x01\xc4\x07"
                      "1234567"),
                 ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_CTL_REP, 4, "\x01\x00\x02\x80"), ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_CTL_REP, 4, "\x01\xd1\xfc\x18\x01\x80"), 0);
    cr_assert_eq(m.u.ctl_rep.code, -1000);
}

Test(codec, a_hello_without_the_magic_is_refused)
{
    uint8_t b[1024];
    struct message m = {.type = MESSAGE_HELLO};
    const int len = codec_encode(b, sizeof(b), &m);
    cr_assert_gt(len, 0);
    uint8_t *magic = memmem(b, (size_t)len, "lode", 4);
    cr_assert_not_null(magic);
    magic[0] = 'L';
    cr_assert_eq(codec_decode(&m, b, (size_t)len), ERR_FORMAT);
}

Test(codec, metrics_take_finite_numbers_only_and_hand_them_out_in_order)
{
    struct message m;
    struct codec_number n;
    cr_assert_eq(BODY(MESSAGE_METRICS, 3, "\x01\x02\x91\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_METRICS, 3, "\x01\x02\x91\xca\x7f\x80\x00\x00"), ERR_RANGE);
    cr_assert_eq(BODY(MESSAGE_METRICS, 3, "\x01\x02\x91\xc0"), ERR_TYPE);
    cr_assert_eq(BODY(MESSAGE_METRICS, 3, "\x01\x02\xdc\x02\x01"), ERR_TOO_LONG);
    uint8_t b[64];
    struct cursor_out o = cursor_out_over(b, sizeof(b));
    cursor_put_u64(&o, 5);
    cursor_put_i64(&o, -6);
    cursor_put_f64(&o, 0.5);
    struct cursor it = cursor_over(b, o.len);
    cr_assert_eq(codec_metrics_next(&it, &n), 1);
    cr_assert(n.kind == CURSOR_UINT && n.u == 5);
    cr_assert_eq(codec_metrics_next(&it, &n), 1);
    cr_assert(n.kind == CURSOR_INT && n.i == -6);
    cr_assert_eq(codec_metrics_next(&it, &n), 1);
    cr_assert(n.kind == CURSOR_FLOAT && n.f == 0.5);
    cr_assert_eq(codec_metrics_next(&it, &n), 0);
    it = cursor_over("\xc2", 1);
    cr_assert_eq(codec_metrics_next(&it, &n), ERR_TYPE);
    cr_assert_eq(codec_metrics_next(&it, &n), ERR_TYPE);
}

Test(codec, a_schema_hands_out_its_rows)
{
    uint8_t rows[256], b[512];
    struct cursor_out o = cursor_out_over(rows, sizeof(rows));
    struct message_schema_entry e = {cursor_view_of("/sched/gomaxprocs:threads"), cursor_view_of("threads"),
                                     MESSAGE_METRIC_GAUGE, MESSAGE_AGG_SUM};
    codec_schema_put(&o, &e);
    e.name = cursor_view_of("x");
    e.kind = MESSAGE_METRIC_HIST;
    codec_schema_put(&o, &e);
    struct message m = {.type = MESSAGE_SCHEMA, .u.schema = {.schema = 1, .count = 2, .entries = cursor_out_view(&o)}};
    const int len = codec_encode(b, sizeof(b), &m);
    cr_assert_eq(codec_decode(&m, b, len > 0 ? (size_t)len : 0), 0);
    cr_assert_eq(m.u.schema.count, 2);
    struct cursor it = cursor_over(m.u.schema.entries.at, m.u.schema.entries.len);
    cr_assert_eq(codec_schema_next(&it, &e), 1);
    cr_assert(cursor_view_is(e.name, "/sched/gomaxprocs:threads"));
    cr_assert_eq(codec_schema_next(&it, &e), 1);
    cr_assert(cursor_view_is(e.name, "x"));
    cr_assert_eq(e.kind, MESSAGE_METRIC_HIST);
    cr_assert_eq(codec_schema_next(&it, &e), 0);
    it = cursor_over("\x91\x01", 2);
    cr_assert_eq(codec_schema_next(&it, &e), ERR_TRUNCATED);
}

static int encode_only(struct message *m)
{
    static uint8_t b[1 << 21];
    return codec_encode(b, sizeof(b), m);
}

Test(codec, what_the_decoder_would_refuse_is_not_encoded)
{
    struct message m = {.type = MESSAGE_METRICS, .u.metrics = {.count = 2, .values = cursor_view_of("\1")}};
    cr_assert_eq(encode_only(&m), ERR_TRUNCATED);
    m.u.metrics.count = 0;
    cr_assert_eq(encode_only(&m), ERR_TRAILING);
    m.u.metrics = (struct message_metrics){.count = 1, .values = cursor_view_of("\xc3")};
    cr_assert_eq(encode_only(&m), ERR_TYPE);
    m = (struct message){.type = MESSAGE_SHARE};
    cr_assert_eq(encode_only(&m), ERR_RANGE);
    m.u.share.count = MESSAGE_SHARES_MAX + 1;
    cr_assert_eq(encode_only(&m), ERR_TOO_LONG);
    m = (struct message){.type = MESSAGE_LEASE_REQ};
    cr_assert_eq(encode_only(&m), ERR_RANGE);
    m = (struct message){.type = MESSAGE_ERROR, .u.error.text = cursor_view_of("\xff")};
    cr_assert_eq(encode_only(&m), ERR_FORMAT);
    char text[MESSAGE_TEXT_LEN + 2];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = 0;
    m.u.error.text = cursor_view_of(text);
    cr_assert_eq(encode_only(&m), ERR_TOO_LONG);
    m = (struct message){.type = MESSAGE_JOB, .u.job.coinbase1 = {(const uint8_t *)text, sizeof(text)}};
    cr_assert_eq(encode_only(&m), ERR_TOO_LONG);
}

Test(codec, the_maps_of_the_control_socket_are_checked_both_ways)
{
    struct message m = {.type = MESSAGE_CTL_REQ, .u.ctl_req.verb = cursor_view_of("mine")};
    cr_assert_gt(encode_only(&m), 0);
    m.u.ctl_req.args = cursor_view_of("\x91\x01");
    cr_assert_eq(encode_only(&m), ERR_TYPE);
    m.u.ctl_req.args = cursor_view_of("\x81\x01");
    cr_assert_eq(encode_only(&m), ERR_TRUNCATED);
    m.u.ctl_req.args = cursor_view_of("\x81\x01\x02\x03");
    cr_assert_eq(encode_only(&m), ERR_TRAILING);
    cr_assert_eq(BODY(MESSAGE_CTL_REQ, 3, "\x01\xa1x\x90"), ERR_TYPE);
    cr_assert_eq(BODY(MESSAGE_CTL_REQ, 3, "\x01\xa1x\x81\x01\x91\x91\x91\x91\x91\x91\x91\x01"), 0);
    cr_assert_eq(BODY(MESSAGE_CTL_REQ, 3, "\x01\xa1x\x81\x01\x91\x91\x91\x91\x91\x91\x91\x91\x01"), ERR_DEPTH);
    cr_assert_eq(BODY(MESSAGE_CTL_REQ, 3, "\x01\xa1x\x81\x01\xc7\x01\x02\x03"), ERR_TYPE);
    uint8_t *big = malloc(MESSAGE_ARGS_LEN + 64);
    struct cursor_out o = cursor_out_over(big, MESSAGE_ARGS_LEN + 64);
    cursor_put_map(&o, 1);
    cursor_put_str(&o, "x");
    uint8_t *bin = calloc(1, MESSAGE_ARGS_LEN);
    cursor_put_bin(&o, bin, MESSAGE_ARGS_LEN);
    m = (struct message){.type = MESSAGE_CTL_REQ, .u.ctl_req.args = cursor_out_view(&o)};
    cr_assert_eq(encode_only(&m), ERR_TOO_LONG);
    free(bin);
    free(big);
}

Test(codec, the_topic_of_a_tip_frame_must_be_its_own)
{
    uint8_t b[1024];
    struct message m = {.type = MESSAGE_TIP, .u.tip = sample_tip()}, again;
    const int len = codec_encode_topic(b, sizeof(b), &m);
    cr_assert_gt(len, 0);
    cr_assert_eq(b[0], 'T');
    cr_assert_eq(codec_decode_topic(&again, b, (size_t)len), 0);
    cr_assert_eq(again.u.tip.body.job, m.u.tip.body.job);
    cr_assert_arr_eq(again.u.tip.header, m.u.tip.header, 80);
    b[0] = 'C';
    cr_assert_eq(codec_decode_topic(&again, b, (size_t)len), ERR_TYPE);
    m = (struct message){.type = MESSAGE_CTRL};
    cr_assert_gt(codec_encode_topic(b, sizeof(b), &m), 0);
    cr_assert_eq(b[0], 'C');
    m = (struct message){.type = MESSAGE_JOB};
    cr_assert_gt(codec_encode_topic(b, sizeof(b), &m), 0);
    cr_assert_eq(b[0], 'C');
    m.type = MESSAGE_LEASE;
    cr_assert_eq(codec_encode_topic(b, sizeof(b), &m), ERR_TYPE);
    m.type = MESSAGE_BEACON;
    cr_assert_eq(codec_encode_topic(b, 0, &m), ERR_TOO_LONG);
    cr_assert_eq(codec_decode_topic(&again, b, 0), ERR_TRUNCATED);
    b[0] = 'T';
    m.type = MESSAGE_TIP_GET;
    const int plain = codec_encode(b + 1, sizeof(b) - 1, &m);
    cr_assert_eq(codec_decode_topic(&again, b, 1 + (size_t)plain), ERR_TYPE);
}
