/* pool.h - payloads that wait to be mined, in order, and the requests that wait for them. A payload leaves when a block
 * with its bytes is on the active chain, and comes back to the front when that block is abandoned.
 * Pure. Threads: one at a time. Memory: malloc, within the limits below. */
#ifndef COORDINATOR_CORE_POOL_H
#define COORDINATOR_CORE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/wire/cursor.h"
#include "coordinator/core/actions.h"

enum { POOL_PAYLOADS_MAX = 10000, POOL_REQUESTS_MAX = 256, POOL_BYTES_MAX = 64 << 20 };

/* Some bytes, shared by the queue and the jobs that carry them. Never changes. */
struct payload {
    uint32_t refs, len;
    uint8_t bytes[];
};

/* A `mine` that is not finished. */
struct pool_request {
    uint64_t id; /* ours, from 1 */
    struct core_route route;
    uint64_t ctl_id; /* the client's */
    uint32_t of, done;
    int64_t begun_ns;
    uint64_t hashes_before; /* of the cluster */
    struct pool_request *next;
};

struct pool_entry {
    struct payload *payload; /* holds a reference */
    uint64_t request;        /* 0: nobody waits */
    struct pool_entry *prev, *next;
};

struct pool {
    struct pool_entry *first, *last;
    size_t count, bytes;
    struct pool_request *requests;
    size_t request_count;
    uint64_t request_next;
};

void pool_free(struct pool *self); /* leaves it empty; all zeroes is an empty one */

struct payload *pool_payload(struct cursor_view bytes); /* a new one, of the caller's */
struct payload *pool_ref(struct payload *payload);      /* NULL-safe */
void pool_drop(struct payload **payload_p);             /* NULL-safe; leaves NULL */

/* Whether so many payloads of so many bytes in all, and one more request, find room. */
bool pool_fits(const struct pool *self, size_t payloads, size_t bytes);
/* A new request; the caller looked at pool_fits. Borrowed until pool_request_end. */
struct pool_request *pool_request(struct pool *self, const struct core_route *route, uint64_t ctl_id, uint32_t of);
struct pool_request *pool_request_find(const struct pool *self, uint64_t id);
void pool_request_end(struct pool *self, struct pool_request *request);
/* Nobody at this route waits any more; what it asked for stays in the queue. */
void pool_forget_route(struct pool *self, const struct core_route *route);

/* Behind all others. Copies bytes. */
void pool_append(struct pool *self, const uint8_t *bytes, uint32_t len, uint64_t request);
/* Before all others, for the payloads of an abandoned block; goes beyond the limits rather than lose one. */
void pool_return(struct pool *self, const uint8_t *bytes, uint32_t len);
/* The next payload to mine, NULL when there is none; a reference of the caller's. */
struct payload *pool_front(const struct pool *self);
/* A block with these bytes is on the active chain: takes the first entry that has them out. True and its request
 * (0: nobody's) if there was one. */
bool pool_mined(struct pool *self, const uint8_t *bytes, uint32_t len, uint64_t *request);

#endif
