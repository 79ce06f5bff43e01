/* chain_support.h - what several tests of the chain need: hex, random numbers, mining at the easiest target. */
#ifndef TESTS_UNIT_COMMON_CHAIN_CHAIN_SUPPORT_H
#define TESTS_UNIT_COMMON_CHAIN_CHAIN_SUPPORT_H

#include "test.h"

#include <jansson.h>

#include "common/base/bytes.h"
#include "common/chain/header.h"
#include "common/chain/network.h"
#include "common/chain/pow.h"
#include "common/chain/u256.h"

static inline uint64_t next_random(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static inline struct u256 number(const char *hex)
{
    struct u256 v;
    cr_assert_eq(u256_from_hex(&v, hex, strlen(hex)), 0);
    return v;
}

static inline json_t *load_json(const char *name)
{
    json_t *root = json_load_file(test_data(name), 0, NULL);
    cr_assert_not_null(root);
    return root;
}

static inline const char *text_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static inline uint32_t bits_of(const json_t *object, const char *key)
{
    return (uint32_t)strtoul(text_of(object, key), NULL, 16);
}

/* Finds a nonce; meant for targets that need a handful of tries. */
static inline void mine(struct header *header, uint8_t hash[32])
{
    const struct u256 any = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    for (;; header->nonce++) {
        header_hash(hash, header);
        if (pow_check(hash, header->bits, &any) == 0)
            return;
    }
}

#endif
