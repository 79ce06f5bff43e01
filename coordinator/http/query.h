/* query.h - the query of a target, read strictly: a number is 1 to 18 decimal digits, a key stands there once, nothing
 * is decoded (no key or value of ours needs a percent code). Pure. Threads: any. Memory: none. */
#ifndef COORDINATOR_HTTP_QUERY_H
#define COORDINATOR_HTTP_QUERY_H

#include <stddef.h>

#include <rt/attr.h>

/* In each, query is what stands behind "?", NULL for none. */

/* The value of key. 1 and *out: found, 0: absent; ERR_FORMAT: no such number, or the key stands there twice. */
int query_number(const char *query, const char *key, long long *out) MUST_CHECK;
/* 0 when every key is one of keys (NULL-terminated), else ERR_UNKNOWN_KEY with the offender copied to out[cap]. */
int query_known(const char *query, const char *const *keys, char *out, size_t cap) MUST_CHECK;

#endif
