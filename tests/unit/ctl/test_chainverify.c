#include "chain_support.h"

#include "common/chain/target.h"
#include "ctl/chainverify.h"

static struct caught c;

static void expect_good(long long headers, long long first, const char *tip, const char *work)
{
    json_t *o = json_line(c.out, 0);
    cr_assert_eq(c.status, 0);
    cr_assert_str_eq(c.err, "");
    cr_assert(json_is_true(json_object_get(o, "ok")));
    cr_assert_eq(number_of(o, "headers"), headers);
    cr_assert_eq(number_of(o, "first_height"), first);
    cr_assert_str_eq(text_of(o, "tip"), tip);
    cr_assert_str_eq(text_of(o, "work"), work);
    cr_assert_null(json_object_get(o, "code"));
    json_decref(o);
}

static void expect_bad(long long headers, long long height, const char *code)
{
    json_t *o = json_line(c.out, 0);
    cr_assert_eq(c.status, 1);
    cr_assert_not_null(o);
    cr_assert(json_is_false(json_object_get(o, "ok")));
    cr_assert_eq(number_of(o, "headers"), headers);
    cr_assert_eq(number_of(o, "height"), height);
    cr_assert_str_eq(text_of(o, "code"), code);
    json_decref(o);
}

Test(chainverify, accepts_the_real_header_files)
{
    RUN(&c, "verify", "--network", "bitcoin-mainnet", test_data("bitcoin/mainnet_headers_0_10079.bin"));
    expect_good(10080, 0, "000000009b0a4b2833b4a0aa61171ee75b8eb301ac45a18713795a72e461a946",
                "0000000000000000000000000000000000000000000000000000276027602760");
    RUN(&c, "verify", "--network", "bitcoin-mainnet", "--from-height", "40000",
        test_data("bitcoin/mainnet_headers_40000_44999.bin"));
    expect_good(5000, 40000, "0000000024cc468cc190fcc92e05915e3faa87b332865b35167701fb2a06583b",
                "00000000000000000000000000000000000000000000000000003f6d2245c828");
    RUN(&c, "verify", "--network", "bitcoin-signet", test_data("bitcoin/signet_headers_0_2015.bin"));
    expect_good(2016, 0, "000000c0a3841a6ae64c45864ae25314b40fd522bfb299a4b6bd5ef288cae74d",
                "0000000000000000000000000000000000000000000000000000000245661d80");
}

Test(chainverify, another_networks_genesis_is_refused_at_once)
{
    RUN(&c, "verify", "--network", "bitcoin-testnet3", test_data("bitcoin/mainnet_headers_0_10079.bin"));
    expect_bad(0, 0, "genesis");
    RUN(&c, "verify", "--network", "bitcoin-mainnet", test_data("bitcoin/mainnet_headers_40000_44999.bin"));
    expect_bad(0, 0, "genesis");
}

/* Bytes changed at an offset in the signet file; then verified. */
static char *signet;
static size_t signet_len;

static void verify_signet(size_t len)
{
    char path[32];
    write_file(path, signet, len);
    RUN(&c, "verify", "--network", "bitcoin-signet", path);
    unlink(path);
}

Test(chainverify, says_where_and_why_a_damaged_file_fails)
{
    signet = test_slurp(test_data("bitcoin/signet_headers_0_2015.bin"), &signet_len);
    signet[80 * 1000 + 40] ^= 1; /* in the merkle root of header 1000 */
    verify_signet(signet_len);
    expect_bad(1000, 1000, "pow");
    signet[80 * 1000 + 40] ^= 1;
    char swap[80];
    memcpy(swap, signet + 80 * 500, 80);
    memmove(signet + 80 * 500, signet + 80 * 501, 80);
    memcpy(signet + 80 * 501, swap, 80);
    verify_signet(signet_len);
    expect_bad(500, 500, "link");
    memcpy(signet + 80 * 501, signet + 80 * 500, 80);
    memcpy(signet + 80 * 500, swap, 80);
    verify_signet(signet_len - 1);
    expect_bad(2015, 2015, "truncated");
    cr_assert_not_null(strstr(c.err, "byte offset 161200 has 79 of its 80"));
    verify_signet(0);
    expect_bad(0, 0, "truncated");
    verify_signet(79);
    expect_bad(0, 0, "truncated");
    verify_signet(signet_len);
    cr_assert_eq(c.status, 0);
    free(signet);
}

/* Five blocks of lode on its genesis: the first two have the genesis's nBits and cost 2^24 hashes each, so their nonces
 * were found once; the second is so late that the next ones are at the limit. */
static void make_lode_chain(uint8_t out[6 * HEADER_LEN])
{
    static const uint32_t gaps[] = {1000000, 10000, 10, 10, 10}, nonces[] = {37683737, 12966483, 0, 0, 0};
    const struct network *net = network_find("lode");
    struct header h = net->genesis;
    header_serialize(out, &h);
    memset(h.merkle, 0, sizeof h.merkle);
    uint8_t parent[HEADER_HASH_LEN];
    for (int i = 0; i < 5; i++) {
        header_hash_raw(parent, out + HEADER_LEN * i);
        memcpy(h.prev, parent, sizeof parent);
        h.time += gaps[i];
        h.bits = i < 2 ? net->genesis.bits : net->limit_bits;
        h.nonce = nonces[i];
        mine(&h);
        cr_assert(i >= 2 || h.nonce == nonces[i]);
        header_serialize(out + HEADER_LEN * (i + 1), &h);
    }
}

Test(chainverify, judges_a_lode_chain_by_the_parameters_given, .timeout = 120)
{
    uint8_t bytes[6 * HEADER_LEN];
    char path[32];
    make_lode_chain(bytes);
    write_file(path, bytes, sizeof bytes);
    RUN(&c, "verify", "--network", "lode", path);
    json_t *o = json_line(c.out, 0);
    cr_assert_eq(c.status, 0);
    cr_assert_eq(number_of(o, "headers"), 6);
    cr_assert_str_eq(text_of(o, "work"), "0000000000000000000000000000000000000000000000000000000003030303");
    json_decref(o);
    RUN(&c, "verify", "--network", "lode", "--half-life", "2000", path);
    expect_bad(3, 3, "bits-wrong");
    RUN(&c, "verify", "--network", "lode", "--half-life", "1200", path);
    cr_assert_eq(c.status, 0);
    RUN(&c, "verify", "--network", "lode", "--spacing", "9000", path);
    expect_bad(3, 3, "bits-wrong");
    unlink(path);
    write_file(path, bytes + 3 * HEADER_LEN, 3 * HEADER_LEN); /* the anchor is not held: nBits pass, links do not */
    RUN(&c, "verify", "--network", "lode", "--from-height", "3", path);
    cr_assert_eq(c.status, 0);
    unlink(path);
}

Test(chainverify, the_forms_of_a_duration_are_those_of_the_coordinator, .timeout = 120)
{
    static const char *const forms[] = {"1200", "1200s", "20m", "1200000ms"};
    uint8_t bytes[6 * HEADER_LEN];
    char path[32];
    make_lode_chain(bytes);
    write_file(path, bytes, sizeof bytes);
    for (size_t i = 0; i < 4; i++) {
        RUN(&c, "verify", "--network", "lode", "--half-life", forms[i], path);
        cr_assert_eq(c.status, 0, "%s: %s", forms[i], c.err);
    }
    unlink(path);
}

Test(chainverify, wrong_nbits_hint_at_the_parameters_that_were_assumed, .timeout = 120)
{
    uint8_t bytes[6 * HEADER_LEN];
    char path[32];
    make_lode_chain(bytes);
    write_file(path, bytes, sizeof bytes);
    RUN(&c, "verify", "--network", "lode", "--half-life", "2000s", path);
    expect_bad(3, 3, "bits-wrong");
    json_t *o = json_line(c.out, 0);
    cr_assert_not_null(strstr(text_of(o, "hint"), "--spacing 10s --half-life 2000s"), "%s", c.out);
    json_decref(o);
    cr_assert_not_null(strstr(c.err, "--spacing 10s --half-life 2000s"), "%s", c.err);
    RUN(&c, "verify", "-o", "json", "--network", "lode", "--half-life", "2000s", path);
    cr_assert_str_eq(c.err, "");
    cr_assert_not_null(strstr(c.out, "\"hint\""));
    bytes[3 * HEADER_LEN + 5] ^= 1; /* another fault has no hint */
    unlink(path);
    write_file(path, bytes, sizeof bytes);
    RUN(&c, "verify", "--network", "lode", path);
    expect_bad(3, 3, "link");
    cr_assert_null(strstr(c.out, "\"hint\""));
    unlink(path);
}

Test(chainverify, wrong_usage_obeys_the_form_of_output)
{
    static const char *const lines[] = {
        "-o json chain verify --network nowhere x",
        "chain verify --network nowhere x -o json",
        "chain verify --spacing soon -o json --network lode x",
        "chain verify --frobnicate -ojson",
        "chain replay --output=json --network lode",
        "chain replay --from-height 3 --network lode x -o json",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct run r = run_line("", lines[i]);
        json_t *o = run_json(r.err);
        cr_assert_eq(r.status, 2, "%s", lines[i]);
        cr_assert_eq(number_of(o, "exit"), 2);
        cr_assert_str_eq(text_of(o, "code"), "usage");
        cr_assert_eq(r.out_len, 0);
        json_decref(o);
        run_free(&r);
    }
    struct run r = run_line("", "-o json chain verify --network lode /nonexistent/file");
    json_t *o = run_json(r.err);
    cr_assert_eq(r.status, 1);
    cr_assert_str_eq(text_of(o, "code"), "ENOENT");
    json_decref(o);
    run_free(&r);
}

Test(chainverify, wrong_usage_has_status_2_and_no_json)
{
    RUN(&c, "verify", "--network", "nowhere", "x");
    cr_assert_eq(c.status, 2);
    cr_assert_str_eq(c.out, "");
    cr_assert_not_null(strstr(c.err, "--network"));
    RUN(&c, "verify", "--network", "lode", "/nonexistent/file");
    cr_assert_eq(c.status, 1);
    cr_assert_str_eq(c.out, "");
    cr_assert_not_null(strstr(c.err, "/nonexistent/file"));
    RUN(&c, "verify", "--help");
    cr_assert_eq(c.status, 0);
}
