/* body.h - JSON bodies of POST requests, read strictly: valid UTF-8 JSON, one object, no key twice, no key unknown,
 * every value of its type and in its range. Pure. Threads: any. Memory: malloc, by jansson. */
#ifndef COORDINATOR_HTTP_BODY_H
#define COORDINATOR_HTTP_BODY_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <rt/attr.h>

enum { BODY_DATA_MAX = 32768, BODY_GOROUTINES_MAX = 1000, BODY_ERROR_CAP = 256 };

struct body {
    json_t *tree;     /* owns what data points into */
    const char *data; /* data_len bytes, 1 to BODY_DATA_MAX; may hold NUL */
    size_t data_len;
    int goroutines; /* 1 to BODY_GOROUTINES_MAX; 1 when absent */
};

/* Reads text[0..len) as {"data": "...", "goroutines": n}; data is required, goroutines optional and, unless
 * with_goroutines, unknown. 0 and *out (body_free), or ERR_FORMAT and why in error, naming the field. */
int body_read(struct body *out, const char *text, size_t len, bool with_goroutines,
              char error[BODY_ERROR_CAP]) MUST_CHECK;
void body_free(struct body *self); /* fine on a zeroed one */

#endif
