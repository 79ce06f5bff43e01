/* chain_support.h - runs a chain command in the test's process, and makes what it reads. */
#ifndef TESTS_UNIT_CTL_CHAIN_SUPPORT_H
#define TESTS_UNIT_CTL_CHAIN_SUPPORT_H

#include "run.h"

#include <unistd.h>

#include "common/base/bytes.h"
#include "common/chain/header.h"
#include "common/chain/network.h"
#include "common/chain/pow.h"

struct caught {
    int status;
    char out[1 << 16], err[1 << 12];
};

/* lodectl chain with args, which end with NULL; no coordinator. Output beyond 64 KiB is cut. */
static inline void run(struct caught *c, const char *const *args)
{
    char *words[40] = {(char *)(uintptr_t) "lodectl", (char *)(uintptr_t) "chain"};
    int n = 2;
    for (; args[n - 2]; n++)
        words[n] = (char *)(uintptr_t)args[n - 2];
    struct run r = run_words("", n, words);
    c->status = r.status;
    snprintf(c->out, sizeof c->out, "%s", r.out);
    snprintf(c->err, sizeof c->err, "%s", r.err);
    run_free(&r);
}

#define RUN(c, ...) run(c, (const char *const[]){__VA_ARGS__, NULL})

/* Writes bytes to a new file whose name goes to path (at least 32 chars). */
static inline void write_file(char *path, const void *bytes, size_t len)
{
    snprintf(path, 32, "/tmp/lode-test-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, bytes, len), (ssize_t)len);
    close(fd);
}

/* The i-th line of text as JSON (from 0), or NULL. */
static inline json_t *json_line(const char *text, int i)
{
    for (; i > 0 && text; i--) {
        text = strchr(text, '\n');
        text = text ? text + 1 : NULL;
    }
    return text ? json_loads(text, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
}

static inline const char *text_of(const json_t *o, const char *key)
{
    return json_string_value(json_object_get(o, key));
}

static inline long long number_of(const json_t *o, const char *key)
{
    cr_assert(json_is_integer(json_object_get(o, key)));
    return json_integer_value(json_object_get(o, key));
}

static inline void mine(struct header *h)
{
    uint8_t hash[32];
    const struct u256 any = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
    for (;; h->nonce++) {
        header_hash(hash, h);
        if (pow_check(hash, h->bits, &any) == 0)
            return;
    }
}

#endif
