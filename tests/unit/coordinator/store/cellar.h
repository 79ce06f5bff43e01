/* cellar.h - a temporary data directory and blocks to put into it. For the tests of coordinator/store. */
#ifndef TESTS_UNIT_COORDINATOR_STORE_CELLAR_H
#define TESTS_UNIT_COORDINATOR_STORE_CELLAR_H

#include "test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/err.h"
#include "coordinator/store/store.h"

struct cellar {
    char parent[64], dir[80];
    struct store_facts facts;
};

static inline struct cellar *cellar_new(void)
{
    struct cellar *self = calloc(1, sizeof *self);
    (void)snprintf(self->parent, sizeof self->parent, "/tmp/lode-store-XXXXXX");
    cr_assert_not_null(mkdtemp(self->parent));
    (void)snprintf(self->dir, sizeof self->dir, "%s/data", self->parent);
    return self;
}

static inline void cellar_path(const struct cellar *self, char out[128], const char *name)
{
    (void)snprintf(out, 128, "%s/%s", self->dir, name);
}

static inline void cellar_free(struct cellar *self)
{
    static const char *const names[] = {"lode.db", "lode.db-wal", "lode.db-shm", "lode.db-journal", "lock"};
    char path[128];
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        cellar_path(self, path, names[i]);
        unlink(path);
    }
    (void)rmdir(self->dir);
    cr_assert_eq(rmdir(self->parent), 0);
    free(self);
}

static inline struct store_config cellar_config(const struct cellar *self)
{
    return (struct store_config){.dir = self->dir, .network = network_find("lode-regtest"), .cluster = {7, 7}};
}

static inline int cellar_try(struct cellar *self, struct store **out)
{
    struct store_config config = cellar_config(self);
    return store_open(out, &config, &self->facts);
}

static inline struct store *cellar_open(struct cellar *self)
{
    struct store *s = NULL;
    cr_assert_eq(cellar_try(self, &s), 0, "%s", self->facts.why);
    return s;
}

/* The i-th block (from 1) of a chain: not real work, which the store does not judge. */
static inline struct core_block cellar_block(uint32_t i)
{
    static const uint8_t body[] = "a body of some bytes";
    struct core_block b = {.height = i, .arrival_ms = 1000 + i, .worker = "w1", .body = body, .body_len = sizeof body};
    b.hash[0] = 0xee;
    memcpy(b.hash + 4, &i, sizeof i);
    uint32_t before = i - 1;
    b.prev[0] = 0xee;
    memcpy(b.prev + 4, &before, sizeof before);
    if (i == 1)
        memcpy(b.prev, network_find("lode-regtest")->genesis_hash, 32);
    memcpy(b.header + 4, b.prev, 32);
    return b;
}

#endif
