/* routes_demo.h - the routes of the original demo, under its names and shapes but true (docs: the demo mined under one
 * lock, ignored clients that left, and had no limits). Threads: the event base's. Memory: malloc; what a request needs
 * is freed when it is answered or its client goes away.
 *
 * A client that goes away ends the waiting only: payloads that were handed in stay queued and are mined. Those of a
 * large POST /mine that were not handed in yet are not. */
#ifndef COORDINATOR_HTTP_ROUTES_DEMO_H
#define COORDINATOR_HTTP_ROUTES_DEMO_H

struct conn;

void routes_demo_stats(struct conn *c); /* GET /stats */
void routes_demo_blocks(
    struct conn *c);                   /* GET /blocks; ?from=HEIGHT&limit=N; the whole chain without limit, streamed */
void routes_demo_add(struct conn *c);  /* POST /blocks {"data"}: 201 when the block is mined and stored */
void routes_demo_mine(struct conn *c); /* POST /mine {"data", "goroutines"}: that many blocks */
void routes_demo_health(struct conn *c); /* GET /healthz: 200 or 503 */

#endif
