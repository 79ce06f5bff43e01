/* reactor.h - the one loop: bytes to events, the core's actions to bytes, time, signals.
 * Threads: the one that calls reactor_run. Memory: malloc, bounded by what the core bounds. */
#ifndef COORDINATOR_REACTOR_REACTOR_H
#define COORDINATOR_REACTOR_REACTOR_H

#include <stdbool.h>

#include <rt/attr.h>

#include "coordinator/core/core.h"
#include "coordinator/reactor/sockets.h"
#include "coordinator/store/store.h"

struct reactor_config {
    struct core *core; /* loaded, not started */
    struct store *store;
    struct sockets *sockets; /* open */
    bool progress;           /* a line per block on standard output */
    int stop_fd;             /* readable: stop (a signalfd or a pipe); what it holds is read */
    /* Called once all is listening and the first tip is out; for the ready line. May be NULL. */
    void (*ready)(void *ctx);
    void *ctx;
};

/* Runs until the core asks for the end, or stop_fd for it. Everything in config is borrowed for the call. Returns the
 * exit status: 0, or 1 after a failure of the store or of the sockets. */
int reactor_run(const struct reactor_config *config);

#endif
