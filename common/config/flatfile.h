/* flatfile.h - one flat YAML mapping from a file, pair by pair, with its places. The only file that knows libyaml.
 * Threads: any. Memory: malloc inside the call only. Reads the file it is pointed at. */
#ifndef COMMON_CONFIG_FLATFILE_H
#define COMMON_CONFIG_FLATFILE_H

#include <stdbool.h>
#include <stddef.h>

#include <rt/attr.h>

/* key and value are NUL-terminated, hold no other NUL, are UTF-8, and live until the callback returns. Counted from 1.
 */
struct flatfile_pair {
    const char *key, *value;
    size_t line, column;             /* of the key */
    size_t value_line, value_column; /* of the value */
};

struct flatfile_fault {
    size_t line, column; /* 0: none in particular */
    char text[160];      /* what is wrong, without the place */
};

/* Called for each pair in order; negative ends the reading. */
typedef int flatfile_fn(void *arg, const struct flatfile_pair *pair);

/* Reads the whole file (at most max bytes; ERR_TOO_LONG beyond). Nested values, several documents, anchors, aliases and
 * tags are ERR_FORMAT, as is what is no YAML, no UTF-8, or holds a NUL. An empty file is an empty mapping. Returns the
 * callback's negative value as it is (fault is then empty); -errno for the file itself. */
int flatfile_read(const char *path, size_t max, flatfile_fn *fn, void *arg, struct flatfile_fault *fault) MUST_CHECK;
/* The same from memory; for tests and the fuzzer. */
int flatfile_parse(const char *text, size_t len, flatfile_fn *fn, void *arg, struct flatfile_fault *fault) MUST_CHECK;
/* The bytes of a file of at most max, malloc'd, with a NUL behind them. */
int flatfile_slurp(char **out, size_t *len, const char *path, size_t max) MUST_CHECK;

#endif
