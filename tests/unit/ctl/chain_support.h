/* chain_support.h - runs a chain command in the test's process and catches what it prints. */
#ifndef TESTS_UNIT_CTL_CHAIN_SUPPORT_H
#define TESTS_UNIT_CTL_CHAIN_SUPPORT_H

#include "test.h"

#include <jansson.h>
#include <unistd.h>

#include "common/base/bytes.h"
#include "common/chain/header.h"
#include "common/chain/network.h"
#include "common/chain/pow.h"

struct caught {
    int status;
    char out[1 << 16], err[1 << 12];
};

static inline void read_back(FILE *f, char *out, size_t size)
{
    rewind(f);
    out[fread(out, 1, size - 1, f)] = '\0';
    fclose(f);
}

/* args ends with NULL. Output beyond 64 KiB is cut. */
static inline void run(struct caught *c, int (*command)(int, char **), const char *const *args)
{
    char *argv[32];
    int argc = 0;
    for (; args[argc]; argc++)
        argv[argc] = strdup(args[argc]);
    argv[argc] = NULL;
    FILE *out = tmpfile(), *err = tmpfile();
    fflush(NULL);
    int old_out = dup(1), old_err = dup(2);
    dup2(fileno(out), 1);
    dup2(fileno(err), 2);
    c->status = command(argc, argv);
    fflush(NULL);
    dup2(old_out, 1);
    dup2(old_err, 2);
    close(old_out);
    close(old_err);
    read_back(out, c->out, sizeof c->out);
    read_back(err, c->err, sizeof c->err);
    for (int i = 0; i < argc; i++)
        free(argv[i]);
}

#define RUN(c, command, ...) run(c, command, (const char *const[]){__VA_ARGS__, NULL})

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
