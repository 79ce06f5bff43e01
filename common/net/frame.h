/* frame.h - ZeroMQ sockets that carry one frame per message; the only zmq calls of coordinator and ctl.
 * Threads: a socket belongs to the thread that opened it; a context to all. Memory: malloc; a received frame lives in
 * libzmq's message until frame_release. Nothing here waits, but for frame_wait.
 *
 * ROUTER: the routing id goes beside the frame as a struct frame_peer. All sizes are bounded by ZMQ_MAXMSGSIZE before
 * anything is allocated. ZMQ_FD is edge-triggered: after every send and receive look at frame_events again, and drain
 * until frame_recv returns 0. A DEALER queues nothing before its peer is there (ZMQ_IMMEDIATE): until then frame_send
 * is -EAGAIN, and FRAME_OUT says when. ERR_CANCELLED from any call: the context is ending. */
#ifndef COMMON_NET_FRAME_H
#define COMMON_NET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmq.h>

#include <rt/attr.h>

#include "common/net/keys.h"

enum { FRAME_PEER_MAX = 16 }; /* libzmq's own ids have 5 bytes; longer ones are refused */
enum frame_event { FRAME_IN = 1, FRAME_OUT = 2 };
enum frame_kind { FRAME_ROUTER, FRAME_DEALER, FRAME_XPUB, FRAME_SUB, FRAME_PAIR };

struct frame_peer {
    uint8_t len;
    uint8_t id[FRAME_PEER_MAX];
};

struct frame_options {
    enum frame_kind kind;
    int rcvhwm, sndhwm;      /* messages per peer; 0: 64 */
    int64_t max_bytes;       /* of an inbound frame; 0: 65536 */
    int backlog;             /* listening; 0: 4096 */
    uint64_t affinity;       /* bit i: I/O thread i of the context serves it; 0: any */
    bool conflate;           /* DEALER, SUB: keep only the newest */
    bool heartbeat;          /* connecting side only (cluster.md 6.15: quadratic on the server): 5 s, 15 s, 30 s */
    bool insecure;           /* bind off loopback without keys all the same */
    const struct keys *keys; /* CURVE: own pair; NULL: no CURVE. Read by the call, not kept */
    const char *server_key;  /* CURVE, connecting side: the server's public key (Z85) */
};

struct frame_context;
/* io_threads 1 and more; max_sockets 0: libzmq's default. Never NULL. Free after all its sockets. */
struct frame_context *frame_context_new(int io_threads, int max_sockets);
void frame_context_free(struct frame_context **self_p);

struct frame_socket;
/* Open, set every option, then bind or connect (or with endpoint NULL neither). 0 and *out, the caller's; or ERR_FORMAT
 * (endpoint), ERR_INSECURE (bind off loopback without keys), -EADDRINUSE and other -errno. An ipc endpoint is bound
 * with mode 0600 (umask, so at start-up only); LINGER is 0. */
int frame_bind(struct frame_socket **out, struct frame_context *ctx, const struct frame_options *options,
               const char *endpoint) MUST_CHECK;
int frame_connect(struct frame_socket **out, struct frame_context *ctx, const struct frame_options *options,
                  const char *endpoint) MUST_CHECK;
/* SUB only: prefix of what to receive. 0 or -errno. */
int frame_subscribe(struct frame_socket *self, const void *prefix, size_t len) MUST_CHECK;
/* XPUB only: what a new subscriber gets first; copied. 0 or -errno. */
int frame_set_welcome(struct frame_socket *self, const void *data, size_t len) MUST_CHECK;
/* NULL-safe; leaves *self_p NULL. */
void frame_close(struct frame_socket **self_p);

/* The endpoint really bound ("tcp://127.0.0.1:40123" for port "*"). 0, ERR_TOO_LONG, -errno. */
int frame_endpoint(struct frame_socket *self, char *out, size_t cap) MUST_CHECK;
/* The descriptor to wait on (for reading), edge-triggered. */
int frame_fd(struct frame_socket *self);
/* Bits of enum frame_event that hold now; or an error as below. */
int frame_events(struct frame_socket *self) MUST_CHECK;
/* Waits until a bit of `events` holds or timeout_ms passed (-1: no limit). Returns the bits (0: time out),
 * ERR_CANCELLED, or -errno (-EINTR for a signal). */
int frame_wait(struct frame_socket *self, int events, int timeout_ms) MUST_CHECK;

/* A received frame: data(), size() until frame_release. */
struct frame {
    zmq_msg_t msg;
};
/* 1: *out holds one frame (release it) and, on a ROUTER, *from its sender (from may be NULL on others). 0: nothing
 * there. ERR_TRAILING: a message of several frames, drained and refused, *from is set; ERR_TRUNCATED: a ROUTER message
 * without a frame; ERR_TOO_LONG: the routing id. -errno else. */
int frame_recv(struct frame_socket *self, struct frame_peer *from, struct frame *out) MUST_CHECK;
const uint8_t *frame_data(struct frame *self);
size_t frame_size(struct frame *self);
void frame_release(struct frame *self);
/* Sends data[0..len), copied, to `to` (ROUTER; NULL on others). 0, or -EAGAIN (the peer's queue is full), -EHOSTUNREACH
 * (it is gone), other -errno. Never waits. */
int frame_send(struct frame_socket *self, const struct frame_peer *to, const void *data, size_t len) MUST_CHECK;
bool frame_peer_equal(const struct frame_peer *a, const struct frame_peer *b);

#endif
