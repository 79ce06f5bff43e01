#include "common/chain/network.h"

#include <string.h>

#include "common/base/check.h"
#include "common/base/err.h"
#include "common/chain/target.h"

/* Merkle roots of the genesis blocks: of the record with tag "Lode genesis", height 0 and extranonce 0; and of
 * Bitcoin's first transaction, which three of its networks share. */
#define LODE_MERKLE                                                                                                    \
    {                                                                                                                  \
        0x42, 0xfb, 0x2f, 0x48, 0x73, 0x24, 0xe9, 0x6e, 0x47, 0x62, 0x7d, 0xdc, 0xc6, 0xa4, 0x06, 0xe5, 0x85, 0x92,    \
            0xde, 0xf0, 0x16, 0x69, 0x6e, 0x1f, 0x09, 0x79, 0x41, 0xb5, 0x60, 0xfd, 0xd2, 0x0b                         \
    }
#define SATOSHI_MERKLE                                                                                                 \
    {                                                                                                                  \
        0x3b, 0xa3, 0xed, 0xfd, 0x7a, 0x7b, 0x12, 0xb2, 0x7a, 0xc7, 0x2c, 0x3e, 0x67, 0x76, 0x8f, 0x61, 0x7f, 0xc8,    \
            0x1b, 0xc3, 0x88, 0x8a, 0x51, 0x32, 0x3a, 0x9f, 0xb8, 0xaa, 0x4b, 0x1e, 0x5e, 0x4a                         \
    }

static const char genesis_tag[] = "Lode genesis";

/* Bitcoin's headers had any version before BIP 34, 66 and 65 (at the heights given) were buried. */
static const struct network networks[] = {
    {
        .name = "lode",
        .rule = NETWORK_ASERT,
        .limit = {{0, 0, 0, 0x0000ffff00000000}},
        .limit_bits = 0x1f00ffff,
        .spacing_s = 10,
        .half_life_s = 600,
        .version_at = {UINT64_MAX, UINT64_MAX, UINT64_MAX},
        .version_min = 1,
        .lode = true,
        .genesis = {.version = 1, .merkle = LODE_MERKLE, .time = 1767225600, .bits = 0x1e00ffff, .nonce = 4289389u},
        .genesis_hash = {0xac, 0x48, 0x5e, 0x5a, 0x0e, 0x21, 0xf4, 0x59, 0x4d, 0xae, 0x7e,
                         0x87, 0x80, 0xb4, 0x29, 0xf9, 0x5c, 0x2e, 0x92, 0x02, 0x4d, 0x0d,
                         0xb6, 0x46, 0xae, 0x19, 0xa2, 0xc1, 0xd6, 0x00, 0x00, 0x00},
    },
    {
        .name = "lode-regtest",
        .rule = NETWORK_NO_RETARGET,
        .limit = {{0, 0, 0, 0x7fffff0000000000}},
        .limit_bits = 0x207fffff,
        .spacing_s = 10,
        .half_life_s = 0,
        .version_at = {UINT64_MAX, UINT64_MAX, UINT64_MAX},
        .version_min = 1,
        .lode = true,
        .genesis = {.version = 1, .merkle = LODE_MERKLE, .time = 1767225600, .bits = 0x207fffff, .nonce = 1u},
        .genesis_hash = {0x57, 0x45, 0x66, 0x2b, 0xdf, 0xcb, 0x37, 0x53, 0xf3, 0xaf, 0xc8,
                         0xbf, 0xae, 0x2a, 0x61, 0xb5, 0x67, 0xe2, 0x6e, 0xa0, 0xe4, 0x19,
                         0xb9, 0x91, 0x44, 0xa3, 0x7c, 0xa9, 0x30, 0x39, 0x6a, 0x78},
    },
    {
        .name = "bitcoin-mainnet",
        .rule = NETWORK_BITCOIN,
        .limit = {{0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0x00000000ffffffff}},
        .limit_bits = 0x1d00ffff,
        .spacing_s = 600,
        .half_life_s = 0,
        .version_at = {227931, 363725, 388381},
        .version_min = INT32_MIN,
        .lode = false,
        .genesis =
            {.version = 1, .merkle = SATOSHI_MERKLE, .time = 1231006505, .bits = 0x1d00ffff, .nonce = 2083236893u},
        .genesis_hash = {0x6f, 0xe2, 0x8c, 0x0a, 0xb6, 0xf1, 0xb3, 0x72, 0xc1, 0xa6, 0xa2,
                         0x46, 0xae, 0x63, 0xf7, 0x4f, 0x93, 0x1e, 0x83, 0x65, 0xe1, 0x5a,
                         0x08, 0x9c, 0x68, 0xd6, 0x19, 0x00, 0x00, 0x00, 0x00, 0x00},
    },
    {
        .name = "bitcoin-testnet3",
        .rule = NETWORK_TESTNET3,
        .limit = {{0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0x00000000ffffffff}},
        .limit_bits = 0x1d00ffff,
        .spacing_s = 600,
        .half_life_s = 0,
        .version_at = {21111, 330776, 581885},
        .version_min = INT32_MIN,
        .lode = false,
        .genesis =
            {.version = 1, .merkle = SATOSHI_MERKLE, .time = 1296688602, .bits = 0x1d00ffff, .nonce = 414098458u},
        .genesis_hash = {0x43, 0x49, 0x7f, 0xd7, 0xf8, 0x26, 0x95, 0x71, 0x08, 0xf4, 0xa3,
                         0x0f, 0xd9, 0xce, 0xc3, 0xae, 0xba, 0x79, 0x97, 0x20, 0x84, 0xe9,
                         0x0e, 0xad, 0x01, 0xea, 0x33, 0x09, 0x00, 0x00, 0x00, 0x00},
    },
    {
        .name = "bitcoin-testnet4",
        .rule = NETWORK_TESTNET4,
        .limit = {{0xffffffffffffffff, 0xffffffffffffffff, 0xffffffffffffffff, 0x00000000ffffffff}},
        .limit_bits = 0x1d00ffff,
        .spacing_s = 600,
        .half_life_s = 0,
        .version_at = {1, 1, 1},
        .version_min = INT32_MIN,
        .lode = false,
        .genesis = {.version = 1,
                    .merkle = {0x4e, 0x7b, 0x2b, 0x91, 0x28, 0xfe, 0x02, 0x91, 0xdb, 0x06, 0x93,
                               0xaf, 0x2a, 0xe4, 0x18, 0xb7, 0x67, 0xe6, 0x57, 0xcd, 0x40, 0x7e,
                               0x80, 0xcb, 0x14, 0x34, 0x22, 0x1e, 0xae, 0xa7, 0xa0, 0x7a},
                    .time = 1714777860,
                    .bits = 0x1d00ffff,
                    .nonce = 393743547u},
        .genesis_hash = {0x43, 0xf0, 0x8b, 0xda, 0xb0, 0x50, 0xe3, 0x5b, 0x56, 0x7c, 0x86,
                         0x4b, 0x91, 0xf4, 0x7f, 0x50, 0xae, 0x72, 0x5a, 0xe2, 0xde, 0x53,
                         0xbc, 0xfb, 0xba, 0xf2, 0x84, 0xda, 0x00, 0x00, 0x00, 0x00},
    },
    {
        .name = "bitcoin-signet",
        .rule = NETWORK_BITCOIN,
        .limit = {{0, 0, 0, 0x00000377ae000000}},
        .limit_bits = 0x1e0377ae,
        .spacing_s = 600,
        .half_life_s = 0,
        .version_at = {1, 1, 1},
        .version_min = INT32_MIN,
        .lode = false,
        .genesis = {.version = 1, .merkle = SATOSHI_MERKLE, .time = 1598918400, .bits = 0x1e0377ae, .nonce = 52613770u},
        .genesis_hash = {0xf6, 0x1e, 0xee, 0x3b, 0x63, 0xa3, 0x80, 0xa4, 0x77, 0xa0, 0x63,
                         0xaf, 0x32, 0xb2, 0xbb, 0xc9, 0x7c, 0x9f, 0xf9, 0xf0, 0x1f, 0x2c,
                         0x42, 0x25, 0xe9, 0x73, 0x98, 0x81, 0x08, 0x00, 0x00, 0x00},
    },
};

const struct network *network_at(size_t i)
{
    return i < ARRAY_LEN(networks) ? &networks[i] : NULL;
}

const struct network *network_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(networks); i++)
        if (strcmp(networks[i].name, name) == 0)
            return &networks[i];
    return NULL;
}

int network_genesis(const struct network *self, struct block *out)
{
    if (!self->lode)
        return ERR_NETWORK;
    *out = (struct block){.header = self->genesis, .coinbase.tag_len = sizeof genesis_tag - 1};
    memcpy(out->coinbase.tag, genesis_tag, sizeof genesis_tag - 1);
    return 0;
}

static bool may_ease(const struct network *self)
{
    return self->rule == NETWORK_TESTNET3 || self->rule == NETWORK_TESTNET4;
}

static int64_t period_s(const struct network *self)
{
    return (int64_t)NETWORK_INTERVAL * self->spacing_s;
}

/* base * actual / period, at most the limit; exact for any limit, as the product has a fifth word. */
static uint32_t scale(const struct network *self, uint32_t base, int64_t actual)
{
    __extension__ typedef unsigned __int128 wide;
    struct u256 target = target_decode(base).value;
    uint64_t period = (uint64_t)period_s(self), rest = u256_mul_u64(&target, &target, (uint64_t)actual);
    if (rest >= period) /* the quotient itself is over 256 bits */
        return self->limit_bits;
    for (int i = 3; i >= 0; i--) {
        wide part = (wide)rest << 64 | target.limb[i];
        target.limb[i] = (uint64_t)(part / period);
        rest = (uint64_t)(part % period);
    }
    if (u256_compare(&target, &self->limit) > 0)
        target = self->limit;
    return target_to_bits(&target);
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

/* At the first block of a period: from the first to the last block of the one before, which is 2015 intervals and not
 * 2016, as Bitcoin always did. */
static int bits_of_period(const struct network *self, const struct network_past *past, uint32_t *bits)
{
    uint32_t first_time, first_bits, last_time, last_bits;
    if (!past->at(past->ctx, past->height, &last_time, &last_bits) || past->height < NETWORK_INTERVAL - 1 ||
        !past->at(past->ctx, past->height - (NETWORK_INTERVAL - 1), &first_time, &first_bits))
        return ERR_NOT_FOUND;
    int64_t actual = clamp((int64_t)last_time - first_time, period_s(self) / 4, period_s(self) * 4);
    *bits = scale(self, self->rule == NETWORK_TESTNET4 ? first_bits : last_bits, actual);
    return 0;
}

/* Within a period on a testnet: the easiest target 20 minutes after the parent, else that of the last block which did
 * not use this exception (or of the period's first block). */
static int bits_of_testnet(const struct network *self, const struct network_past *past, uint32_t time_s, uint32_t *bits)
{
    uint32_t time;
    if (!past->at(past->ctx, past->height, &time, bits))
        return ERR_NOT_FOUND;
    if (time_s > (int64_t)time + 2 * (int64_t)self->spacing_s) {
        *bits = self->limit_bits;
        return 0;
    }
    for (uint64_t h = past->height; h % NETWORK_INTERVAL != 0 && *bits == self->limit_bits; h--)
        if (!past->at(past->ctx, h - 1, &time, bits))
            return ERR_NOT_FOUND;
    return 0;
}

static int bits_of_bitcoin(const struct network *self, const struct network_past *past, uint32_t time_s, uint32_t *bits)
{
    uint32_t time;
    if ((past->height + 1) % NETWORK_INTERVAL == 0)
        return bits_of_period(self, past, bits);
    if (may_ease(self))
        return bits_of_testnet(self, past, time_s, bits);
    return past->at(past->ctx, past->height, &time, bits) ? 0 : ERR_NOT_FOUND;
}

static int bits_of_asert(const struct network *self, const struct network_past *past, uint32_t *bits)
{
    uint32_t parent_time, parent_bits, anchor_time, anchor_bits;
    if (past->height == 0) {
        *bits = self->genesis.bits;
        return 0;
    }
    if (!past->at(past->ctx, past->height, &parent_time, &parent_bits) ||
        !past->at(past->ctx, 1, &anchor_time, &anchor_bits))
        return ERR_NOT_FOUND;
    *bits = network_asert(self, anchor_bits, (int64_t)parent_time - anchor_time, past->height - 1);
    return 0;
}

int network_next_bits(const struct network *self, const struct network_past *past, uint32_t time_s, uint32_t *bits)
{
    switch (self->rule) {
    case NETWORK_NO_RETARGET:
        *bits = self->genesis.bits;
        return 0;
    case NETWORK_ASERT:
        return bits_of_asert(self, past, bits);
    case NETWORK_BITCOIN:
    case NETWORK_TESTNET3:
    case NETWORK_TESTNET4:
        break;
    }
    return bits_of_bitcoin(self, past, time_s, bits);
}

int network_check_step(const struct network *self, uint64_t height, uint32_t old_bits, uint32_t new_bits)
{
    if (self->rule != NETWORK_BITCOIN)
        return 0;
    if (height % NETWORK_INTERVAL != 0)
        return old_bits == new_bits ? 0 : ERR_BITS_WRONG;
    struct u256 target = target_decode(new_bits).value;
    struct u256 hardest = target_decode(scale(self, old_bits, period_s(self) / 4)).value;
    struct u256 easiest = target_decode(scale(self, old_bits, period_s(self) * 4)).value;
    bool within = u256_compare(&hardest, &target) <= 0 && u256_compare(&target, &easiest) <= 0;
    return within ? 0 : ERR_BITS_WRONG;
}

uint32_t network_median_time(const struct network_past *past)
{
    uint32_t sorted[NETWORK_MEDIAN_SPAN] = {0}, time, bits;
    size_t span = past->height + 1 < NETWORK_MEDIAN_SPAN ? (size_t)past->height + 1 : NETWORK_MEDIAN_SPAN;
    for (size_t n = 0; n < span; n++) {
        if (!past->at(past->ctx, past->height - n, &time, &bits))
            return 0;
        size_t i = n;
        for (; i > 0 && sorted[i - 1] > time; i--)
            sorted[i] = sorted[i - 1];
        sorted[i] = time;
    }
    return sorted[span / 2];
}

static int check_bits(const struct network *self, const struct network_past *past, const struct header *header)
{
    uint32_t wanted, time;
    int err = network_next_bits(self, past, header->time, &wanted);
    if (err == ERR_NOT_FOUND) /* below a trusted start: at least no step that no period allows */
        return past->at(past->ctx, past->height, &time, &wanted)
                   ? network_check_step(self, past->height + 1, wanted, header->bits)
                   : 0;
    TRY(err);
    return header->bits == wanted ? 0 : ERR_BITS_WRONG;
}

static int check_time(const struct network *self, const struct network_past *past, const struct header *header,
                      int64_t now_s)
{
    uint32_t parent_time, bits;
    if (header->time <= network_median_time(past))
        return ERR_TIME_OLD;
    if (self->rule == NETWORK_TESTNET4 && (past->height + 1) % NETWORK_INTERVAL == 0 &&
        past->at(past->ctx, past->height, &parent_time, &bits) &&
        (int64_t)header->time < (int64_t)parent_time - NETWORK_TIMEWARP_S)
        return ERR_TIME_WARP;
    if (now_s != NETWORK_NO_CLOCK && (int64_t)header->time > now_s + NETWORK_FUTURE_S)
        return ERR_TIME_NEW;
    return 0;
}

static int check_version(const struct network *self, uint64_t height, int32_t version)
{
    if (version < self->version_min)
        return ERR_BAD_VERSION;
    for (int i = 0; i < 3; i++)
        if (height >= self->version_at[i] && version < i + 2)
            return ERR_BAD_VERSION;
    return 0;
}

int network_check_header(const struct network *self, const struct network_past *past, const struct header *header,
                         int64_t now_s)
{
    TRY(check_bits(self, past, header));
    TRY(check_time(self, past, header, now_s));
    return check_version(self, past->height + 1, header->version);
}

/* Exponent in 1/65536, rounded toward zero like the specification's integer division. Clamped where the result is at
 * the limit or at 1 whatever the rest says, so that it cannot overflow. */
static int32_t asert_exponent(const struct network *self, int64_t time_delta_s, uint64_t height_delta)
{
    __extension__ typedef __int128 wide;
    wide late = (wide)time_delta_s - (wide)self->spacing_s * (wide)height_delta;
    wide exponent = late * 65536 / self->half_life_s;
    const wide bound = 1024 * 65536;
    return (int32_t)(exponent < -bound ? -bound : exponent > bound ? bound : exponent);
}

/* product = low + high * 2^256, times 2^shift; false when that is over 256 bits. */
static bool shift_wide(struct u256 *low, uint64_t high, int32_t shift)
{
    if (shift > 0) {
        if (high != 0 || (!u256_is_zero(low) && u256_bits(low) + (unsigned)shift > 256))
            return false;
        *low = u256_shl(low, (unsigned)shift);
        return true;
    }
    unsigned down = (unsigned)-shift;
    if (high != 0 && (down >= 64 ? 0 : high >> down) != 0)
        return false;
    struct u256 upper = u256_from_u64(high), shifted = u256_shr(low, down);
    upper = down <= 256 ? u256_shl(&upper, 256 - down) : u256_shr(&upper, down - 256);
    (void)u256_add(low, &shifted, &upper);
    return true;
}

uint32_t network_asert(const struct network *self, uint32_t anchor_bits, int64_t time_delta_s, uint64_t height_delta)
{
    CHECK(self->half_life_s > 0);
    int32_t exponent = asert_exponent(self, time_delta_s, height_delta);
    int32_t shift = exponent >> 16; /* arithmetic: rounds down, so that the fraction is 0 or more */
    uint64_t fraction = (uint16_t)exponent;
    /* 2^fraction by the specification's cubic, error under 0.013 %, in 1/65536. */
    uint64_t factor = 65536 + ((UINT64_C(195766423245049) * fraction + UINT64_C(971821376) * fraction * fraction +
                                UINT64_C(5127) * fraction * fraction * fraction + (UINT64_C(1) << 47)) >>
                               48);
    struct u256 target = target_decode(anchor_bits).value;
    uint64_t high = u256_mul_u64(&target, &target, factor);
    if (!shift_wide(&target, high, shift - 16) || u256_compare(&target, &self->limit) > 0)
        return self->limit_bits;
    if (u256_is_zero(&target))
        target = u256_from_u64(1);
    return target_to_bits(&target);
}
