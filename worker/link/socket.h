/* socket.h - one ZeroMQ socket on the runtime's netpoller. The only zmq calls of the worker.
 *
 * ZMQ_FD is a signal, "look at ZMQ_EVENTS", edge-triggered by its own meaning, and any call on the socket may swallow
 * the edge. So the owner of a socket loops like this, and every part of it is needed:
 *
 *     for (;;) {
 *         while (socket_recv(s, &data, &len) == 1) ...        an operation, without waiting
 *         if (socket_look(s) & SOCKET_IN) continue;           after it, and after every send: is there more?
 *         select on socket_edges(s) and whatever else;        only now park
 *     }
 *
 * The parking itself is done by a watcher goroutine of the socket, which waits on ZMQ_FD through rt_poll and touches
 * nothing else of the socket: so the owner can wait for the socket, for miners and for a clock in one select, and can
 * own several sockets. Every 100 ms the watcher checks that the descriptor has not been readable all the while without
 * an edge, and counts a missed edge if so (and then delivers it): that count must stay 0.
 *
 * Threads: a socket belongs to one goroutine at a time (it may migrate between threads: the scheduler's hand-over is
 * the fence libzmq asks for). Memory: malloc; received data belongs to the socket until the next receive. */
#ifndef WORKER_LINK_SOCKET_H
#define WORKER_LINK_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/net/keys.h"

struct rt_chan;
struct socket_context;
struct socket;

enum socket_kind { SOCKET_DEALER, SOCKET_SUB };
enum socket_bits { SOCKET_IN = 1, SOCKET_OUT = 2 };
enum { SOCKET_FRAME_MAX = 65536, SOCKET_HWM = 64, SOCKET_WATCH_MS = 100 };

struct socket_options {
    enum socket_kind kind;
    const char *endpoint;    /* to connect to */
    bool conflate;           /* DEALER: keep only the newest message */
    uint32_t random;         /* jitter of the reconnect interval */
    const struct keys *keys; /* CURVE pair, NULL: none; read by the call */
    const char *server_key;  /* CURVE: the other side's public key */
};

/* A libzmq context with one I/O thread, which never sees the process's signals. Never NULL. A goroutine. */
struct socket_context *socket_context_new(void);
/* Waits until the sockets closed before are gone, at most SOCKET_WATCH_MS and their linger. All must be closed. */
void socket_context_free(struct socket_context **self_p);
/* Edges that the watchdog found missing, over all sockets of the context. */
uint64_t socket_context_missed(const struct socket_context *self);

/* Connects (in the background) and starts the watcher; a SUB subscribes to the topics T and C. 0; ERR_FORMAT for an
 * endpoint that libzmq refuses; -errno. A goroutine, which owns *out. */
int socket_open(struct socket **out, struct socket_context *ctx, const struct socket_options *options) MUST_CHECK;
/* Ends it; the watcher closes it within SOCKET_WATCH_MS. What was sent and is not on its way by then is dropped, unless
 * linger_ms (0 to 1000) gives it time. NULL-safe; leaves *self_p NULL. */
void socket_close(struct socket **self_p, int linger_ms);

/* 1: one frame, valid until the next receive or close. 0: nothing there (ZMQ_EVENTS was read: park). ERR_TRAILING: a
 * message of several frames, drained and dropped. -errno. */
int socket_recv(struct socket *self, const uint8_t **data, size_t *len) MUST_CHECK;
/* 0; -EAGAIN: not connected or the queue is full; other -errno. data is copied. */
int socket_send(struct socket *self, const uint8_t *data, size_t len) MUST_CHECK;
/* Reads ZMQ_EVENTS: bits of enum socket_bits that hold now. 0 when it cannot be read. */
int socket_look(struct socket *self);
/* Gets a value (of 0 bytes) when the socket wants to be looked at. Borrowed until socket_close. */
struct rt_chan *socket_edges(struct socket *self);

#endif
