/* chainopts.h - flags and header files of lodectl's chain commands. Threads: main. Memory: malloc for file contents. */
#ifndef CTL_CHAINOPTS_H
#define CTL_CHAINOPTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/chain/network.h"

enum { CHAINOPTS_OK = 0, CHAINOPTS_HELP = 1, CHAINOPTS_USAGE = 2, CHAINOPTS_FILES_MAX = 256 };
enum { CHAINOPTS_BYTES_MAX = 256 << 20 }; /* of one file: over three million headers */

struct chainopts {
    struct network network; /* with --spacing and --half-life in it */
    bool has_from_height;
    uint64_t from_height;
    const char *files[CHAINOPTS_FILES_MAX]; /* borrowed from argv */
    int file_count;                         /* at least 1 */
};

/* Reads argv[1] on; argv[0] is the command's word and opens each message. from_height says whether the command knows
 * that flag. CHAINOPTS_OK, CHAINOPTS_HELP (--help was given, the usage line is on standard output), or CHAINOPTS_USAGE
 * (a message that names the flag is on standard error). */
int chainopts_parse(struct chainopts *out, int argc, char **argv, bool from_height) MUST_CHECK;

/* A file of 80-byte headers in memory. */
struct chainopts_file {
    uint8_t *bytes; /* owned: free() */
    size_t len;
};
/* The whole file. 0; or ERR_TOO_LONG (beyond CHAINOPTS_BYTES_MAX) or -errno, with a message on standard error. */
int chainopts_load(struct chainopts_file *out, const char *path) MUST_CHECK;
/* 0 when len is whole headers and at least one; else ERR_TRUNCATED, and a message with the byte offset where the
 * incomplete one begins is on standard error. */
int chainopts_check_length(const struct chainopts_file *file, const char *path) MUST_CHECK;

#endif
