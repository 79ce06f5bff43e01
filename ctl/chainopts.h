/* chainopts.h - what lodectl's chain commands judge by, and the header files they read. Threads: main. Memory: malloc
 * for file contents. */
#ifndef CTL_CHAINOPTS_H
#define CTL_CHAINOPTS_H

#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/chain/network.h"

struct args;
struct session;

enum { CHAINOPTS_FILES_MAX = 256 };
enum { CHAINOPTS_BYTES_MAX = 1 << 30 }; /* of all files together: over thirteen million headers */

/* The network that args name, with --spacing and --half-life in it. ARGS_OK; or ARGS_USAGE, and what is wrong has been
 * said. */
int chainopts_network(struct network *out, struct session *s, const struct args *args) MUST_CHECK;

/* A file of 80-byte headers in memory. */
struct chainopts_file {
    uint8_t *bytes; /* owned: free() */
    size_t len;
};
/* The whole file, or standard input for "-"; at most max bytes. 0; or ERR_TOO_LONG, -errno, which has been said. */
int chainopts_load(struct chainopts_file *out, struct session *s, const char *path, size_t max) MUST_CHECK;
/* 0 when len is whole headers and at least one; else ERR_TRUNCATED, and the byte offset where the incomplete one begins
 * has been said. */
int chainopts_check_length(const struct chainopts_file *file, struct session *s, const char *path) MUST_CHECK;

#endif
