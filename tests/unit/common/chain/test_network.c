#include "chain_support.h"

#include <math.h>

#include "common/base/err.h"
#include "common/chain/block.h"
#include "common/chain/target.h"

/* A past as arrays: times[h], bits[h] for heights from low on. */
struct array_past {
    uint64_t low;
    const uint32_t *times, *bits;
};

static bool array_at(void *ctx, uint64_t height, uint32_t *time, uint32_t *bits)
{
    const struct array_past *a = ctx;
    if (height < a->low)
        return false;
    *time = a->times[height - a->low];
    *bits = a->bits[height - a->low];
    return true;
}

static struct network_past past_of(struct array_past *a, uint64_t height)
{
    return (struct network_past){.height = height, .at = array_at, .ctx = a};
}

static uint32_t next_bits(const struct network *net, struct array_past *a, uint64_t height, uint32_t time)
{
    struct network_past past = past_of(a, height);
    uint32_t bits = 0;
    cr_assert_eq(network_next_bits(net, &past, time, &bits), 0);
    return bits;
}

Test(network, every_genesis_has_its_hash_and_meets_its_own_target)
{
    size_t count = 0;
    for (const struct network *net; (net = network_at(count)); count++) {
        uint8_t hash[32];
        header_hash(hash, &net->genesis);
        cr_assert_arr_eq(hash, net->genesis_hash, 32);
        cr_assert_eq(pow_check(hash, net->genesis.bits, &net->limit), 0);
        cr_assert_eq(target_to_bits(&net->limit), net->limit_bits);
        cr_assert_eq(network_find(net->name), net);
    }
    cr_assert_eq(count, 6);
    cr_assert_null(network_find("bitcoin"));
    cr_assert_null(network_find(""));
}

Test(network, bitcoins_parameters_are_those_of_the_test_data)
{
    json_t *all = load_json("bitcoin/genesis_headers.json"), *one;
    size_t i, found = 0;
    json_array_foreach(all, i, one)
    {
        char name[64];
        snprintf(name, sizeof name, "bitcoin-%s", text_of(one, "network"));
        const struct network *net = network_find(name);
        if (!net) /* Core's regtest is not one of ours */
            continue;
        uint8_t raw[HEADER_LEN], wanted[HEADER_LEN];
        header_serialize(raw, &net->genesis);
        cr_assert_eq(bytes_from_hex(wanted, HEADER_LEN, text_of(one, "header"), 160), 0);
        cr_assert_arr_eq(raw, wanted, HEADER_LEN);
        struct u256 limit = number(text_of(one, "pow_limit"));
        cr_assert_eq(u256_compare(&limit, &net->limit), 0);
        found++;
    }
    cr_assert_eq(found, 4);
    json_decref(all);
}

Test(network, lodes_genesis_blocks_are_whole_and_their_constants_can_be_recomputed)
{
    static struct block b;
    for (size_t i = 0; i < 2; i++) {
        const struct network *net = network_at(i);
        cr_assert_eq(network_genesis(net, &b), 0);
        cr_assert_eq(block_check(&b, 0), 0);
        cr_assert_eq(b.coinbase.tag_len, 12);
        cr_assert_arr_eq(b.coinbase.tag, "Lode genesis", 12);
        cr_assert_eq(b.header.time, 1767225600u);
        /* The nonce is the first that works: the last ones before it do not (all of them took a minute, once). */
        uint8_t hash[32];
        struct header h = b.header;
        for (uint32_t n = h.nonce > 1000 ? h.nonce - 1000 : 0; n < b.header.nonce; n++) {
            h.nonce = n;
            header_hash(hash, &h);
            cr_assert_eq(pow_check(hash, h.bits, &net->limit), ERR_POW);
        }
    }
    cr_assert_eq(network_genesis(network_find("bitcoin-signet"), &b), ERR_NETWORK);
}

/* ---- Bitcoin's rule ---- */

Test(network, follows_mainnets_first_200_retargets)
{
    const struct network *net = network_find("bitcoin-mainnet");
    size_t len, rows = 0;
    char *text = test_slurp(test_data("bitcoin/mainnet_retargets_1_200.csv"), &len), *rest = text;
    (void)strsep(&rest, "\n");
    for (char *line; (line = strsep(&rest, "\n")) && *line; rows++) {
        unsigned long height;
        unsigned first, last, old_bits, new_bits;
        cr_assert_eq(sscanf(line, "%lu,%u,%u,%x,%x", &height, &first, &last, &old_bits, &new_bits), 5);
        static uint32_t times[NETWORK_INTERVAL], bits[NETWORK_INTERVAL];
        for (int i = 0; i < NETWORK_INTERVAL; i++)
            bits[i] = old_bits;
        times[0] = first;
        times[NETWORK_INTERVAL - 1] = last;
        struct array_past a = {.low = height - NETWORK_INTERVAL, .times = times, .bits = bits};
        cr_assert_eq(next_bits(net, &a, height - 1, 0), new_bits);
        cr_assert_eq(network_check_step(net, height, old_bits, new_bits), 0);
    }
    cr_assert_eq(rows, 200);
    free(text);
}

Test(network, follows_the_retarget_cases_of_the_vectors)
{
    const struct network *net = network_find("bitcoin-mainnet");
    json_t *all = load_json("bitcoin/nbits_vectors.json"), *one;
    size_t i, count = 0;
    json_array_foreach(json_object_get(all, "retarget_mainnet"), i, one)
    {
        static uint32_t times[NETWORK_INTERVAL], bits[NETWORK_INTERVAL];
        times[0] = (uint32_t)json_integer_value(json_object_get(one, "first_time"));
        times[NETWORK_INTERVAL - 1] = (uint32_t)json_integer_value(json_object_get(one, "last_time"));
        bits[NETWORK_INTERVAL - 1] = bits_of(one, "nbits");
        struct array_past a = {.low = 0, .times = times, .bits = bits};
        cr_assert_eq(next_bits(net, &a, NETWORK_INTERVAL - 1, 0), bits_of(one, "next"));
        count++;
    }
    cr_assert_eq(count, 4);
    json_decref(all);
}

Test(network, a_retarget_below_a_trusted_start_is_held_to_the_factor)
{
    const struct network *net = network_find("bitcoin-mainnet");
    uint32_t time = 1279297671, bits = 0x1c05a3f4;
    struct array_past a = {.low = 68543, .times = &time, .bits = &bits};
    struct network_past past = past_of(&a, 68543);
    uint32_t next;
    cr_assert_eq(network_next_bits(net, &past, 0, &next), ERR_NOT_FOUND);
    cr_assert_eq(network_check_step(net, 68544, bits, 0x1c0168fd), 0); /* exactly a quarter: what came */
    cr_assert_eq(network_check_step(net, 68544, bits, 0x1c0168fc), ERR_BITS_WRONG);
    cr_assert_eq(network_check_step(net, 68544, bits, 0x1c168fd0), 0);
    cr_assert_eq(network_check_step(net, 68544, bits, 0x1c168fd1), ERR_BITS_WRONG);
    cr_assert_eq(network_check_step(net, 68543, bits, 0x1c0168fd), ERR_BITS_WRONG);
    cr_assert_eq(network_check_step(net, 68543, bits, bits), 0);
    struct header h = {.version = 1, .time = time + 1, .bits = 0x1c0168fc};
    cr_assert_eq(network_check_header(net, &past, &h, NETWORK_NO_CLOCK), ERR_BITS_WRONG);
    h.bits = 0x1c0168fd;
    cr_assert_eq(network_check_header(net, &past, &h, NETWORK_NO_CLOCK), 0);
}

Test(network, testnet3_eases_after_20_minutes_and_goes_back_to_the_real_nbits)
{
    const struct network *net = network_find("bitcoin-testnet3");
    const uint32_t limit = net->limit_bits, real = 0x1b0404cb;
    static uint32_t times[5000], bits[5000];
    for (uint32_t i = 0; i < 5000; i++) {
        times[i] = 1000000 + 600 * i;
        bits[i] = real;
    }
    struct array_past a = {.low = 0, .times = times, .bits = bits};
    cr_assert_eq(next_bits(net, &a, 2100, times[2100] + 1200), real);
    cr_assert_eq(next_bits(net, &a, 2100, times[2100] + 1201), limit);
    for (int i = 2050; i <= 2100; i++)
        bits[i] = limit;
    cr_assert_eq(next_bits(net, &a, 2100, times[2100] + 600), real);
    for (int i = 2016; i <= 2100; i++)
        bits[i] = limit; /* the walk back ends at the period's first block */
    cr_assert_eq(next_bits(net, &a, 2100, times[2100] + 600), limit);
    /* At a retarget the base is the last block's nBits, eased or not: the 20 minutes do not count there. */
    cr_assert_eq(next_bits(net, &a, 4031, times[4031] + 5000), 0x1b040448);
    bits[4031] = limit;
    cr_assert_eq(next_bits(net, &a, 4031, times[4031] + 600), 0x1d00ffde);
    /* mainnet has no exception at all */
    cr_assert_eq(next_bits(network_find("bitcoin-mainnet"), &a, 2100, times[2100] + 5000), limit);
    a.low = 2090;
    a.times += 2090;
    a.bits += 2090;
    struct network_past past = past_of(&a, 2100);
    uint32_t next;
    cr_assert_eq(network_next_bits(net, &past, times[2100] + 600, &next), ERR_NOT_FOUND);
}

Test(network, testnet4_retargets_from_the_periods_first_nbits)
{
    const struct network *net = network_find("bitcoin-testnet4");
    static uint32_t times[2016], bits[2016];
    for (uint32_t i = 0; i < 2016; i++) {
        times[i] = 1800000000 + 300 * i; /* twice as fast as wanted */
        bits[i] = net->limit_bits;
    }
    bits[0] = 0x1b0404cb;
    struct array_past a = {.low = 0, .times = times, .bits = bits};
    cr_assert_eq(next_bits(net, &a, 2015, times[2015] + 300), 0x1b020224);
    cr_assert_eq(next_bits(net, &a, 100, times[100] + 600), 0x1b0404cb);
    cr_assert_eq(next_bits(net, &a, 100, times[100] + 1201), net->limit_bits);

    struct network_past past = past_of(&a, 2015);
    struct header h = {.version = 4, .bits = 0x1b020224, .time = times[2015] - 600};
    cr_assert_eq(network_check_header(net, &past, &h, NETWORK_NO_CLOCK), 0);
    h.time--;
    cr_assert_eq(network_check_header(net, &past, &h, NETWORK_NO_CLOCK), ERR_TIME_WARP);
}

/* ---- time and version ---- */

Test(network, the_median_is_of_eleven_or_of_all_there_are)
{
    const uint32_t times[] = {100, 90, 80, 70, 200, 210, 220, 230, 5, 6, 7, 8, 9};
    const uint32_t bits[13] = {0};
    struct array_past a = {.low = 0, .times = times, .bits = bits};
    const uint32_t wanted[] = {100, 100, 90, 90, 90, 100, 100, 200, 100, 100, 90, 80, 70};
    for (uint64_t h = 0; h < 13; h++) {
        struct network_past past = past_of(&a, h);
        cr_assert_eq(network_median_time(&past), wanted[h]);
    }
    a.low = 1; /* a trusted start at 1: twelve headers are enough for heights from 11 on */
    struct network_past past = past_of(&a, 10);
    cr_assert_eq(network_median_time(&past), 0);
    past.height = 11;
    cr_assert_neq(network_median_time(&past), 0);
}

Test(network, time_must_be_above_the_median_and_at_most_two_hours_ahead)
{
    const struct network *net = network_find("lode-regtest");
    const uint32_t times[] = {1000, 2000, 3000}, bits[3] = {0};
    struct array_past a = {.low = 0, .times = times, .bits = bits};
    struct network_past past = past_of(&a, 2);
    struct header h = {.version = 1, .bits = 0x207fffff, .time = 2000};
    cr_assert_eq(network_check_header(net, &past, &h, 0), ERR_TIME_OLD);
    h.time = 2001;
    cr_assert_eq(network_check_header(net, &past, &h, 2001 - 7200), 0);
    cr_assert_eq(network_check_header(net, &past, &h, 2000 - 7200), ERR_TIME_NEW);
    h.time = UINT32_MAX;
    cr_assert_eq(network_check_header(net, &past, &h, 0), ERR_TIME_NEW);
    cr_assert_eq(network_check_header(net, &past, &h, NETWORK_NO_CLOCK), 0);
    h.bits = 0x207ffffe;
    cr_assert_eq(network_check_header(net, &past, &h, NETWORK_NO_CLOCK), ERR_BITS_WRONG);
}

static int version_at(const char *name, uint64_t height, int32_t version)
{
    const struct network *net = network_find(name);
    static uint32_t times[NETWORK_INTERVAL], bits[NETWORK_INTERVAL];
    for (int i = 0; i < NETWORK_INTERVAL; i++)
        bits[i] = net->genesis.bits;
    struct array_past a = {
        .low = height > NETWORK_INTERVAL ? height - NETWORK_INTERVAL : 0, .times = times, .bits = bits};
    struct network_past past = past_of(&a, height - 1);
    struct header h = {.version = version, .time = 1, .bits = net->genesis.bits};
    return network_check_header(net, &past, &h, NETWORK_NO_CLOCK);
}

Test(network, old_versions_end_at_the_buried_heights)
{
    cr_assert_eq(version_at("bitcoin-mainnet", 227930, 1), 0);
    cr_assert_eq(version_at("bitcoin-mainnet", 227931, 1), ERR_BAD_VERSION);
    cr_assert_eq(version_at("bitcoin-mainnet", 227931, 2), 0);
    cr_assert_eq(version_at("bitcoin-mainnet", 363724, 2), 0);
    cr_assert_eq(version_at("bitcoin-mainnet", 363725, 2), ERR_BAD_VERSION);
    cr_assert_eq(version_at("bitcoin-mainnet", 388380, 3), 0);
    cr_assert_eq(version_at("bitcoin-mainnet", 388381, 3), ERR_BAD_VERSION);
    cr_assert_eq(version_at("bitcoin-mainnet", 388381, 4), 0);
    cr_assert_eq(version_at("bitcoin-mainnet", 1, -1), 0);
    cr_assert_eq(version_at("bitcoin-testnet3", 21110, 1), 0);
    cr_assert_eq(version_at("bitcoin-testnet3", 21111, 1), ERR_BAD_VERSION);
    cr_assert_eq(version_at("bitcoin-testnet3", 581885, 3), ERR_BAD_VERSION);
    cr_assert_eq(version_at("bitcoin-testnet4", 1, 3), ERR_BAD_VERSION);
    cr_assert_eq(version_at("bitcoin-signet", 1, 3), ERR_BAD_VERSION);
    cr_assert_eq(version_at("bitcoin-signet", 1, 0x20000000), 0);
    cr_assert_eq(version_at("lode-regtest", 1, 0), ERR_BAD_VERSION);
    cr_assert_eq(version_at("lode-regtest", 1, 1), 0);
}

/* ---- ASERT ---- */

enum { SPACING = 600, HALF_LIFE = 172800 };

static struct network asert_network(void)
{
    struct network net = *network_find("bitcoin-mainnet"); /* the limit of the specification's vectors */
    net.rule = NETWORK_ASERT;
    net.spacing_s = SPACING;
    net.half_life_s = HALF_LIFE;
    return net;
}

Test(network, asert_keeps_doubles_and_halves_exactly)
{
    struct network net = asert_network();
    const uint32_t anchor = 0x1b0404cb;
    cr_assert_eq(network_asert(&net, anchor, 0, 0), anchor);
    cr_assert_eq(network_asert(&net, anchor, 600 * 1000, 1000), anchor);
    cr_assert_eq(network_asert(&net, anchor, 600 * 1000 + HALF_LIFE, 1000), 0x1b080996);
    cr_assert_eq(network_asert(&net, anchor, 600 * 1000 - HALF_LIFE, 1000), 0x1b020265);
    cr_assert_eq(network_asert(&net, anchor, -HALF_LIFE, 0), 0x1b020265);
    cr_assert_eq(network_asert(&net, anchor, 0, 288), 0x1b020265); /* 288 blocks at once: two days early */
    cr_assert_eq(network_asert(&net, anchor, 8 * HALF_LIFE, 0), 0x1c0404cb);
    cr_assert_eq(network_asert(&net, anchor, -8 * HALF_LIFE, 0), 0x1a0404cb);
}

Test(network, asert_stops_at_the_limit_and_at_one)
{
    struct network net = asert_network();
    cr_assert_eq(network_asert(&net, 0x1d00ffff, 1, 0), 0x1d00ffff);
    cr_assert_eq(network_asert(&net, 0x1d00ffff, HALF_LIFE, 0), 0x1d00ffff);
    cr_assert_eq(network_asert(&net, 0x1b0404cb, INT32_MAX, 0), 0x1d00ffff);
    cr_assert_eq(network_asert(&net, 0x1b0404cb, INT64_MAX, 0), 0x1d00ffff);
    cr_assert_eq(network_asert(&net, 0x1d00ffff, INT64_MIN, UINT64_MAX), 0x01010000);
    cr_assert_eq(network_asert(&net, 0x01010000, -HALF_LIFE * 300, 0), 0x01010000);
    /* Lode's limit is so easy that target times factor takes 257 bits on the way. */
    struct network lode = *network_find("lode");
    cr_assert_eq(network_asert(&lode, 0x1f00ffff, 599, 0), 0x1f00ffff);
    cr_assert_eq(network_asert(&lode, 0x1f00ffff, -1, 0), 0x1f00ffb4);
    struct network easy = *network_find("lode-regtest");
    easy.rule = NETWORK_ASERT;
    easy.half_life_s = 600;
    cr_assert_eq(network_asert(&easy, 0x207fffff, 599, 0), 0x207fffff);
    cr_assert_eq(network_asert(&easy, 0x207fffff, -600, 0), 0x203fffff);
    cr_assert_eq(network_asert(&easy, 0x207fffff, 100 * 600, 0), 0x207fffff);
    cr_assert_eq(network_asert(&easy, 0x20400000, 100 * 600, 0), 0x207fffff); /* all of it above 2^256 */
}

Test(network, asert_agrees_with_another_programs_integers)
{
    /* Rows made by the specification's formula over Python's unbounded integers, limit 0x1d00ffff. */
    static const struct {
        uint32_t anchor;
        int64_t time_delta;
        uint64_t height_delta;
        uint32_t bits;
    } rows[] = {
        {0x1a2b3c4d, 45113619, 79507, 0x1856f79b},  {0x03012345, 62855523, 103824, 0x030acdd0},
        {0x1a2b3c4d, 11273369, 23619, 0x1819566e},  {0x1804dafe, 64317116, 105274, 0x1901eeb4},
        {0x1d00ffff, 7393932, 15426, 0x1b2570ba},   {0x1b0404cb, 83978153, 140687, 0x1b00b45d},
        {0x1d00ffff, 26266470, 45262, 0x1c072ff4},  {0x1d00ffff, 33506719, 56203, 0x1c6c09d3},
        {0x0a008000, 99498370, 167952, 0x0900c6a6}, {0x0a008000, 40908855, 71237, 0x0814f860},
        {0x1a2b3c4d, 47708682, 81225, 0x1a00b462},  {0x03012345, 114784459, 191861, 0x024cdd00},
        {0x1804dafe, 94666337, 158820, 0x17650a22}, {0x03012345, 61804647, 101694, 0x031addc2},
        {0x1a2b3c4d, 26582289, 46606, 0x192b6d1c},  {0x1c7fffff, 41332890, 73399, 0x1b00a1b5},
        {0x0a008000, 85198643, 143560, 0x0902faee}, {0x1804dafe, 47263360, 76530, 0x19042f77},
        {0x03012345, 49844136, 81726, 0x031d2581},  {0x1a2b3c4d, 65206313, 108513, 0x1a402f32},
        {0x1b0404cb, 45489850, 75550, 0x1b07a199},  {0x1c7fffff, 23873834, 42289, 0x1b4fffbf},
        {0x1d00ffff, 34023682, 68067, 0x18017771},  {0x0a008000, 4024510, 11334, 0x077a7140},
        {0x1804dafe, 74569810, 121286, 0x1919bcc0}, {0x1d00ffff, 77126668, 136019, 0x19421bfd},
        {0x03012345, 73539177, 123532, 0x021c6f00}, {0x1a2b3c4d, 104160789, 176627, 0x19079c8e},
        {0x1804dafe, 63170724, 108211, 0x170115e7}, {0x03012345, 99754050, 165849, 0x0303090f},
        {0x1d00ffff, 25908676, 48156, 0x1a69df56},  {0x1c7fffff, 118966549, 195806, 0x1d00ffff},
        {0x1d00ffff, 95101920, 166312, 0x191d92f2}, {0x1a2b3c4d, 48278276, 84812, 0x1850ce03},
        {0x0a008000, 8153896, 16150, 0x08451a80},   {0x1d00ffff, 86409382, 152620, 0x19045bcf},
        {0x0a008000, 34910829, 62237, 0x0801e7a7},  {0x1d00ffff, 25483551, 46540, 0x1b03ac6e},
        {0x1c7fffff, 941126, 6730, 0x1a21c99f},     {0x1d00ffff, 108981015, 182790, 0x1c0fe2d8},
    };
    struct network net = asert_network();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        cr_assert_eq(network_asert(&net, rows[i].anchor, rows[i].time_delta, rows[i].height_delta), rows[i].bits);
}

Test(network, asert_stays_within_its_error_of_the_true_power)
{
    struct network net = asert_network();
    uint64_t state = 23;
    for (int i = 0; i < 20000; i++) {
        uint64_t blocks = next_random(&state) % 100000;
        int64_t late = (int64_t)(next_random(&state) % (40 * HALF_LIFE)) - 30 * HALF_LIFE;
        struct u256 anchor = target_decode(0x1a7fffff).value;
        uint32_t bits = network_asert(&net, 0x1a7fffff, late + (int64_t)blocks * SPACING, blocks);
        double wanted = u256_to_double(&anchor) * exp2((double)late / HALF_LIFE);
        double limit = u256_to_double(&net.limit);
        struct u256 got_target = target_decode(bits).value;
        double got = u256_to_double(&got_target);
        /* 0.013 % of the cubic, 1/32768 of the compact form's mantissa, 1/65536 half-lives of the exponent */
        cr_assert_lt(fabs(got / fmin(wanted, limit) - 1), 0.00013 + 0.00004 + 0.00002);
    }
}

Test(network, lodes_block_1_takes_the_genesis_nbits_and_is_the_anchor)
{
    struct network net = *network_find("lode");
    /* Five years between the fixed genesis and the first block do not count. */
    uint32_t times[] = {net.genesis.time, 1925000000, 1925000010, 1925000020};
    uint32_t bits[] = {net.genesis.bits, net.genesis.bits, net.genesis.bits, net.genesis.bits};
    struct array_past a = {.low = 0, .times = times, .bits = bits};
    for (uint64_t h = 0; h < 4; h++)
        cr_assert_eq(next_bits(&net, &a, h, 0), net.genesis.bits);
    times[3] += 600;
    cr_assert_eq(next_bits(&net, &a, 3, 0), 0x1e01fffe);
    net.half_life_s = 300;
    cr_assert_eq(next_bits(&net, &a, 3, 0), 0x1e03fffc);
    net.spacing_s = 160; /* now 620 seconds for two blocks are 300 late: one half-life */
    cr_assert_eq(next_bits(&net, &a, 3, 0), 0x1e01fffe);
    a.low = 2;
    a.times += 2;
    a.bits += 2;
    struct network_past past = past_of(&a, 3);
    uint32_t next;
    cr_assert_eq(network_next_bits(&net, &past, 0, &next), ERR_NOT_FOUND);
}
