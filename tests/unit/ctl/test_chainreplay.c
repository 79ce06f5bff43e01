#include "chain_support.h"

#include "ctl/chainreplay.h"

static struct caught c;

static void expect_event(int line, const char *event, long long height)
{
    json_t *o = json_line(c.out, line);
    cr_assert_not_null(o);
    cr_assert_str_eq(text_of(o, "event"), event);
    cr_assert_eq(strlen(text_of(o, "hash")), 64);
    if (height >= 0)
        cr_assert_eq(number_of(o, "height"), height);
    else
        cr_assert_null(json_object_get(o, "height"));
    json_decref(o);
}

static void expect_text(int line, const char *key, const char *wanted)
{
    json_t *o = json_line(c.out, line);
    cr_assert_not_null(text_of(o, key));
    cr_assert_str_eq(text_of(o, key), wanted);
    json_decref(o);
}

/* A reorg of depth 2 from one header's block to the other's, which is the tip at the end too. */
static void expect_reorg(int line, const uint8_t *from, const uint8_t *to)
{
    uint8_t hash[32];
    char text[65];
    header_hash_raw(hash, from);
    bytes_to_hex_reversed(text, hash, 32);
    expect_text(line, "old_tip", text);
    header_hash_raw(hash, to);
    bytes_to_hex_reversed(text, hash, 32);
    expect_text(line, "new_tip", text);
    expect_text(line, "hash", text);
    expect_text(10, "tip", text);
    json_t *o = json_line(c.out, line);
    cr_assert_eq(number_of(o, "depth"), 2);
    json_decref(o);
}

static void child(uint8_t *out, const uint8_t *parent, uint8_t salt)
{
    struct header h;
    header_parse(&h, parent);
    header_hash_raw(h.prev, parent);
    h.merkle[0] = salt;
    h.time++;
    mine(&h);
    header_serialize(out, &h);
}

Test(chainreplay, tells_one_event_a_line_and_the_tip_at_the_end)
{
    /* g - a1 - a2 and g - b1 - b2 - b3 on lode-regtest, in an order that gives every kind of event. */
    uint8_t g[80], a1[80], a2[80], b1[80], b2[80], b3[80], bad[80], file1[7 * 80], file2[2 * 80];
    header_serialize(g, &network_find("lode-regtest")->genesis);
    child(a1, g, 1);
    child(a2, a1, 1);
    child(b1, g, 2);
    child(b2, b1, 2);
    child(b3, b2, 2);
    struct header wrong;
    header_parse(&wrong, b3);
    wrong.bits--;
    mine(&wrong);
    header_serialize(bad, &wrong);
    const uint8_t *const first[] = {g, a1, a2, b3, b1, b2, bad}, *const second[] = {a1, g};
    for (int i = 0; i < 7; i++)
        memcpy(file1 + 80 * i, first[i], 80);
    for (int i = 0; i < 2; i++)
        memcpy(file2 + 80 * i, second[i], 80);
    char path1[32], path2[32];
    write_file(path1, file1, sizeof file1);
    write_file(path2, file2, sizeof file2);
    RUN(&c, "replay", "--network", "lode-regtest", path1, path2);
    unlink(path1);
    unlink(path2);
    cr_assert_eq(c.status, 0);
    expect_event(0, "connected", 0);
    expect_event(1, "connected", 1);
    expect_event(2, "connected", 2);
    expect_event(3, "orphan", -1);
    expect_event(4, "side", 1);
    expect_event(5, "side", 2);
    expect_event(6, "reorg", 3);
    expect_event(7, "refused", -1);
    expect_event(8, "refused", -1);
    expect_event(9, "refused", -1);

    expect_reorg(6, a2, b3);
    expect_text(7, "code", "bits-wrong");
    expect_text(8, "code", "duplicate");
    json_t *o = json_line(c.out, 10);
    cr_assert_null(json_object_get(o, "event"));
    cr_assert_eq(number_of(o, "height"), 3);
    json_decref(o);
    expect_text(10, "work", "0000000000000000000000000000000000000000000000000000000000000008");
    cr_assert_null(json_line(c.out, 11));
}

Test(chainreplay, replays_real_headers_given_in_reverse)
{
    size_t len;
    char *bytes = test_slurp(test_data("bitcoin/signet_headers_0_2015.bin"), &len);
    uint8_t order[100 * 80];
    for (int i = 0; i < 100; i++) /* 100 down to 1 */
        memcpy(order + 80 * i, bytes + 80 * (100 - i), 80);
    char path[32];
    write_file(path, order, sizeof order);
    RUN(&c, "replay", "--network", "bitcoin-signet", path);
    unlink(path);
    cr_assert_eq(c.status, 0);
    expect_event(0, "orphan", -1);
    expect_event(98, "orphan", -1);
    expect_event(99, "connected", 1);
    expect_event(198, "connected", 100);
    json_t *o = json_line(c.out, 199);
    cr_assert_eq(number_of(o, "height"), 100);
    json_decref(o);
    free(bytes);
}

Test(chainreplay, a_wrong_file_stops_it_before_the_first_event)
{
    uint8_t g[80 + 10] = {0};
    header_serialize(g, &network_find("lode-regtest")->genesis);
    char good[32], cut[32];
    write_file(good, g, 80);
    write_file(cut, g, 90);
    RUN(&c, "replay", "--network", "lode-regtest", good, cut);
    cr_assert_eq(c.status, 1);
    cr_assert_str_eq(c.out, "");
    cr_assert_not_null(strstr(c.err, "byte offset 80"));
    RUN(&c, "replay", "--network", "lode-regtest", good, "/nonexistent/x");
    cr_assert_eq(c.status, 1);
    cr_assert_str_eq(c.out, "");
    RUN(&c, "replay", "--network", "lode-regtest");
    cr_assert_eq(c.status, 2);
    RUN(&c, "replay", "--help");
    cr_assert_eq(c.status, 0);
    unlink(good);
    unlink(cut);
}
