/* unpack.h - a MessagePack value of the control protocol as a jansson tree, for those who show it to people and scripts
 * (lodectl, HTTP). Pure. Threads: any. Memory: malloc, by jansson. */
#ifndef COMMON_JSON_UNPACK_H
#define COMMON_JSON_UNPACK_H

#include <jansson.h>

#include <rt/attr.h>

#include "common/wire/cursor.h"

enum { UNPACK_NODES_MAX = 1 << 18 }; /* values in one tree: a small frame cannot become a big one */

/* Decodes exactly one value; *out is the caller's (json_decref). Binary data becomes a string: itself where it is text
 * (UTF-8 without NUL), else lower-case hex; under the keys "headers", "header" and "uuid" always hex. An integer above
 * 2^63-1 becomes a string of its digits, a float that JSON cannot write becomes null. Of two equal keys the first
 * counts. Errors: those of the cursor, ERR_TYPE for a key that is no string, ERR_DEPTH above CURSOR_DEPTH_MAX,
 * ERR_TOO_LONG above UNPACK_NODES_MAX, ERR_TRAILING. */
int unpack_json(json_t **out, struct cursor_view msgpack) MUST_CHECK;

/* Frees *p and leaves it NULL; for AUTO. */
void unpack_free(json_t **p);

#endif
