/* routes.h - which path goes to which handler; what no handler wants is answered here: 404 for a path, 405 with Allow
 * for a method. Threads: the event base's. Memory: none. */
#ifndef COORDINATOR_HTTP_ROUTES_H
#define COORDINATOR_HTTP_ROUTES_H

struct conn;

/* For conn_env.handle: answers the request of c, now or later. HEAD goes where GET goes. */
void routes_handle(struct conn *c);

#endif
