/* server.h - the HTTP face of the coordinator: evhttp behind a guard (guard.h says what neither sees), on a thread of
 * its own. It asks the reactor by the control protocol over inproc (docs/PROTOCOL.md, "Control") and shares no memory
 * with it. Threads: server_start and server_free on one thread of the program; the rest happens on the server's own
 * thread. Memory: malloc.
 *
 * Order for main(): make the context, start the reactor's control socket and this server in either order (inproc
 * connects before bind), and at the end free the server BEFORE the context: its socket would hold frame_context_free
 * back. */
#ifndef COORDINATOR_HTTP_SERVER_H
#define COORDINATOR_HTTP_SERVER_H

#include <stdbool.h>

#include <rt/attr.h>

struct frame_context;
struct server;

struct server_config {
    const char *bind;          /* "127.0.0.1:8080", "[::1]:8080", "localhost:0"; port 0 takes any free one. Copied. */
    const char *hosts;         /* further names a Host header may carry, comma-separated; NULL for none. Copied. */
    bool insecure;             /* allow an address off loopback without authentication */
    struct frame_context *zmq; /* borrowed until server_free */
    const char *control;       /* endpoint of the control ROUTER in that context, "inproc://control". Copied. */
};

/* Judges an address before anything is opened: 0 | ERR_FORMAT, ERR_INSECURE as server_start. */
int server_check(const char *bind, bool insecure) MUST_CHECK;

/* Binds, listens and starts the thread; on return requests are accepted (and wait for the control socket if that is not
 * bound yet). 0, or, with nothing left behind:
 *   ERR_FORMAT    bind is not ADDRESS:PORT, or the address is no literal and not "localhost"
 *   ERR_INSECURE  the address is off loopback and insecure is not set
 *   -errno        the kernel refused to bind or listen (-EADDRINUSE, -EACCES ...), or zmq its socket */
int server_start(struct server **out, const struct server_config *config) MUST_CHECK;

/* The address really bound, as "127.0.0.1:43211" or "[::1]:43211"; valid until server_free. For the ready line. */
const char *server_address(const struct server *self);

/* Stops: no new connection is taken, requests in flight are answered 503, what is written is flushed for at most 200
 * ms, the thread is joined. The payloads of a POST in flight stay queued with the coordinator. NULL-safe. */
void server_free(struct server **self_p);

#endif
