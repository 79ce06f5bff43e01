/* sockets.h - the coordinator's listening sockets, with the options that thousands of peers ask for: small
 * queues (they are per peer), bounded frames, no libzmq heartbeat, an I/O thread of their own for the tips.
 * Threads: the one that opened them. Memory: malloc, and libzmq's. */
#ifndef COORDINATOR_REACTOR_SOCKETS_H
#define COORDINATOR_REACTOR_SOCKETS_H

#include <stdbool.h>
#include <stddef.h>

#include <rt/attr.h>

#include "common/net/frame.h"
#include "common/wire/message.h"

enum {
    SOCKETS_IO_THREADS = 2, /* for frame_context_new: one for work, one for tips */
    SOCKETS_WHY_MAX = 384,
};

enum sockets_which { SOCKETS_WORK, SOCKETS_TIPS, SOCKETS_CONTROL, SOCKETS_INSIDE, SOCKETS_COUNT };

struct sockets_config {
    struct frame_context *zmq;         /* with SOCKETS_IO_THREADS; borrowed until sockets_close */
    const char *work, *tips, *control; /* endpoints; control NULL: none to the outside */
    bool insecure;                     /* listen off loopback without keys */
};

struct sockets {
    struct frame_socket *at[SOCKETS_COUNT];                 /* SOCKETS_CONTROL may be NULL */
    char endpoint[SOCKETS_COUNT][MESSAGE_ENDPOINT_LEN + 1]; /* really bound; "none" */
};

/* Opens and binds all, and inproc://control. 0, or the error of frame_bind; then nothing is left open and why names the
 * endpoint and what is wrong. */
int sockets_open(struct sockets *self, const struct sockets_config *config,
                 char why[static SOCKETS_WHY_MAX]) MUST_CHECK;
void sockets_close(struct sockets *self); /* leaves it empty */

#endif
