/* settings.h - the typed settings of lode-coordinator (keys of common/config).
 * Threads: one while loading. Memory: strings borrow from the config. */
#ifndef COORDINATOR_SETTINGS_H
#define COORDINATOR_SETTINGS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include <rt/attr.h>

#include "common/chain/network.h"
#include "common/config/config.h"
#include "common/log/log.h"

enum { SETTINGS_DESCRIPTORS_RESERVE = 64 /* for disk, control, HTTP */ };

struct settings {
    const struct network *network;
    uint32_t spacing_s, half_life_s; /* 0: not said */
    const char *data_dir, *work, *tips;
    const char *control; /* NULL: none */
    const char *http;    /* NULL: none */
    const char *tag;
    uint64_t blocks;
    bool progress, insecure;
    double share_rate;
    uint32_t lease_ms, beat_ms, dead_ms, metrics_ms, max_workers;
    bool max_workers_said;
    int ready_fd; /* -1: none */
    enum log_level log_level;
    enum log_form log_form;
    char control_default[PATH_MAX + 32]; /* what control points to when it is not said */
};

extern const struct config_program settings_program;

/* Reads and checks what config holds; out borrows from it. 0; with why: ERR_RANGE or ERR_FORMAT, settings that
 * contradict each other; -EBADF, ready-fd is not open for writing. */
int settings_read(struct settings *out, const struct config *config, char why[static 256]) MUST_CHECK;
/* Whether so many workers, with two connections each, have room under the limit of descriptors (raised to its hard
 * limit first). 0: they have, or the number was not said and is lowered to what has room; ERR_FULL with why. */
int settings_check_descriptors(struct settings *self, char why[static 256]) MUST_CHECK;

#endif
